"""Hooks: around each query, when idle, and leaving; and that they cost nothing unless used."""

from __future__ import annotations

import contextvars
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from actors import Query, QueryTimeout, Supervision, Worker, WorkerDied, WorkerStopped
from actors._lives import cell
from actors._lives.answer import run as plain_run
from actors.testing import Do, EventLog, Gate, PythonWorker, kill_worker

if TYPE_CHECKING:
    from actors.testing.plugin import Spawn

REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")


@dataclass(frozen=True)
class Notes:
    """What hooks write down."""

    lines: list[Any] = field(default_factory=list)


class Noting(Worker[Notes, Do[Any]]):
    """Notes what its hooks are given."""

    def init_runtime(self, options: Notes) -> list[Any]:
        return options.lines

    def handle_query(self, runtime: list[Any], query: Do[Any]) -> Any:
        runtime.append("handle")
        return query.function(self)

    def before_query(self, query: Do[Any]) -> None:
        self.options.lines.append(("before", type(query).__name__))

    def after_query(self, query: Do[Any], response: Any, error: BaseException | None) -> None:
        self.options.lines.append(("after", response, type(error).__name__))


def boom(worker: object) -> Any:
    raise LookupError("boom")


def die(worker: object) -> Any:
    raise SystemExit(1)


def test_hooks_are_called_around_a_query(spawn: Spawn) -> None:
    notes = Notes()
    assert spawn(Noting, notes).ask(Do(lambda w: 7)) == 7
    assert notes.lines == [("before", "Do"), "handle", ("after", 7, "NoneType")]


def test_the_hook_after_a_query_is_given_the_error(spawn: Spawn) -> None:
    notes = Notes()
    worker = spawn(Noting, notes)
    with pytest.raises(LookupError, match="boom"):
        worker.ask(Do(boom))
    assert notes.lines[-1] == ("after", None, "LookupError")
    assert worker.ask(Do(lambda w: 1)) == 1


def test_the_hook_after_a_query_that_kills_is_called_too(spawn: Spawn) -> None:
    notes = Notes()
    worker = spawn(Noting, notes)
    with pytest.raises(WorkerDied):
        worker.ask(Do(die))
    assert notes.lines[-1] == ("after", None, "SystemExit")
    assert worker.ask(Do(lambda w: w.generation)) == 2


def test_the_hook_after_a_query_has_run_when_its_sender_has_the_response(spawn: Spawn) -> None:
    notes = Notes()
    worker = spawn(Noting, notes)
    for number in range(1, 50):
        worker.ask(Do(lambda w: None))
        assert len(notes.lines) == 3 * number


class Guarded(PythonWorker):
    """Lets nobody in without a name."""

    after: ClassVar[list[str]] = []

    def before_query(self, query: Do[Any]) -> None:
        if REQUEST.get() == "none":
            raise PermissionError("who are you?")

    def after_query(self, query: Do[Any], response: Any, error: BaseException | None) -> None:
        self.after.append(REQUEST.get())


def test_what_the_hook_before_a_query_raises_is_the_answer(spawn: Spawn) -> None:
    Guarded.after.clear()
    worker = spawn(Guarded)
    with pytest.raises(PermissionError, match="who are you") as caught:
        worker.ask(Do(die))
    assert any(worker.name in note for note in caught.value.__notes__)
    assert Guarded.after == []
    assert worker.generation == 1


def test_hooks_see_the_context_of_the_query(spawn: Spawn) -> None:
    Guarded.after.clear()
    worker = spawn(Guarded)
    context = contextvars.copy_context()
    context.run(REQUEST.set, "seven")
    assert context.run(worker.ask, Do(lambda w: REQUEST.get())) == "seven"
    assert Guarded.after == ["seven"]


def test_a_hook_that_fails_after_a_query_is_reported_and_harms_nobody(
    spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    class Bad(PythonWorker):
        def after_query(self, query: Any, response: Any, error: BaseException | None) -> None:
            raise KeyError("in the hook")

    worker = spawn(Bad)
    assert worker.ask(Do(lambda w: 5)) == 5
    with pytest.raises(LookupError, match="boom"):
        worker.ask(Do(boom))
    assert [report.exc_type for report in reported] == [KeyError, KeyError]


def test_a_query_that_never_runs_meets_no_hook(spawn: Spawn, gate: Gate) -> None:
    notes = Notes()
    worker = spawn(Noting, notes)
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    cancelled, late = worker.send(Do(boom)), worker.send(Do(boom), timeout=0.01)
    cancelled.cancel()
    with pytest.raises(QueryTimeout):
        late.get(10)
    gate.open()
    worker.ask(Do(lambda w: 1))
    assert [line[0] for line in notes.lines if line != "handle"] == ["before", "after"] * 2


def test_the_traceback_of_a_handler_begins_in_the_handler(spawn: Spawn) -> None:
    with pytest.raises(LookupError) as caught:
        spawn(Noting, Notes()).ask(Do(boom))
    frames = [entry.name for entry in caught.traceback]
    assert frames[-2:] == ["handle_query", "boom"]
    assert "run_with_hooks" not in frames


def test_who_overrides_no_hook_runs_the_plain_way() -> None:
    assert PythonWorker._run is plain_run
    assert Noting._run is not plain_run

    class Derived(Noting):
        pass

    assert Derived._run is Noting._run


# -- idle ------------------------------------------------------------------------------------------


class Idling(PythonWorker):
    """Counts its idle times."""

    idle_after = 0.01

    def init_runtime(self, options: None) -> None:
        self.idle = 0
        self.was_idle = threading.Event()

    def on_idle(self, runtime: None) -> None:
        self.idle += 1
        self.was_idle.set()


def test_the_idle_hook_is_called_once_and_anew_after_a_query(spawn: Spawn) -> None:
    worker = spawn(Idling)
    for times in range(3):
        seen = worker.ask(Do(lambda w: (w.idle, w.was_idle.clear(), w.was_idle)))
        assert seen[0] == times
        assert seen[2].wait(10)


def test_the_idle_hook_is_not_called_again_while_no_query_comes(spawn: Spawn) -> None:
    worker = spawn(Idling)
    event = worker.ask(Do(lambda w: w.was_idle))
    assert event.wait(10)
    event.clear()
    assert not event.wait(0.1)


def test_an_idle_hook_that_fails_is_reported_and_the_worker_goes_on(
    spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda report: reported.set())

    class Bad(PythonWorker):
        idle_after = 0.01

        def on_idle(self, runtime: None) -> None:
            raise KeyError("in the hook")

    worker = spawn(Bad)
    assert reported.wait(10)
    assert worker.ask(Do(lambda w: w.generation)) == 1


class Fragile:
    """A runtime that an idle hook may break."""

    usable = True


class Breaking(Worker[None, Do[Any]]):
    """Uses up its runtime when it is idle, once."""

    idle_after = 0.01

    def init_runtime(self, options: None) -> Fragile:
        return Fragile()

    def handle_query(self, runtime: Fragile, query: Do[Any]) -> Any:
        return (runtime.usable, query.function(self))

    def on_idle(self, runtime: Fragile) -> None:
        runtime.usable = self.generation > 1


def test_a_runtime_that_the_idle_hook_used_up_is_replaced(
    spawn: Spawn, event_log: EventLog
) -> None:
    worker = spawn(Breaking)
    event_log.wait_for("worker.ready", 2)
    assert worker.ask(Do(lambda w: w.generation)) == (True, 2)


def test_an_idle_worker_stops_at_once(spawn: Spawn) -> None:
    worker = spawn(Idling)
    assert worker.ask(Do(lambda w: w.was_idle)).wait(10)
    worker.shutdown()
    assert worker.join(10)


# -- hooks and loops that hang ---------------------------------------------------------------------

HANGING = Supervision(stuck_grace=0.02)


@pytest.fixture
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up at once who does not close what it has."""
    monkeypatch.setattr(cell, "END_PATIENCE", 0.0)


@pytest.mark.usefixtures("_no_patience")
@pytest.mark.parametrize("where", ["on_idle", "serve", "close_runtime", "on_stop"])
def test_a_worker_that_hangs_between_queries_is_given_up_by_a_hard_stop(
    spawn: Spawn, gate: Gate, where: str, event_log: EventLog
) -> None:
    class Hanging(PythonWorker):
        idle_after = 0.01 if where == "on_idle" else None

    setattr(Hanging, where, lambda *_: gate.hold())
    worker = spawn(Hanging, supervision=HANGING)
    if where in ("on_idle", "serve"):
        assert gate.reached.wait(10)
    queued = worker.send(Do(lambda w: 1)) if gate.reached.is_set() else None
    worker.shutdown(0)
    assert worker.join(10)
    if queued is not None:
        with pytest.raises(WorkerStopped):
            queued.get(10)
    event_log.wait_for("worker.abandoned")
    gate.open()


@pytest.mark.usefixtures("_no_patience")
def test_a_worker_that_hangs_in_its_end_is_restarted_all_the_same(spawn: Spawn, gate: Gate) -> None:
    class Hanging(PythonWorker):
        def close_runtime(self, runtime: None) -> None:
            if self.generation == 1:
                gate.hold()

    worker = spawn(Hanging, supervision=HANGING)
    kill_worker(worker)
    assert worker.ask(Do(lambda w: w.generation), timeout=10) == 2
    assert worker.abandoned == 1
    gate.open()


@pytest.mark.usefixtures("_no_patience")
def test_a_graceful_shutdown_waits_for_the_runtime_to_be_closed(spawn: Spawn, gate: Gate) -> None:
    closed: list[str] = []

    class Slow(PythonWorker):
        def close_runtime(self, runtime: None) -> None:
            closed.append(gate.hold())

    worker = spawn(Slow, supervision=HANGING)
    worker.shutdown(None)
    assert gate.reached.wait(10)
    assert not worker.join(0.1)
    gate.open()
    assert worker.join(10)
    assert closed == ["held"]


# -- leaving ---------------------------------------------------------------------------------------


def test_a_worker_that_leaves_is_started_anew_and_keeps_its_queue(
    spawn: Spawn, event_log: EventLog, gate: Gate
) -> None:
    worker = spawn(PythonWorker)

    def leave(w: PythonWorker) -> int:
        w.leave()
        gate.hold()
        return w.generation

    leaving = worker.send(Do(leave))
    queued = [worker.send(Do(lambda w: w.generation)) for _ in range(3)]
    gate.open()
    assert leaving.get(10) == 1
    assert [reply.get(10) for reply in queued] == [2, 2, 2]
    (event,) = event_log.wait_for("worker.restarted")
    assert event.fields["reason"] == "normal"


def test_who_leaves_in_the_start_does_so_once_it_is_ready(spawn: Spawn) -> None:
    class Restless(PythonWorker):
        def on_start(self) -> None:
            if self.kept.setdefault("starts", 0) < 1:
                self.leave()
            self.kept["starts"] += 1

    assert spawn(Restless).ask(Do(lambda w: w.generation)) == 2


def test_a_query_type_has_a_routing_key_of_its_own() -> None:
    @dataclass(frozen=True)
    class Visit(Query[None]):
        customer: str
        page: int

    class Shop(Worker[None, Visit]):
        @staticmethod
        def routing_key(query: Visit) -> str:
            return query.customer

    assert Shop.routing_key(Visit("ann", 1)) == Shop.routing_key(Visit("ann", 2)) == "ann"
    assert PythonWorker.routing_key(Do(boom)) == Do(boom)
