"""Host functions that come back into the running runtime."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from runtimes import (
    BrokenRuntimeError,
    JSError,
    JSRuntimeError,
    Module,
    QuickJSRuntime,
    StackLimitError,
    TimeoutExceeded,
    UnsettledPromise,
    ValueNotFound,
    WrongThread,
)

MakeRuntime = Callable[..., QuickJSRuntime]

NEVER_POLLS = "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })"


def test_a_host_function_may_evaluate(runtime: QuickJSRuntime) -> None:
    runtime.register("back", lambda source: runtime.evaluate(source))
    assert runtime.evaluate("1 + back('20 + 21')") == 42
    assert runtime.evaluate("var x = 1; back('x = 2; var y = 3;'); [x, y]") == [2, 3]


def test_a_host_function_may_call_functions_and_load_modules(runtime: QuickJSRuntime) -> None:
    def load(name: str) -> int:
        module = runtime.load_module(Module(name, "export const x = 5; export default () => x;"))
        return runtime.call_function("default", module=module) + runtime.get_value(
            "x", module=module
        )

    runtime.register("load", load)
    assert runtime.evaluate("load('a.js')") == 10


def test_a_host_function_may_call_the_function_that_it_was_passed(
    runtime: QuickJSRuntime,
) -> None:
    runtime.register("twice", lambda f: [f(1), f(2)])
    assert runtime.evaluate("twice((x) => x * 10)") == [10, 20]


def test_a_host_function_may_register_and_set(runtime: QuickJSRuntime) -> None:
    def extend() -> None:
        runtime.register("added", lambda: "here")
        runtime.set_global("value", [1])

    runtime.register("extend", extend)
    assert runtime.evaluate("extend(); [added(), value]") == ["here", [1]]


def test_an_error_of_a_nested_run_may_be_caught_in_python(runtime: QuickJSRuntime) -> None:
    def attempt(source: str) -> str:
        try:
            return str(runtime.evaluate(source))
        except JSError as error:
            return f"caught {error.name}"

    runtime.register("attempt", attempt)
    assert runtime.evaluate("[attempt('null.x'), attempt('1')]") == ["caught TypeError", "1"]


def test_an_error_of_a_nested_run_goes_through_both(runtime: QuickJSRuntime) -> None:
    runtime.register("back", lambda source: runtime.evaluate(source))
    with pytest.raises(JSError) as caught:
        runtime.evaluate("back('throw new RangeError(\"inner\")')")
    assert (caught.value.name, caught.value.message) == ("RangeError", "inner")
    source = "try { back('throw new RangeError(\"inner\")') } catch (e) { [e.name, e.message] }"
    assert runtime.evaluate(source) == ["RangeError", "inner"]


def test_an_original_exception_is_chained_through_nested_runs(runtime: QuickJSRuntime) -> None:
    original = LookupError("deep")

    def fails() -> None:
        raise original

    runtime.register("fails", fails)
    runtime.register("back", lambda: runtime.evaluate("fails()"))
    with pytest.raises(JSError) as caught:
        runtime.evaluate("back()")
    chain, error = [], caught.value.__cause__
    while error is not None:
        chain.append(error)
        error = error.__cause__
    assert original in chain


def test_an_error_that_is_no_js_error_comes_out_of_a_nested_run(runtime: QuickJSRuntime) -> None:
    runtime.register("back", lambda: runtime.call_function("nobody"))
    with pytest.raises(ValueNotFound, match="nobody"):
        runtime.evaluate("back()")


def test_nesting_up_to_the_limit_works(runtime: QuickJSRuntime) -> None:
    def down(n: int) -> int:
        return 0 if n == 0 else 1 + runtime.call_function("js", [n - 1])

    runtime.register("down", down)
    runtime.evaluate("function js(n) { return down(n); }")
    assert runtime.call_function("js", [30]) == 30


def test_nesting_beyond_the_limit_is_a_clear_error(runtime: QuickJSRuntime) -> None:
    depth = 0

    def down() -> None:
        nonlocal depth
        depth += 1
        runtime.evaluate("down()")

    runtime.register("down", down)
    with pytest.raises(StackLimitError, match="nested") as caught:
        runtime.evaluate("down()")
    assert depth == 32
    assert caught.value.runtime_usable
    assert runtime.evaluate("1") == 1


def test_a_promise_that_is_not_settled_yet_cannot_be_awaited_in_a_nested_run(
    runtime: QuickJSRuntime,
) -> None:
    runtime.register("back", lambda: runtime.evaluate("Promise.resolve().then(() => 1)"))
    with pytest.raises(UnsettledPromise, match="while a host function runs"):
        runtime.evaluate("back()")
    runtime.register("settled", lambda: runtime.evaluate("Promise.resolve(5)"))
    assert runtime.evaluate("settled()") == 5


def test_jobs_wait_until_the_script_that_queued_them_has_ended(runtime: QuickJSRuntime) -> None:
    runtime.register("back", lambda: runtime.evaluate("log.push('nested')"))
    source = "var log = []; Promise.resolve().then(() => log.push('job')); back(); log.push('end');"
    runtime.evaluate(source)
    assert runtime.evaluate("log") == ["nested", "end", "job"]


def test_a_nested_timeout_ends_the_nested_run_alone(runtime: QuickJSRuntime) -> None:
    def back() -> str:
        with pytest.raises(TimeoutExceeded) as caught:
            runtime.evaluate("for (;;) {}", timeout=0.05)
        assert caught.value.runtime_usable
        assert caught.value.timeout == 0.05
        return "went on"

    runtime.register("back", back)
    assert runtime.evaluate("back() + '!'") == "went on!"
    assert runtime.evaluate("let i = 0; while (i < 1e5) i++; i") == 100_000


def test_a_nested_run_does_not_outlast_the_outer_ones_timeout(runtime: QuickJSRuntime) -> None:
    runtime.register("back", lambda: runtime.evaluate("for (;;) {}", timeout=20))
    with pytest.raises(TimeoutExceeded) as caught:
        runtime.evaluate("back()", timeout=0.05)
    assert caught.value.runtime_usable
    runtime.register("default", lambda: runtime.evaluate("for (;;) {}"))
    with pytest.raises(TimeoutExceeded) as caught:
        runtime.evaluate("globalThis.default()", timeout=0.05)
    assert caught.value.runtime_usable
    assert runtime.evaluate("1") == 1


def test_many_short_nested_runs_do_not_put_the_timeout_off(runtime: QuickJSRuntime) -> None:
    runtime.register("back", lambda: runtime.evaluate("for (let i = 0; i < 30000; ) i++;"))
    with pytest.raises(TimeoutExceeded) as caught:
        runtime.evaluate("for (;;) back();", timeout=0.1)
    assert caught.value.runtime_usable


def test_a_nested_hard_stop_is_the_outer_runs_timeout(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(hard_stop_grace=0.05)
    runtime.register("back", lambda: runtime.evaluate(NEVER_POLLS))
    with pytest.raises(TimeoutExceeded) as caught:
        runtime.evaluate("back()", timeout=0.05)
    assert caught.value.timeout == 0.05
    assert not caught.value.runtime_usable
    assert not runtime.usable


def test_after_a_nested_hard_stop_the_host_function_can_do_nothing_more(
    make_runtime: MakeRuntime,
) -> None:
    errors: list[str] = []

    def back() -> str:
        for _ in range(2):
            try:
                runtime.evaluate(NEVER_POLLS)
            except JSRuntimeError as error:
                errors.append(type(error).__name__)
        return "went on"

    runtime = make_runtime(hard_stop_grace=0.05, host_functions={"back": back})
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate("for (;;) back()", timeout=0.05)
    assert errors == ["TimeoutExceeded", "BrokenRuntimeError"]


def test_the_script_cannot_catch_the_stop_of_the_outer_run(runtime: QuickJSRuntime) -> None:
    runtime.register("back", lambda: runtime.evaluate("for (;;) {}"))
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate("for (;;) { try { back() } catch {} }", timeout=0.05)
    assert runtime.evaluate("1") == 1


def test_closing_in_a_host_function_is_refused(runtime: QuickJSRuntime) -> None:
    def close() -> str:
        with pytest.raises(WrongThread, match="not during a run"):
            runtime.close()
        return "refused"

    runtime.register("close", close)
    assert runtime.evaluate("close()") == "refused"
    assert runtime.usable


def test_another_thread_is_refused_during_a_run_as_well(runtime: QuickJSRuntime) -> None:
    def elsewhere() -> str:
        errors: list[BaseException] = []

        def body() -> None:
            try:
                runtime.evaluate("1")
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        return type(errors[0]).__name__

    runtime.register("elsewhere", elsewhere)
    assert runtime.evaluate("elsewhere()") == "WrongThread"


def test_a_host_function_may_use_another_runtime(runtime: QuickJSRuntime) -> None:
    with QuickJSRuntime() as other:
        other.register("outer", lambda x: runtime.evaluate(f"{x} * 2"))
        runtime.register("other", lambda x: other.evaluate(f"outer({x}) + 1"))
        assert runtime.evaluate("other(5)") == 11


@pytest.mark.parametrize(
    "use",
    [
        lambda runtime, name: runtime.function("list")(name, 50),
        lambda runtime, name: runtime.call_function("list", [name, 50]),
        lambda runtime, name: runtime.evaluate(f"list('{name}', 50)"),
        lambda runtime, name: runtime.evaluate(f"list(echo('{name}'), echo(50))"),
        lambda runtime, name: runtime.call_function("list", [name, 50, "x" * 10_000]),
    ],
    ids=["bound", "call", "evaluate", "host function", "long input"],
)
def test_what_interrupts_a_run_never_spoils_it(
    runtime: QuickJSRuntime, use: Callable[[QuickJSRuntime, str], Any]
) -> None:
    runtime.register("echo", lambda value: value)
    runtime.evaluate("function list(name, n) { return Array.from({ length: n }, () => [name]) }")
    use(runtime, "warm")
    served, refused = [], []

    def interrupt(*_event: object) -> None:  # as finalisers and signal handlers do, but everywhere
        sys.setprofile(None)
        try:
            served.append(use(runtime, "another one"))
        except JSRuntimeError as error:
            refused.append(error)
        finally:
            sys.setprofile(interrupt)

    sys.setprofile(interrupt)
    try:
        result = use(runtime, "mine")
    finally:
        sys.setprofile(None)
    assert result == [["mine"]] * 50
    assert served
    assert all(each == [["another one"]] * 50 for each in served)
    assert refused
    assert not any(isinstance(each, BrokenRuntimeError) for each in refused)
    assert runtime.usable
