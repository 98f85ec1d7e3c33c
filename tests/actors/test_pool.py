"""Pools: interchangeable workers under one supervisor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest

from actors import (
    PoolClosed,
    Query,
    QueryTimeout,
    RestartLimitExceeded,
    Supervision,
    Worker,
    WorkerDied,
    WorkerPool,
    WorkerStartError,
    WorkerStopped,
)
from actors.testing import Do, DoAgain, EventLog, Gate, PythonWorker

Pool: TypeAlias = WorkerPool[Any, Any]
Closing: TypeAlias = Callable[[Any], Any]


def die(worker: object) -> None:
    raise SystemExit(1)


def name_of(worker: Any) -> str:
    return worker.name


def test_workers_are_taken_in_turn(pool: Pool) -> None:
    first = [pool.next_worker().name for _ in range(3)]
    assert sorted(first) == sorted(handle.name for handle in pool)
    assert [pool.next_worker().name for _ in range(3)] == first


def test_workers_are_found_by_number(pool: Pool) -> None:
    assert pool.worker_by_id(2) is pool[2]
    assert [pool[i].ask(Do(name_of)) for i in range(3)] == [f"{pool.name}/{i}" for i in range(3)]
    for index in (-1, 3):
        with pytest.raises(IndexError, match="workers 0 to 2"):
            pool.worker_by_id(index)


def test_a_worker_is_not_found_by_anything_but_a_number(pool: Pool) -> None:
    wrong: Any = "1"
    with pytest.raises(TypeError, match="place in its pool is an int, not str"):
        pool.worker_by_id(wrong)


def test_a_pool_knows_its_size_and_options(pool: Pool) -> None:
    assert len(pool) == 3
    assert not pool.is_empty()
    assert pool.options is None
    assert list(pool) == [pool[0], pool[1], pool[2]]


@pytest.mark.parametrize("size", [0, -1])
def test_a_pool_without_workers_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"at least one worker; size was {size}"):
        WorkerPool(PythonWorker, size=size)


@pytest.mark.parametrize("arguments", [(PythonWorker, "2"), (PythonWorker, True), (int, 2)])
def test_nonsense_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        WorkerPool(*arguments)


def test_the_options_reach_every_worker(closing: Closing) -> None:
    @dataclass(frozen=True)
    class Name(Query[str]):
        pass

    class Named(Worker[str, Name]):
        def init_runtime(self, options: str) -> str:
            return options.upper()

        def handle_query(self, runtime: str, query: Name) -> str:
            return runtime

    pool = closing(WorkerPool(Named, size=2, options="anna"))
    assert pool.options == "anna"
    assert [worker.ask(Name()) for worker in pool] == ["ANNA", "ANNA"]


def test_a_start_that_fails_leaves_no_worker_behind(log: EventLog) -> None:
    class Third(PythonWorker):
        def init_runtime(self, options: None) -> None:
            if self.name.endswith("/2"):
                raise OSError("no room")

    with pytest.raises(WorkerStartError) as caught:
        WorkerPool(Third, size=3)
    assert isinstance(caught.value.__cause__, OSError)
    assert len(log.wait_for("worker.stopped", 3)) == 3


def test_workers_run_at_the_same_time(pool: Pool) -> None:
    barrier = threading.Barrier(3, timeout=10)
    replies = [pool.send(Do(lambda w: barrier.wait())) for _ in range(3)]
    assert sorted(reply.get(10) for reply in replies) == [0, 1, 2]


def test_a_busy_worker_is_passed_over_if_another_is_idle(
    pool: Pool, make_gate: Callable[[], Gate]
) -> None:
    gates = [make_gate(), make_gate()]
    for gate in gates:
        pool.send(Do(gate.hold))
        gate.reached.wait(10)
    names = {pool.ask(Do(name_of)) for _ in range(9)}
    assert len(names) == 1


def test_ask_send_and_tell_reach_some_worker(pool: Pool) -> None:
    told = threading.Event()
    pool.tell(Do(lambda w: told.set()))
    assert told.wait(10)
    assert pool.ask(Do(lambda w: 1)) == 1
    assert pool.send(Do(lambda w: 2)).get(10) == 2


def test_map_gives_the_responses_in_the_order_of_the_queries(pool: Pool) -> None:
    assert pool.map(Do(lambda w, i=i: i) for i in range(500)) == list(range(500))
    assert pool.map([]) == []


def test_map_uses_all_workers(pool: Pool) -> None:
    all_here = threading.Barrier(3)
    assert sorted(pool.map([Do(lambda w: all_here.wait(10))] * 3)) == [0, 1, 2]


def test_map_raises_the_first_error_and_cancels_the_rest(pool: Pool) -> None:
    ran = []

    def fail(w: Any) -> Any:
        raise LookupError("third")

    queries = [Do(lambda w, i=i: ran.append(i)) for i in range(200)]
    queries[2] = Do(fail)
    with pytest.raises(LookupError, match="third"):
        pool.map(queries)
    assert all(worker.backlog == 0 for worker in pool)


def test_map_takes_from_an_iterable_only_what_is_near(
    pool: Pool, make_gate: Callable[[], Gate]
) -> None:
    taken = []
    gate = make_gate()

    def queries() -> Any:
        for i in range(100_000):
            taken.append(i)
            if i == 200:
                raise LookupError("the source failed")
            yield Do(lambda w: None)

    with pytest.raises(LookupError):
        pool.map(queries())
    assert len(taken) == 201
    gate.open()


def test_map_has_one_deadline_for_all(pool: Pool, make_gate: Callable[[], Gate]) -> None:
    gate = make_gate()
    with pytest.raises(QueryTimeout):
        pool.map([Do(gate.hold) for _ in range(6)], timeout=0.05)
    gate.open()


def test_a_worker_that_died_is_restarted_in_its_place(pool: Pool) -> None:
    worker = pool[1]
    with pytest.raises(WorkerDied):
        worker.ask(Do(die))
    assert worker.ask(Do(lambda w: (w.name, w.generation))) == (f"{pool.name}/1", 2)
    assert [handle.generation for handle in pool] == [1, 2, 1]


def test_a_worker_that_is_not_ready_is_passed_over(closing: Closing, gate: Gate) -> None:
    class Slow(PythonWorker):
        def init_runtime(self, options: None) -> None:
            if "again" in self.kept:
                gate.hold()
            self.kept["again"] = True

    pool = closing(WorkerPool(Slow, size=2))
    dying = pool[0].send(Do(die))
    queued = pool[0].send(Do(lambda w: "queued"))
    assert isinstance(dying.exception(10), WorkerDied)
    assert gate.reached.wait(10)
    assert pool[0].state == "restarting"
    assert {pool.next_worker().name for _ in range(6)} == {pool[1].name}
    assert {pool.ask(Do(name_of)) for _ in range(6)} == {pool[1].name}
    gate.open()
    assert queued.get(10) == "queued"


def test_no_query_is_lost_when_workers_die(closing: Closing) -> None:
    supervision = Supervision(intensity=1000, backoff=0)
    pool = closing(WorkerPool(PythonWorker, size=2, supervision=supervision))
    killed = []

    def work(i: int) -> Any:
        def run(w: Any) -> Any:
            if i % 10 == 0 and i not in killed:
                killed.append(i)
                raise SystemExit
            return i

        return DoAgain(run)

    assert pool.map([work(i) for i in range(100)]) == list(range(100))
    assert len(killed) == 10


def test_too_many_restarts_close_the_pool_with_an_error_for_all(
    closing: Closing, make_gate: Callable[[], Gate]
) -> None:
    pool = closing(WorkerPool(PythonWorker, size=2, supervision=Supervision(intensity=2)))
    gate = make_gate()
    running = pool[1].send(Do(gate.hold))
    gate.reached.wait(10)
    queued = pool[1].send(Do(lambda w: "never"))
    dying = [pool[0].send(Do(die)) for _ in range(3)]
    assert all(isinstance(reply.exception(10), WorkerDied) for reply in dying)
    with pytest.raises(RestartLimitExceeded) as caught:
        queued.get(10)
    assert (caught.value.intensity, caught.value.period) == (2, 5.0)
    assert isinstance(running.exception(10), WorkerStopped)
    for use in (pool.ask, pool.send, pool.tell, pool[0].ask, pool[1].ask):
        with pytest.raises(RestartLimitExceeded):
            use(Do(lambda w: 1))
    with pytest.raises(RestartLimitExceeded):
        pool.next_worker()
    gate.open()
    assert pool.join(10)
    assert pool.is_empty()


def test_a_closed_pool_refuses_queries(pool: Pool) -> None:
    worker = pool[0]
    pool.close()
    for use in (pool.ask, pool.send, pool.tell, worker.ask, worker.send):
        with pytest.raises(PoolClosed, match="is closed"):
            use(Do(lambda w: 1))
    with pytest.raises(PoolClosed):
        pool.next_worker()
    with pytest.raises(PoolClosed):
        pool.map([Do(lambda w: 1)])
    pool.close()
    assert pool.is_empty()
    assert pool.join(0)


def test_closing_a_pool_lets_run_what_is_queued(pool: Pool, gate: Gate) -> None:
    pool[0].send(Do(gate.hold))
    replies = [pool[0].send(Do(lambda w, i=i: i)) for i in range(5)]
    pool.shutdown()
    gate.open()
    assert pool.join(10)
    assert [reply.get(0) for reply in replies] == list(range(5))


def test_a_pool_with_a_stuck_worker_closes_within_drain_and_grace(
    closing: Closing, gate: Gate
) -> None:
    pool = closing(WorkerPool(PythonWorker, size=2, supervision=Supervision(stuck_grace=0.05)))
    stuck = pool[0].send(Do(gate.hold))
    gate.reached.wait(10)
    pool.shutdown(drain=0.05)
    assert pool.join(10)
    assert isinstance(stuck.exception(0), WorkerStopped)
    gate.open()


def test_leaving_by_an_exception_does_not_wait(gate: Gate) -> None:
    def use() -> None:
        with WorkerPool(PythonWorker, size=1) as pool:
            pool.send(Do(gate.hold))
            gate.reached.wait(10)
            pool.send(Do(lambda w: 1)).add_done_callback(lambda reply: gate.open())
            raise LookupError

    with pytest.raises(LookupError):
        use()


def test_a_pool_can_be_used_by_many_threads_at_once(pool: Pool) -> None:
    results = []

    def use(i: int) -> Any:
        results.extend(pool.map([Do(lambda w, j=j: (i, j)) for j in range(30)]))

    threads = [threading.Thread(target=use, args=(i,)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == [(i, j) for i in range(5) for j in range(30)]


def test_a_script_is_run_in_a_thread_of_its_own() -> None:
    assert WorkerPool.eval_in_thread("6 * 7") == 42
    assert WorkerPool.eval_in_thread("[1, 2]", returns=tuple[int, int]) == (1, 2)
    with pytest.raises(QueryTimeout):
        WorkerPool.eval_in_thread("for (;;) {}", timeout=0.05)
    assert not [each for each in threading.enumerate() if each.name.startswith("DefaultWorker")]
