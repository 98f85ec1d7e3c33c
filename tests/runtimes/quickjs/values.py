"""What every value becomes on its way through JavaScript and back: the contract, as code."""

from __future__ import annotations

import array
import datetime as dt
import math
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from runtimes import ArrayBuffer, BigInt, JSDate, JSError, JSMap, JSSet, TypedArray, undefined

Echo = Callable[[Any], Any]
"""Sends a value, and returns what comes back."""

UTC = dt.UTC
SAFE = 2**53 - 1
FORMATS = "bhHiIqQfd"


def returned(value: Any) -> Any:
    """Return what comes back when this value is sent and returned: ``docs/values.md`` as code."""
    if isinstance(value, float):
        integral = value.is_integer() and abs(value) <= SAFE and not _is_minus_zero(value)
        return int(value) if integral else value
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if isinstance(value, BigInt):
        return int(value) if abs(value) > SAFE else value
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, array.array):
        return memoryview(value)
    if isinstance(value, dt.datetime):
        whole = value.microsecond // 1000 * 1000
        return value.replace(microsecond=whole).astimezone(UTC)
    if isinstance(value, (list, tuple)):
        return [returned(member) for member in value]
    if isinstance(value, (set, frozenset)):
        return returned_set(list(value))
    if isinstance(value, JSSet):
        return returned_set(list(value))
    if isinstance(value, JSMap):
        return returned_map(value.pairs)
    if isinstance(value, JSError):
        return JSError(
            returned(value.message),
            name=value.name,
            stack=value.stack,
            cause=returned(value.cause),
            errors=tuple(returned(list(value.errors))),
        )
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {returned(key): returned(member) for key, member in value.items()}
        return returned_map(value.items())
    return value


def returned_map(pairs: Any) -> Any:
    """A Map: as a dict if that says the same, else as a JSMap."""
    keys: list[Any] = []
    values: list[Any] = []
    for key, value in pairs:
        key = _key(key)
        for index, other in enumerate(keys):
            if is_key_same(key, other):
                values[index] = returned(value)
                break
        else:
            keys.append(key)
            values.append(returned(value))
    try:
        found = dict(zip(keys, values, strict=True))
    except (TypeError, ValueError):
        found = {}
    if len(found) == len(keys) and not all(isinstance(key, str) for key in keys):
        return found
    return JSMap(zip(keys, values, strict=True))


def returned_set(members: Any) -> Any:
    """A Set: as a set if that says the same, else as a JSSet."""
    kept: list[Any] = []
    for member in map(_key, members):
        if not any(is_key_same(member, other) for other in kept):
            kept.append(member)
    try:
        found = set(kept)
    except (TypeError, ValueError):
        return JSSet(kept)
    return found if len(found) == len(kept) else JSSet(kept)


def _key(value: Any) -> Any:
    return 0 if _is_minus_zero(value) else returned(value)


def is_key_same(left: Any, right: Any) -> bool:
    """Whether a Map holds two keys the same: primitives by value, objects never."""
    primitive = (int, float, str, bool, type(None), type(undefined))
    if not isinstance(left, primitive) or isinstance(left, (bytes, bytearray)):
        return False
    return same(left, right)


def _is_minus_zero(value: Any) -> bool:
    return isinstance(value, float) and value == 0 and math.copysign(1, value) < 0


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal in type, sign, order and all that ``==`` overlooks."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return repr(left) == repr(right)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return len(left) == len(right) and _same_entries(left, right)
    if isinstance(left, set):
        return len(left) == len(right) and _same_entries(dict.fromkeys(left), dict.fromkeys(right))
    if isinstance(left, JSMap):
        return same([list(pair) for pair in left], [list(pair) for pair in right])
    if isinstance(left, JSSet):
        return same(list(left), list(right))
    if isinstance(left, memoryview):
        return left.format == right.format and left.tobytes() == right.tobytes()
    if isinstance(left, JSError):
        fields = ("name", "message", "stack", "cause")
        return all(same(getattr(left, f), getattr(right, f)) for f in fields) and same(
            list(left.errors), list(right.errors)
        )
    return bool(left == right)


def _same_entries(left: dict[Any, Any], right: dict[Any, Any]) -> bool:
    """As sets of entries: an object's integer keys come first, whatever their place was."""
    rest = list(right.items())
    for key, value in left.items():
        for index, (other, found) in enumerate(rest):
            if same(key, other) and same(value, found):
                del rest[index]
                break
        else:
            return False
    return True


texts = st.text(st.characters(exclude_categories=())) | st.text("\ud800\udc00aé€😀\0", max_size=6)
numbers = (
    st.integers()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.sampled_from([SAFE, SAFE + 1, -SAFE, -SAFE - 1, 2**63, 2**64, -(2**63) - 1])
    | st.floats()
    | st.integers().map(BigInt)
)
dates = st.datetimes(timezones=st.just(UTC)) | st.datetimes(
    min_value=dt.datetime(2, 1, 1),
    max_value=dt.datetime(9998, 12, 31),
    timezones=st.integers(-1439, 1439).map(lambda m: dt.timezone(dt.timedelta(minutes=m))),
)
js_dates = st.builds(JSDate, st.integers(253402300800000, 8640000000000000).map(float)) | st.builds(
    JSDate, st.integers(-8640000000000000, -62135596800001).map(float)
)
typed = st.builds(
    lambda form, data: memoryview(data * 8).cast(form),
    st.sampled_from(FORMATS),
    st.binary(max_size=9),
)
odd_typed = st.builds(
    TypedArray, st.just("Float16Array"), st.binary(max_size=9).map(lambda b: b * 2)
)
clamped = st.builds(TypedArray, st.just("Uint8ClampedArray"), st.binary(max_size=9))
buffers = (
    st.binary(max_size=300)
    | st.binary(max_size=9).map(bytearray)
    | st.binary(max_size=9).map(ArrayBuffer)
    | st.binary(max_size=9).map(lambda data: array.array("h", data * 2))
)
hashables = (
    st.none()
    | st.just(undefined)
    | st.booleans()
    | numbers
    | texts
    | st.binary(max_size=5)
    | dates
    | st.binary(max_size=5).map(ArrayBuffer)
)
leaves = hashables | buffers | typed | odd_typed | clamped | js_dates


def _containers(members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(members, max_size=20)
        | st.lists(members, max_size=4).map(tuple)
        | st.dictionaries(texts, members, max_size=20)
        | st.dictionaries(hashables, members, max_size=6)
        | st.lists(st.tuples(members, members), max_size=4).map(JSMap)
        | st.lists(members, max_size=4).map(JSSet)
        | st.sets(hashables, max_size=6)
        | st.frozensets(hashables, max_size=3)
        | st.builds(
            JSError,
            texts,
            name=st.sampled_from(["Error", "TypeError", "AggregateError", "Mine"]),
            stack=st.just("    at f (x.js:1:2)\n"),
            cause=members.filter(lambda cause: cause is not undefined),
            errors=st.lists(members, max_size=3).map(tuple),
        )
    )


values = st.recursive(leaves, _containers, max_leaves=30)
"""Any value of the contract that may be sent, handles aside."""
