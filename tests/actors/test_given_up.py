"""What those do who were given up, and what becomes of what they held."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from actors import (
    AskCycle,
    Query,
    QueryTimeout,
    RestartLimitExceeded,
    Supervision,
    Supervisor,
    Worker,
    WorkerPool,
    WorkerSpec,
)
from actors.testing import Do, DoAgain, EventLog, Gate, PythonWorker, kill_worker

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Pay(Query[int]):
    """Answered with the generation that ran it."""


class Late(Worker[Gate, Pay]):
    """Waits between taking and answering a query, in its first life."""

    runs: list[int]

    def init_runtime(self, options: Gate) -> None:
        self.gate = options

    def serve(self, runtime: None) -> None:
        while (message := self.take()) is not None:
            if self.generation == 1:
                self.gate.hold()
            self.answer(runtime, message)

    def handle_query(self, runtime: None, query: Pay) -> int:
        self.kept.setdefault("runs", []).append(self.generation)
        return len(self.kept["runs"])


def test_a_query_between_take_and_answer_is_run_once_though_its_worker_is_given_up(
    closing: Callable[[Any], Any], gate: Gate, log: EventLog
) -> None:
    policy = Supervision(health_interval=0.02, health_timeout=0.05)
    worker = closing(Late.spawn(gate, supervision=policy))
    reply = worker.send(Pay())
    assert gate.reached.wait(10)
    assert reply.get(10) == 1  # by the next incarnation
    gate.open()  # the old one comes back, and must leave it alone
    assert worker.ask(Pay(), 10) == 2
    assert log.named("worker.abandoned")


def test_workers_that_hang_between_queries_again_and_again_are_closed_in_the_end(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    class Hangs(PythonWorker):
        def check_health(self, runtime: None) -> None:
            gate.hold()

    policy = Supervision(
        health_interval=0.01, health_timeout=0.02, max_abandoned=2, intensity=1000, backoff=0.0
    )
    worker = closing(Hangs.spawn(supervision=policy))
    while worker.is_alive():
        pass
    with pytest.raises(RestartLimitExceeded, match="blocked and were given up"):
        worker.ask(Do(lambda w: 1))
    gate.open()


def test_a_deadline_is_kept_by_a_query_that_went_back_to_its_pool(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    first = threading.Event()

    class SlowToRise(PythonWorker):
        def on_start(self) -> None:
            if first.is_set():
                gate.hold()

    def die(worker: object) -> None:
        first.set()
        raise SystemExit

    pool = closing(WorkerPool(SlowToRise, 1))
    done = threading.Event()
    reply = pool.send(DoAgain(die), timeout=0.3)
    reply.add_done_callback(lambda _: done.set())
    assert done.wait(10)  # nobody waits for the reply itself
    assert isinstance(reply.exception(0), QueryTimeout)
    gate.open()


def test_a_query_that_was_halted_once_may_be_cancelled_in_its_next_run(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    other = closing(PythonWorker.spawn())
    other.send(Do(gate.hold))
    assert gate.reached.wait(10)
    runs: list[int] = []
    again = threading.Event()

    def wait_for_other(worker: Worker[Any, Any]) -> Any:
        runs.append(worker.generation)
        if len(runs) == 2:
            again.set()
        return other.ask(Do(lambda w: 1))

    children = [
        WorkerSpec(PythonWorker, name="asks", shutdown=0),
        WorkerSpec(PythonWorker, name="falls"),
    ]
    with Supervisor(children, strategy="one_for_all") as tree:
        asks = tree.worker("asks", PythonWorker)
        reply = asks.send(DoAgain(wait_for_other))
        while not runs:
            pass
        kill_worker(tree.worker("falls", PythonWorker))
        assert again.wait(10)
        assert reply.cancel()
        assert asks.ask(Do(lambda w: "still the second"), 10) == "still the second"
        assert (asks.generation, asks.abandoned) == (2, 0)
        gate.open()


# -- who waits for whom --------------------------------------------------------------------------


def test_the_first_of_a_pools_only_worker_cannot_be_waited_for_by_that_worker(
    closing: Callable[[Any], Any],
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1))
    with pytest.raises(AskCycle):
        pool.ask(Do(lambda w: pool.first(Do(lambda w: 1)).get()), 10)


def test_a_pool_that_may_grow_can_be_asked_by_its_own_worker(
    closing: Callable[[Any], Any],
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1, max_size=2))
    assert pool.ask(Do(lambda w: pool.ask(Do(lambda w: "grown"))), 10) == "grown"


def test_two_workers_do_not_wait_for_each_other_to_be_drained(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    one, two = closing(PythonWorker.spawn()), closing(PythonWorker.spawn())

    def fill_and_wait(worker: object) -> bool:
        two.send(Do(gate.hold))
        for _ in range(1500):
            two.tell(Do(lambda w: None))
        return two.wait_until_drained()

    asking = two.send(Do(lambda w: one.ask(Do(fill_and_wait))))
    error = asking.exception(20)
    gate.open()
    assert isinstance(error, AskCycle)


def test_a_handler_waits_for_others_to_be_drained_no_longer_than_it_may_run(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    one, two = closing(PythonWorker.spawn()), closing(PythonWorker.spawn())
    two.send(Do(gate.hold))
    for _ in range(1500):
        two.tell(Do(lambda w: None))
    with pytest.raises(QueryTimeout):
        one.ask(Do(lambda w: two.wait_until_drained()), timeout=0.1)
    assert one.ask(Do(lambda w: w.generation), 10) == 1
    gate.open()
