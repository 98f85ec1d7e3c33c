"""Workers that would wait for themselves, or for each other in a ring: an error at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from actors import (
    AskCycle,
    WorkerHandle,
    WorkerPool,
)
from actors.testing import Do, PythonWorker

Handle: TypeAlias = WorkerHandle[Any]
Pool: TypeAlias = WorkerPool[Any, Any]
Closing: TypeAlias = Callable[[Any], Any]


def test_asking_oneself_is_an_error_at_once(worker: Handle) -> None:
    with pytest.raises(AskCycle, match="would wait for ever") as caught:
        worker.ask(Do(lambda w: worker.ask(Do(lambda v: 1))))
    assert caught.value.workers == (worker.name,)
    assert worker.backlog == 0
    assert worker.ask(Do(lambda w: w.generation)) == 1


def test_waiting_for_a_reply_of_ones_own_is_an_error_at_once(worker: Handle) -> None:
    with pytest.raises(AskCycle):
        worker.ask(Do(lambda w: worker.send(Do(lambda v: 1)).get(timeout=60)))


def test_sending_to_oneself_is_fine(worker: Handle) -> None:
    reply = worker.ask(Do(lambda w: worker.send(Do(lambda v: "later"))))
    assert reply.get(10) == "later"


def test_a_ring_of_asks_is_an_error_at_once(closing: Closing) -> None:
    ring = [closing(PythonWorker.spawn(name=name)) for name in ("a", "b", "c")]

    def ask_next(index: int) -> Any:
        return Do(lambda w: ring[(index + 1) % 3].ask(ask_next((index + 1) % 3)))

    with pytest.raises(AskCycle) as caught:
        ring[0].ask(ask_next(0))
    assert sorted(caught.value.workers) == ["a", "b", "c"]
    assert [worker.ask(Do(lambda w: w.generation)) for worker in ring] == [1, 1, 1]


def test_two_workers_that_ask_each_other_at_the_same_time_do_not_hang(closing: Closing) -> None:
    for _ in range(20):
        left, right = closing(PythonWorker.spawn()), closing(PythonWorker.spawn())
        both = threading.Barrier(2, timeout=10)

        def ask(other: Handle, both: threading.Barrier = both) -> Any:
            both.wait()
            return other.ask(Do(lambda w: "answer"))

        replies = [
            left.send(Do(lambda w, right=right: ask(right))),
            right.send(Do(lambda w, left=left: ask(left))),
        ]
        outcomes = [reply.response(10) for reply in replies]
        assert all(each.ok or isinstance(each.error, AskCycle) for each in outcomes)
        assert not all(each.ok for each in outcomes)


def test_a_chain_of_asks_is_no_ring(closing: Closing) -> None:
    first, second, third = (closing(PythonWorker.spawn()) for _ in range(3))

    def through(w: Any) -> Any:
        return second.ask(Do(lambda s: third.ask(Do(lambda t: "end"))))

    assert first.ask(Do(through)) == "end"


def test_a_handler_may_ask_its_own_pool_as_long_as_another_worker_is_there(
    closing: Closing,
) -> None:
    pool = closing(WorkerPool(PythonWorker, size=2))
    for _ in range(6):
        first, second = pool.ask(Do(lambda w: (w.name, pool.ask(Do(lambda v: v.name)))))
        assert first != second
    lonely = closing(WorkerPool(PythonWorker, size=1))
    with pytest.raises(AskCycle):
        lonely.ask(Do(lambda w: lonely.ask(Do(lambda v: 1))))


def test_a_worker_that_was_answered_but_not_yet_woken_closes_no_ring(closing: Closing) -> None:
    left, right = closing(PythonWorker.spawn()), closing(PythonWorker.spawn())

    def ask_back(w: Any) -> Any:
        return left.ask(Do(lambda o: "back"))

    for _ in range(100):
        asking = left.send(Do(lambda w: right.ask(Do(lambda o: "answer"))))
        answering = right.send(Do(ask_back))
        outcomes = [asking.response(10), answering.response(10)]
        assert outcomes[0].value == "answer" or isinstance(outcomes[0].error, AskCycle)
        if outcomes[0].ok:
            assert outcomes[1].value == "back" or isinstance(outcomes[1].error, AskCycle)
        assert outcomes[0].ok or outcomes[1].ok


def test_waiting_for_ones_own_end_is_an_error_at_once(worker: Handle) -> None:
    with pytest.raises(AskCycle, match="its own end"):
        worker.ask(Do(lambda w: worker.close()))
    assert worker.join(10)
