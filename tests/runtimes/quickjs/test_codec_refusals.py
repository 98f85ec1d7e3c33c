"""What does not cross: values that have no counterpart, scripts that tamper, limits."""

from __future__ import annotations

import array
import dataclasses
import datetime as dt
import math
import uuid
import warnings
from typing import Any

import pytest

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
    TimeoutExceeded,
    undefined,
)

from .values import UTC, Echo, same


@dataclasses.dataclass
class Item:
    name: str
    _price: float = 1.5


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
