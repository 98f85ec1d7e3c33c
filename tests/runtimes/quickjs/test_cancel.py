"""Cancelling: from other threads, at any moment, only what is running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from runtimes import QuickJSRuntime, RunCancelled

MakeRuntime = Callable[..., QuickJSRuntime]


@contextmanager
def _cancelled_once_begun(runtime: QuickJSRuntime) -> Iterator[None]:
    """Offer the host function ``begun``, and cancel from another thread once it was called."""
    begun = threading.Event()

    def cancel() -> None:
        assert begun.wait(20)
        runtime.cancel()

    runtime.register("begun", begun.set)
    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        yield
    finally:
        begun.set()
        canceller.join()


@pytest.mark.parametrize(
    "source",
    [
        "begun(); for (;;) {}",
        "begun(); for (;;) { try { for (;;) {} } catch {} finally { continue } }",
        "begun(); (async () => { for (;;) await null })()",
        "({ get x() { begun(); for (;;) {} } })",
    ],
)
@pytest.mark.parametrize("timeout", [None, 60.0])
def test_a_run_is_stopped_softly(
    runtime: QuickJSRuntime, source: str, timeout: float | None
) -> None:
    with _cancelled_once_begun(runtime), pytest.raises(RunCancelled) as caught:
        runtime.evaluate(source, timeout=timeout)
    assert caught.value.runtime_usable
    assert runtime.usable
    assert runtime.evaluate("let n = 0; while (n < 1e5) n++; n") == 100_000


@pytest.mark.parametrize("hard_stop", ["check", "epoch"])
def test_what_never_polls_is_stopped_hard_after_the_grace(
    make_runtime: MakeRuntime, hard_stop: str
) -> None:
    runtime = make_runtime(hard_stop=hard_stop, hard_stop_grace=0.02, timeout=None)
    with _cancelled_once_begun(runtime), pytest.raises(RunCancelled) as caught:
        runtime.evaluate("begun(); Array.prototype.reverse.call({ length: 2 ** 53 - 1 })")
    assert not caught.value.runtime_usable
    assert not runtime.usable


def test_cancelling_at_rest_does_nothing(runtime: QuickJSRuntime) -> None:
    for _ in range(10):
        runtime.cancel()
        assert runtime.evaluate("let i = 0; for (; i < 1e5; i++); i", filename="x") == 100_000
        runtime.evaluate("globalThis.x = 1")
        break
    for _ in range(3):
        runtime.cancel()
    assert runtime.evaluate("let m = 0; while (m < 1e5) m++; m") == 100_000


def test_a_late_cancel_does_not_reach_the_next_run(runtime: QuickJSRuntime) -> None:
    finished, cancelled = threading.Event(), threading.Event()

    def cancel_late() -> None:
        finished.wait(20)
        runtime.cancel()
        cancelled.set()

    thread = threading.Thread(target=cancel_late)
    thread.start()
    runtime.evaluate("1")
    finished.set()
    cancelled.wait(20)
    thread.join()
    assert runtime.evaluate("let n = 0; while (n < 1e5) n++; n") == 100_000


def test_cancelling_from_a_host_function_stops_the_own_run(runtime: QuickJSRuntime) -> None:
    runtime.register("stop", runtime.cancel)
    with pytest.raises(RunCancelled):
        runtime.evaluate("stop(); for (;;) {}")
    assert runtime.evaluate("1") == 1


def test_cancelling_stops_nested_runs_and_the_outermost_one(runtime: QuickJSRuntime) -> None:
    seen: list[str] = []

    def back() -> str:
        try:
            runtime.evaluate("begun(); for (;;) {}")
        except RunCancelled:
            seen.append("nested")
        return "went on"

    runtime.register("back", back)
    with _cancelled_once_begun(runtime), pytest.raises(RunCancelled):
        runtime.evaluate("back(); for (;;) {}", timeout=None)
    assert seen == ["nested"]
    assert runtime.usable
    assert runtime.evaluate("1") == 1


def test_a_storm_of_cancels_stops_only_what_is_running(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(hard_stop_grace=5.0)
    over = threading.Event()

    def storm() -> None:
        while not over.is_set():
            runtime.cancel()

    thread = threading.Thread(target=storm)
    thread.start()
    ended = stopped = 0
    try:
        for _ in range(300):
            try:
                assert runtime.evaluate("for (var n = 0; n < 2000; n++); n") == 2000
                ended += 1
            except RunCancelled as error:
                stopped += error.runtime_usable
    finally:
        over.set()
        thread.join()
    assert ended + stopped == 300
    assert runtime.usable
    assert runtime.evaluate("for (n = 0; n < 1e5; n++); n") == 100_000


def test_cancelling_while_the_runtime_closes_is_harmless(make_runtime: MakeRuntime) -> None:
    for _ in range(20):
        runtime = make_runtime()
        ready, over = threading.Event(), threading.Event()

        def storm(runtime: QuickJSRuntime = runtime, ready: threading.Event = ready) -> None:
            ready.set()
            while not over.is_set():  # noqa: B023
                runtime.cancel()

        thread = threading.Thread(target=storm)
        thread.start()
        ready.wait(20)
        runtime.close()
        over.set()
        thread.join()
