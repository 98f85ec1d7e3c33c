"""Groups: who is restarted, in which order, and when there is no point any more."""

from __future__ import annotations

from typing import Any

import pytest

from actors import RestartLimitExceeded, WorkerStartError, WorkerStopped
from actors._trees.group import Group
from actors.tracing import TraceEvent, subscribe

from ._world import FakeChild, World


def tree(strategy: Any = "one_for_one", size: int = 3, **policy: Any) -> Any:
    """A root that is up, with some workers."""
    world = World()
    root = world.group(strategy=strategy, **policy)
    workers = [world.worker(root) for _ in range(size)]
    world.launch(root)
    world.settle()
    assert root.up
    return world, root, workers


def launches(workers: list[FakeChild]) -> list[int]:
    return [worker.launches for worker in workers]


def die(world: World, worker: FakeChild, kind: Any = "died") -> None:
    worker.end(kind, OSError("it"))
    world.handle_all()


def test_children_start_one_after_the_other() -> None:
    world = World()
    root = world.group()
    workers = [world.worker(root) for _ in range(3)]
    world.launch(root)
    for number in range(3):
        world.handle_all()
        assert launches(workers) == [1] * (number + 1) + [0] * (2 - number)
        assert not root.up
        workers[number].get_ready()
    world.handle_all()
    assert root.up
    assert root.settled_start.is_set()


def test_a_group_that_is_not_ordered_starts_all_at_once() -> None:
    world = World()
    root = world.group(ordered=False)
    workers = [world.worker(root) for _ in range(3)]
    world.launch(root)
    world.handle_all()
    assert launches(workers) == [1, 1, 1]


def test_who_was_lost_before_the_last_was_ready_was_ready_all_the_same() -> None:
    world = World()
    root = world.group(ordered=False, intensity=0)
    first, last = (world.worker(root) for _ in range(2))
    world.launch(root)
    world.handle_all()
    first.get_ready()
    last.get_ready()
    first.end("died", OSError("it"))  # before the supervisor has heard that anybody was ready
    world.handle_all()
    assert isinstance(root.failure, RestartLimitExceeded)
    assert last.failure is root.failure  # it is failed at once, and not left to do what is queued


def test_children_stop_in_reverse_each_in_its_own_time() -> None:
    world, root, workers = tree()
    workers[2].patience = None
    workers[1].patience = 3.0
    root.order(lambda: root.shutdown(8.0))
    for number in (2, 1, 0):
        world.handle_all()
        assert [bool(worker.drains) for worker in workers] == [n >= number for n in range(3)]
        world.now += 2.0
        workers[number].end("stopped")
    world.handle_all()
    assert root.finished.is_set()
    assert [worker.drains for worker in workers] == [[4.0], [3.0], [8.0]]


def test_less_time_may_be_given_later() -> None:
    world, root, workers = tree()
    root.order(lambda: root.shutdown(None))
    root.order(lambda: root.shutdown(0))
    world.settle()
    assert workers[2].drains == [10.0, 0.0]
    assert workers[0].drains == [0.0]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("one_for_one", [1, 2, 1]), ("one_for_all", [2, 2, 2]), ("rest_for_one", [1, 2, 2])],
)
def test_a_strategy_says_who_is_launched_again(strategy: Any, expected: list[int]) -> None:
    world, root, workers = tree(strategy)
    die(world, workers[1])
    world.settle()
    assert launches(workers) == expected
    assert root.up
    assert root.restarts == 1


def test_one_for_all_halts_in_reverse_and_launches_in_order() -> None:
    world, _, workers = tree("one_for_all")
    die(world, workers[1])
    assert [len(worker.halts) for worker in workers] == [0, 0, 1]
    workers[2].end("halted")
    world.handle_all()
    assert [len(worker.halts) for worker in workers] == [1, 0, 1]
    assert launches(workers) == [1, 1, 1]
    workers[0].end("halted")
    for worker in workers:
        world.handle_all()
        worker.get_ready()
    assert launches(workers) == [2, 2, 2]


def test_a_sibling_that_dies_while_it_is_to_be_halted_is_not_counted() -> None:
    world, root, workers = tree("one_for_all", intensity=1)
    workers[1].end("died")
    workers[2].end("died")
    workers[0].end("died")
    world.settle()
    assert root.restarts == 1
    assert launches(workers) == [2, 2, 2]


def test_a_lost_child_is_launched_again_at_once_and_then_after_pauses() -> None:
    world, _, (worker,) = tree(size=1, backoff=1.0)
    die(world, worker)
    assert worker.launches == 2
    worker.get_ready()
    die(world, worker)
    assert worker.launches == 2
    (alarm,) = world.live_alarms()
    assert 0.5 <= alarm.when <= 1.0
    world.ring_next()
    assert worker.launches == 2  # through the supervisor's own mailbox
    world.handle_all()
    assert worker.launches == 3


def test_one_budget_is_for_all_children() -> None:
    world, root, workers = tree(intensity=2, backoff=0)
    for worker in workers:
        die(world, worker)
    world.settle()
    assert root.finished.is_set()
    assert isinstance(root.failure, RestartLimitExceeded)
    assert isinstance(root.failure.__cause__, OSError)
    assert {type(worker.failure) for worker in workers} == {RestartLimitExceeded}


def test_failed_starts_are_counted_apart() -> None:
    world, root, (worker, _) = tree(size=2, intensity=1, start_attempts=3, backoff=0)
    die(world, worker)
    for _ in range(2):
        worker.fail_to_start()
        world.handle_all()
    worker.get_ready()
    world.handle_all()
    assert root.restarts == 1
    world.now += 100
    die(world, worker)
    for _ in range(3):
        worker.fail_to_start()
        world.handle_all()
    assert isinstance(root.failure, WorkerStartError)
    assert "failed to restart 3 times" in str(root.failure)


def test_the_first_start_of_a_tree_fails_as_a_whole() -> None:
    world = World()
    root = world.group()
    first, second, third = (world.worker(root) for _ in range(3))
    world.launch(root)
    world.handle_all()
    first.get_ready()
    world.handle_all()
    second.fail_to_start()
    world.settle()
    assert root.finished.is_set()
    assert root.failure is second.failure
    assert first.finished.is_set()
    assert third.launches == 0


@pytest.mark.parametrize(
    ("restart", "kind", "again"),
    [
        ("permanent", "normal", True),
        ("permanent", "died", True),
        ("transient", "normal", False),
        ("transient", "died", True),
        ("temporary", "normal", False),
        ("temporary", "died", False),
    ],
)
def test_a_restart_type_says_who_comes_back(restart: Any, kind: Any, again: bool) -> None:
    world = World()
    root = world.group()
    worker = world.worker(root, restart)
    world.launch(root)
    world.settle()
    die(world, worker, kind)
    assert worker.launches == 1 + again
    assert worker.finished.is_set() != again
    assert root.restarts == again


def test_who_gives_up_below_another_is_restarted_by_that_one() -> None:
    world = World()
    root = world.group(strategy="rest_for_one", backoff=0)
    before = world.worker(root)
    below = world.group(root, intensity=0)
    inside = [world.worker(below) for _ in range(2)]
    after = world.worker(root)
    world.launch(root)
    world.settle()
    die(world, inside[0])
    world.settle()
    assert root.up
    assert [w.launches for w in (before, *inside, after)] == [1, 2, 2, 2]
    assert (root.restarts, below.restarts) == (1, 0)


def test_an_escalation_goes_on_to_the_root_and_closes_it() -> None:
    world = World()
    root = world.group(intensity=0)
    middle = world.group(root, intensity=0)
    low = world.group(middle, intensity=0)
    workers = [world.worker(group) for group in (root, middle, low)]
    world.launch(root)
    world.settle()
    die(world, workers[2])
    world.settle()
    assert root.finished.is_set()
    assert "the last was supervisor" in str(root.failure)
    assert all(isinstance(worker.failure, RestartLimitExceeded) for worker in workers)


def test_a_temporary_supervisor_that_gives_up_is_stopped_for_good() -> None:
    world = World()
    root = world.group(intensity=0)
    below = world.group(root, intensity=0, restart="temporary")
    worker = world.worker(below)
    world.launch(root)
    world.settle()
    die(world, worker)
    world.settle()
    assert below.finished.is_set()
    assert worker.finished.is_set()
    assert root.up
    assert root.children == ()


def test_a_crash_below_is_a_restart_above_and_a_crash_of_the_root_disturbs_nobody() -> None:
    world = World()
    root = world.group()
    below = world.group(root)
    workers = [world.worker(root), world.worker(below)]
    world.launch(root)
    world.settle()
    world.crash(below)
    world.settle()
    assert launches(workers) == [1, 2]
    assert root.restarts == 1
    world.crash(root)
    world.settle()
    assert launches(workers) == [1, 2]
    assert root.up


def test_a_root_that_crashes_too_often_closes() -> None:
    world, root, workers = tree(intensity=2)
    for _ in range(3):
        world.crash(root)
    world.settle()
    assert root.finished.is_set()
    assert isinstance(workers[0].failure, RestartLimitExceeded)


def test_a_report_that_was_lost_with_the_thread_is_found_out() -> None:
    world, root, workers = tree()
    workers[1].end("died")
    world.lose_thread(root)
    assert len(world.inbox) == 1
    world.settle()
    assert launches(workers) == [1, 2, 1]


def test_a_child_may_come_later_and_go_before() -> None:
    world, root, workers = tree()
    late: list[FakeChild] = []
    root.order(lambda: late.append(world.worker(root)))
    root.order(lambda: root.stop_child(workers[0]))
    world.settle()
    assert late[0].up
    assert workers[0].finished.is_set()
    assert root.children == (*workers[1:], late[0])


def test_who_comes_to_a_closed_group_is_stopped() -> None:
    world, root, _ = tree()
    root.order(lambda: root.shutdown(0))
    world.settle()
    late = world.worker(root)
    assert late.finished.is_set()


def test_restarts_are_traced() -> None:
    seen: list[TraceEvent] = []
    end = subscribe(seen.append)
    world = World()
    root = world.group(strategy="one_for_all")
    world.group(root)
    worker = world.worker(root)
    world.launch(root)
    world.settle()
    die(world, worker)
    world.settle()
    end()
    restarts = [(e.name, e.fields["reason"]) for e in seen if e.name.endswith("restarted")]
    assert restarts == [("worker.restarted", "died"), ("supervisor.restarted", "halted")]


def test_those_who_waited_for_a_temporary_child_hear_why_it_is_gone() -> None:
    reasons: list[BaseException | None] = []

    class Listening(FakeChild):
        def shutdown(self, drain: float | None, reason: BaseException | None = None) -> None:
            reasons.append(reason)
            super().shutdown(drain, reason)

    world = World()
    root = world.group()
    worker = Listening(world, root, "temporary")
    world.workers.append(worker)
    root.add(worker)
    world.launch(root)
    world.settle()
    die(world, worker)
    (reason,) = reasons
    assert isinstance(reason, WorkerStopped)
    assert "was lost, and is temporary" in str(reason)
    assert isinstance(reason.__cause__, OSError)


def test_a_group_is_a_child() -> None:
    world = World()
    root = world.group()
    assert isinstance(root, Group)
    assert root.vacant
    assert root.state == "starting"


# -- workers that somebody else launches -----------------------------------------------------------


@pytest.mark.parametrize("ready_at", ["halted", "launched"])
def test_a_worker_that_a_pool_adds_while_it_is_halted_holds_nobody_up(ready_at: str) -> None:
    world = World()
    root = world.group(strategy="one_for_all")
    first = world.worker(root)
    pool = world.group(root, ordered=False)
    world.worker(pool)
    last = world.worker(root)
    world.launch(root)
    world.settle()

    first.end("died", OSError("it"))
    while pool.goal != "idle":
        world.handle_all()
        for worker in world.ending():
            worker.end("stopped")
    added = FakeChild(world, pool, "permanent")
    world.workers.append(added)
    pool.admit(added)
    added.alive = True  # as by a pool that grows
    world.handle_one()
    assert pool.goal == "idle"  # its turn comes after the first
    if ready_at == "halted":
        added.get_ready()
    world.settle()
    assert root.up
    assert pool.up
    assert last.up
    assert added.up
    assert [member.phase for member in (*root.members, *pool.members)] == ["up"] * 5
