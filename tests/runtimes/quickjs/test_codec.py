"""The value contract through a real guest, both ways; what it refuses, and the place it names."""

from __future__ import annotations

import array
import dataclasses
import datetime as dt
import enum
import math
from collections import OrderedDict, namedtuple
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings

from runtimes import (
    ArrayBuffer,
    BigInt,
    ConversionError,
    JSDate,
    JSError,
    JSMap,
    JSSet,
    QuickJSRuntime,
    StaleHandle,
    TypedArray,
    undefined,
)
from runtimes.quickjs._returns import convert

from .values import UTC, Echo, returned, same, values

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def shown(shared: QuickJSRuntime) -> Callable[[Any, str], Any]:
    """Send a value, get what an expression about it (called x) says."""
    return lambda value, about: shared.call_function(shared.evaluate(f"x => {about}"), [value])


# -- round trips


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example({"__proto__": 1, "constructor": 2, "5": 3, "": 4, "Ã©": 5, "é": 6})
@example([{"a": 1}, {"a": 1, "b": 2}, {"a": 1, "c": 2}, {"b": 1}, {}])
@example({"\ud800": {"\udfff": "\ud83d\ude00"}, "😀": 1})
@example(JSError("m", name="AggregateError", errors=(1, JSError("x")), cause={"k": [JSError()]}))
@given(value=values)
def test_a_value_comes_back_as_the_contract_says(echo: Echo, value: Any) -> None:
    result = echo(value)
    assert same(result, returned(value)), result
    assert same(echo(result), result), "what came out once comes back unchanged"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=values)
def test_a_host_function_gets_and_returns_any_value(shared: QuickJSRuntime, value: Any) -> None:
    seen = []
    shared.register("host", lambda x: seen.append(x) or x)
    assert same(shared.evaluate("host")(value), returned(returned(value)))
    assert same(seen, [returned(value)])


def test_long_things_come_back(echo: Echo) -> None:
    for size in (31, 32, 255, 256, 65535, 65536, 70000):
        for value in (
            "x" * size,
            "é" * size,
            "😀" * size,
            bytes(size),
            [None] * size,
            {str(i): i for i in range(size)},
            {i: i for i in range(size)},
            set(range(size)),
            memoryview(bytes(size * 8)).cast("d"),
            2 ** (8 * min(size, 100_000)),
        ):
            assert same(echo(value), value), (type(value), size)


def test_every_single_character_comes_back(echo: Echo) -> None:
    step = 257
    for start in range(0, 0x110000, step * 64):
        text = [chr(c) for c in range(start, min(start + step * 64, 0x110000), 7)]
        assert echo(text) == text


# -- what JavaScript sees


@pytest.mark.parametrize(
    ("value", "about", "expected"),
    [
        (None, "x === null", True),
        (undefined, "x === undefined", True),
        (-0.0, "Object.is(x, -0)", True),
        (2**53 - 1, "typeof x", "number"),
        (2**53, "typeof x", "bigint"),
        (-(2**53), "typeof x", "bigint"),
        (BigInt(5), "x === 5n", True),
        (True, "x === true", True),
        ("a\0b", "x.length", 3),
        ("\ud800", "x.charCodeAt(0)", 0xD800),
        (b"ab", "x instanceof Uint8Array && x[1]", 98),
        (bytearray(b"ab"), "x instanceof Uint8Array && x[1]", 98),
        (memoryview(b"abcd")[1:3], "x instanceof Uint8Array && x[1]", 99),
        (memoryview(b"abcdef")[::2], "x instanceof Uint8Array && x[2]", 101),
        (ArrayBuffer(b"ab"), "x instanceof ArrayBuffer && x.byteLength", 2),
        (array.array("f", [1.5]), "x instanceof Float32Array && x[0]", 1.5),
        (array.array("l", [-1]), "x[0] == -1", True),
        (memoryview(b"\1" * 8).cast("Q"), "x instanceof BigUint64Array && x.length", 1),
        (TypedArray("Int16Array", b"\1\0\2\0"), "x instanceof Int16Array && x[1]", 2),
        ([1, [2]], "Array.isArray(x) && Array.isArray(x[1])", True),
        ((1, 2), "Array.isArray(x) && x.length", 2),
        ({}, "Object.getPrototypeOf(x) === Object.prototype", True),
        ({"__proto__": None}, "Object.hasOwn(x, '__proto__')", True),
        ({"5": 1, "1": 2}, "Object.keys(x).join()", "1,5"),
        ({1: "a", "1": "b"}, "x instanceof Map && x.get(1) + x.get('1')", "ab"),
        (JSMap({"a": 1}), "x instanceof Map && x.get('a')", 1),
        ({1, 2}, "x instanceof Set && x.size", 2),
        (JSSet([[1], [1]]), "x instanceof Set && x.size", 2),
        (dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "x instanceof Date && x.getTime()", 1000),
        (JSDate(8.64e15), "x.getTime()", 8640000000000000),
        (JSError("m", name="RangeError"), "x instanceof RangeError && x.message", "m"),
        (JSError("m", name="Mine"), "x instanceof Error && x.name", "Mine"),
        (JSError("m", stack="s"), "x.stack", "s"),
        (JSError("m"), "Object.keys(x).length + ('cause' in x)", 0),
        (JSError("m", cause=1), "x.cause", 1),
        (JSError("m", name="AggregateError", errors=(1,)), "x.errors[0]", 1),
    ],
    ids=repr,
)
def test_javascript_sees(shown: Any, value: Any, about: str, expected: Any) -> None:
    assert same(shown(value, about), expected)


Point = namedtuple("Point", "x y")


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Flag(enum.IntFlag):
    A = 1
    B = 2


@dataclasses.dataclass
class Item:
    name: str
    _price: float = 1.5


class Tagged(msgspec.Struct, tag="t", rename="camel"):
    first_name: str
    missing: int | msgspec.UnsetType = msgspec.UNSET


class Row(msgspec.Struct, array_like=True):
    a: int
    b: set[int]


class Text(str):
    __slots__ = ()


class Names(dict[str, int]):
    pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Point(1, 2), [1, 2]),
        (Color.RED, "red"),
        (Level.LOW, 1),
        (Flag.A | Flag.B, 3),
        (Item("n"), {"name": "n", "_price": 1.5}),
        ([Item("n", 2.5)], [{"name": "n", "_price": 2.5}]),
        (Tagged("n"), {"type": "t", "firstName": "n"}),
        (Row(1, {2}), [1, {2}]),
        (Text("t"), "t"),
        ({Text("k"): 1}, {"k": 1}),
        ({Color.RED: 1}, JSMap({"red": 1})),
        (Names(a=1), {"a": 1}),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (True, True),
    ],
    ids=repr,
)
def test_what_goes_in_only_comes_back_plain(echo: Echo, value: Any, expected: Any) -> None:
    assert same(echo(value), expected)
    assert same(echo({"in": [value]}), {"in": [expected]})


def test_a_view_keeps_its_elements_wherever_it_is(echo: Echo) -> None:
    view = memoryview(array.array("d", [1.5, 2.5]))
    for value in (view, [view], {"a": {"b": (view,)}}, {1: view}, {"a": Item("n", view)}):  # type: ignore[arg-type]
        assert "<memory" in repr(echo(value))
    assert echo([view])[0].tolist() == [1.5, 2.5]
    assert echo(JSSet([view])).members[0].format == "d"


# -- what Python sees


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("undefined", undefined),
        ("[NaN, -0, 1e21, 5.0, 0.1]", [math.nan, -0.0, 1e21, 5, 0.1]),
        ("9007199254740992", 9007199254740992.0),
        ("5n", BigInt(5)),
        ("-(2n ** 64n)", -(2**64)),
        ("[1, , 3]", [1, undefined, 3]),
        ("Array(3)", [undefined] * 3),
        ("[...Array(2), 7]", [undefined, undefined, 7]),
        ("(() => { const a = [1]; a.length = 3; return a })()", [1, undefined, undefined]),
        ("(() => { const a = []; a[3] = 1; return a })()", [undefined] * 3 + [1]),
        ("({ b: 1, 10: 2, 9: 3, [Symbol()]: 4 })", {"9": 3, "10": 2, "b": 1}),
        ("Object.create({ inherited: 1 }, { hidden: { value: 1 } })", {}),
        ("new (class A { #p = 1; q = 2; get r() { return 3 } })", {"q": 2}),
        ("({ get r() { return 3 } })", {"r": 3}),
        ("({ toJSON() { return 1 } }).toJSON.name", "toJSON"),
        (
            "[new String('s'), new Number(1.5), new Boolean(false), Object(1n)]",
            ["s", 1.5, False, BigInt(1)],
        ),
        ("new Map()", JSMap()),
        ("new Map([[1, 2], ['a', 3]])", {1: 2, "a": 3}),
        ("new Map([['a', 3]])", JSMap({"a": 3})),
        ("new Map([[1, 2], [true, 3]])", JSMap([(1, 2), (True, 3)])),
        ("new Map([[1, 2], [1n, 3]])", JSMap([(1, 2), (BigInt(1), 3)])),
        ("new Map([[{}, 1]])", JSMap([({}, 1)])),
        ("new Map([[new Float32Array(1), 1]]).size", 1),
        ("new Set([1, 'a', null, undefined])", {1, "a", None, undefined}),
        ("new Set([0, false])", JSSet([0, False])),
        ("new Set([[], []])", JSSet([[], []])),
        ("new Uint8Array([1, 2, 3]).subarray(1)", b"\2\3"),
        ("new Uint8ClampedArray([300])", TypedArray("Uint8ClampedArray", b"\xff")),
        ("new Float16Array([1])", TypedArray("Float16Array", b"\0\x3c")),
        ("new Uint16Array([1, 2, 3]).subarray(1, 2)", memoryview(b"\2\0").cast("H")),
        ("new ArrayBuffer(2)", ArrayBuffer(b"\0\0")),
        ("new ArrayBuffer(2, { maxByteLength: 8 })", ArrayBuffer(b"\0\0")),
        ("new Date(0)", dt.datetime(1970, 1, 1, tzinfo=UTC)),
        ("new Date(-62135596800000)", dt.datetime(1, 1, 1, tzinfo=UTC)),
        ("new Date(-62135596800001)", JSDate(-62135596800001.0)),
        ("new Date(253402300799999)", dt.datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        ("new Date(253402300800000)", JSDate(253402300800000.0)),
        ("'\\ud83d' + '\\ude00'", "😀"),
        ("'\\ude00' + '\\ud83d'", "\ude00\ud83d"),
        ("'a'.repeat(20000) + '\u20ac'", "a" * 20000 + "€"),
        ("(function () { return arguments })(1, 'b')", {"0": 1, "1": "b"}),
        ("new Proxy({ a: 1 }, {})", {"a": 1}),
        ("new Proxy([1, 2], {})", [1, 2]),
        ("new Proxy([1], { get: (t, k) => k === 'length' ? 2 : k })", ["0", "1"]),
    ],
)
def test_python_sees(shared: QuickJSRuntime, source: str, expected: Any) -> None:
    assert same(shared.evaluate(source), expected)


def test_an_error_comes_with_all_its_fields(shared: QuickJSRuntime) -> None:
    error = shared.evaluate(
        "new AggregateError([new TypeError('one'), 2], 'many', { cause: new RangeError('why') })"
    )
    assert isinstance(error, JSError)
    assert (error.name, error.message) == ("AggregateError", "many")
    assert error.stack.startswith("    at ")
    assert (error.cause.name, error.cause.message) == ("RangeError", "why")
    assert (error.errors[0].name, error.errors[1]) == ("TypeError", 2)


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        ("new (class Mine extends Error { get name() { return 'Mine' } })('m')", "Mine", "m"),
        ("Object.assign(new Error('m'), { name: 5, message: {} })", "Error", ""),
        ("Object.defineProperty(new Error, 'message', { get() { throw 1 } })", "Error", ""),
        ("(e => e.cause = e)(new Error('m'))", "Error", "m"),
        ("new Error('m', { cause: Symbol() })", "Error", "m"),
        ("new AggregateError([Symbol()], 'm')", "AggregateError", "m"),
        ("new Error('x'.repeat(100_000))", "Error", "x" * 65536),
        ("new DOMException('m', 'AbortError')", "AbortError", "m"),
        ("Object.setPrototypeOf(new Error('m'), null)", "Error", "m"),
    ],
)
def test_a_strange_error_still_crosses(
    shared: QuickJSRuntime, source: str, name: str, message: str
) -> None:
    error = shared.evaluate(source)
    assert isinstance(error, JSError)
    assert (error.name, error.message) == (name, message)
    with pytest.raises(JSError) as caught:
        shared.evaluate(f"throw {source}")
    assert (caught.value.name, caught.value.message) == (name, message)


def test_an_endless_chain_of_causes_is_cut(shared: QuickJSRuntime) -> None:
    error = shared.evaluate(
        "{ let e = new Error(0); for (let i = 1; i < 500; i++) e = new Error(i, { cause: e }); e }"
    )
    depth = 0
    while isinstance(error, JSError):
        error, depth = error.cause, depth + 1
    assert depth == 200


# -- handles


def test_a_function_and_a_promise_cross_as_handles(shared: QuickJSRuntime) -> None:
    double, promise = shared.evaluate("[x => 2 * x, Promise.resolve(5)]")
    assert double(21) == 42
    assert promise.result() == 5
    assert shared.call_function("echo", [[double]])[0](3) == 6
    assert shared.call_function("last", [1, double])(4) == 8


def test_a_handle_of_another_runtime_is_refused(
    shared: QuickJSRuntime, runtime: QuickJSRuntime
) -> None:
    theirs = shared.evaluate("x => x")
    for value in (theirs, [1, {"a": theirs}], {1: theirs}, {theirs}):
        with pytest.raises(StaleHandle):
            runtime.call_function("isNaN", [value])


def test_handles_of_a_result_that_fails_are_released(runtime: QuickJSRuntime) -> None:
    for _ in range(50):
        with pytest.raises(ConversionError):
            runtime.evaluate("[() => 1, () => 2, Symbol()]")
    assert runtime.evaluate("() => 1")._handle_id <= 2


# -- returns=


class Price(msgspec.Struct):
    item: str
    amount: float


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ({"item": "a", "amount": 2}, Price, Price("a", 2.0)),
        ({"name": "n", "_price": 2}, Item, Item("n", 2.0)),
        ([1, 2], tuple[int, int], (1, 2)),
        ([1, 2], set[int], {1, 2}),
        (2, float, 2.0),
        (undefined, type(None), None),
        ([1, undefined], list[int | None], [1, None]),
        ({"a": undefined}, dict[str, int | None], {"a": None}),
        (BigInt(3), int, 3),
        (JSMap([(1, 2)]), JSMap, JSMap([(1, 2)])),
        (JSMap({"a": 1}), dict[str, int], {"a": 1}),
        (JSSet([[1], [2]]), list[list[int]], [[1], [2]]),
        (memoryview(b"\0" * 8).cast("d"), list[float], [0.0]),
        (TypedArray("Float16Array", b"\0\0"), list[float], [0.0]),
        (b"x", bytes, b"x"),
        (None, Any, None),
    ],
    ids=repr,
)
def test_a_result_is_converted_to_a_type(value: Any, kind: Any, expected: Any) -> None:
    result = convert(value, kind)
    assert result == expected
    assert isinstance(result, type(expected))


@pytest.mark.parametrize(
    ("value", "kind", "path"),
    [
        ("a", int, "$"),
        (1.5, int, "$"),
        (True, int, "$"),
        ([1, "a"], list[int], "$[1]"),
        ({"item": "a", "amount": "b"}, Price, "$.amount"),
        ({"item": "a"}, Price, "$"),
        ([undefined], list[int], "$[0]"),
        (JSMap({"a": "b"}), dict[str, int], "$[...]"),
        (JSMap([([1], 1)]), dict[tuple[int, ...], int], "$"),
        ([[1], [2]], set[list[int]], "$"),
        (memoryview(b"12345678").cast("d"), list[int], "$"),
    ],
    ids=repr,
)
def test_a_result_of_another_type_is_an_error(value: Any, kind: Any, path: str) -> None:
    with pytest.raises(ConversionError) as caught:
        convert(value, kind)
    assert caught.value.path == path


def test_a_runtime_converts_what_it_returns(shared: QuickJSRuntime) -> None:
    assert shared.evaluate("({ item: 'a', amount: 1 })", returns=Price) == Price("a", 1.0)
    with pytest.raises(ConversionError, match="Expected `int`"):
        shared.evaluate("'a'", returns=int)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("new Map(Array.from(keys, (key) => [key, 1]))", JSMap),
        ("new Set(keys)", JSSet),
    ],
)
def test_keys_that_were_made_to_collide_cost_no_more_than_others(
    shared: QuickJSRuntime, source: str, kind: type
) -> None:
    # A dict of so many would take minutes: it compares each key with all before it.
    shared.evaluate(
        "var keys = Array.from({ length: 100_000 }, (_, i) => BigInt(i + 1) * (2n ** 61n - 1n))"
    )
    found = shared.evaluate(source)
    assert type(found) is kind
    assert len(list(found)) == 100_000


def test_a_few_large_keys_are_keys_as_ever(shared: QuickJSRuntime) -> None:
    source = "new Map([1n, 2n, 3n].map((i) => [i * (2n ** 61n - 1n), Number(i)]))"
    assert shared.evaluate(source) == {i * (2**61 - 1): i for i in (1, 2, 3)}
