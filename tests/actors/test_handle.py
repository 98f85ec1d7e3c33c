"""Handles: asking, sending, telling, posting, and the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from actors import MailboxFull, MailboxOptions, Response, WorkerHandle, WorkerStopped
from actors.testing import Do, Gate, PythonWorker

Handle: TypeAlias = WorkerHandle[Any]
Closing: TypeAlias = Callable[[Any], Any]


def test_queries_are_run_one_at_a_time_in_the_order_of_sending(worker: Handle) -> None:
    seen = []
    replies = [worker.send(Do(lambda w, i=i: seen.append(i))) for i in range(200)]
    for reply in replies:
        reply.get(10)
    assert seen == list(range(200))


def test_many_threads_may_ask_at_once(worker: Handle) -> None:
    results = []

    def ask(i: int) -> Any:
        results.extend(worker.ask(Do(lambda w, j=j: (i, j))) for j in range(50))

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == [(i, j) for i in range(6) for j in range(50)]


def test_posted_queries_are_received_in_the_order_of_posting(worker: Handle, gate: Gate) -> None:
    assert worker.try_receive() is None
    with pytest.raises(LookupError):
        worker.receive()
    worker.post(Do(gate.hold))
    worker.post(Do(lambda w: 1 / 0))
    worker.post(Do(lambda w: 3))
    assert worker.try_receive() is None
    with pytest.raises(TimeoutError):
        worker.receive(timeout=0)
    gate.open()
    assert worker.receive(10) == Response("held")
    failed = worker.receive(10)
    assert isinstance(failed.error, ZeroDivisionError)
    assert worker.receive() == Response(3)
    assert worker.try_receive() is None


def test_a_response_of_none_is_told_from_no_response(worker: Handle) -> None:
    worker.post(Do(lambda w: None))
    worker.ask(Do(lambda w: None))
    assert worker.try_receive() == Response(None)


def test_closing_lets_run_what_is_queued(worker: Handle, gate: Gate) -> None:
    worker.send(Do(gate.hold))
    replies = [worker.send(Do(lambda w, i=i: i)) for i in range(10)]
    worker.shutdown()
    with pytest.raises(WorkerStopped):
        worker.send(Do(lambda w: "late"))
    gate.open()
    assert worker.join(10)
    assert [reply.get(0) for reply in replies] == list(range(10))
    assert worker.state == "stopped"


def test_closing_twice_is_closing_once(worker: Handle) -> None:
    worker.close()
    worker.shutdown()
    worker.close()
    assert worker.join(0)


def test_what_is_not_done_when_the_drain_is_over_is_stopped(worker: Handle, gate: Gate) -> None:
    running = worker.send(Do(gate.hold))
    gate.reached.wait(10)
    queued = worker.send(Do(lambda w: "never"))
    worker.shutdown(drain=0.05)
    with pytest.raises(WorkerStopped) as caught:
        queued.get(10)
    assert not caught.value.may_have_run
    with pytest.raises(WorkerStopped) as caught:
        running.get(10)
    assert caught.value.may_have_run
    gate.open()
    assert worker.join(10)


def test_leaving_by_an_exception_does_not_wait_for_what_is_queued(gate: Gate) -> None:
    queued = []

    def use() -> None:
        with PythonWorker.spawn() as worker:
            worker.send(Do(gate.hold))
            gate.reached.wait(10)
            queued.append(worker.send(Do(lambda w: "never")))
            queued[0].add_done_callback(lambda reply: gate.open())
            raise LookupError

    with pytest.raises(LookupError):
        use()
    assert isinstance(queued[0].exception(), WorkerStopped)


def test_joining_gives_up_after_its_timeout(worker: Handle, gate: Gate) -> None:
    assert not worker.join(0)
    worker.send(Do(gate.hold))
    worker.shutdown()
    assert not worker.join(0.01)
    gate.open()
    assert worker.join(10)


def test_a_bounded_mailbox_refuses_what_is_too_much(closing: Closing, gate: Gate) -> None:
    worker = closing(PythonWorker.spawn(mailbox=MailboxOptions(capacity=2)))
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    first = worker.send(Do(lambda w: 1))
    worker.send(Do(lambda w: 2))
    with pytest.raises(MailboxFull) as caught:
        worker.send(Do(lambda w: 3))
    assert caught.value.capacity == 2
    first.cancel()
    assert worker.backlog == 1
    worker.tell(Do(lambda w: 3))
    gate.open()


def test_a_handle_shows_how_the_worker_stands(worker: Handle, gate: Gate) -> None:
    assert worker.state == "ready"
    assert worker.is_alive()
    assert worker.generation == 1
    assert worker.abandoned == 0
    assert worker.name in repr(worker)
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    worker.send(Do(lambda w: 1))
    assert worker.backlog == 1


def test_names_are_given_or_made(closing: Closing) -> None:
    assert closing(PythonWorker.spawn(name="anna")).name == "anna"
    first, second = closing(PythonWorker.spawn()), closing(PythonWorker.spawn())
    assert first.name.startswith("PythonWorker-")
    assert first.name != second.name
