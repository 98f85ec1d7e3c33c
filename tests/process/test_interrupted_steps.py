"""Ctrl-C between two steps of ours: what was taken out to be woken is woken all the same.

CPython runs signal handlers when a call returns. Here the call that takes something out raises
KeyboardInterrupt as it returns, which is where Ctrl-C would do most harm.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections import deque
from typing import Any

import pytest

from actors import DefaultWorker, Eval, MailboxOptions, WorkerPool
from actors._bell import Bell
from actors.testing import Do, Gate, PythonWorker


class Interrupted(deque[Any]):
    """Once it is armed, the next time that something is taken out is interrupted right after."""

    armed = False

    def pop(self) -> Any:
        return self._interrupted(super().pop())

    def popleft(self) -> Any:
        return self._interrupted(super().popleft())

    def _interrupted(self, taken: Any) -> Any:
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt
        return taken


class InterruptedList(list[Any]):
    """Likewise, and armed from the start."""

    armed = True

    def pop(self, index: Any = -1) -> Any:
        taken = super().pop(index)
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt
        return taken


def sleeps(store: Any) -> bool:
    return bool(store._sleepers)


def wait_for(fact: Any) -> None:
    for _ in range(20_000):
        if fact():
            return
        threading.Event().wait(0.0005)
    raise AssertionError("it never came about")


@pytest.mark.parametrize(
    ("opened", "queue_of"),
    [
        (PythonWorker.spawn, lambda worker: worker._cell.mailbox),
        (lambda: WorkerPool(PythonWorker, size=1), lambda pool: pool._hub.mailbox),
    ],
    ids=["worker", "pool"],
)
def test_a_worker_is_woken_though_the_sender_was_interrupted(opened: Any, queue_of: Any) -> None:
    with opened() as front:
        queue = queue_of(front)
        wait_for(lambda: sleeps(queue))
        queue._sleepers = sleepers = Interrupted(queue._sleepers)
        for times in range(1, 4):
            wait_for(lambda: sleeps(queue))
            ran = threading.Event()
            sleepers.armed = True
            with pytest.raises(KeyboardInterrupt):
                front.send(Do(lambda w, ran=ran: ran.set()))
            assert ran.wait(10)
            assert front.ask(Do(lambda w, times=times: times), timeout=10) == times


def start_to_wait(reply: Any) -> list[threading.Thread]:
    """Let three threads wait for a reply."""
    waiting = [threading.Thread(target=reply.exception) for _ in range(3)]
    for thread in waiting:
        thread.start()
    wait_for(lambda: len(reply._waiters or ()) == 3)
    return waiting


def assert_woken(waiting: list[threading.Thread]) -> None:
    for thread in waiting:
        thread.join(10)
    assert not any(thread.is_alive() for thread in waiting)


def test_all_who_wait_are_woken_though_the_canceller_was_interrupted() -> None:
    gate = Gate()
    with PythonWorker.spawn() as worker:
        worker.send(Do(gate.hold))
        queued = worker.send(Do(lambda w: 1))
        waiting = start_to_wait(queued)
        queued._waiters = InterruptedList(queued._waiters or ())
        with pytest.raises(KeyboardInterrupt):
            queued.cancel()
        assert_woken(waiting)
        assert queued.cancelled()
        assert worker.backlog == 0
        gate.open()


@pytest.mark.parametrize("rings", [False, True], ids=["before", "after"])
def test_who_waits_is_woken_though_the_ring_was_interrupted(
    rings: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, ring = Gate(), Bell.ring

    def interrupted(bell: Bell) -> None:
        monkeypatch.setattr(Bell, "ring", ring)
        if rings:
            ring(bell)
        raise KeyboardInterrupt

    with PythonWorker.spawn() as worker:
        worker.send(Do(gate.hold))
        queued = worker.send(Do(lambda w: 1))
        waiting = start_to_wait(queued)
        monkeypatch.setattr(Bell, "ring", interrupted)
        with pytest.raises(KeyboardInterrupt):
            queued.cancel()
        assert_woken(waiting)
        assert queued.cancelled()
        assert worker.backlog == 0
        gate.open()


def interrupt_after(calls: int, act: Any) -> bool:
    """Press Ctrl-C as that many calls have returned within `act`; whether it came to that."""
    left = calls

    def watch(frame: Any, event: str, arg: object) -> None:
        nonlocal left
        ours = frame.f_globals["__name__"].startswith(("actors.", "runtimes."))
        if ours and event in ("return", "c_return"):  # not in weakref callbacks, which print it
            left -= 1
            if left < 0:
                sys.setprofile(None)
                raise KeyboardInterrupt

    gc.collect()
    gc.disable()  # or it would be a finaliser that is interrupted, which prints it
    sys.setprofile(watch)
    try:
        act()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(None)
        gc.enable()
    return False


@pytest.mark.parametrize("kind", [PythonWorker, DefaultWorker])
def test_an_ask_that_runs_on_the_asking_thread_may_be_interrupted_at_any_call(kind: Any) -> None:
    query: Any = Do(lambda _: 1) if kind is PythonWorker else Eval("1")
    with kind.spawn(mailbox=MailboxOptions(caller_runs=True)) as worker:
        mailbox = worker._cell.mailbox
        calls = 0
        while True:
            wait_for(lambda: mailbox._turn.holder is None)
            if not interrupt_after(calls, lambda: worker.ask(query)):
                break
            assert worker.send(query).get(10) == 1, calls
            calls += 1
        assert calls > 20
        assert worker.generation == 1
