"""Workers that resume: a restart goes on from the last checkpoint instead of from nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import (
    CallFunction,
    DefaultWorker,
    DefaultWorkerOptions,
    Eval,
    Supervision,
    WorkerDied,
    WorkerPool,
    WorkerStartError,
)
from actors.testing import EchoWorker, EventLog, Gate, hold_worker, kill_worker
from runtimes import Module, Snapshot, StaleHandle

from .resuming import COUNT, EACH, PATIENT, Closing, count, counting, resumed

if TYPE_CHECKING:
    import threading

# -- by the count ----------------------------------------------------------------------------------


def test_what_ran_after_the_last_checkpoint_is_lost(closing: Closing, log: EventLog) -> None:
    worker = counting(closing, replace(PATIENT, checkpoint_every_queries=3))  # 1 of 3
    assert count(worker, 4) == 4  # two of them are in it
    kill_worker(worker)
    assert count(worker) == 3
    assert worker.generation == 2
    assert worker._cell.worker._resumed is None  # it is not kept twice
    (taken,) = log.named("checkpoint.taken")
    assert taken.fields["reason"] == "policy"
    assert taken.fields["bytes"] > 0
    for name in ("worker.restarted", "worker.ready"):
        fields = log.named(name)[-1].fields
        assert fields["resumed"] == "checkpoint"
        assert fields["queries_lost"] == 2
        assert 0 <= fields["checkpoint_age"] < 60


def test_the_trace_says_of_each_start_what_it_was_made_from(
    closing: Closing, log: EventLog
) -> None:
    worker = counting(closing)
    worker.ping(10)  # it is taken after the answer
    snapshot = worker.last_checkpoint.snapshot
    clean = closing(EchoWorker.spawn())
    warm = closing(EchoWorker.spawn(DefaultWorkerOptions(snapshot=snapshot)))
    kill_worker(warm)
    assert count(warm) == 1
    made = closing(EchoWorker.spawn(checkpoint=worker.checkpoint()))
    assert resumed(log, worker) == resumed(log, clean) == ["nothing"]
    assert resumed(log, warm) == ["snapshot", "snapshot"]
    assert resumed(log, made) == ["checkpoint"]
    (restarted,) = log.named("worker.restarted", worker=warm.name)
    assert restarted.fields["resumed"] == "snapshot"
    started = [e.fields["resumed"] for e in log.named("worker.started", worker=made.name)]
    assert started == ["checkpoint"]


def test_a_worker_that_was_never_asked_enough_starts_clean(closing: Closing, log: EventLog) -> None:
    worker = counting(closing, replace(PATIENT, checkpoint_every_queries=100))
    kill_worker(worker)
    worker.evaluate("define")
    assert count(worker) == 1
    assert resumed(log, worker) == ["nothing", "nothing"]


def test_queued_queries_are_run_on_the_resumed_state(closing: Closing) -> None:
    worker = counting(closing)
    assert count(worker, 2) == 2
    gate = hold_worker(worker)
    kill_worker(worker)
    queued = [worker.send(COUNT) for _ in range(3)]
    gate.open()
    assert [reply.get(10) for reply in queued] == [3, 4, 5]


class Again(CallFunction[Any]):
    """Declared idempotent."""

    idempotent: ClassVar[bool] = True


def test_an_idempotent_query_is_run_again_on_the_state_of_the_checkpoint(
    closing: Closing,
) -> None:
    runs: list[int] = []

    def die_once() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise SystemExit(1)

    options = DefaultWorkerOptions(host_functions={"die_once": die_once})
    worker = counting(closing, options=options)
    assert count(worker, 2) == 2
    # What it had done before it was lost is not in the checkpoint.
    worker.load_module(Module("twice.js", "define"))
    lost = worker.send(Eval('call "count" []\ncall "die_once" []'))
    with pytest.raises(WorkerDied):
        lost.get(10)
    assert count(worker) == 3
    runs.clear()
    assert worker.ask(Again("die_once"), 10) is None
    assert len(runs) == 2
    assert count(worker) == 4


def test_a_runtime_that_a_script_used_up_is_replaced_by_the_checkpoint(
    closing: Closing, log: EventLog
) -> None:
    worker = counting(closing, replace(EACH, intensity=0))
    assert count(worker, 2) == 2
    with pytest.raises(TimeoutError):
        worker.ask(Eval("stuck"), 0.02)
    assert count(worker) == 3
    assert resumed(log, worker) == ["nothing", "checkpoint"]


def test_a_worker_whose_thread_was_given_up_resumes(closing: Closing, gate: Gate) -> None:
    options = DefaultWorkerOptions(timeout=20, host_functions={"hold": gate.hold})
    worker = counting(closing, replace(EACH, stuck_grace=0.01), options=options)
    assert count(worker, 2) == 2
    worker.send(Eval('call "hold" []')).cancel()
    worker.send(Eval('call "hold" []'), 0.01)
    assert count(worker) == 3
    assert worker.generation >= 2


def test_function_handles_of_before_are_stale_and_module_ids_are_not(
    closing: Closing,
) -> None:
    worker = closing(DefaultWorker.spawn(supervision=EACH))
    module = worker.load_module(Module("m.js", "let n = 0; export const count = () => ++n;"))
    function = worker.evaluate("globalThis.f = () => 1")
    assert callable(function)
    assert worker.call_function("count", module=module) == 1
    kill_worker(worker)
    assert worker.call_function("count", module=module) == 2
    with pytest.raises(StaleHandle):
        worker.call_function(function)
    assert worker.call_function("f") == 1


def test_modules_that_came_after_the_checkpoint_are_loaded_again_and_keep_their_ids(
    closing: Closing,
) -> None:
    worker = closing(EchoWorker.spawn(supervision=replace(PATIENT, checkpoint_every_queries=2)))
    first = worker.load_module(Module("first.js", "define"))
    assert worker.call_function("count", module=first) == 1  # here it is taken
    second = worker.load_module(Module("second.js", "define"))
    kill_worker(worker)
    assert worker.call_function("count", module=second) == 1
    assert worker.call_function("count", module=first) == 2


def test_a_newer_checkpoint_by_hand_counts_for_a_worker_that_resumes(closing: Closing) -> None:
    worker = counting(closing, replace(PATIENT, checkpoint_every_queries=1000))
    assert count(worker, 2) == 2
    taken = worker.checkpoint()
    assert worker.last_checkpoint is taken
    kill_worker(worker)
    assert count(worker) == 3


def test_the_last_checkpoint_outlives_the_worker(closing: Closing) -> None:
    worker = counting(closing)
    count(worker, 3)
    worker.close()
    assert worker.last_checkpoint is not None
    made = closing(EchoWorker.spawn(checkpoint=worker.last_checkpoint))
    assert count(made) == 4


# -- by the clock ----------------------------------------------------------------------------------


def test_a_worker_that_has_nothing_to_do_is_saved_in_time(closing: Closing, log: EventLog) -> None:
    worker = counting(closing, replace(PATIENT, checkpoint_every_seconds=0.02))
    assert count(worker, 3) == 3
    while worker.last_checkpoint is None or worker.last_checkpoint.answered < 4:
        log.wait_for("checkpoint.taken", times=len(log.named("checkpoint.taken")) + 1)
    kill_worker(worker)
    assert count(worker) == 4


def test_a_worker_that_did_nothing_since_is_left_alone(closing: Closing, log: EventLog) -> None:
    worker = counting(closing, replace(PATIENT, checkpoint_every_seconds=0.01))
    while worker.last_checkpoint is None:
        log.wait_for("checkpoint.taken")
    keeper = worker._cell.keeper
    worker.ping(10)
    assert keeper._timer is None  # the next query sets it
    count(worker)
    log.wait_for("checkpoint.taken", times=2)


def test_count_and_clock_go_together(closing: Closing, log: EventLog) -> None:
    policy = replace(PATIENT, checkpoint_every_queries=2, checkpoint_every_seconds=3600)
    worker = counting(closing, policy)
    count(worker, 5)
    worker.ping(10)
    assert len(log.named("checkpoint.taken")) == 3


# -- what goes wrong -------------------------------------------------------------------------------


class Fragile(EchoWorker):
    """Fails to restore, or to save, as often as it is told."""

    bad_restores: ClassVar[int] = 0
    bad_saves: ClassVar[int] = 0
    blocks: ClassVar[threading.Event | None] = None

    def save_state(self, runtime: Any) -> Any:
        if Fragile.bad_saves:
            Fragile.bad_saves -= 1
            raise LookupError("cannot save")
        return super().save_state(runtime)

    def restore_runtime(self, options: Any, snapshot: Snapshot, state: Any) -> Any:
        if Fragile.bad_restores:
            Fragile.bad_restores -= 1
            if Fragile.blocks is not None:
                Fragile.blocks.wait(20)
            raise LookupError("cannot restore")
        return super().restore_runtime(options, snapshot, state)


@pytest.fixture(autouse=True)
def _sound() -> None:
    Fragile.bad_restores = Fragile.bad_saves = 0
    Fragile.blocks = None


def fragile(closing: Closing, supervision: Supervision = EACH) -> Any:
    worker = closing(Fragile.spawn(supervision=supervision))
    worker.evaluate("define")
    return worker


def test_a_checkpoint_that_fails_once_to_restore_is_tried_again(
    closing: Closing, log: EventLog
) -> None:
    worker = fragile(closing, replace(EACH, start_attempts=1))
    assert count(worker, 2) == 2
    Fragile.bad_restores = 1
    kill_worker(worker)
    assert count(worker) == 3
    (failed,) = log.named("checkpoint.failed")
    assert failed.fields["step"] == "restore"
    assert failed.fields["gives_up"] is False


def test_a_checkpoint_that_fails_twice_is_given_up_for_a_plain_start(
    closing: Closing, log: EventLog
) -> None:
    worker = fragile(closing, replace(EACH, start_attempts=1, intensity=1))
    module = worker.load_module(Module("m.js", "define"))
    assert count(worker, 2) == 2
    Fragile.bad_restores = 2
    kill_worker(worker)
    assert worker.call_function("count", module=module) == 1
    worker.ping(10)  # then its checkpoint is taken too
    failed = [event.fields for event in log.named("checkpoint.failed")]
    assert [fields["gives_up"] for fields in failed] == [False, True]
    assert "cannot restore" in failed[0]["error"]
    assert resumed(log, worker) == ["nothing", "nothing"]
    assert worker.last_checkpoint.generation == 2


def test_a_restore_that_hangs_is_given_up_too(closing: Closing, log: EventLog, gate: Gate) -> None:
    worker = fragile(closing, replace(EACH, start_timeout=0.05))
    assert count(worker, 2) == 2
    Fragile.blocks = gate._opened
    Fragile.bad_restores = 100
    kill_worker(worker)
    worker.evaluate("define", timeout=10)
    assert resumed(log, worker) == ["nothing", "nothing"]
    Fragile.bad_restores = 0


def test_the_first_start_of_a_checkpoint_is_not_replaced_by_a_plain_one(closing: Closing) -> None:
    checkpoint = fragile(closing).checkpoint()
    Fragile.bad_restores = 1
    with pytest.raises(WorkerStartError, match="cannot restore"):
        Fragile.spawn(checkpoint=checkpoint)


def test_a_checkpoint_that_fails_is_made_up_for_by_the_next(
    closing: Closing, log: EventLog
) -> None:
    worker = fragile(closing, replace(PATIENT, checkpoint_every_queries=2))  # 1 of 2
    Fragile.bad_saves = 1
    assert count(worker, 3) == 3
    (failed,) = log.named("checkpoint.failed")
    assert failed.fields["step"] == "take"
    assert len(log.wait_for("checkpoint.taken")) == 1
    kill_worker(worker)
    assert count(worker) == 4
    assert worker.generation == 2


# -- renewals, halts, pools ------------------------------------------------------------------------


def test_a_renewal_loses_nothing(closing: Closing, log: EventLog) -> None:
    worker = counting(
        closing, replace(PATIENT, checkpoint_every_queries=1000, renew_after_queries=3)
    )
    assert [count(worker) for _ in range(20)] == list(range(1, 21))
    assert worker.generation > 3
    assert {event.fields["resumed"] for event in log.named("worker.renewed")} == {"checkpoint"}
    assert not log.named("worker.restarted")


def test_a_renewal_whose_checkpoint_fails_is_put_off(closing: Closing, log: EventLog) -> None:
    policy = replace(PATIENT, checkpoint_every_queries=1000, renew_after_queries=3)
    worker = closing(Fragile.spawn(supervision=policy))
    worker.evaluate("define")
    Fragile.bad_saves = 1
    assert count(worker, 4) == 4
    assert worker.generation == 1
    assert count(worker, 2) == 6
    worker.ping(10)
    assert worker.generation == 2


def test_what_all_workers_shall_run_is_run_by_one_that_could_not_resume(
    closing: Closing,
) -> None:
    pool = closing(WorkerPool(Fragile, 1, supervision=EACH))
    pool.run_on_all(Eval("define"), also_later=True)
    assert count(pool[0], 2) == 2
    Fragile.bad_restores = 2
    kill_worker(pool[0])
    assert count(pool[0]) == 1


# -- stories ---------------------------------------------------------------------------------------

STEPS = st.lists(st.sampled_from(["count", "count", "kill", "save", "stick", "fail"]), max_size=25)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, every=st.integers(1, 4), renew=st.none() | st.integers(2, 5))
def test_whatever_happens_a_count_is_that_of_the_last_checkpoint_or_more(
    steps: list[str], every: int, renew: int | None
) -> None:
    policy = replace(PATIENT, checkpoint_every_queries=every, renew_after_queries=renew)
    options = DefaultWorkerOptions(timeout=0.02)
    with EchoWorker.spawn(options, supervision=policy) as worker:
        worker.evaluate("define")
        worker.checkpoint(10)
        counted = 0
        for step in steps:
            if step == "count":
                counted += 1
                assert count(worker) == counted
                continue
            if step == "save":
                saved, last = worker.checkpoint(10), worker.last_checkpoint
                # A renewal that was due takes one of its own, perhaps in between.
                assert last is saved or (renew and last and last.answered >= saved.answered)
            elif step == "fail":
                worker.send(Eval('throw "on purpose"')).exception(10)
            else:
                if step == "kill":
                    kill_worker(worker)
                else:
                    worker.send(Eval("stuck")).exception(10)
                worker.ping(10)
                found = count(worker)
                # No more than every - 1 queries, and the one that was run, can have been lost.
                assert counted + 1 - every < found <= counted + 1
                counted = found
