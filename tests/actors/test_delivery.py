"""Every accepted query gets exactly one reply, and who gets it wrong is told the truth."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from actors import (
    DefaultWorker,
    Eval,
    PoolClosed,
    QueryCancelled,
    QueryTimeout,
    Supervision,
    Worker,
    WorkerDied,
    WorkerPool,
)
from actors.testing import Do, DoAgain, EventLog, Gate, PythonWorker

if TYPE_CHECKING:
    from collections.abc import Callable

FOREVER = Eval("for (;;) {}")


def name_of(worker: Worker[Any, Any]) -> str:
    return worker.name


def exit_now(worker: object) -> None:
    raise SystemExit


def test_an_idempotent_query_is_run_again_on_another_worker_of_the_pool(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    seen: list[str] = []

    def die_once(worker: Worker[Any, Any]) -> str:
        seen.append(worker.name)
        if len(seen) == 1:
            raise SystemExit
        return worker.name

    class SlowToRise(PythonWorker):
        def on_start(self) -> None:
            if seen:
                gate.hold()

    pool = closing(WorkerPool(SlowToRise, 2))
    answered_by = pool.ask(DoAgain(die_once), timeout=10)
    assert seen[0] != seen[1] == answered_by
    gate.open()


def test_a_query_for_a_certain_worker_is_run_again_by_that_one(pool: WorkerPool[Any, Any]) -> None:
    seen: list[str] = []

    def die_once(worker: Worker[Any, Any]) -> str:
        seen.append(worker.name)
        if len(seen) == 1:
            raise SystemExit
        return worker.name

    assert pool[1].ask(DoAgain(die_once), timeout=10) == pool[1].name
    assert seen == [pool[1].name] * 2


def test_a_query_that_is_not_idempotent_is_never_run_twice(pool: WorkerPool[Any, Any]) -> None:
    runs: list[int] = []

    def run_and_die(worker: object) -> None:
        runs.append(1)
        raise SystemExit

    with pytest.raises(WorkerDied) as caught:
        pool.ask(Do(run_and_die), timeout=10)
    assert caught.value.may_have_run
    assert len(runs) == 1


def test_the_deadline_ends_the_running_again_as_well(closing: Callable[[Any], Any]) -> None:
    runs: list[int] = []

    def run_and_die(worker: object) -> None:
        runs.append(1)
        raise SystemExit

    policy = Supervision(backoff=60.0, backoff_limit=60.0, intensity=50)
    pool = closing(WorkerPool(PythonWorker, 1, supervision=policy))
    with pytest.raises(QueryTimeout) as caught:
        pool.ask(DoAgain(run_and_die), timeout=0.2)  # the second restart waits half a minute
    assert caught.value.may_have_run
    assert len(runs) == 2


def test_one_that_ran_and_waits_to_be_run_again_is_not_told_that_it_never_ran(
    closing: Callable[[Any], Any],
) -> None:
    policy = Supervision(backoff=60.0, backoff_limit=60.0, intensity=50)
    pool = closing(WorkerPool(PythonWorker, 1, supervision=policy))
    died = threading.Event()
    runs: list[int] = []

    def run_and_die(worker: object) -> None:
        runs.append(1)
        if len(runs) == 2:
            died.set()
        raise SystemExit

    reply = pool.send(DoAgain(run_and_die))
    assert died.wait(10)
    pool.close(0)
    assert getattr(reply.exception(10), "may_have_run", False)


def test_cancelling_a_query_that_waits_at_the_pool_removes_it(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1))
    pool.send(Do(gate.hold))
    assert gate.reached.wait(10)
    ran: list[int] = []
    before, middle, after = (pool.send(Do(lambda w, n=n: ran.append(n))) for n in range(3))
    assert middle.cancel()
    assert pool.backlog == 2
    gate.open()
    assert before.exception(10) is None
    assert after.exception(10) is None
    assert ran == [0, 2]
    error = middle.exception()
    assert isinstance(error, QueryCancelled)
    assert not error.may_have_run


def test_cancelling_a_running_query_of_a_pool_stops_it_and_disturbs_no_neighbour(
    closing: Callable[[Any], Any],
) -> None:
    pool = closing(WorkerPool(DefaultWorker, 2))
    loops = [pool.send(FOREVER) for _ in range(2)]
    neighbours = [pool.send(Eval(f"{n} * 2")) for n in range(20)]
    while sum(worker.running is not None for worker in pool.stats().workers) < 2:
        pass
    assert loops[0].cancel()
    assert [reply.get(20) for reply in neighbours] == [n * 2 for n in range(20)]
    assert not loops[1].done()
    assert loops[1].cancel()
    assert pool.ask(Eval("1 + 1"), timeout=20) == 2
    assert all(worker.generation == 1 for worker in pool)


def test_a_deadline_is_kept_at_the_pool_though_nobody_waits(
    closing: Callable[[Any], Any], gate: Gate, log: EventLog
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1))
    pool.send(Do(gate.hold))
    assert gate.reached.wait(10)
    late = pool.send(Do(name_of), timeout=0.05)
    (event,) = log.wait_for("query.done")
    assert event.fields["outcome"] == "timeout"
    assert event.fields["pool"] == pool.name
    assert late.done()
    assert pool.backlog == 0


def test_a_timeout_says_how_long_it_waited_and_how_long_it_ran(
    closing: Callable[[Any], Any], log: EventLog
) -> None:
    pool = closing(WorkerPool(DefaultWorker, 1))
    with pytest.raises(QueryTimeout) as caught:
        pool.ask(FOREVER, timeout=0.1)
    assert caught.value.may_have_run
    assert caught.value.queue_time + caught.value.run_time == pytest.approx(0.1, abs=0.001)
    (event,) = log.wait_for("query.done")
    assert event.fields["timeout"] == 0.1
    assert event.fields["run_time"] > event.fields["queue_time"]


def test_a_timeout_in_the_queue_was_all_waiting(closing: Callable[[Any], Any], gate: Gate) -> None:
    worker = closing(PythonWorker.spawn())
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    with pytest.raises(QueryTimeout) as caught:
        worker.ask(Do(name_of), timeout=0.05)
    assert (caught.value.queue_time, caught.value.run_time) == (0.05, 0.0)
    assert not caught.value.may_have_run


@pytest.mark.parametrize("drain", [0, 30.0])
def test_closing_a_pool_settles_every_query_at_it(
    drain: float, closing: Callable[[Any], Any], gate: Gate
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1))
    pool.send(Do(gate.hold))
    assert gate.reached.wait(10)
    queued = [pool.send(Do(name_of)) for _ in range(50)]
    pool.shutdown(drain)
    gate.open()
    assert pool.join(20)
    errors = {type(reply.exception(0)) for reply in queued}
    assert errors == ({PoolClosed} if drain == 0 else {type(None)})


def test_a_pool_that_closes_answers_what_waits_though_its_only_worker_dies_meanwhile(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1))
    pool.send(Do(gate.hold))
    assert gate.reached.wait(10)
    dying = pool.send(Do(exit_now))
    queued = [pool.send(Do(name_of)) for _ in range(10)]
    pool.shutdown(30.0)
    gate.open()
    assert pool.join(20)
    assert isinstance(dying.exception(0), WorkerDied)
    assert len({reply.get(0) for reply in queued}) == 1


def test_a_ring_over_a_pool_is_refused_by_the_last_that_would_close_it(
    closing: Callable[[Any], Any],
) -> None:
    from actors import AskCycle

    pool = closing(WorkerPool(PythonWorker, 2))
    both = threading.Barrier(2)

    def ask_own_pool(worker: object) -> Any:
        both.wait(10)
        return pool.ask(Do(name_of))

    replies = [pool.send(Do(ask_own_pool)) for _ in range(2)]
    errors = [reply.exception(10) for reply in replies]
    assert [type(error) for error in errors].count(AskCycle) >= 1
    assert pool.ask(Do(name_of), timeout=10)
