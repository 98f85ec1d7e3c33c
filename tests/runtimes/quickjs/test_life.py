"""Booting, breaking, closing."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest

from runtimes import (
    BrokenRuntimeError,
    ClosedRuntimeError,
    ConversionError,
    JSError,
    Module,
    ModuleNotFound,
    QuickJSRuntime,
    Runtime,
    RuntimeOptions,
    TimeoutExceeded,
    undefined,
)
from runtimes.quickjs import _engine

MakeRuntime = Callable[..., QuickJSRuntime]


def _broken(make_runtime: MakeRuntime) -> QuickJSRuntime:
    runtime = make_runtime(hard_stop_grace=0.01, timeout=0.01)
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate("Array.prototype.reverse.call({ length: 2 ** 53 - 1 })")
    return runtime


def test_it_is_a_runtime() -> None:
    runtime: Runtime = QuickJSRuntime()
    assert isinstance(runtime, Runtime)
    runtime.close()


def test_a_broken_runtime_says_so_whatever_is_asked(make_runtime: MakeRuntime) -> None:
    runtime = _broken(make_runtime)
    for ask in (
        lambda: runtime.evaluate("1"),
        lambda: runtime.load_module(Module("a.js", "")),
        lambda: runtime.add_module(Module("a.js", "")),
        lambda: runtime.call_function("f"),
        lambda: runtime.get_value("x"),
        lambda: runtime.set_global("x", 1),
        lambda: runtime.register("f", len),
        lambda: runtime.memory_used,
        lambda: runtime.collect_garbage(),
    ):
        with pytest.raises(BrokenRuntimeError) as caught:
            ask()
        assert not caught.value.runtime_usable
    runtime.cancel()


def test_a_broken_runtime_is_closed_like_any_other(make_runtime: MakeRuntime) -> None:
    runtime = _broken(make_runtime)
    runtime.close()
    runtime.close()
    with pytest.raises(ClosedRuntimeError):
        runtime.evaluate("1")


def test_its_text_says_whether_it_works(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime()
    assert "usable" in repr(runtime)
    runtime.close()
    assert "usable" not in repr(runtime)


def test_options_that_cannot_be_carried_out_leave_nothing_behind() -> None:
    with pytest.raises(ConversionError, match=r"\$"):
        QuickJSRuntime(RuntimeOptions(globals={"x": object()}))
    with pytest.raises(TypeError):
        QuickJSRuntime(RuntimeOptions(host_functions={"f": 5}))  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="name"):
        QuickJSRuntime(RuntimeOptions(modules=[Module("", "")]))
    gc.collect()


def test_the_clock_is_the_systems_own(runtime: QuickJSRuntime) -> None:
    import time

    assert abs(runtime.evaluate("Date.now()") / 1000 - time.time()) < 60


def test_math_random_differs_between_runtimes(make_runtime: MakeRuntime) -> None:
    seen = {make_runtime().evaluate("Math.random()") for _ in range(5)}
    assert len(seen) == 5


@pytest.mark.parametrize("hard_stop", ["check", "epoch"])
def test_the_guest_imports_the_host_and_a_clock_and_nothing_else(hard_stop: str) -> None:
    module = _engine.load_guest(hard_stop).module  # type: ignore[arg-type]
    imports = {f"{item.module}.{item.name}" for item in module.imports}
    assert imports <= {
        "host.call",
        "host.check",
        "host.console",
        "host.resolve",
        "host.source",
        "wasi_snapshot_preview1.clock_time_get",
    }


def test_the_engine_is_the_pinned_one(runtime: QuickJSRuntime) -> None:
    features = ["Array.fromAsync", "Iterator.prototype.map", "Promise.try", "Set.prototype.union"]
    assert runtime.evaluate(f"[{', '.join(f'typeof {name}' for name in features)}]") == [
        "function"
    ] * len(features)


def test_what_one_runtime_tampers_with_is_whole_in_the_next(make_runtime: MakeRuntime) -> None:
    first = make_runtime()
    first.evaluate("Array.prototype.map = null; Object.prototype.x = 1; delete globalThis.JSON;")
    assert make_runtime().evaluate(
        "[[1].map((x) => x + 1)[0], ({}).x === undefined, typeof JSON]"
    ) == [
        2,
        True,
        "object",
    ]


def test_tampering_does_not_reach_the_bridge(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("""
        const kinds = [Object, Array, Map, Set, Promise, Function, String, Number, Error];
        const targets = [];
        for (const kind of kinds)
            for (const key of Reflect.ownKeys(kind.prototype))
                if (key !== "constructor") targets.push([kind.prototype, key]);
        const define = Object.defineProperty, get = () => { throw 1 };
        for (let i = targets.length - 1, done = {}; i >= 0; i--) {
            const target = targets[i];
            try { define(target[0], target[1], { get }) } catch {}
        }
    """)
    value = {"a": [1, "two", None], "b": {1, 2}}
    runtime.set_global("v", value)
    assert runtime.get_value("v") == value
    assert runtime.evaluate("(x) => x")(value) == value
    assert runtime.evaluate("(async () => 5)()") == 5
    with pytest.raises(JSError):
        runtime.evaluate("null.x")


def test_two_runtimes_share_nothing() -> None:
    with QuickJSRuntime() as one, QuickJSRuntime() as other:
        one.evaluate("var secret = 1; Object.prototype.mark = 1; Array.prototype.map = null")
        one.load_module(Module("lib.js", "export const secret = 1"))
        assert other.evaluate("[typeof secret, {}.mark, typeof [].map]") == [
            "undefined",
            undefined,
            "function",
        ]
        with pytest.raises(ModuleNotFound):
            other.evaluate("import('lib.js')")
