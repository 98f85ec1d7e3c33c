"""Which worker of a pool gets a query."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from actors import Query, Worker, WorkerPool, consistent_hash
from actors.testing import Do, Gate, PythonWorker

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import WorkerHandle

NAMES = ("round_robin", "random", "least_busy", "consistent_hash")


@dataclass(frozen=True)
class WhoHas(Query[str]):
    customer: str


class Shard(Worker[None, WhoHas | Do[Any]]):
    def init_runtime(self, options: None) -> None:
        pass

    def handle_query(self, runtime: None, query: WhoHas | Do[Any]) -> Any:
        return self.name if isinstance(query, WhoHas) else query.function(self)

    @classmethod
    def routing_key(cls, query: WhoHas | Do[Any]) -> str | None:
        return query.customer if isinstance(query, WhoHas) else None


def name_of(worker: Worker[Any, Any]) -> str:
    return worker.name


def hold_all_but_one(pool: WorkerPool[Any, Any], make_gate: Callable[[], Gate]) -> str:
    """Keep all workers but the last busy; return the name of that one."""
    for handle in list(pool)[:-1]:
        gate = make_gate()
        handle.send(Do(gate.hold))
        assert gate.reached.wait(10)
    return pool[len(pool) - 1].name


@pytest.mark.parametrize("router", ["round_robin", "random", "least_busy"])
def test_a_query_goes_to_an_idle_worker_while_others_are_busy(
    router: Any, closing: Callable[[Any], Any], make_gate: Callable[[], Gate]
) -> None:
    pool = closing(WorkerPool(PythonWorker, 3, router=router))
    free = hold_all_but_one(pool, make_gate)
    assert {pool.ask(Do(name_of), timeout=10) for _ in range(20)} == {free}


def test_round_robin_lets_idle_workers_take_turns(closing: Callable[[Any], Any]) -> None:
    pool = closing(WorkerPool(PythonWorker, 3))
    seen = Counter(pool.ask(Do(name_of)) for _ in range(30))
    assert len(seen) == 3


def test_least_busy_chooses_who_has_answered_least(closing: Callable[[Any], Any]) -> None:
    pool = closing(WorkerPool(PythonWorker, 3, router="least_busy"))
    for _ in range(5):
        pool[0].ask(Do(name_of))
        pool[2].ask(Do(name_of))
    for _ in range(4):
        assert pool.ask(Do(name_of)) == pool[1].name


def test_when_all_are_busy_the_first_that_is_free_takes_the_oldest_query(
    pool: WorkerPool[Any, Any], make_gate: Callable[[], Gate]
) -> None:
    gates = [make_gate() for _ in pool]
    for handle, gate in zip(pool, gates, strict=True):
        handle.send(Do(gate.hold))
        assert gate.reached.wait(10)
    waiting = [pool.send(Do(name_of)) for _ in range(10)]
    assert pool.backlog == 10
    gates[1].open()
    assert {reply.get(10) for reply in waiting} == {pool[1].name}


def test_consistent_hash_sends_the_same_key_to_the_same_worker(
    closing: Callable[[Any], Any],
) -> None:
    pool = closing(WorkerPool(Shard, 4, router="consistent_hash"))
    customers = [f"customer {number}" for number in range(100)]
    first = {customer: pool.ask(WhoHas(customer)) for customer in customers}
    assert first == {customer: pool.ask(WhoHas(customer)) for customer in customers}
    assert len(set(first.values())) == 4


def test_a_new_worker_takes_over_few_keys_and_none_moves_between_the_others(
    closing: Callable[[Any], Any],
) -> None:
    pool = closing(WorkerPool(Shard, 4, router="consistent_hash", name="shards"))
    customers = [f"customer {number}" for number in range(200)]
    before = {customer: pool.ask(WhoHas(customer)) for customer in customers}
    old = {handle.name for handle in pool}
    pool.resize(5)
    while len(pool) < 5:
        pool.run_on_all(Do(name_of))
    (new,) = {handle.name for handle in pool} - old
    after = {customer: pool.ask(WhoHas(customer)) for customer in customers}
    moved = {customer for customer in customers if after[customer] != before[customer]}
    assert moved
    assert {after[customer] for customer in moved} == {new}
    assert len(moved) < 100


def test_a_query_without_a_key_goes_to_whichever_worker_is_free(
    closing: Callable[[Any], Any], make_gate: Callable[[], Gate]
) -> None:
    pool = closing(WorkerPool(Shard, 3, router="consistent_hash"))
    free = hold_all_but_one(pool, make_gate)
    assert {pool.ask(Do(name_of), timeout=10) for _ in range(10)} == {free}


def test_a_hash_may_have_a_key_of_its_own(closing: Callable[[Any], Any]) -> None:
    pool = closing(WorkerPool(Shard, 3, router=consistent_hash(lambda query: 1)))
    assert len({pool.ask(WhoHas(str(number))) for number in range(20)}) == 1


def test_a_key_stays_with_its_worker_over_a_restart(closing: Callable[[Any], Any]) -> None:
    pool = closing(WorkerPool(Shard, 3, router="consistent_hash"))
    name = pool.ask(WhoHas("acme"))
    handle = next(each for each in pool if each.name == name)

    def exit_now(worker: object) -> None:
        raise SystemExit

    assert handle.send(Do(exit_now)).exception(10) is not None
    assert pool.ask(WhoHas("acme"), timeout=10) == name


def test_a_callable_chooses_among_the_handles_that_it_gets(closing: Callable[[Any], Any]) -> None:
    def last(query: Any, workers: Any) -> WorkerHandle[Any]:
        return workers[-1]

    pool = closing(WorkerPool(PythonWorker, 3, router=last))
    assert pool.ask(Do(name_of)) == pool[2].name


def test_a_callable_that_chooses_nobody_leaves_it_to_whoever_is_free(
    closing: Callable[[Any], Any],
) -> None:
    pool = closing(WorkerPool(PythonWorker, 3, router=lambda query, workers: None))
    assert pool.ask(Do(name_of), timeout=10).startswith(pool.name)


def test_a_callable_that_chooses_a_stranger_is_told_so(
    closing: Callable[[Any], Any], worker: WorkerHandle[Any]
) -> None:
    pool = closing(WorkerPool(PythonWorker, 2, router=lambda query, workers: worker))
    with pytest.raises(TypeError, match="one of the workers that it got"):
        pool.send(Do(name_of))


@pytest.mark.parametrize(("router", "error"), [("fastest", ValueError), (3, TypeError)])
def test_a_router_that_there_is_not_is_refused(router: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="router"):
        WorkerPool(PythonWorker, 2, router=router)


@pytest.mark.parametrize("router", NAMES)
def test_every_router_works_with_every_verb(router: Any, closing: Callable[[Any], Any]) -> None:
    pool = closing(WorkerPool(PythonWorker, 2, router=router))
    assert pool.ask(Do(name_of), 10) in {handle.name for handle in pool}
    assert pool.send(Do(name_of), 10, tenant="acme", priority=1).get(10)
    pool.tell(Do(name_of))
    assert len(pool.map([Do(name_of)] * 50, timeout=20)) == 50


# -- to all of them --------------------------------------------------------------------------------


def test_a_broadcast_reaches_every_worker(pool: WorkerPool[Any, Any]) -> None:
    assert [reply.get(10) for reply in pool.broadcast(Do(name_of))] == [each.name for each in pool]


def test_the_first_response_wins_and_the_others_are_cancelled(
    pool: WorkerPool[Any, Any], make_gate: Callable[[], Gate]
) -> None:
    gates = [make_gate(), make_gate()]
    for handle, gate in zip(pool, gates, strict=False):
        handle.send(Do(gate.hold))
        assert gate.reached.wait(10)
    assert pool.first(Do(name_of)).get(10) == pool[2].name
    assert [handle.backlog for handle in pool] == [0, 0, 0]


def test_the_first_passes_over_errors_while_somebody_may_still_answer(
    pool: WorkerPool[Any, Any],
) -> None:
    lucky = pool[1].name

    def answer(worker: Worker[Any, Any]) -> str:
        if worker.name != lucky:
            raise ValueError(worker.name)
        return worker.name

    assert pool.first(Do(answer)).get(10) == lucky


def test_if_all_fail_the_first_has_an_error_of_theirs(pool: WorkerPool[Any, Any]) -> None:
    def fail(worker: object) -> None:
        raise ValueError("none of us")

    with pytest.raises(ValueError, match="none of us"):
        pool.first(Do(fail)).get(10)


def test_to_cancel_the_first_cancels_all(
    pool: WorkerPool[Any, Any], make_gate: Callable[[], Gate]
) -> None:
    for handle in pool:
        gate = make_gate()
        handle.send(Do(gate.hold))
        assert gate.reached.wait(10)
    race = pool.first(Do(name_of))
    assert race.cancel()
    assert [handle.backlog for handle in pool] == [0, 0, 0]


def test_run_on_all_waits_for_all_and_gives_their_responses(pool: WorkerPool[Any, Any]) -> None:
    assert pool.run_on_all(Do(name_of)) == [each.name for each in pool]


def test_what_is_to_run_also_later_runs_in_new_and_in_restarted_workers(
    closing: Callable[[Any], Any],
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1))

    def mark(worker: Any) -> None:
        worker.mark = "set"

    def read(worker: Any) -> str:
        return worker.mark

    def exit_now(worker: object) -> None:
        raise SystemExit

    pool.run_on_all(Do(mark), also_later=True)
    assert pool.send(Do(exit_now)).exception(10) is not None
    assert pool.ask(Do(read), 10) == "set"
    pool.resize(2)
    while len(pool) < 2:
        pool.ask(Do(read), 10)
    assert pool.run_on_all(Do(read)) == ["set", "set"]


def test_what_fails_on_one_is_not_run_later(closing: Callable[[Any], Any]) -> None:
    pool = closing(WorkerPool(PythonWorker, 2))

    def fail(worker: object) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        pool.run_on_all(Do(fail), also_later=True)

    def exit_now(worker: object) -> None:
        raise SystemExit

    assert pool.send(Do(exit_now)).exception(10) is not None
    assert pool.run_on_all(Do(name_of)) == [each.name for each in pool]
