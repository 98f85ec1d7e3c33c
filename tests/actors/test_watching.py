"""Death watch, health checks, pings and dead letters."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

import pytest

from actors import (
    AskCycle,
    RestartLimitExceeded,
    Supervision,
    WorkerDied,
    WorkerDown,
    WorkerHandle,
    WorkerPool,
    WorkerStopped,
)
from actors.testing import Do, EventLog, Gate, PythonWorker

Closing: TypeAlias = Callable[[Any], Any]
Handle: TypeAlias = WorkerHandle[Any]


def die(worker: Any) -> Any:
    raise SystemExit(1)


@pytest.fixture
def downs() -> SimpleQueue[WorkerDown]:
    """What a watch delivers."""
    return SimpleQueue()


# -- death watch -----------------------------------------------------------------------------------


def test_a_watch_tells_of_every_loss_and_of_the_end(
    worker: Handle, downs: SimpleQueue[WorkerDown]
) -> None:
    worker.watch(downs.put)
    for generation in (1, 2):
        assert isinstance(worker.send(Do(die)).exception(10), WorkerDied)
        down = downs.get(timeout=10)
        assert (down.worker, down.generation) == (worker.name, generation)
        assert (down.reason, down.final) == ("died", False)
        assert isinstance(down.error, SystemExit)
        worker.ask(Do(lambda w: None))
    worker.close()
    last = downs.get(timeout=10)
    assert (last.reason, last.generation, last.error, last.final) == ("stopped", 3, None, True)
    assert downs.empty()


def test_a_watch_on_a_worker_that_is_gone_fires_at_once(
    closing: Closing, downs: SimpleQueue[WorkerDown]
) -> None:
    worker = closing(PythonWorker.spawn(supervision=Supervision(intensity=0)))
    worker.send(Do(die))
    assert worker.join(10)
    worker.watch(downs.put)
    down = downs.get(timeout=10)
    assert down.final
    assert isinstance(down.error, RestartLimitExceeded)


def test_a_watch_may_be_ended_and_one_that_fails_harms_nobody(
    worker: Handle, downs: SimpleQueue[WorkerDown], monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    ended = worker.watch(downs.put)
    worker.watch(lambda down: 1 / 0)
    worker.watch(downs.put)
    ended()
    worker.close()
    assert downs.get(timeout=10).final
    assert downs.empty()
    assert [type(args.exc_value) for args in reported] == [ZeroDivisionError]


class Nurse(PythonWorker):
    """A worker that watches others."""

    def init_runtime(self, options: Any) -> Any:
        self.heard: list[tuple[str, str, bool]] = []
        return super().init_runtime(options)

    def on_down(self, down: WorkerDown) -> None:
        self.heard.append((threading.current_thread().name, down.reason, down.final))
        if down.final:
            raise OSError("which harms nobody")


def test_a_worker_hears_of_another_on_its_own_thread(
    worker: Handle, closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    nurse = closing(Nurse.spawn(name="nurse"))
    nurse.ask(Do(lambda w: w.watch(worker) and None))
    assert isinstance(worker.send(Do(die)).exception(10), WorkerDied)
    worker.ask(Do(lambda w: None))
    worker.close()
    heard = nurse.ask(Do(lambda w: w.heard))
    assert heard == [("nurse", "died", False), ("nurse", "stopped", True)]
    assert [type(args.exc_value) for args in reported] == [OSError]
    assert nurse.generation == 1


def test_a_watch_of_a_worker_ends_with_its_incarnation(worker: Handle, closing: Closing) -> None:
    nurse = closing(Nurse.spawn())
    nurse.ask(Do(lambda w: w.watch(worker) and None))
    assert isinstance(nurse.send(Do(die)).exception(10), WorkerDied)
    nurse.ask(Do(lambda w: None))
    worker.close()
    assert nurse.ask(Do(lambda w: w.heard)) == []


# -- health ----------------------------------------------------------------------------------------


class Patient(PythonWorker):
    """A worker whose health check does what a test says."""

    checks: SimpleQueue[Callable[[], None]]

    def check_health(self, runtime: Any) -> None:
        with contextlib.suppress(Empty):
            self.checks.get(block=False)()


@pytest.fixture
def checks() -> Any:
    """What the next health checks of `Patient` do; those after them do nothing."""
    Patient.checks = SimpleQueue()
    return Patient.checks


def sick() -> None:
    raise OSError("fever")


def test_a_worker_that_is_not_sound_is_restarted(
    closing: Closing, checks: Any, downs: SimpleQueue[WorkerDown]
) -> None:
    passed = threading.Event()
    policy = Supervision(health_interval=0.005, health_timeout=20)
    worker = closing(Patient.spawn(supervision=policy))
    worker.watch(downs.put)
    checks.put(passed.set)
    assert passed.wait(10)
    checks.put(sick)
    down = downs.get(timeout=10)
    assert (down.reason, repr(down.error)) == ("broken", "OSError('fever')")
    assert worker.ask(Do(lambda w: w.generation)) == 2


def test_a_worker_that_hangs_in_its_check_is_given_up(
    closing: Closing, checks: Any, gate: Gate, log: EventLog
) -> None:
    policy = Supervision(health_interval=0.005, health_timeout=0.1, max_abandoned=100)
    worker = closing(Patient.spawn(supervision=policy))
    checks.put(gate.hold)
    log.wait_for("worker.abandoned")
    assert worker.ask(Do(lambda w: w.generation)) == 2
    (event, *_) = log.wait_for("worker.restarted")
    assert event.fields["reason"] == "abandoned"
    gate.open()


def test_a_worker_that_is_busy_is_not_blamed(closing: Closing, gate: Gate) -> None:
    policy = Supervision(health_interval=0.005, health_timeout=0.005)
    worker = closing(PythonWorker.spawn(supervision=policy))
    busy = worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    assert not threading.Event().wait(0.05)
    gate.open()
    assert busy.get(10) == "held"
    assert worker.ask(Do(lambda w: w.generation)) == 1


def test_a_ping_is_answered_before_what_is_queued(worker: Handle, gate: Gate) -> None:
    assert worker.ping(10) >= 0
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    with pytest.raises(TimeoutError, match=r"did not answer within 0\.01 s"):
        worker.ping(0.01)
    gate.open()
    assert worker.ping(10) >= 0


def test_a_ping_to_a_worker_that_is_gone_says_so(worker: Handle, gate: Gate) -> None:
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    errors: list[Any] = []

    def ping() -> None:
        with pytest.raises(WorkerStopped) as caught:
            worker.ping()
        errors.append(caught.value)

    thread = threading.Thread(target=ping)
    thread.start()
    worker.shutdown(0)
    gate.open()
    thread.join(10)
    assert len(errors) == 1
    with pytest.raises(WorkerStopped):
        worker.ping()


def test_a_worker_does_not_ping_itself(worker: Handle) -> None:
    with pytest.raises(AskCycle):
        worker.ask(Do(lambda w: worker.ping()))


# -- dead letters ----------------------------------------------------------------------------------


def letters(log: EventLog) -> list[tuple[str, str]]:
    return [(e.fields["query"], e.fields["reason"]) for e in log.named("dead.letter")]


def test_a_tell_that_is_never_run_is_a_dead_letter(
    worker: Handle, gate: Gate, log: EventLog
) -> None:
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    worker.send(Do(die))
    worker.tell(Do(die))
    worker.shutdown(0)
    gate.open()
    assert worker.join(10)
    assert letters(log) == [("Do", "stopped")]
    (event,) = log.named("dead.letter")
    assert event.fields["worker"] == worker.name
    assert "WorkerStopped" in event.fields["error"]
    assert len(event.fields["trace_id"]) == 32


def test_a_tell_whose_time_is_over_is_a_dead_letter(
    worker: Handle, gate: Gate, log: EventLog
) -> None:
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    worker.tell(Do(die), timeout=0.01)
    log.wait_for("dead.letter")
    assert letters(log) == [("Do", "timeout")]
    gate.open()


def test_a_query_to_who_is_closed_is_a_dead_letter(closing: Closing, log: EventLog) -> None:
    pool = closing(WorkerPool(PythonWorker, 1, name="pool"))
    worker = pool[0]
    pool.close()
    with pytest.raises(Exception, match="closed"):
        worker.tell(Do(die))
    (event,) = log.named("dead.letter")
    assert (event.fields["pool"], event.fields["reason"]) == ("pool", "closed")


def test_a_tell_that_is_run_is_no_dead_letter(worker: Handle, log: EventLog) -> None:
    worker.tell(Do(lambda w: 1))
    worker.close()
    assert letters(log) == []
