"""How threads wait: the main one looks up now and then, so that no Ctrl-C is slept through."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from actors._threads import LOOK_UP, join_thread, longest_wait, wait_for

if TYPE_CHECKING:
    from actors.testing import Gate


def in_another_thread(function: object) -> list[object]:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(function()))  # type: ignore[operator]
    thread.start()
    thread.join(10)
    return found


def test_the_main_thread_looks_up_and_others_need_not() -> None:
    assert longest_wait() == LOOK_UP
    assert in_another_thread(longest_wait) == [threading.TIMEOUT_MAX]


def test_a_long_wait_of_the_main_thread_is_many_short_ones() -> None:
    waits: list[float] = []

    def third_time(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 3

    assert wait_for(third_time, None)
    assert waits == [LOOK_UP] * 3


def test_another_thread_waits_at_one_go() -> None:
    waits: list[float] = []
    came = in_another_thread(lambda: wait_for(lambda seconds: waits.append(seconds) is None, None))
    assert came == [True]
    assert waits == [threading.TIMEOUT_MAX]


def test_a_wait_ends_when_its_time_is_over() -> None:
    assert not wait_for(lambda seconds: False, 0.0)
    assert not wait_for(threading.Event().wait, 0.001)


def test_a_thread_is_joined_or_not(gate: Gate) -> None:
    thread = threading.Thread(target=gate.hold)
    thread.start()
    assert not join_thread(thread, 0.001)
    gate.open()
    assert join_thread(thread, 10)
