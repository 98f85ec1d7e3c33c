"""A bell wakes the one who waits for it, whichever way it is rung."""

from __future__ import annotations

import os
import signal
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from actors import _bell
from actors._bell import Bell
from actors._mailboxes.backlog import Backlog
from actors._mailboxes.mailbox import Mailbox
from actors._replies.reply import Reply
from actors.query import Query
from actors.testing import Do, Gate, PythonWorker

if TYPE_CHECKING:
    from collections.abc import Callable

RING: list[Callable[[Bell], None]] = [Bell.ring, Bell.hand_over, Bell.ring_again]


def test_a_new_bell_is_silent() -> None:
    bell = Bell()
    assert not bell.wait(0)
    assert not bell.wait(-1.0)
    assert not bell.wait(0.001)


@pytest.mark.parametrize("ring", RING)
def test_who_comes_after_the_ring_does_not_wait(ring: Callable[[Bell], None]) -> None:
    bell = Bell()
    ring(bell)
    assert bell.wait()
    assert not bell.wait(0)


@pytest.mark.parametrize("ring", RING)
@pytest.mark.parametrize("seconds", [None, 20.0, threading.TIMEOUT_MAX, 1e300])
def test_who_waits_is_woken(ring: Callable[[Bell], None], seconds: float | None) -> None:
    there, back = Bell(), Bell()

    def answer() -> None:
        while there.wait(seconds) and not over:
            ring(back)

    over: list[bool] = []
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    for _ in range(1000):
        ring(there)
        assert back.wait(20)
    over.append(True)
    ring(there)
    thread.join(20)
    assert not thread.is_alive()


def test_what_is_rung_again_is_rung_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring_again()
    bell.ring_again()
    assert bell.wait(0)
    assert not bell.wait(0)


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_handlers_of_signals_run_while_the_main_thread_waits_and_may_end_it() -> None:
    bell, seen = Bell(), []

    def note(number: int, frame: object) -> None:
        seen.append(number)
        if len(seen) == 2:
            raise InterruptedError

    def wait_for_signals(number: int) -> None:
        go = threading.Event()

        def kill() -> None:
            go.wait()
            os.kill(os.getpid(), signal.SIGUSR1)

        threading.Thread(target=kill, daemon=True).start()
        go.set()
        while len(seen) < number:
            assert not bell.wait(0.25)  # one that comes the moment before does not wake it

    before = signal.signal(signal.SIGUSR1, note)
    try:
        wait_for_signals(1)
        with pytest.raises(InterruptedError):
            wait_for_signals(2)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(seen) == 2


def test_a_bell_may_ring_for_what_is_long_over() -> None:
    bell = _bell.borrow()
    bell.ring()
    bell.hand_over()
    _bell.give_back(bell)
    gate = Gate()
    with PythonWorker.spawn() as worker:
        waits = worker.send(Do(gate.hold))
        with pytest.raises(TimeoutError):
            waits.get(timeout=0.001)
        gate.open()
        waits.get(timeout=20)
        assert worker.ask(Do(lambda _: 1), timeout=20) == 1


def test_a_reader_would_wait_only_if_nothing_is_queued_anywhere() -> None:
    upstream = Backlog()
    mailbox = Mailbox(upstream=upstream)
    mailbox.attach()
    assert mailbox.would_wait()
    for store in (mailbox, upstream):
        nobody: Any = None
        store.put(Reply(Query(), nobody, monotonic(), None))
        assert not mailbox.would_wait()
        assert mailbox.take() is not None
        assert mailbox.would_wait()
    mailbox.control(lambda: None)
    assert not mailbox.would_wait()
