"""What a runtime has of its own, although all are made from one booted image."""

from __future__ import annotations

import time

from runtimes import QuickJSRuntime


def test_each_runtime_has_random_numbers_of_its_own() -> None:
    seen = set()
    for _ in range(20):
        with QuickJSRuntime() as runtime:
            seen.add(tuple(runtime.evaluate("[Math.random(), Math.random()]")))
    assert len(seen) == 20


def test_performance_counts_from_when_the_runtime_was_made() -> None:
    before = time.time() * 1000
    with QuickJSRuntime() as runtime:
        after = time.time() * 1000
        origin, now = runtime.evaluate("[performance.timeOrigin, performance.now()]")
    assert before - 1 <= origin <= after + 1  # the engine's clock has microseconds
    assert 0 <= now < 60_000


def test_the_time_origin_stays_and_cannot_be_set() -> None:
    with QuickJSRuntime() as runtime:
        first = runtime.evaluate("performance.timeOrigin")
        assert runtime.evaluate("performance.timeOrigin = 1; performance.timeOrigin") == first


def test_the_time_of_day_is_that_of_today() -> None:
    with QuickJSRuntime() as runtime:
        assert abs(runtime.evaluate("Date.now()") / 1000 - time.time()) < 5


def test_nothing_of_the_build_is_pending_in_a_new_runtime() -> None:
    with QuickJSRuntime() as runtime:
        assert runtime.memory_used < 256 * 1024
        assert runtime.evaluate("Object.keys(globalThis)") == ["performance"]
