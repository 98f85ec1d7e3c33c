"""The three timeouts and their three meanings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from actors import Eval, QueryTimeout, Supervision, WorkerHandle
from actors.testing import Do, EchoWorker, EventLog, Gate, PythonWorker
from runtimes import TimeoutExceeded

Handle: TypeAlias = WorkerHandle[Any]
Closing: TypeAlias = Callable[[Any], Any]


def test_a_query_whose_deadline_passes_in_the_queue_is_removed(worker: Handle, gate: Gate) -> None:
    ran = []
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    with pytest.raises(QueryTimeout, match="removed from the queue") as caught:
        worker.ask(Do(ran.append), timeout=0.02)
    assert isinstance(caught.value, TimeoutError)
    assert not caught.value.may_have_run
    assert caught.value.timeout == pytest.approx(0.02)
    assert worker.backlog == 0
    gate.open()
    worker.ask(Do(lambda w: None))
    assert not ran


def test_a_queued_query_that_nobody_waits_for_is_removed_too(worker: Handle, gate: Gate) -> None:
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    expired = threading.Event()
    reply = worker.send(Do(lambda w: None), timeout=0.02)
    later = worker.send(Do(lambda w: "later"), timeout=20)
    reply.add_done_callback(lambda r: expired.set())
    assert expired.wait(10)
    assert isinstance(reply.exception(), QueryTimeout)
    assert worker.backlog == 1
    gate.open()
    assert later.get(10) == "later"


def test_an_earlier_deadline_is_kept_even_if_it_comes_later(worker: Handle, gate: Gate) -> None:
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    order = []
    done = threading.Barrier(2, timeout=10)
    slow = worker.send(Do(lambda w: None), timeout=0.15)
    fast = worker.send(Do(lambda w: None), timeout=0.03)
    slow.add_done_callback(lambda r: (order.append("slow"), done.wait()))
    fast.add_done_callback(lambda r: order.append("fast"))
    done.wait()
    assert order == ["fast", "slow"]


def test_a_timeout_of_zero_is_over_at_once(worker: Handle) -> None:
    with pytest.raises(QueryTimeout):
        worker.ask(Do(lambda w: None), timeout=0)
    assert worker.ask(Do(lambda w: 1)) == 1


def test_a_run_is_stopped_at_the_querys_deadline(engine: Any, closing: Closing) -> None:
    worker = closing(engine.worker.spawn())
    with pytest.raises(QueryTimeout, match="was stopped while it ran") as caught:
        worker.evaluate(engine.dialect.endless, timeout=0.05)
    assert caught.value.may_have_run
    assert worker.evaluate(engine.dialect.value(1)) == 1
    assert worker.generation == 1


def test_a_run_is_stopped_at_the_runtimes_own_timeout(engine: Any, closing: Closing) -> None:
    options = engine.worker.default_options()
    worker = closing(engine.worker.spawn(type(options)(timeout=0.05)))
    with pytest.raises(TimeoutExceeded) as caught:
        worker.evaluate(engine.dialect.endless)
    assert caught.value.timeout == 0.05
    with pytest.raises(TimeoutExceeded):
        worker.evaluate(engine.dialect.endless, timeout=20)
    assert worker.evaluate(engine.dialect.value(1)) == 1


def test_a_deadline_does_not_hit_the_next_query(engine: Any, closing: Closing) -> None:
    worker = closing(engine.worker.spawn())
    for _ in range(20):
        first = worker.send(Eval(engine.dialect.endless), timeout=0.01)
        second = worker.send(Eval(engine.dialect.value(2)))
        assert second.get(10) == 2
        assert isinstance(first.exception(), QueryTimeout)


def test_cancelling_a_run_stops_it_and_not_the_next(engine: Any, closing: Closing) -> None:
    started = threading.Semaphore(0)
    options = engine.worker.default_options()
    worker = closing(engine.worker.spawn(type(options)(host_functions={"begun": started.release})))
    script = f"{engine.dialect.calling('begun', [])};\n{engine.dialect.endless}"
    for _ in range(20):
        first = worker.send(Eval(script))
        second = worker.send(Eval(engine.dialect.value(2)))
        assert started.acquire(timeout=10)
        assert first.cancel()
        assert second.get(10) == 2
        assert first.cancelled()
    assert worker.generation == 1


def test_a_handler_sees_what_time_is_left(worker: Handle) -> None:
    assert worker.ask(Do(lambda w: w.time_left())) is None
    left = worker.ask(Do(lambda w: w.time_left()), timeout=10)
    assert 5 < left <= 10


def test_an_ask_hands_the_deadline_of_its_own_query_on(worker: Handle, closing: Closing) -> None:
    other = closing(PythonWorker.spawn())

    def ask_on(w: Any) -> Any:
        return other.ask(Do(lambda o: o.time_left())), other.ask(
            Do(lambda o: o.time_left()), timeout=1
        )

    inherited, own = worker.ask(Do(ask_on), timeout=10)
    assert 5 < inherited <= 10
    assert own <= 1


def test_a_handler_that_waits_is_woken_at_its_own_deadline(
    worker: Handle, closing: Closing, gate: Gate
) -> None:
    other = closing(PythonWorker.spawn())
    other.send(Do(gate.hold))

    def wait_for_other(w: Any) -> Any:
        return other.send(Do(lambda o: 1)).get()

    with pytest.raises(QueryTimeout):
        worker.ask(Do(wait_for_other), timeout=0.05)
    assert worker.ask(Do(lambda w: w.generation), timeout=10) == 1


def test_a_handler_that_waits_is_woken_when_its_query_is_cancelled(
    worker: Handle, closing: Closing, gate: Gate
) -> None:
    other = closing(PythonWorker.spawn())
    other.send(Do(gate.hold))
    waits = threading.Event()

    def wait_for_other(w: Any) -> Any:
        reply = other.send(Do(lambda o: 1))
        waits.set()
        return reply.get()

    reply = worker.send(Do(wait_for_other))
    assert waits.wait(10)
    reply.cancel()
    assert worker.ask(Do(lambda w: w.generation), timeout=10) == 1


def test_a_blocked_host_function_costs_its_worker_the_thread_and_nothing_else(
    closing: Closing, gate: Gate, log: EventLog
) -> None:
    options = EchoWorker.default_options()
    worker = closing(
        EchoWorker.spawn(
            type(options)(host_functions={"block": gate.hold}),
            supervision=Supervision(stuck_grace=0.05),
        )
    )
    blocked = worker.send(Eval('call "block" []'), timeout=0.05)
    queued = worker.send(Eval("7"))
    assert isinstance(blocked.exception(10), QueryTimeout)
    assert queued.get(10) == 7
    assert worker.generation == 2
    assert worker.abandoned == 1
    assert log.wait_for("worker.abandoned")
    gate.open()
