"""Workers that hold other workers: what they own ends with them, in whatever way they end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from actors import (
    AskCycle,
    QueryCancelled,
    Supervision,
    Worker,
    WorkerDied,
    WorkerHandle,
    WorkerPool,
    WorkerStartError,
    WorkerStopped,
)
from actors.testing import Do, EventLog, Gate, PythonWorker, kill_worker, workers_left

if TYPE_CHECKING:
    from actors.testing.plugin import Spawn


class Parent(Worker[None, Do[Any]]):
    """Holds a child, which is its runtime and all."""

    def init_runtime(self, options: None) -> WorkerHandle[Do[Any]]:
        self.child = self.own(PythonWorker.spawn(name=f"child-{self.kept.setdefault('made', 0)}"))
        self.kept["made"] += 1
        return self.child

    def handle_query(self, runtime: WorkerHandle[Do[Any]], query: Do[Any]) -> Any:
        return query.function(self)

    def close_runtime(self, runtime: WorkerHandle[Do[Any]]) -> None:
        """Leave it to its owner."""


def child_of(parent: WorkerHandle[Any]) -> WorkerHandle[Any]:
    return parent.ask(Do(lambda w: w.child))


def test_a_child_answers_through_its_parent_and_ends_with_it(spawn: Spawn) -> None:
    parent = spawn(Parent)
    assert parent.ask(Do(lambda w: w.child.ask(Do(lambda c: c.name)))) == "child-0"
    child = child_of(parent)
    parent.close()
    assert child.state == "stopped"
    assert workers_left() == []


def test_a_parent_that_is_restarted_makes_its_children_anew(
    spawn: Spawn, event_log: EventLog
) -> None:
    parent = spawn(Parent)
    first = child_of(parent)
    kill_worker(parent)
    second = child_of(parent)
    assert parent.generation == 2
    assert first.state == "stopped"
    assert (second.name, second.state) == ("child-1", "ready")
    stopped, ready = (
        event_log.wait_for("worker.stopped", worker="child-0"),
        event_log.wait_for("worker.ready", worker="child-1"),
    )
    assert len(stopped) == len(ready) == 1


def test_what_a_parent_told_its_child_is_done_before_a_drained_parent_has_ended(
    spawn: Spawn, gate: Gate
) -> None:
    done: list[int] = []
    parent = spawn(Parent)
    child = child_of(parent)
    child.send(Do(gate.hold))
    for number in range(3):
        parent.tell(Do(lambda w, number=number: w.child.tell(Do(lambda c: done.append(number)))))
    parent.shutdown(None)
    gate.open()
    assert parent.join(10)
    assert done == [0, 1, 2]


def test_a_hard_stop_of_the_parent_stops_the_child_hard(spawn: Spawn, gate: Gate) -> None:
    parent = spawn(Parent, supervision=Supervision(stuck_grace=0.05))
    child = child_of(parent)
    queued = [child.send(Do(gate.hold)), child.send(Do(lambda c: 1))]
    assert gate.reached.wait(10)
    parent.shutdown(None)
    parent.shutdown(0)
    for reply in queued:
        with pytest.raises(WorkerStopped):
            reply.get(10)
    gate.open()
    assert parent.join(10)
    assert child.state == "stopped"


def test_a_parent_that_dies_while_its_child_asks_it_does_not_wait_for_itself(spawn: Spawn) -> None:
    parent = spawn(Parent)
    child = child_of(parent)
    asking = threading.Event()
    ready = threading.Event()

    def ask_parent(c: PythonWorker) -> Any:
        asking.set()
        assert ready.wait(10)
        return parent.ask(Do(lambda w: w.generation))

    def die_when_asked(w: Parent) -> None:
        assert asking.wait(10)
        ready.set()
        while not parent.backlog:
            pass
        raise SystemExit(1)

    question = child.send(Do(ask_parent))
    with pytest.raises(WorkerDied):
        parent.ask(Do(die_when_asked), timeout=10)
    assert isinstance(question.exception(10), WorkerStopped)
    assert parent.ask(Do(lambda w: w.generation), timeout=10) == 2


def test_a_parent_that_is_stopped_while_its_child_asks_it_ends(spawn: Spawn) -> None:
    parent = spawn(Parent)
    child = child_of(parent)
    closed = threading.Event()

    def ask_parent(c: PythonWorker) -> Any:
        assert closed.wait(10)
        return parent.ask(Do(lambda w: 1))

    question = child.send(Do(ask_parent))
    parent.shutdown(None)
    closed.set()
    assert parent.join(10)
    with pytest.raises(WorkerStopped):
        question.get(10)


def test_a_parent_that_waits_for_its_child_is_stopped_with_it(spawn: Spawn, gate: Gate) -> None:
    parent = spawn(Parent, supervision=Supervision(stuck_grace=0.5))
    waiting = parent.send(Do(lambda w: w.child.ask(Do(gate.hold))))
    assert gate.reached.wait(10)
    parent.shutdown(0)
    with pytest.raises(WorkerStopped):
        waiting.get(10)
    gate.open()
    assert parent.join(10)
    assert workers_left() == []


def test_parent_and_child_that_ask_each_other_are_told_so(spawn: Spawn) -> None:
    parent = spawn(Parent)

    def ask_back(c: PythonWorker) -> Any:
        return parent.ask(Do(lambda w: 1))

    with pytest.raises(AskCycle, match="would wait for ever"):
        parent.ask(Do(lambda w: w.child.ask(Do(ask_back))), timeout=10)


def test_what_a_given_up_thread_owned_is_closed(spawn: Spawn, gate: Gate) -> None:
    parent = spawn(Parent, supervision=Supervision(stuck_grace=0.02))
    first = child_of(parent)
    stuck = parent.send(Do(gate.hold), timeout=0.01)
    assert child_of(parent).name == "child-1"
    assert stuck.exception(10) is not None
    assert first.join(10)
    assert first.state == "stopped"
    assert parent.abandoned == 1
    gate.open()


def test_a_given_up_thread_that_comes_back_owns_nothing_more(spawn: Spawn, gate: Gate) -> None:
    parent = spawn(Parent, supervision=Supervision(stuck_grace=0.02))
    late: list[WorkerHandle[Any]] = []
    made = threading.Event()

    def own_late(w: Parent) -> None:
        gate.hold()
        late.append(w.own(PythonWorker.spawn()))
        made.set()

    parent.send(Do(own_late), timeout=0.01)
    assert parent.ask(Do(lambda w: w.generation), timeout=10) == 2
    gate.open()
    assert made.wait(10)
    assert late[0].state == "stopped"


def test_what_was_owned_before_a_start_failed_is_closed() -> None:
    class Unlucky(PythonWorker):
        def on_start(self) -> None:
            self.own(PythonWorker.spawn())

        def init_runtime(self, options: None) -> None:
            self.own(WorkerPool(PythonWorker, size=2))
            raise LookupError("no luck")

    with pytest.raises(WorkerStartError, match="no luck"):
        Unlucky.spawn()
    assert workers_left() == []


def test_a_pool_may_be_owned_and_is_closed_at_every_restart(spawn: Spawn) -> None:
    class Kitchen(PythonWorker):
        def init_runtime(self, options: None) -> None:
            self.cooks = self.own(WorkerPool(PythonWorker, size=2))

    kitchen = spawn(Kitchen)
    first = kitchen.ask(Do(lambda w: w.cooks))
    assert kitchen.ask(Do(lambda w: w.cooks.ask(Do(lambda c: 5)))) == 5
    kitchen.ask(Do(lambda w: w.leave()))
    second = kitchen.ask(Do(lambda w: w.cooks))
    assert second is not first
    assert first.is_empty()
    kitchen.close()
    assert second.is_empty()


class Noted:
    """Something else that is closed."""

    def __init__(self, notes: list[Any], name: str, fail: bool = False) -> None:
        self.notes = notes
        self.name = name
        self.fail = fail

    def close(self, drain: float | None = 30.0) -> None:
        self.notes.append((self.name, drain))
        if self.fail:
            raise LookupError(self.name)


def test_the_newest_is_closed_first_after_the_hooks_and_a_failure_harms_none(
    spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    notes: list[Any] = []

    class Owner(PythonWorker):
        def init_runtime(self, options: None) -> None:
            self.own(Noted(notes, "first"))
            self.own(Noted(notes, "second", fail=True))

        def on_stop(self) -> None:
            notes.append("on_stop")

    owner = spawn(Owner)
    owner.shutdown(None)
    assert owner.join(10)
    assert notes == ["on_stop", ("second", None), ("first", None)]
    assert [report.exc_type for report in reported] == [LookupError]


@pytest.mark.parametrize(("how", "drain"), [("kill", 0.0), ("leave", 30.0)])
def test_who_breaks_leaves_no_time_to_what_it_owns_and_who_leaves_does(
    spawn: Spawn, how: str, drain: float
) -> None:
    notes: list[Any] = []

    class Owner(PythonWorker):
        def init_runtime(self, options: None) -> None:
            self.own(Noted(notes, "it"))

    owner = spawn(Owner)
    if how == "kill":
        kill_worker(owner)
    else:
        owner.ask(Do(lambda w: w.leave()))
    assert owner.ask(Do(lambda w: w.generation)) == 2
    assert notes == [("it", drain)]


def test_a_withdrawn_question_to_a_child_is_withdrawn_there_too(spawn: Spawn, gate: Gate) -> None:
    parent = spawn(Parent)
    child = child_of(parent)
    child.send(Do(gate.hold))
    assert gate.reached.wait(10)
    question = parent.send(Do(lambda w: w.child.ask(Do(lambda c: 1))))
    while not child.backlog:
        pass
    question.cancel()
    with pytest.raises(QueryCancelled):
        question.get(10)
    assert parent.ask(Do(lambda w: w.generation), timeout=10) == 1
    assert child.backlog == 0
    gate.open()
