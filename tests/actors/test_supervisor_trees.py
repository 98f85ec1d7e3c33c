"""Supervisors with real workers: trees of them, and children that come and go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from actors import (
    ChildInfo,
    PoolClosed,
    PoolSpec,
    RestartLimitExceeded,
    Supervision,
    Supervisor,
    SupervisorSpec,
    WorkerDied,
    WorkerPool,
    WorkerSpec,
    WorkerStartError,
    WorkerStopped,
)
from actors.testing import Do, DoAgain, EventLog, Gate, PythonWorker, kill_supervisor

Closing: TypeAlias = Callable[[Any], Any]
PATIENT = Supervision(intensity=1000, backoff=0)


def die(worker: Any) -> Any:
    raise SystemExit(1)


def generation(worker: Any) -> int:
    return worker.generation


class Broken(PythonWorker):
    """A worker that never starts."""

    def init_runtime(self, options: Any) -> Any:
        raise OSError("no start")


def worker(name: str, **arguments: Any) -> WorkerSpec:
    return WorkerSpec(PythonWorker, name=name, **arguments)


def lose(handle: Any) -> None:
    """Let a worker die, and wait until its query knows."""
    assert isinstance(handle.send(Do(die)).exception(10), WorkerDied)


def wait_until_it_acts(tree: Supervisor, log: EventLog | None = None) -> None:
    """Wait until the supervisor has told those who are restarted with one that was lost."""
    if log is not None:
        log.wait_for("worker.restarted")
    done = threading.Event()
    tree._group.order(done.set)
    assert done.wait(10)


def generations(supervisor: Supervisor, *names: str) -> list[int]:
    return [supervisor.worker(name, PythonWorker).ask(Do(generation)) for name in names]


def test_children_start_in_order_and_stop_in_reverse(log: EventLog) -> None:
    with Supervisor([worker("a"), worker("b"), worker("c")], name="tree"):
        pass
    ready = [event.fields["worker"] for event in log.named("worker.ready")]
    stopped = [event.fields["worker"] for event in log.named("worker.stopped")]
    assert ready == ["tree/a", "tree/b", "tree/c"]
    assert stopped == ["tree/c", "tree/b", "tree/a"]


def test_what_is_stopped_later_may_be_used_by_what_is_stopped_before(gate: Gate) -> None:
    with Supervisor([worker("first"), worker("second")]) as tree:
        first = tree.worker("first", PythonWorker)
        second = tree.worker("second", PythonWorker)
        second.send(Do(gate.hold))
        assert gate.reached.wait(10)
        queued = second.send(Do(lambda w: first.ask(Do(lambda v: "still there"))))
        tree.shutdown()
        gate.open()
        assert queued.get(10) == "still there"


def test_a_start_that_fails_leaves_nobody_running(log: EventLog) -> None:
    with pytest.raises(WorkerStartError, match="tree/b did not start") as caught:
        Supervisor([worker("a"), WorkerSpec(Broken, name="b"), worker("c")], name="tree")
    assert isinstance(caught.value.__cause__, OSError)
    assert [event.fields["worker"] for event in log.named("worker.ready")] == ["tree/a"]
    assert "tree/a" in [event.fields["worker"] for event in log.named("worker.stopped")]


def test_a_start_below_that_fails_fails_the_whole() -> None:
    below = SupervisorSpec([worker("x"), WorkerSpec(Broken, name="y")], name="below")
    with pytest.raises(WorkerStartError, match="tree/below/y"):
        Supervisor([worker("a"), below], name="tree")


def test_a_start_that_hangs_is_given_up(gate: Gate) -> None:
    class Slow(PythonWorker):
        def init_runtime(self, options: Any) -> Any:
            gate.hold()

    with pytest.raises(WorkerStartError, match=r"no start within 0\.05 s"):
        Supervisor([WorkerSpec(Slow, name="slow")], supervision=Supervision(start_timeout=0.05))
    gate.open()


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("one_for_one", [1, 2, 1]), ("one_for_all", [2, 2, 2]), ("rest_for_one", [1, 2, 2])],
)
def test_a_strategy_says_who_is_restarted(
    closing: Closing, strategy: Any, expected: list[int], log: EventLog
) -> None:
    names = ("a", "b", "c")
    tree = closing(Supervisor([worker(name) for name in names], strategy=strategy))
    lose(tree["b"])
    log.wait_for("worker.ready", sum(expected))
    assert generations(tree, *names) == expected


def test_queued_queries_wait_for_a_worker_that_is_restarted_with_others(
    closing: Closing, gate: Gate, log: EventLog
) -> None:
    tree = closing(Supervisor([worker("a"), worker("b")], strategy="one_for_all"))
    running = tree["b"].send(Do(gate.hold))
    assert gate.reached.wait(10)
    queued = [tree["b"].send(Do(generation)) for _ in range(3)]
    lose(tree["a"])
    wait_until_it_acts(tree, log)
    gate.open()
    assert running.get(10) == "held"  # it had its time
    assert [reply.get(10) for reply in queued] == [2, 2, 2]


def test_a_run_that_takes_too_long_is_lost_when_its_worker_is_halted(
    closing: Closing, gate: Gate
) -> None:
    policy = Supervision(stuck_grace=0.02)
    specs = [worker("a"), worker("b", shutdown=0.01)]
    tree = closing(Supervisor(specs, strategy="one_for_all", supervision=policy))
    running = tree["b"].send(Do(gate.hold))
    assert gate.reached.wait(10)
    again = tree["b"].send(DoAgain(generation))
    lose(tree["a"])
    assert isinstance(running.exception(10), WorkerDied)
    gate.open()
    assert again.get(10) == 2
    gate.open()


def test_too_many_restarts_below_are_one_restart_above(closing: Closing, log: EventLog) -> None:
    below = SupervisorSpec(
        [worker("x"), worker("y")], name="below", supervision=Supervision(intensity=0)
    )
    tree = closing(Supervisor([worker("a"), below]))
    lose(tree.supervisor("below")["x"])
    log.wait_for("worker.ready", 5)
    assert generations(tree.supervisor("below"), "x", "y") == [2, 2]
    assert generations(tree, "a") == [1]
    infos = {info.name: info.restarts for info in tree.children()}
    assert infos == {"a": 0, "below": 1}


def test_an_escalation_that_reaches_the_outermost_is_what_everybody_gets(
    closing: Closing, gate: Gate
) -> None:
    none = Supervision(intensity=0)
    below = SupervisorSpec([worker("x")], name="below", supervision=none)
    tree = closing(Supervisor([worker("a"), below], supervision=none, name="tree"))
    tree["a"].send(Do(gate.hold))
    assert gate.reached.wait(10)
    waiting = tree["a"].send(Do(generation))
    lose(tree.supervisor("below")["x"])
    error = waiting.exception(10)
    gate.open()
    assert isinstance(error, RestartLimitExceeded)
    assert "the last was supervisor tree/below" in str(error)
    assert tree.join(10)
    with pytest.raises(RestartLimitExceeded):
        tree["a"].ask(Do(generation))
    with pytest.raises(RestartLimitExceeded):
        tree.start_child(worker("late"))


def test_a_pool_is_part_of_a_tree(closing: Closing) -> None:
    tree = closing(Supervisor([PoolSpec(PythonWorker, 2, name="pool")], name="tree"))
    pool = tree.pool("pool", PythonWorker)
    assert len({pool.next_worker().ask(Do(lambda w: w.name)) for _ in range(4)}) == 2
    lose(pool[0])
    assert pool[0].ask(Do(generation)) == 2
    assert tree.children() == (ChildInfo("pool", "pool", "ready", 0, "permanent"),)


def test_a_pool_that_gives_up_is_restarted_in_place(closing: Closing, log: EventLog) -> None:
    pools = [PoolSpec(PythonWorker, 2, name="pool", supervision=Supervision(intensity=0))]
    tree = closing(Supervisor(pools))
    pool = tree.pool("pool", PythonWorker)
    lose(pool[0])
    log.wait_for("worker.ready", 4)
    assert sorted(handle.ask(Do(generation)) for handle in pool) == [2, 2]
    assert tree.children()[0].restarts == 1


def test_a_pool_drains_when_its_tree_closes(gate: Gate) -> None:
    tree = Supervisor([PoolSpec(PythonWorker, 1, name="pool")])
    pool = tree.pool("pool", PythonWorker)
    pool.send(Do(gate.hold))
    assert gate.reached.wait(10)
    queued = [pool.send(Do(generation)) for _ in range(5)]
    tree.shutdown()
    gate.open()
    assert tree.join(10)
    assert [reply.get(0) for reply in queued] == [1] * 5
    with pytest.raises(PoolClosed):
        pool.ask(Do(generation))


def test_a_transient_worker_that_leaves_stays_away_and_one_that_dies_comes_back(
    closing: Closing,
) -> None:
    tree = closing(Supervisor([worker("guest", restart="transient")]))
    handle = tree["guest"]
    lose(handle)
    assert handle.ask(Do(generation)) == 2
    handle.ask(Do(lambda w: w.leave()))
    assert handle.join(10)
    with pytest.raises(WorkerStopped, match="left, and is transient"):
        handle.ask(Do(generation))
    assert tree.children()[0].state == "stopped"
    assert tree.restart_child("guest").ask(Do(generation)) == 1


def test_a_temporary_worker_is_forgotten_when_it_has_ended(closing: Closing) -> None:
    tree = closing(Supervisor([worker("guest", restart="temporary")]))
    handle = tree["guest"]
    queued = handle.send(Do(die)), handle.send(Do(generation))
    assert handle.join(10)
    assert isinstance(queued[1].exception(0), WorkerStopped)
    assert "guest" not in tree
    assert tree.start_child(worker("guest")).ask(Do(generation)) == 1


def test_children_come_and_go(closing: Closing) -> None:
    tree = closing(Supervisor([worker("a"), worker("b")]))
    tree.start_child(worker("c"))
    tree.stop_child("a")
    assert [(info.name, info.state) for info in tree.children()] == [
        ("a", "stopped"),
        ("b", "ready"),
        ("c", "ready"),
    ]
    assert tree.restart_child("a").ask(Do(generation)) == 1
    names = [child.name for child in tree._group.children]
    assert [name.rpartition("/")[2] for name in names] == ["a", "b", "c"]
    tree.stop_child("b")
    tree.remove_child("b")
    assert len(tree) == 2
    below = tree.start_child(SupervisorSpec([worker("x")], name="below"))
    assert below["x"].ask(Do(generation)) == 1
    tree.stop_child("below")
    assert below.state == "stopped"


def test_what_makes_no_sense_is_refused(closing: Closing) -> None:
    tree = closing(Supervisor([worker("a"), PoolSpec(PythonWorker, 1, name="p")]))
    with pytest.raises(KeyError, match="no child 'z'; it has 'a', 'p'"):
        tree["z"]
    with pytest.raises(ValueError, match="has a child 'a' already"):
        tree.start_child(worker("a"))
    with pytest.raises(ValueError, match="child 'a' is ready; stop it first"):
        tree.restart_child("a")
    with pytest.raises(ValueError, match="stop it first"):
        tree.remove_child("a")
    with pytest.raises(TypeError, match="no worker of"):
        tree.worker("a", Broken)
    with pytest.raises(TypeError, match="no pool of"):
        tree.pool("a", PythonWorker)
    with pytest.raises(TypeError, match="no supervisor"):
        tree.supervisor("p")
    with pytest.raises(ValueError, match="has a child 'a' already"):
        Supervisor([worker("a"), worker("a")])
    with pytest.raises(TypeError, match="must be a spec"):
        Supervisor([PythonWorker])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="subclass of Worker"):
        Supervisor([WorkerSpec(int, name="i")])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "make",
    [
        lambda: worker(""),
        lambda: worker("a", restart="sometimes"),
        lambda: worker("a", shutdown=-1),
        lambda: SupervisorSpec([], name="s", strategy="all"),  # type: ignore[arg-type]
        lambda: Supervisor(strategy="none"),  # type: ignore[arg-type]
    ],
)
def test_specs_are_checked_when_they_are_made(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        make()


def test_a_child_that_cannot_start_later_is_forgotten(closing: Closing) -> None:
    tree = closing(Supervisor([worker("a")]))
    with pytest.raises(WorkerStartError):
        tree.start_child(WorkerSpec(Broken, name="b"))
    assert "b" not in tree
    assert generations(tree, "a") == [1]


def test_nobody_is_started_below_a_closed_supervisor() -> None:
    tree = Supervisor([worker("a")])
    tree.close()
    with pytest.raises(WorkerStopped, match="is closed"):
        tree.start_child(worker("b"))


def test_a_supervisor_without_children_stays(closing: Closing) -> None:
    tree = closing(Supervisor())
    assert tree
    assert tree.state == "ready"
    assert tree.start_child(worker("a")).ask(Do(generation)) == 1


def test_a_handler_may_start_a_child_of_its_own_supervisor(closing: Closing) -> None:
    tree = closing(Supervisor([worker("a")]))

    def start(w: Any) -> int:
        return tree.start_child(worker("b")).ask(Do(generation))

    assert tree["a"].ask(Do(start)) == 1


def test_the_supervisors_own_thread_is_not_made_to_wait_for_itself(closing: Closing) -> None:
    tree = closing(Supervisor([worker("a", restart="temporary"), worker("b")]))
    errors: list[Any] = []
    done = threading.Event()

    def close(down: Any) -> None:
        if down.final:
            with pytest.raises(RuntimeError, match="wait for itself") as caught:
                tree.close()
            errors.append(caught.value)
            done.set()

    tree["a"].watch(close)
    tree["a"].send(Do(die))
    assert done.wait(10)


def test_a_killed_supervisor_below_another_is_restarted_with_its_children(
    closing: Closing, gate: Gate
) -> None:
    tree = closing(Supervisor([worker("a"), SupervisorSpec([worker("x")], name="below")]))
    x = tree.supervisor("below")["x"]
    x.send(Do(gate.hold))
    assert gate.reached.wait(10)
    queued = x.send(Do(generation))
    kill_supervisor(tree.supervisor("below"))
    wait_until_it_acts(tree)
    gate.open()
    assert queued.get(10) == 2
    assert generations(tree, "a") == [1]


@pytest.mark.parametrize("make", [Supervisor, None])
def test_an_outermost_supervisor_that_is_killed_goes_on(closing: Closing, make: Any) -> None:
    pool = [PoolSpec(PythonWorker, 2, name="pool")]
    top = closing(Supervisor(pool) if make else WorkerPool(PythonWorker, 2))
    workers: Any = top["pool"] if make else top
    kill_supervisor(top)
    lose(workers[0])
    assert workers[0].ask(Do(generation)) == 2
    assert workers[1].ask(Do(generation)) == 1


def test_a_supervisor_that_is_killed_too_often_closes_with_an_error(
    closing: Closing, gate: Gate
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1))
    pool.send(Do(gate.hold))
    waiting = pool.send(Do(generation))
    for _ in range(4):
        kill_supervisor(pool)
    assert isinstance(waiting.exception(10), RestartLimitExceeded)
    gate.open()
    assert pool.join(10)


def test_a_lost_thread_is_found_out_by_the_next_report(
    closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = closing(Supervisor([worker("a")]))
    before = tree._actor._thread
    assert before is not None

    def leave(*args: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("actors._trees.supervisor._report", leave)
        patch.setattr(threading, "excepthook", lambda args: None)
        kill_supervisor(tree)
        before.join(10)
    assert not before.is_alive()
    lose(tree["a"])
    assert generations(tree, "a") == [2]
    assert tree._actor._thread is not before


def test_a_tree_lives_in_a_coroutine() -> None:
    async def main() -> int:
        async with await Supervisor.start_async([worker("a")]) as tree:
            return await tree.worker("a", PythonWorker).send(Do(generation))

    assert asyncio.run(main()) == 1


def test_a_tree_that_is_forgotten_is_closed_with_a_warning(log: EventLog) -> None:
    tree = Supervisor([worker("a")], name="forgotten")
    handle = tree["a"]
    del tree
    assert handle.send(Do(generation)).get(10) == 1
    with pytest.warns(ResourceWarning, match="unclosed supervisor forgotten"):
        del handle
    log.wait_for("worker.stopped")
