"""The memory limit: what counts, what is reported, what goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from runtimes import JSError, MemoryLimitError, Module, QuickJSRuntime, StackLimitError

MakeRuntime = Callable[..., QuickJSRuntime]

MIB = 1024 * 1024

GREEDY = {
    "array": "const a = []; for (;;) a.push(1, 2, 3)",
    "objects": "const a = []; for (;;) a.push({ x: {} })",
    "strings": "const a = []; for (let i = 0; ; i++) a.push('x'.repeat(1000) + i)",
    "flat rope": "let s = 'x'; for (;;) { s += s; s.charCodeAt(0); /x/.test(s) }",
    "repeat": "'x'.repeat(2 ** 29)",
    "ArrayBuffer": "const a = []; for (;;) a.push(new ArrayBuffer(100000))",
    "one ArrayBuffer": "new ArrayBuffer(2 ** 30)",
    "typed array": "new Float64Array(2 ** 26)",
    "Map": "const m = new Map(); for (let i = 0; ; i++) m.set(i, {})",
    "Set": "const m = new Set(); for (let i = 0; ; i++) m.add('k' + i)",
    "closures": "const a = []; for (let i = 0; ; i++) a.push(() => i)",
    "symbols": "const a = []; for (let i = 0; ; i++) a.push(Symbol('s' + i))",
    "promises": "const a = []; for (;;) a.push(new Promise(() => {}))",
    "jobs": "for (;;) Promise.resolve().then(() => 1)",
    "keys": "const o = {}; for (let i = 0; ; i++) o['k' + i] = i",
    "generators": "function* g() { yield } const a = []; for (;;) { a.push(g()) }",
    "regular expressions": "const a = []; for (let i = 0; ; i++) a.push(RegExp('a{1,9}' + i))",
    "JSON": "JSON.parse('[' + '{\"a\":[1,2,3]},'.repeat(500000) + '1]')",
    "BigInt": "const a = []; for (let i = 1n; ; i++) a.push(2n ** 20000n + i)",
    "errors": "const a = []; for (;;) a.push(new Error('x'))",
    "async": "let a = []; (async () => { for (;;) { a.push([1, 2, 3, 4]); await 0 } })()",
    "job": "let a = []; (async () => { await 0; for (;;) a.push('x'.repeat(1e4) + a.length) })()",
}


@pytest.mark.parametrize("source", GREEDY.values(), ids=GREEDY)
def test_filling_the_memory_is_reported_as_such(make_runtime: MakeRuntime, source: str) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB)
    runtime.evaluate("var kept = [1, 2, 3];")
    with pytest.raises(MemoryLimitError) as caught:
        runtime.evaluate(f"(() => {{ {source} }})()" if "const" in source else source)
    assert caught.value.limit_bytes == 8 * MIB
    assert caught.value.runtime_usable == runtime.usable
    if runtime.usable:
        assert runtime.evaluate("kept") == [1, 2, 3]


@pytest.mark.parametrize("source", ["for (;;) s += s", "for (;;) s = s + s + 'z'"])
def test_a_rope_without_end_is_an_error_of_the_engine_or_of_memory(
    runtime: QuickJSRuntime, source: str
) -> None:
    with pytest.raises((JSError, MemoryLimitError), match=r"string too long|memory") as caught:
        runtime.evaluate(f"let s = 'xy'; {source}")
    assert caught.value.runtime_usable
    assert runtime.evaluate("1") == 1


def test_local_garbage_leaves_the_runtime_usable(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB)
    for _ in range(3):
        with pytest.raises(MemoryLimitError) as caught:
            runtime.evaluate("{ const a = []; for (;;) a.push('x'.repeat(1000) + a.length) }")
        assert caught.value.runtime_usable
    assert runtime.evaluate("1 + 1") == 2


def test_a_heap_that_stays_full_is_given_up_honestly(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB)
    with pytest.raises(MemoryLimitError) as caught:
        runtime.evaluate("var a = []; for (;;) a.push({ x: a.length })")
    assert caught.value.runtime_usable == runtime.usable


def test_a_script_may_catch_it_and_go_on_with_less(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB)
    source = """
        (() => {
            let a = [];
            try { for (;;) a.push("x".repeat(10000) + a.length); }
            catch (error) { a = null; return [error.name, error instanceof Error]; }
        })()
    """
    name, is_error = runtime.evaluate(source)
    assert is_error is True
    assert isinstance(name, str)
    assert runtime.usable
    assert runtime.evaluate("'y'.repeat(1000).length") == 1000


@pytest.mark.parametrize("size", [9990, 10000, 15000])
def test_a_script_that_catches_it_finds_an_error_and_not_null(
    make_runtime: MakeRuntime, size: int
) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB)
    source = f"""
        (() => {{
            class Mine extends Error {{}}
            try {{ throw new Mine("x") }} catch {{}}
            try {{ null.x }} catch {{}}
            let a = [];
            try {{ for (;;) a.push("x".repeat({size}) + a.length); }}
            catch (error) {{ a = null; return `${{error}}`; }}
        }})()
    """
    assert runtime.evaluate(source) == "InternalError: out of memory"


def test_no_script_gets_more_than_that_by_catching_again_and_again(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(memory_limit_bytes=4 * MIB)
    source = """
        (() => {
            const a = [], errors = [];
            Error.prepareStackTrace = (error, sites) => {
                try { for (;;) errors.push(new Error("x".repeat(100) + errors.length)); } catch {}
                return sites;
            };
            for (let i = 0; i < 200; i++) {
                try { for (;;) a.push("x".repeat(1000) + a.length); }
                catch (error) { try { errors.push(error.stack); } catch {} }
            }
            return a.length;
        })()
    """
    with contextlib.suppress(MemoryLimitError, StackLimitError, JSError):
        runtime.evaluate(source)
    if runtime.usable:
        assert runtime.memory_used < 4 * MIB + 64 * 1024


def test_an_error_thrown_after_it_was_caught_is_that_error(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB)
    source = """
        (() => {
            let a = [];
            try { for (;;) a.push("x".repeat(10000) + a.length); }
            catch { a = null; throw new RangeError("mine"); }
        })()
    """
    with pytest.raises(JSError, match="RangeError: mine"):
        runtime.evaluate(source)


def test_a_refusal_that_was_got_over_is_not_blamed_for_a_later_error(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB)
    big = "'x'.repeat(3600000)"  # the output buffer asks for half as much again, and gets less
    assert len(runtime.evaluate(f"({{ a: {big} }})")["a"]) == 3_600_000
    with pytest.raises(JSError, match="TypeError"):
        runtime.evaluate(f"({{ a: {big}, get b() {{ null.x }} }})")


@pytest.mark.parametrize(
    "source",
    [
        "throw Object.assign(new Error('out of memory'), { name: 'InternalError' })",
        "throw null",
        "throw undefined",
        "throw 'out of memory'",
    ],
)
def test_a_forged_one_is_an_error_of_the_script(make_runtime: MakeRuntime, source: str) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB)
    with pytest.raises(JSError):
        runtime.evaluate(source)
    assert runtime.usable


def test_garbage_is_collected_before_the_limit_is_reached(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB)
    source = """
        for (let i = 0; i < 200000; i++) { const a = { b: null, s: "x".repeat(50) }; a.b = a; }
        'done'
    """
    assert runtime.evaluate(source) == "done"


@pytest.mark.parametrize(
    "value",
    ["x" * 20 * MIB, b"x" * 20 * MIB, [0] * 2_000_000, [["x" * 100]] * 200_000],
    ids=["text", "bytes", "list", "nested"],
)
def test_an_argument_that_does_not_fit_is_refused(make_runtime: MakeRuntime, value: Any) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB)
    runtime.evaluate("function f(x) { return 1 }")
    with pytest.raises(MemoryLimitError) as caught:
        runtime.call_function("f", [value])
    assert caught.value.runtime_usable == runtime.usable
    if runtime.usable:
        assert runtime.call_function("f", ["small"]) == 1


def test_a_source_that_does_not_fit_is_refused(make_runtime: MakeRuntime) -> None:
    attempts: list[Callable[[QuickJSRuntime], object]] = [
        lambda runtime: runtime.evaluate("'" + "x" * 20 * MIB + "'"),
        lambda runtime: runtime.load_module(Module("a.js", "x" * 20 * MIB)),
        lambda runtime: runtime.evaluate("[" + "1," * MIB + "]"),
    ]
    for attempt in attempts:
        runtime = make_runtime(memory_limit_bytes=8 * MIB)
        with pytest.raises(MemoryLimitError) as caught:
            attempt(runtime)
        assert caught.value.runtime_usable == runtime.usable
        if runtime.usable:
            assert runtime.evaluate("1") == 1


def test_a_host_functions_result_that_does_not_fit_is_an_error_of_the_call(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(
        memory_limit_bytes=8 * MIB, host_functions={"big": lambda: "x" * 20 * MIB}
    )
    with pytest.raises(MemoryLimitError):
        runtime.evaluate("big()")
    if runtime.usable:
        assert runtime.evaluate("1") == 1


def test_a_result_that_does_not_fit_beside_its_value_is_reported(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(memory_limit_bytes=8 * MIB, result_limit_bytes=None)
    with pytest.raises(MemoryLimitError):
        runtime.evaluate("{ const s = 'x'.repeat(5000000); s }")
    if runtime.usable:
        assert runtime.evaluate("1") == 1


def test_a_deep_result_of_shared_parts_is_bounded(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=16 * MIB)
    source = "{ let a = ['leaf']; for (let i = 0; i < 60; i++) a = [a, a]; a }"
    with pytest.raises((MemoryLimitError, JSError, Exception)) as caught:
        runtime.evaluate(source)
    assert type(caught.value).__name__ in ("MemoryLimitError", "ResultLimitError")


def test_the_memory_in_use_is_told(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=32 * MIB)
    before = runtime.collect_garbage()
    runtime.evaluate("var big = 'x'.repeat(4000000); 1")
    assert runtime.memory_used > before + 4_000_000
    runtime.evaluate("big = null; 1")
    assert runtime.collect_garbage() < before + 100_000


def test_the_smallest_limit_boots_and_the_next_bomb_is_caught(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=MIB)
    assert runtime.evaluate("1") == 1
    with pytest.raises((MemoryLimitError, StackLimitError)):
        runtime.evaluate("{ const a = []; for (;;) a.push({}) }")


def test_without_a_limit_a_lot_fits(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=None)
    assert runtime.evaluate("new ArrayBuffer(200000000).byteLength") == 200_000_000


@pytest.mark.parametrize("limit", [None, 2**32 - 1, 2**40])
def test_the_end_of_the_address_space_stays_free_whatever_the_limit(
    make_runtime: MakeRuntime, limit: int | None
) -> None:
    runtime = make_runtime(memory_limit_bytes=limit)  # cleared memory costs nothing but addresses
    with pytest.raises(MemoryLimitError):
        runtime.evaluate("const kept = []; for (;;) kept.push(new ArrayBuffer(2 ** 22))")
    assert len(runtime._guest._instance.refresh()) <= 2**32 - 16 * MIB
