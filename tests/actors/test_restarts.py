"""Restarts in place: same handle, same mailbox, a new generation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from actors import (
    Eval,
    RestartLimitExceeded,
    Supervision,
    WorkerDied,
    WorkerStartError,
    WorkerStopped,
)
from actors.testing import (
    Do,
    DoAgain,
    EchoWorker,
    EventLog,
    Gate,
    PythonWorker,
    kill_worker,
)
from runtimes import (
    BrokenRuntimeError,
    MemoryLimitError,
    Module,
    RunCancelled,
    TimeoutExceeded,
    ValueNotFound,
)

PATIENT = Supervision(intensity=1000, backoff=0)

Closing: TypeAlias = Callable[[Any], Any]


@pytest.fixture(autouse=True)
def _short_timeouts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Scripts that are stuck are so for 20 ms."""
    options = EchoWorker.default_options()
    monkeypatch.setattr(
        EchoWorker, "default_options", classmethod(lambda cls: type(options)(timeout=0.02))
    )


def die(worker: object) -> None:
    raise SystemExit(1)


def test_the_query_in_flight_fails_and_what_is_queued_stays(closing: Closing, gate: Gate) -> None:
    worker = closing(EchoWorker.spawn())
    worker.evaluate("define")
    worker.evaluate('call "count" []')
    lost = worker.send(Eval("lose"))
    queued = [worker.send(Eval(str(i))) for i in range(5)]
    with pytest.raises(WorkerDied, match="lost its runtime while it ran Eval") as caught:
        lost.get(10)
    assert caught.value.may_have_run
    assert isinstance(caught.value.__cause__, BrokenRuntimeError)
    assert [reply.get(10) for reply in queued] == list(range(5))
    assert worker.generation == 2
    assert worker.state == "ready"


def test_state_of_the_runtime_is_lost(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn())
    worker.evaluate("define")
    assert worker.get_value("answer") == 42
    assert isinstance(worker.send(Eval("lose")).exception(), WorkerDied)
    with pytest.raises(ValueNotFound):
        worker.get_value("answer")


def test_a_runtime_that_a_script_used_up_is_replaced_and_not_counted(
    closing: Closing, log: EventLog
) -> None:
    worker = closing(EchoWorker.spawn(supervision=Supervision(intensity=0)))
    thread = threading.active_count()
    for generation in range(2, 8):
        with pytest.raises(TimeoutExceeded) as caught:
            worker.ask(Eval("stuck"))
        assert not caught.value.runtime_usable
        assert worker.evaluate("1") == 1
        assert worker.generation == generation
    assert threading.active_count() <= thread + 1
    reasons = [event.fields["reason"] for event in log.named("worker.restarted")]
    assert reasons == ["replace"] * 6
    assert not log.named("worker.stopped")


def test_what_a_script_did_to_itself_reaches_the_sender_as_it_is(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn())
    with pytest.raises(MemoryLimitError):
        worker.evaluate("greedy")
    assert worker.generation == 1


def test_a_hard_stopped_cancellation_replaces_the_runtime(closing: Closing, log: EventLog) -> None:
    begun = threading.Event()
    options = type(EchoWorker.default_options())(timeout=20, host_functions={"begun": begun.set})
    worker = closing(EchoWorker.spawn(options))
    reply = worker.send(Eval('call "begun" []\nstuck'))
    assert begun.wait(10)
    reply.cancel()
    assert worker.ask(Eval("1"), timeout=10) == 1
    assert worker.generation == 2
    assert reply.cancelled()
    assert not isinstance(reply.exception(), RunCancelled)


def test_an_idempotent_query_is_run_again(closing: Closing) -> None:
    worker = closing(PythonWorker.spawn())
    runs = []

    def die_once(w: Any) -> Any:
        runs.append(w.generation)
        if len(runs) == 1:
            raise SystemExit
        return "done"

    queued_first = worker.send(DoAgain(die_once))
    after = worker.send(Do(lambda w: w.generation))
    assert queued_first.get(10) == "done"
    assert runs == [1, 2]
    assert after.get(10) == 2


def test_an_idempotent_query_that_kills_every_worker_is_given_up(closing: Closing) -> None:
    worker = closing(PythonWorker.spawn(supervision=PATIENT))
    with pytest.raises(WorkerDied):
        worker.ask(DoAgain(die))
    assert worker.ask(Do(lambda w: w.generation)) == 4


def test_a_query_that_is_not_idempotent_is_not_run_again(closing: Closing) -> None:
    worker = closing(PythonWorker.spawn())
    runs = []

    def die_always(w: Any) -> Any:
        runs.append(1)
        raise SystemExit

    with pytest.raises(WorkerDied):
        worker.ask(Do(die_always))
    worker.ask(Do(lambda w: None))
    assert runs == [1]


def test_a_worker_is_a_new_object_after_its_restart_and_keeps_what_is_kept(
    closing: Closing,
) -> None:
    worker = closing(PythonWorker.spawn())

    def remember(w: Any) -> Any:
        w.kept["note"] = "kept"
        w.other = "lost"
        return w

    first = worker.ask(Do(remember))
    with pytest.raises(WorkerDied):
        worker.ask(Do(die))
    second = worker.ask(Do(lambda w: w))
    assert second is not first
    assert second.kept == {"note": "kept"}
    assert not hasattr(second, "other")
    assert first.actor_urn != second.actor_urn


def test_a_restarted_worker_has_a_new_thread(closing: Closing) -> None:
    worker = closing(PythonWorker.spawn())
    first = worker.ask(Do(lambda w: threading.current_thread()))
    with pytest.raises(WorkerDied):
        worker.ask(Do(die))
    second = worker.ask(Do(lambda w: threading.current_thread()))
    assert second is not first
    first.join(10)
    assert not first.is_alive()


def test_too_many_restarts_close_the_worker_with_an_error_for_all(
    closing: Closing, make_gate: Callable[[], Gate]
) -> None:
    worker = closing(PythonWorker.spawn(supervision=Supervision(intensity=1, backoff=0)))
    gate = make_gate()
    worker.send(Do(gate.hold))
    dying = [worker.send(Do(die)) for _ in range(2)]
    queued = [worker.send(Do(lambda w: "never")) for _ in range(3)]
    gate.open()
    for reply in dying:
        assert isinstance(reply.exception(10), WorkerDied)
    errors = [reply.exception(10) for reply in queued]
    assert {type(error) for error in errors} == {RestartLimitExceeded}
    assert len(set(map(id, errors))) == 3
    assert (errors[0].intensity, errors[0].period) == (1, 5.0)
    with pytest.raises(RestartLimitExceeded, match="more than 1 restarts within 5 s"):
        worker.ask(Do(lambda w: 1))
    assert worker.join(10)
    assert worker.state == "stopped"


def test_a_restart_that_fails_is_tried_again(closing: Closing, log: EventLog) -> None:
    class Moody(PythonWorker):
        starts = 0

        def init_runtime(self, options: None) -> None:
            type(self).starts += 1
            if type(self).starts in (2, 3):
                raise OSError("not yet")

    worker = closing(Moody.spawn(supervision=Supervision(intensity=1, backoff=0.001)))
    with pytest.raises(WorkerDied):
        worker.ask(Do(die))
    assert worker.ask(Do(lambda w: w.generation)) == 2
    reasons = [event.fields["reason"] for event in log.named("worker.restarted")]
    assert reasons == ["died", "not_started", "not_started"]


def test_a_restart_that_fails_too_often_closes_the_worker(closing: Closing) -> None:
    class Broken(PythonWorker):
        starts = 0

        def init_runtime(self, options: None) -> None:
            type(self).starts += 1
            if type(self).starts > 1:
                raise OSError("never again")

    worker = closing(Broken.spawn(supervision=Supervision(backoff=0)))
    dying = worker.send(Do(die))
    queued = worker.send(Do(lambda w: "never"))
    assert isinstance(dying.exception(10), WorkerDied)
    error = queued.exception(10)
    assert isinstance(error, WorkerStartError)
    assert isinstance(error.__cause__, OSError)
    assert Broken.starts == 4
    with pytest.raises(WorkerStartError):
        worker.ask(Do(lambda w: 1))


def test_a_restart_that_hangs_is_given_up_and_tried_again(closing: Closing, gate: Gate) -> None:
    class Slow(PythonWorker):
        starts = 0

        def init_runtime(self, options: None) -> None:
            type(self).starts += 1
            if type(self).starts == 2:
                gate.hold()

    worker = closing(Slow.spawn(supervision=Supervision(start_timeout=0.05, backoff=0)))
    with pytest.raises(WorkerDied):
        worker.ask(Do(die))
    assert worker.ask(Do(lambda w: w.generation), timeout=10) == 2
    gate.open()


def test_closing_while_a_restart_is_pending_ends_at_once(closing: Closing) -> None:
    worker = closing(PythonWorker.spawn(supervision=Supervision(backoff=60, backoff_limit=60)))
    for _ in range(2):
        assert isinstance(worker.send(Do(die)).exception(10), WorkerDied)
    queued = worker.send(Do(lambda w: "never"))
    worker.close(0)
    assert isinstance(queued.exception(0), WorkerStopped)


def test_queued_queries_are_drained_by_the_restarted_worker(closing: Closing, gate: Gate) -> None:
    worker = closing(PythonWorker.spawn(supervision=PATIENT))
    worker.send(Do(gate.hold))
    replies: list[Any] = []
    for i in range(6):
        replies.append(worker.send(Do(lambda w, i=i: i)))
        replies.append(worker.send(Do(die)))
    worker.shutdown()
    gate.open()
    assert worker.join(10)
    assert [reply.get(0) for reply in replies[::2]] == list(range(6))
    assert all(isinstance(reply.exception(0), WorkerDied) for reply in replies[1::2])


def test_modules_are_loaded_again_and_keep_their_ids(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn(supervision=PATIENT))
    first = worker.load_module(Module("first.js", "define"))
    second = worker.load_main_module(
        Module("second.js", 'import "side.js"'), [Module("side.js", "define")]
    )
    assert worker.call_function("count", module=first) == 1
    assert isinstance(worker.send(Eval("lose")).exception(), WorkerDied)
    assert worker.call_function("count", module=first) == 1
    assert worker.call_function("twice", [3], module=second) == 6
    assert worker.call_function("twice", [3], module="second.js") == 6
    assert worker.load_module(Module("first.js", "define")) == first
    assert isinstance(worker.send(Eval("lose")).exception(), WorkerDied)
    assert worker.call_function("add", [1, 2], module="side.js") == 3
    assert worker.call_function("add", [1, 2], module=first) == 3


def test_a_ping_that_is_left_behind_by_a_restart_is_answered_by_the_next(
    closing: Closing, gate: Gate
) -> None:
    worker = closing(PythonWorker.spawn(supervision=PATIENT))
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    kill_worker(worker)
    answers: list[float] = []
    asking = threading.Thread(target=lambda: answers.append(worker.ping(10)))
    asking.start()
    while len(worker._cell.mailbox._control) < 2:
        asking.join(0.001)
    gate.open()
    asking.join(10)
    assert len(answers) == 1
    assert worker.generation == 2
