"""Runtimes and threads: one thread each, many at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from runtimes import ClosedRuntimeError, JSFunction, Module, QuickJSRuntime, WrongThread

MakeRuntime = Callable[..., QuickJSRuntime]


def _elsewhere(action: Callable[[], Any]) -> Any:
    """The result of an action on another thread."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(action).result()


def test_everything_but_cancel_and_usable_is_refused_elsewhere(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f() {}")
    module = runtime.load_module(Module("m.js", "export default () => 1"))
    function: JSFunction = runtime.get_value("f")
    (promise,) = runtime.evaluate("[Promise.resolve(1)]")
    actions: list[Callable[[], Any]] = [
        lambda: runtime.evaluate("1"),
        lambda: runtime.load_module(Module("a.js", "")),
        lambda: runtime.load_module(Module("m.js", "export default () => 1")),
        lambda: runtime.load_main_module(Module("a.js", "")),
        lambda: runtime.add_module(Module("b.js", "")),
        lambda: runtime.call_function("f"),
        lambda: runtime.call_entrypoint(module),
        lambda: runtime.get_value("f"),
        lambda: runtime.set_global("x", 1),
        lambda: runtime.register("g", len),
        lambda: runtime.memory_used,
        lambda: runtime.collect_garbage(),
        lambda: runtime.close(),
        lambda: function(),
        lambda: function.name,
        lambda: promise.result(),
    ]
    for action in actions:
        with pytest.raises(WrongThread) as caught:
            _elsewhere(action)
        assert caught.value.runtime_usable
    assert _elsewhere(lambda: runtime.usable) is True
    assert _elsewhere(runtime.cancel) is None
    assert _elsewhere(lambda: repr(runtime) + repr(function))
    assert runtime.evaluate("1") == 1


def test_what_was_refused_elsewhere_leaves_no_trace(runtime: QuickJSRuntime) -> None:
    with pytest.raises(WrongThread):
        _elsewhere(lambda: runtime.load_module(Module("a.js", "export default 1")))
    module = runtime.load_module(Module("a.js", "export default 2"))
    assert runtime.get_value("default", module=module) == 2
    with pytest.raises(WrongThread):
        _elsewhere(lambda: runtime.load_main_module(Module("main.js", "export default 1")))
    runtime.load_main_module(Module("main.js", "export default 2"))


def test_a_closed_runtime_may_be_closed_again_on_another_thread(runtime: QuickJSRuntime) -> None:
    runtime.close()
    assert _elsewhere(runtime.close) is None


def test_runtimes_of_many_threads_run_side_by_side(make_runtime: MakeRuntime) -> None:
    barrier = threading.Barrier(6)

    def work(number: int) -> list[Any]:
        with QuickJSRuntime() as runtime:
            runtime.register("host", lambda x: x + number)
            barrier.wait(20)
            results = []
            for _ in range(20):
                results.append(
                    runtime.evaluate(
                        "let s = 0; for (let i = 0; i < 300; i++) s += host(i); s".replace(
                            "let s", "var s"
                        )
                    )
                )
                with pytest.raises(LookupError) as caught:
                    raise LookupError(number)
                assert caught.value.args == (number,)
            return results

    with ThreadPoolExecutor(6) as executor:
        for number, results in enumerate(executor.map(work, range(6))):
            assert results == [sum(range(300)) + 300 * number] * 20


def test_exceptions_of_many_threads_reach_the_right_callers() -> None:
    """Wasmtime's own Python binding keeps the pending exception in one variable for all threads."""

    class Mine(Exception):
        pass

    class Fatal(BaseException):
        pass

    def work(number: int) -> int:
        def fails(fatal: bool) -> None:
            raise (Fatal if fatal else Mine)(number)

        wrong = 0
        with QuickJSRuntime() as runtime:
            runtime.register("fails", fails)
            for round_ in range(150):
                fatal = round_ % 2 == 0
                try:
                    runtime.evaluate(f"fails({'true' if fatal else 'false'})")
                except Fatal as error:
                    wrong += not fatal or error.args != (number,)
                except Exception as error:
                    cause = error.__cause__
                    wrong += fatal or not isinstance(cause, Mine) or cause.args != (number,)
                else:
                    wrong += 1
        return wrong

    with ThreadPoolExecutor(8) as executor:
        assert list(executor.map(work, range(8))) == [0] * 8


def test_a_thread_may_own_many_runtimes_and_interleave_them(make_runtime: MakeRuntime) -> None:
    many = [make_runtime(memory_limit_bytes=4 * 1024 * 1024) for _ in range(30)]
    for number, runtime in enumerate(many):
        runtime.set_global("n", number)
    for _ in range(3):
        for number, runtime in enumerate(many):
            assert runtime.evaluate("n") == number
    for runtime in many[::2]:
        runtime.close()
    assert [runtime.evaluate("n") for runtime in many[1::2]] == list(range(1, 30, 2))


def test_hundreds_of_runtimes_are_made_and_closed_one_after_another() -> None:
    for number in range(300):
        with QuickJSRuntime() as runtime:
            assert runtime.evaluate(f"{number} + 1") == number + 1


def test_a_runtime_of_a_thread_that_ended_can_still_be_dropped() -> None:
    runtime = _elsewhere(QuickJSRuntime)
    with pytest.raises(WrongThread):
        runtime.evaluate("1")
    del runtime


def test_closed_says_closed_on_its_own_thread(runtime: QuickJSRuntime) -> None:
    runtime.close()
    with pytest.raises(ClosedRuntimeError):
        runtime.evaluate("1")


NESTED = """
import threading
from runtimes import QuickJSRuntime, StackLimitError

def nested(levels):
    runtime = QuickJSRuntime()
    runtime.register("inner", lambda: nested(levels - 1) if levels else 0)
    source = "function deep(n) { return n ? 1 + deep(n - 1) : inner() } deep(350)"
    with runtime:
        return runtime.evaluate(source)

def run():
    try:
        print(nested(8))
    except StackLimitError as error:
        print(type(error).__name__, error.runtime_usable)
    print(nested(0))

threading.stack_size(3 * 1024 * 1024)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


@pytest.mark.parametrize("layer", ["raw", "plain"])
def test_runtimes_inside_each_other_end_before_the_stack_does(layer: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NESTED],
        env={**os.environ, "JSACTORS_LAYER": layer},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n")[:2] == ["StackLimitError True", "350"]
