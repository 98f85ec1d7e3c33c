"""Timeouts: soft ones leave the runtime usable, hard ones say that they do not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from runtimes import (
    BrokenRuntimeError,
    JSError,
    Module,
    QuickJSRuntime,
    TimeoutExceeded,
)

MakeRuntime = Callable[..., QuickJSRuntime]

SOFT = {
    "loop": "for (;;) {}",
    "while": "while (true);",
    "do": "do {} while (1)",
    "recursion that is caught": "function f() { try { f() } catch {} f() } f()",
    "catch": "for (;;) { try { for (;;) {} } catch {} }",
    "finally": "for (;;) { try { for (;;) {} } finally { continue } }",
    "generator": "function* g() { for (;;) yield 1 } for (const x of g()) {}",
    "generator's finally": "function* g() { try { for (;;) yield 1 } finally { for (;;) {} } }"
    " for (const x of g()) for (;;) {}",
    "async": "(async () => { for (;;) {} })()",
    "async catch": "(async () => { for (;;) { try { for (;;) {} } catch {} await null } })()",
    "job chain": "(function next() { Promise.resolve().then(next) })()",
    "await chain": "(async () => { for (;;) await null })()",
    "getter of the result": "({ get x() { for (;;) {} } })",
    "proxy of the result": "new Proxy({}, { ownKeys() { for (;;) {} } })",
    "then of a promise": "Promise.resolve({ then() { for (;;) {} } })",
    "sort": "[3, 2, 1].sort(() => { for (;;) {} })",
    "replace": "'aaa'.replace(/a/g, () => { for (;;) {} })",
    "toString": "String({ toString() { for (;;) {} } })",
    "JSON": "JSON.stringify({ toJSON() { for (;;) {} } })",
    "class field": "new (class { x = (() => { for (;;) {} })() })()",
    "eval": "eval('for (;;) {}')",
    "Function": "new Function('for (;;) {}')()",
    "regular expression": "/(a+)+$/.test('a'.repeat(40) + 'b')",
}

HARD = {
    "reverse": "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })",
    "fill": "const a = []; a.length = 2 ** 32 - 2; a.fill(1)",
    "indexOf": "'a'.repeat(2 ** 24).indexOf('a'.repeat(2 ** 16) + 'b')",
    "join": "Array.prototype.join.call({ length: 2 ** 32 - 2 })",
    "includes": "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)",
}


@pytest.mark.parametrize("source", SOFT.values(), ids=SOFT)
def test_what_polls_is_stopped_softly_and_the_runtime_goes_on(
    runtime: QuickJSRuntime, source: str
) -> None:
    runtime.evaluate("var kept = 1;")
    with pytest.raises(TimeoutExceeded) as caught:
        runtime.evaluate(source, timeout=0.03)
    assert caught.value.runtime_usable
    assert caught.value.timeout == 0.03
    assert runtime.usable
    assert runtime.evaluate("kept") == 1


@pytest.mark.parametrize("hard_stop", ["check", "epoch"])
@pytest.mark.parametrize("source", HARD.values(), ids=HARD)
def test_what_never_polls_is_stopped_hard_and_says_so(
    make_runtime: MakeRuntime, source: str, hard_stop: str
) -> None:
    runtime = make_runtime(hard_stop=hard_stop, hard_stop_grace=0.03, timeout=0.03)
    begun = time.monotonic()
    with pytest.raises(TimeoutExceeded) as caught:
        runtime.evaluate(source)
    assert time.monotonic() - begun < 2
    assert caught.value.runtime_usable == runtime.usable
    if runtime.usable:
        assert runtime.evaluate("1") == 1
        return
    for _ in range(2):
        with pytest.raises(BrokenRuntimeError, match="earlier run") as broken:
            runtime.evaluate("1")
        assert not broken.value.runtime_usable


def test_at_least_one_of_them_needs_the_hard_stop(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(hard_stop_grace=0.03, timeout=0.03)
    with pytest.raises(TimeoutExceeded, match="by force"):
        runtime.evaluate(HARD["reverse"])
    assert not runtime.usable


@pytest.mark.parametrize("hard_stop", ["check", "epoch"])
def test_a_hard_stop_spares_other_runtimes(make_runtime: MakeRuntime, hard_stop: str) -> None:
    options = {"hard_stop": hard_stop, "hard_stop_grace": 0.03, "timeout": 5.0}
    other, victim = make_runtime(**options), make_runtime(**options)
    victim.register("other", lambda: other.evaluate("let n = 0; while (n < 1e5) n++; n"))
    with pytest.raises(TimeoutExceeded):
        victim.evaluate(f"other(); {HARD['reverse']}", timeout=0.1)
    assert not victim.usable
    assert other.evaluate("n") == 100_000


def test_a_run_in_time_is_not_disturbed_by_the_timeout_of_the_one_before(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(hard_stop_grace=0.02)
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate("for (;;) {}", timeout=0.02)
    source = "const end = Date.now() + 100; let n = 0; while (Date.now() < end) n++; n > 0"
    assert runtime.evaluate(source, timeout=None) is True


def test_none_is_unlimited(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(timeout=0.02, hard_stop_grace=0.02)
    source = "const end = Date.now() + 100; while (Date.now() < end); 'done'"
    assert runtime.evaluate(source, timeout=None) == "done"


def test_every_way_to_run_code_has_a_timeout(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f() { for (;;) {} } var g = () => f();")
    runtime.evaluate("Object.defineProperty(globalThis, 'x', { get: f, configurable: true })")
    module = runtime.load_module(Module("m.js", "export default () => { for (;;) {} }"))
    handle = runtime.get_value("g")
    promise = runtime.evaluate("[new Promise(() => {})]")[0]
    for run in (
        lambda: runtime.call_function("f", timeout=0.02),
        lambda: runtime.call_function(handle, timeout=0.02),
        lambda: handle(timeout=0.02),
        lambda: runtime.call_entrypoint(module, timeout=0.02),
        lambda: runtime.get_value("x", timeout=0.02),
        lambda: runtime.load_module(Module("n.js", "for (;;) {}"), timeout=0.02),
        lambda: runtime.load_main_module(Module("o.js", "for (;;) {}"), timeout=0.02),
    ):
        with pytest.raises(TimeoutExceeded) as caught:
            run()
        assert caught.value.timeout == 0.02
        assert caught.value.runtime_usable
    runtime.evaluate("1")
    del promise


@pytest.mark.parametrize("timeout", [1e-9, 1e-4])
def test_a_tiny_timeout_stops_what_does_not_end(runtime: QuickJSRuntime, timeout: float) -> None:
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate("for (;;) {}", timeout=timeout)
    assert runtime.usable
    assert runtime.evaluate("1") == 1


@pytest.mark.parametrize("timeout", [1e9, 1e300, float("inf")])
def test_a_huge_timeout_is_no_problem(runtime: QuickJSRuntime, timeout: float) -> None:
    assert runtime.evaluate("1", timeout=timeout) == 1


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_that_makes_no_sense_is_refused_or_over_at_once(
    runtime: QuickJSRuntime, timeout: float
) -> None:
    with pytest.raises((ValueError, TimeoutExceeded)):
        runtime.evaluate("for (;;) {}", timeout=timeout)
    assert runtime.evaluate("1") == 1


def test_jobs_of_a_stopped_run_do_not_go_on_in_the_next(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var n = 0; function next() { n++; return Promise.resolve().then(next) }")
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate("next(); 1", timeout=0.05)
    stopped_at = runtime.evaluate("n")
    assert stopped_at > 0
    assert runtime.evaluate("n") == stopped_at
    assert runtime.evaluate("(async () => { await null; return 5 })()") == 5
    assert runtime.evaluate("n") == stopped_at


def test_an_async_function_of_a_stopped_run_does_not_go_on_in_the_next(
    runtime: QuickJSRuntime,
) -> None:
    source = "var n = 0; (async () => { for (;;) { try { n++; await null } catch {} } })()"
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate(source, timeout=0.05)
    stopped_at = runtime.evaluate("n")
    runtime.evaluate("Promise.resolve().then(() => 1)")
    assert runtime.evaluate("n") == stopped_at


def test_nothing_after_the_stop_runs(runtime: QuickJSRuntime) -> None:
    source = """
        var after = [];
        try { for (;;) {} } catch { after.push("catch") } finally { after.push("finally") }
        after.push("end");
    """
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate(source, timeout=0.03)
    assert runtime.evaluate("after") == []


def test_time_in_a_host_function_counts(make_runtime: MakeRuntime) -> None:
    never = threading.Event()
    runtime = make_runtime(hard_stop_grace=10.0)
    runtime.register("wait", lambda: never.wait(0.2))
    with pytest.raises(TimeoutExceeded) as caught:
        runtime.evaluate("wait(); for (;;) {}", timeout=0.1)
    assert caught.value.runtime_usable


def test_a_host_function_that_outlasts_the_grace_ends_in_a_timeout_as_well(
    make_runtime: MakeRuntime,
) -> None:
    never = threading.Event()
    runtime = make_runtime(hard_stop_grace=0.02)
    runtime.register("wait", lambda: never.wait(0.3))
    for source in ("wait(); for (;;) {}", f"wait(); {HARD['reverse']}"):
        runtime = make_runtime(hard_stop_grace=0.02)
        runtime.register("wait", lambda: never.wait(0.3))
        with pytest.raises(TimeoutExceeded) as caught:
            runtime.evaluate(source, timeout=0.05)
        assert caught.value.runtime_usable == runtime.usable


def test_a_host_function_that_outlasts_the_grace_may_still_end_the_run(
    make_runtime: MakeRuntime,
) -> None:
    never = threading.Event()
    runtime = make_runtime(hard_stop_grace=0.02)
    runtime.register("wait", lambda: never.wait(0.2))
    try:
        result = runtime.evaluate("wait(); 5", timeout=0.05)
    except TimeoutExceeded:
        result = None
    assert result in (5, None)
    if runtime.usable:
        assert runtime.evaluate("let n = 0; while (n < 1e5) n++; n") == 100_000


def test_an_error_thrown_in_time_is_no_timeout(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSError, match="in time"):
        runtime.evaluate("throw new Error('in time')", timeout=10)


def test_a_forged_interruption_is_no_timeout(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSError) as caught:
        runtime.evaluate("const e = new Error('interrupted'); e.name = 'InternalError'; throw e")
    assert caught.value.message == "interrupted"


def test_limits_that_no_float_can_hold_are_as_good_as_none(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(timeout=10**400, hard_stop_grace=10**400)
    assert runtime.evaluate("1") == 1
    assert runtime.evaluate("2", timeout=10**400) == 2
