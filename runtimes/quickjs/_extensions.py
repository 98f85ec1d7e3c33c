"""The extensions of the wire as Python values: what the codec makes of each when it decodes.

An extension holds either members, which are decoded first and then built upon, or bytes to read.
Whatever a guest may send comes by here: what none of ours sends is `Nonsense`, and keys that were
chosen to collide, over which a dict would work for ever, are not put into one.
"""

from __future__ import annotations

import sys
from collections import Counter
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from runtimes.errors import JSError
from runtimes.quickjs import _wire
from runtimes.quickjs._conversions import EPOCH, MILLISECOND
from runtimes.values import ArrayBuffer, BigInt, JSDate, JSMap, JSSet, TypedArray, undefined

if TYPE_CHECKING:
    from collections.abc import Callable

_F64: Final = Struct("<d")
_MODULUS: Final = sys.hash_info.modulus
_FEW: Final = 64
"""As many keys of one hash are looked through in a microsecond or two."""


class Nonsense(Exception):
    """The guest sent what no guest of ours sends."""


def _pairs(members: list[Any]) -> tuple[list[Any], list[Any]]:
    if len(members) % 2:
        raise Nonsense("a key without a value")
    return members[::2], members[1::2]


def _build_map(members: list[Any]) -> dict[Any, Any] | JSMap:
    keys, values = _pairs(members)
    if _collide(keys):
        return JSMap(zip(keys, values, strict=True))
    try:
        found = dict(zip(keys, values, strict=True))
    except (TypeError, ValueError):  # ValueError: memoryviews of other formats than bytes
        return JSMap(zip(keys, values, strict=True))
    if len(found) != len(keys) or set(map(type, keys)) <= {str}:
        return JSMap(zip(keys, values, strict=True))
    return found


def _build_set(members: list[Any]) -> set[Any] | JSSet:
    if _collide(members):
        return JSSet(members)
    try:
        found = set(members)
    except (TypeError, ValueError):
        return JSSet(members)
    return found if len(found) == len(members) else JSSet(members)


def _collide(keys: list[Any]) -> bool:
    """Whether so many keys have one hash that a dict of them would take forever to build.

    Texts and bytes are hashed with a secret, and numbers of JavaScript are too small: only BigInts
    can be chosen so, since Python hashes an int by its remainder.
    """
    if len(keys) <= _FEW:
        return False
    wide = [key for key in keys if type(key) is int and not -_MODULUS < key < _MODULUS]
    return len(wide) > _FEW and max(Counter(map(hash, wide)).values()) > _FEW


def _build_object(members: list[Any]) -> dict[str, Any]:
    keys, values = _pairs(members)
    if not set(map(type, keys)) <= {str}:
        raise Nonsense("a plain object with keys that are no strings")
    return dict(zip(keys, values, strict=True))


def _build_error(members: list[Any]) -> JSError:
    if len(members) != _wire.ERROR_FIELDS:
        raise Nonsense("an error without its fields")
    name, message, stack, cause, errors = members
    return JSError(
        message if isinstance(message, str) else "",
        name=name if isinstance(name, str) else "Error",
        stack=stack if isinstance(stack, str) else "",
        cause=None if cause is undefined else cause,
        errors=tuple(errors) if isinstance(errors, list) else (),
    )


BUILDERS: Final[dict[int, Callable[[list[Any]], Any]]] = {
    _wire.MAP: _build_map,
    _wire.SET: _build_set,
    _wire.OBJECT: _build_object,
    _wire.ERROR: _build_error,
}
"""What is made of decoded members, by the extension's code."""


def _read_bigint(data: memoryview) -> int:
    number = int.from_bytes(data, "little", signed=True)
    return number if abs(number) > _wire.MAX_SAFE_INTEGER else BigInt(number)


def _read_date(data: memoryview) -> Any:
    if len(data) != _F64.size:
        raise Nonsense("a date without its time")
    ms: float = _F64.unpack(data)[0]
    if not -_wire.MAX_DATE_MS <= ms <= _wire.MAX_DATE_MS:
        raise Nonsense("a date that is none")
    try:
        return EPOCH + int(ms) * MILLISECOND
    except OverflowError:
        return JSDate(ms)


def _typed_reader(index: int) -> Callable[[memoryview], memoryview | TypedArray]:
    kind, form = _wire.TYPED_ARRAYS[index], _wire.MEMORYVIEW_FORMATS[index]

    def read(data: memoryview) -> memoryview | TypedArray:
        content = bytes(data)
        try:
            return TypedArray(kind, content) if form is None else memoryview(content).cast(form)  # type: ignore[call-overload]
        except (TypeError, ValueError):
            raise Nonsense(f"a {kind} of {len(content)} bytes") from None

    return read


READERS: Final[dict[int, Callable[[memoryview], Any]]] = {
    _wire.UNDEFINED: lambda _: undefined,
    _wire.BIGINT: _read_bigint,
    _wire.DATE: _read_date,
    _wire.WTF8: lambda data: str(data, "utf-8", "surrogatepass"),
    _wire.ARRAY_BUFFER: ArrayBuffer,
    **{_wire.TYPED_ARRAY + index: _typed_reader(index) for index in range(len(_wire.TYPED_ARRAYS))},
}
"""What is made of bytes, by the extension's code; the bytes are borrowed."""
