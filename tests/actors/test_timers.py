"""The timers: in order, cancellable, on a thread that is there only while something is due."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from actors._timers import Timers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def timers() -> Iterator[Timers]:
    made = Timers()
    yield made
    made.join(10)


def test_calls_are_made_in_the_order_of_their_times(timers: Timers) -> None:
    order: list[int] = []
    done = threading.Event()
    now = monotonic()
    for number, delay in [(3, 0.03), (1, 0.01), (2, 0.02)]:
        timers.call_at(now + delay, lambda number=number: order.append(number))
    timers.call_later(0.05, done.set)
    assert done.wait(10)
    assert order == [1, 2, 3]


def test_an_earlier_call_wakes_the_thread(timers: Timers) -> None:
    late = timers.call_later(60, lambda: None)
    soon = threading.Event()
    timers.call_later(0, soon.set)
    assert soon.wait(10)
    late.cancel()


def test_a_cancelled_call_is_not_made_and_holds_no_thread(timers: Timers) -> None:
    made: list[Any] = []
    timer = timers.call_later(60, lambda: made.append(1))
    thread = timers._thread
    assert thread is not None
    timer.cancel()
    timer.cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert not made


def test_the_thread_comes_back_when_it_is_needed_again(timers: Timers) -> None:
    for _ in range(3):
        done = threading.Event()
        timers.call_later(0, done.set)
        assert done.wait(10)
        timers.join(10)


def test_what_a_call_raises_is_reported_and_others_are_made(
    timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    done = threading.Event()
    timers.call_later(0, lambda: 1 / 0)
    timers.call_later(0.01, done.set)
    assert done.wait(10)
    assert [report.exc_type for report in reported] == [ZeroDivisionError]


def test_the_thread_stays_as_long_as_somebody_holds_it(timers: Timers) -> None:
    timers.hold()
    timers.hold()
    done = threading.Event()
    timers.call_later(0, done.set)
    assert done.wait(10)
    first = timers._thread
    timers.release()
    done.clear()
    timers.call_later(0, done.set)
    assert done.wait(10)
    assert timers._thread is first is not None
    timers.release()
    first.join(10)
    assert not first.is_alive()
