"""The value contract through a real guest, both ways; what it refuses, and the place it names."""

from __future__ import annotations

import array
import dataclasses
import datetime as dt
import enum
import math
import uuid
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

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
    ResultLimitError,
    StaleHandle,
    TimeoutExceeded,
    TypedArray,
    undefined,
)
from runtimes.quickjs._returns import convert

from .values import UTC, returned, same, values

Echo = Callable[[Any], Any]
Evaluate = Callable[[str], Any]


@pytest.fixture(scope="module")
def shared() -> Iterator[QuickJSRuntime]:
    """One runtime for all examples: none of them leaves anything behind."""
    with QuickJSRuntime() as runtime:
        runtime.evaluate("globalThis.echo = x => x; globalThis.last = (...all) => all.at(-1); 0")
        yield runtime


@pytest.fixture(scope="module")
def echo(shared: QuickJSRuntime) -> Echo:
    """Send a value, get it back."""
    return lambda value: shared.call_function("echo", [value])


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


# -- what cannot cross


@pytest.mark.parametrize(
    ("source", "path", "text"),
    [
        ("Symbol()", "$", "a symbol"),
        ("Object(Symbol())", "$", "a symbol"),
        ("[1, { 'a b': { c: Symbol() } }]", '$[1]["a b"].c', "a symbol"),
        ("({ 5: Symbol() })", "$[5]", "a symbol"),
        ("({ get x() { return [Symbol()] } })", "$.x[0]", "a symbol"),
        ("new Map([['k', Symbol()]])", '$.get("k")', "a symbol"),
        ("new Map([[7, Symbol()]])", "$.get(7)", "a symbol"),
        ("new Map([[null, Symbol()]])", "$.entries()[0][1]", "a symbol"),
        ("new Map([[1, 1], [Symbol(), 1]])", "$.keys()[1]", "a symbol"),
        ("new Set([1, Symbol()])", "$.values()[1]", "a symbol"),
        ("new Proxy([1, Symbol()], {})", "$[1]", "a symbol"),
        ("new Proxy({ a: Symbol() }, {})", "$.a", "a symbol"),
        ("(() => { const a = []; a[9] = Symbol(); return a })()", "$[9]", "a symbol"),
        ("(() => { const o = { a: [] }; o.a.push(o); return o })()", "$.a[0]", "a cycle"),
        ("(() => { const m = new Map(); m.set('m', m); return m })()", '$.get("m")', "a cycle"),
        ("new Date(NaN)", "$", "an invalid Date"),
        ("/x/", "$", "a RegExp"),
        ("new WeakMap()", "$", "a WeakMap"),
        ("[function* () {}()]", "$[0]", "a Generator"),
        ("new SharedArrayBuffer(1)", "$", "a SharedArrayBuffer"),
        ("new DataView(new ArrayBuffer(1))", "$", "a DataView"),
        ("(b => (b.transfer(), [b]))(new ArrayBuffer(1))", "$[0]", "a detached ArrayBuffer"),
        ("(b => (b.buffer.transfer(), b))(new Int8Array(1))", "$", "a detached or shrunk"),
    ],
)
def test_a_result_that_cannot_cross_is_named(
    shared: QuickJSRuntime, source: str, path: str, text: str
) -> None:
    with pytest.raises(ConversionError) as caught:
        shared.evaluate(source)
    assert caught.value.path == path
    assert str(caught.value).startswith(text)


def _characters() -> array.array[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of 3.13
        return array.array("u", "ab")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (object(), "$[0]"),
        ([1, {"a": object()}], "$[0][1].a"),
        ({"a b": object()}, '$[0]["a b"]'),
        ({1: {"x": object()}}, "$[0].get(1).x"),
        ({(object(),): 1}, "$[0].keys()[0][0]"),
        ({None: object()}, "$[0].entries()[0][1]"),
        (JSMap({"k": object()}), '$[0].get("k")'),
        (JSSet([1, object()]), "$[0].values()[1]"),
        ({"\ud800": object()}, '$[0]["\ud800"]'),
        (Item("n", object()), "$[0]._price"),  # type: ignore[arg-type]
        (JSError("m", cause=[object()]), "$[0].cause[0]"),
        (JSError("m", errors=(object(),)), "$[0].errors[0]"),
        ([dt.datetime(2020, 1, 1)], "$[0][0]"),
        ({dt.datetime(2020, 1, 1): 1}, "$[0].keys()[0]"),
        ({"d": dt.date(2020, 1, 1)}, "$[0].d"),
        ({uuid.UUID(int=1): 1}, "$[0].keys()[0]"),
        pytest.param(2 ** (2**20), "$[0]", id="huge"),
        (ValueError("secret"), "$[0]"),
        (JSDate(math.nan), "$[0]"),
        (JSDate(1e16), "$[0]"),
        (_characters(), "$[0]"),
        (memoryview(b"abcd").cast("B", (2, 2)), "$[0]"),
        (memoryview(b"\0\1").cast("?"), "$[0]"),
        (lambda: None, "$[0]"),
        (int, "$[0]"),
    ],
    ids=repr,
)
def test_an_argument_that_cannot_cross_is_named(echo: Echo, value: Any, path: str) -> None:
    with pytest.raises(ConversionError) as caught:
        echo(value)
    assert caught.value.path == path
    assert "secret" not in str(caught.value)


def _nest(depth: int, kind: str) -> Any:
    value: Any = None
    for _ in range(depth):
        value = [value] if kind == "list" else {"k": value} if kind == "dict" else {1: value}
    return value


@pytest.mark.parametrize("kind", ["list", "dict", "map"])
def test_depth_is_limited_both_ways(shared: QuickJSRuntime, echo: Echo, kind: str) -> None:
    assert echo(_nest(200, kind)) == _nest(200, kind)
    for depth in (201, 250, 2000, 50_000):
        with pytest.raises(ConversionError, match="more than 200 containers inside each") as caught:
            echo(_nest(depth, kind))
        assert caught.value.path.startswith("$")
    member = {"list": "[v]", "dict": "({ k: v })", "map": "new Map([[1, v]])"}[kind]
    with pytest.raises(ConversionError, match="more than 200 containers inside each") as caught:
        shared.evaluate(f"{{ let v = null; for (let i = 0; i < 201; i++) v = {member}; v }}")
    assert len(caught.value.path) > 400


def test_a_cycle_in_an_argument_is_named(echo: Echo) -> None:
    cyclic: dict[str, Any] = {"a": [1]}
    cyclic["a"].append(cyclic)
    with pytest.raises(ConversionError, match="a cycle") as caught:
        echo(cyclic)
    assert caught.value.path == "$[0].a[1]"
    error = JSError("m")
    error.cause = error
    with pytest.raises(ConversionError, match="a cycle"):
        echo(error)


def test_a_value_whose_own_code_fails_is_named(echo: Echo) -> None:
    class Bad(dict[str, Any]):
        def keys(self) -> Any:
            raise ZeroDivisionError("secret")

        def __iter__(self) -> Any:
            raise ZeroDivisionError("secret")

    with pytest.raises(ConversionError, match=r"ZeroDivisionError") as caught:
        echo([Bad(a=1)])
    assert caught.value.path == "$[0][0]"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_while_encoding_is_not_lost(
    echo: Echo, interrupt: type[BaseException]
) -> None:
    class Slow(dict[str, Any]):
        def __iter__(self) -> Any:
            raise interrupt

        keys = __iter__

    for value in (Slow(a=1), [[Slow(a=1)]], {1: [Slow(a=1)]}):
        with pytest.raises(interrupt):
            echo(value)
    assert echo([1, {2}]) == [1, {2}]


def test_arguments_may_be_changed_after_they_were_encoded(shared: QuickJSRuntime) -> None:
    value = bytearray(b"ab")
    encoded = shared._guest.codec.encode_args([value])
    value[0] = 0
    assert shared._guest.codec.decode(encoded) == [b"ab"]


# -- scripts that tamper


def test_nothing_a_script_can_define_takes_part(runtime: QuickJSRuntime) -> None:
    runtime.evaluate(
        """
        const boom = () => { throw new Error('called') };
        const protos = [Object, Array, Map, Set, Date, Error, Uint8Array, ArrayBuffer, Function,
                        BigInt, String, Number, Boolean, Promise, Symbol, TypeError,
                       ].map(kind => kind.prototype);
        const own = protos.map(Reflect.ownKeys);
        const more = ['toJSON', 'then', '0', 'a', 'length', Symbol.iterator, Symbol.species];
        const { defineProperty } = Object, trap = { __proto__: null, get: boom, set: boom };
        for (let i = 0; i < protos.length; i++) {
          for (let k = 0; k < own[i].length; k++)
            try { defineProperty(protos[i], own[i][k], trap) } catch {}
          for (let k = 0; k < more.length; k++)
            try { defineProperty(protos[i], more[k], trap) } catch {}
        }
        globalThis.Map = globalThis.Set = globalThis.Error = globalThis.JSON = boom;
        globalThis.Object = globalThis.Array = globalThis.Uint8Array = boom;
        0
        """
    )
    runtime.evaluate("globalThis.echo = x => x; 0")
    value = {
        "a": [1, {"0": None}],
        "m": {1: {2}, "a": JSMap()},
        "d": dt.datetime(2020, 1, 1, tzinfo=UTC),
        "b": [b"x", ArrayBuffer(b"y"), memoryview(b"12345678").cast("d")],
        "n": [BigInt(1), 2**70, "s", True],
        "e": JSError("m", stack="s", cause=1),
    }
    assert same(runtime.call_function("echo", [value]), value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("({ a: { get x() { delete o.b; return 1 } }, b: 2, c: 3 })", {"a": {"x": 1}, "c": 3}),
        ("({ a: { get x() { o.z = 9; return 1 } }, b: 2 })", {"a": {"x": 1}, "b": 2, "z": 9}),
        ("({ get a() { delete o.b; return 1 }, b: 2, c: 3 })", {"a": 1, "c": 3}),
        ("({ get a() { o.z = 1; return 1 }, b: 2 })", {"a": 1, "b": 2}),
        ("({ a: { get x() { o.a = 0; return 1 } }, b: 2 })", {"a": {"x": 1}, "b": 2}),
        ("[{ get x() { o.length = 0; return 1 } }, 2]", [{"x": 1}, undefined]),
        ("[{ get x() { o.push(3); return 1 } }, 2]", [{"x": 1}, 2]),
        ("[{ get x() { o[99999] = 3; return 1 } }, 2]", [{"x": 1}, 2]),
        ("new Map([[1, { get x() { o.clear(); return 1 } }], [2, 2]])", {1: {"x": 1}}),
        (
            "new Map([[1, { get x() { o.delete(2); return 1 } }], [2, 2], [3, 3]])",
            {1: {"x": 1}, 3: 3},
        ),
        ("new Set([{ get x() { o.add(4).delete(2); return 1 } }, 2, 3])", JSSet([{"x": 1}, 3, 4])),
    ],
)
def test_a_value_that_changes_while_it_is_read(
    shared: QuickJSRuntime, source: str, expected: Any
) -> None:
    assert same(shared.evaluate(f"var o = {source}; o"), expected)


def test_many_fields_may_come_and_go_while_an_object_is_read(shared: QuickJSRuntime) -> None:
    for before, after in ((2, 20), (20, 2), (2, 70_000), (70_000, 2), (14, 16), (16, 14)):
        result = shared.evaluate(
            f"""
            var o = {{ a: {{ get x() {{
              for (const k in o) if (k !== 'a') delete o[k];
              for (let i = 0; i < {after}; i++) o['n' + i] = i;
              return 1;
            }} }} }};
            for (let i = 0; i < {before}; i++) o['b' + i] = i;
            [o, 'end']
            """
        )
        assert result[1] == "end"
        assert result[0]["a"] == {"x": 1}
        assert len(result[0]) <= after + 1


def test_a_getter_may_call_back_into_the_codec(runtime: QuickJSRuntime) -> None:
    calls: list[Any] = []

    def host(value: Any) -> Any:
        calls.append(value)
        return {"got": [value, {1: value}]}

    runtime.register("host", host)
    result = runtime.evaluate(
        "({ before: 'b'.repeat(3000), after: [2],"
        "   get a() { return host({ get b() { return host([1]) } }) } })"
    )
    inner = {"got": [[1], {1: [1]}]}
    outer = {"b": inner}
    assert calls == [[1], outer]
    assert result == {"before": "b" * 3000, "a": {"got": [outer, {1: outer}]}, "after": [2]}


def test_a_getter_that_fails_in_a_nested_conversion_is_the_scripts_error(
    runtime: QuickJSRuntime,
) -> None:
    runtime.register("host", lambda x: x)
    source = "({ ok: 1, get a() { try { host({ s: Symbol() }) } catch (e) { return e.message } } })"
    assert "a symbol cannot be converted" in runtime.evaluate(source)["a"]


# -- limits


@pytest.mark.parametrize(
    "source",
    [
        "(() => { const a = []; a.length = 2 ** 32 - 1; return a })()",
        "(() => { const a = []; a[2 ** 32 - 2] = 1; return a })()",
        "new Proxy([], { get: (t, k) => k === 'length' ? 2 ** 53 - 1 : 1 })",
        "[Array(1e9)]",
    ],
)
def test_a_huge_length_is_refused_at_once(shared: QuickJSRuntime, source: str) -> None:
    with pytest.raises(ResultLimitError):
        shared.evaluate(source, timeout=1)


def test_a_shared_graph_counts_each_time_it_is_met(make_runtime: Any) -> None:
    runtime = make_runtime(result_limit_nodes=1000)
    with pytest.raises(ResultLimitError, match="1000 nodes"):
        runtime.evaluate("{ let a = [1]; for (let i = 0; i < 30; i++) a = [a, a]; a }")
    assert runtime.evaluate("Array(999).fill(0)") == [0] * 999
    with pytest.raises(ResultLimitError):
        runtime.evaluate("Array(1000).fill(0)")


def test_a_long_conversion_can_be_stopped_softly(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("globalThis.big = Array.from({ length: 300_000 }, (_, i) => [i]); 0")
    with pytest.raises(TimeoutExceeded) as caught:
        runtime.get_value("big", timeout=0.001)
    assert caught.value.runtime_usable
    assert len(runtime.get_value("big")) == 300_000


def test_what_is_thrown_is_reported_whatever_the_limits_are(make_runtime: Any) -> None:
    runtime = make_runtime(result_limit_bytes=1000, result_limit_nodes=100)
    with pytest.raises(JSError) as caught:
        runtime.evaluate("throw new RangeError('x'.repeat(5000), { cause: Array(1000).fill(1) })")
    assert caught.value.name == "RangeError"
    assert caught.value.message == "x" * 5000
    assert caught.value.cause is None


def test_a_thrown_text_with_lone_surrogates_is_reported(shared: QuickJSRuntime) -> None:
    with pytest.raises(JSError, match="a\ufffdb") as caught:
        shared.evaluate("throw 'a\\ud800b'")
    assert caught.value.value == "a\ud800b"


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
