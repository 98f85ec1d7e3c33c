"""Workers that would wait for themselves, or for each other in a ring: an error at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeAlias

import pytest

from actors import (
    ActorsError,
    AskCycle,
    CheckpointError,
    DefaultWorker,
    MailboxOptions,
    Supervision,
    WorkerHandle,
    WorkerPool,
)
from actors.testing import Do, EventLog, PythonWorker, kill_worker

Handle: TypeAlias = WorkerHandle[Any]
Pool: TypeAlias = WorkerPool[Any, Any]
Closing: TypeAlias = Callable[[Any], Any]


def test_asking_oneself_is_an_error_at_once(worker: Handle) -> None:
    with pytest.raises(AskCycle, match="would wait for ever") as caught:
        worker.ask(Do(lambda w: worker.ask(Do(lambda v: 1))))
    assert caught.value.workers == (worker.name,)
    assert worker.backlog == 0
    assert worker.ask(Do(lambda w: w.generation)) == 1


def test_waiting_for_a_reply_of_ones_own_is_an_error_at_once(worker: Handle) -> None:
    with pytest.raises(AskCycle):
        worker.ask(Do(lambda w: worker.send(Do(lambda v: 1)).get(timeout=60)))


def test_sending_to_oneself_is_fine(worker: Handle) -> None:
    reply = worker.ask(Do(lambda w: worker.send(Do(lambda v: "later"))))
    assert reply.get(10) == "later"


def test_a_ring_of_asks_is_an_error_at_once(closing: Closing) -> None:
    ring = [closing(PythonWorker.spawn(name=name)) for name in ("a", "b", "c")]

    def ask_next(index: int) -> Any:
        return Do(lambda w: ring[(index + 1) % 3].ask(ask_next((index + 1) % 3)))

    with pytest.raises(AskCycle) as caught:
        ring[0].ask(ask_next(0))
    assert sorted(caught.value.workers) == ["a", "b", "c"]
    assert [worker.ask(Do(lambda w: w.generation)) for worker in ring] == [1, 1, 1]


def test_two_workers_that_ask_each_other_at_the_same_time_do_not_hang(closing: Closing) -> None:
    for _ in range(20):
        left, right = closing(PythonWorker.spawn()), closing(PythonWorker.spawn())
        both = threading.Barrier(2, timeout=10)

        def ask(other: Handle, both: threading.Barrier = both) -> Any:
            both.wait()
            return other.ask(Do(lambda w: "answer"))

        replies = [
            left.send(Do(lambda w, right=right: ask(right))),
            right.send(Do(lambda w, left=left: ask(left))),
        ]
        outcomes = [reply.response(10) for reply in replies]
        assert all(each.ok or isinstance(each.error, AskCycle) for each in outcomes)
        assert not all(each.ok for each in outcomes)


def test_a_chain_of_asks_is_no_ring(closing: Closing) -> None:
    first, second, third = (closing(PythonWorker.spawn()) for _ in range(3))

    def through(w: Any) -> Any:
        return second.ask(Do(lambda s: third.ask(Do(lambda t: "end"))))

    assert first.ask(Do(through)) == "end"


def test_a_handler_may_ask_its_own_pool_as_long_as_another_worker_is_there(
    closing: Closing,
) -> None:
    pool = closing(WorkerPool(PythonWorker, size=2))
    for _ in range(6):
        first, second = pool.ask(Do(lambda w: (w.name, pool.ask(Do(lambda v: v.name)))))
        assert first != second
    lonely = closing(WorkerPool(PythonWorker, size=1))
    with pytest.raises(AskCycle):
        lonely.ask(Do(lambda w: lonely.ask(Do(lambda v: 1))))


def test_a_worker_that_was_answered_but_not_yet_woken_closes_no_ring(closing: Closing) -> None:
    left, right = closing(PythonWorker.spawn()), closing(PythonWorker.spawn())

    def ask_back(w: Any) -> Any:
        return left.ask(Do(lambda o: "back"))

    for _ in range(100):
        asking = left.send(Do(lambda w: right.ask(Do(lambda o: "answer"))))
        answering = right.send(Do(ask_back))
        outcomes = [asking.response(10), answering.response(10)]
        assert outcomes[0].value == "answer" or isinstance(outcomes[0].error, AskCycle)
        if outcomes[0].ok:
            assert outcomes[1].value == "back" or isinstance(outcomes[1].error, AskCycle)
        assert outcomes[0].ok or outcomes[1].ok


def test_waiting_for_ones_own_end_is_an_error_at_once(worker: Handle) -> None:
    with pytest.raises(AskCycle, match="its own end"):
        worker.ask(Do(lambda w: worker.close()))
    assert worker.join(10)


# -- hooks, which run between two queries ---------------------------------------------------------


class Introvert(PythonWorker):
    """Asks itself in a hook, and tells what comes of it."""

    hook = ""
    idle_after = 0.001
    itself: Any = None
    seen: SimpleQueue[Any]

    def look_inside(self, hook: str) -> None:
        if self.itself is not None and hook == self.hook:
            try:
                self.seen.put(self.itself.ask(Do(lambda w: "answer")))
            except ActorsError as error:
                self.seen.put(error)

    def on_start(self) -> None:
        self.look_inside("on_start")

    def init_runtime(self, options: None) -> None:
        self.look_inside("init_runtime")

    def on_stop(self) -> None:
        self.look_inside("on_stop")

    def close_runtime(self, runtime: None) -> None:
        self.look_inside("close_runtime")

    def on_failure(self, *args: Any) -> None:
        self.look_inside("on_failure")

    def on_idle(self, runtime: None) -> None:
        self.look_inside("on_idle")

    def check_health(self, runtime: None) -> None:
        self.look_inside("check_health")

    def on_down(self, down: Any) -> None:
        self.look_inside("on_down")


HOOKS = [name for name in vars(Introvert) if name.startswith("on_")]
HOOKS += ["init_runtime", "close_runtime", "check_health"]


def fail(w: Any) -> None:
    raise ValueError("for on_failure")


def die(w: Any) -> None:
    raise SystemExit


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_asks_its_own_worker_gets_an_error_at_once(closing: Closing, hook: str) -> None:
    other = closing(PythonWorker.spawn())
    kind = type("Introvert", (Introvert,), {"hook": hook, "seen": SimpleQueue()})
    policy = Supervision(backoff=0.0, health_interval=0.001)
    worker = closing(kind.spawn(supervision=policy))
    kind.itself = worker
    worker.ask(Do(lambda w: w.watch(other) and None))
    worker.tell(Do(fail))
    other.close()
    worker.tell(Do(die))

    seen = kind.seen.get(timeout=20)
    assert isinstance(seen, AskCycle)
    assert seen.workers == (worker.name,)


class SavesByAsking(DefaultWorker):
    itself: Any = None

    def save_state(self, runtime: Any) -> Any:
        return self.itself.evaluate("'never'")

    def restore_runtime(self, options: Any, snapshot: Any, state: Any) -> Any:
        return super().restore_runtime(options, snapshot, state)


@pytest.mark.parametrize("lends", [False, True])
def test_a_checkpoint_that_asks_its_own_worker_fails_and_says_why(
    closing: Closing, lends: bool
) -> None:
    worker = closing(SavesByAsking.spawn(mailbox=MailboxOptions(caller_runs=lends)))
    worker.evaluate("1")
    SavesByAsking.itself = worker
    with pytest.raises(CheckpointError, match="would wait for ever") as caught:
        worker.checkpoint(20)
    assert isinstance(caught.value.__cause__, AskCycle)
    assert (worker.evaluate("1 + 1"), worker.generation) == (2, 1)


class RestoresByAsking(DefaultWorker):
    itself: Any = None

    def save_state(self, runtime: Any) -> Any:
        return None

    def restore_runtime(self, options: Any, snapshot: Any, state: Any) -> Any:
        self.itself.evaluate("'never'")


def test_a_restart_that_asks_its_own_worker_starts_from_nothing_and_the_trace_says_why(
    closing: Closing, log: EventLog
) -> None:
    policy = Supervision(checkpoint_every_queries=1, backoff=0.0)
    worker = closing(RestoresByAsking.spawn(supervision=policy))
    RestoresByAsking.itself = worker
    worker.evaluate("globalThis.lost = 1")
    assert worker.checkpoint(20) is not None
    kill_worker(worker)
    assert worker.evaluate("typeof lost", timeout=20) == "undefined"
    reasons = [event.fields["error"] for event in log.named("checkpoint.failed")]
    assert all("would wait for ever" in reason for reason in reasons)
    assert reasons


def test_a_hook_and_a_handler_that_wait_for_each_other_get_an_error_at_once(
    closing: Closing,
) -> None:
    class Curious(PythonWorker):
        def on_failure(self, *args: Any) -> None:
            left = self.kept["other"]
            self.kept["seen"] = left.send(Do(lambda w: w.kept["other"].ask(Do(str)))).response(20)

    left, right = closing(PythonWorker.spawn()), closing(Curious.spawn())
    left.ask(Do(partial(introduce, right)))
    right.ask(Do(partial(introduce, left)))
    right.tell(Do(fail))
    assert isinstance(right.ask(Do(lambda w: w.kept["seen"].error), timeout=20), AskCycle)


def introduce(other: Handle, w: Any) -> None:
    w.kept["other"] = other


def test_a_callback_of_a_reply_that_asks_the_worker_which_settles_it_is_refused(
    worker: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_value))
    gate, asked = threading.Event(), threading.Event()

    def ask_again(_: object) -> None:
        asked.set()
        worker.ask(Do(str))

    reply = worker.send(Do(lambda w: gate.wait(20)))
    reply.add_done_callback(ask_again)
    gate.set()
    assert asked.wait(20)
    worker.ask(Do(str))
    assert isinstance(told[0], AskCycle)


def test_a_hook_may_ask_other_workers(closing: Closing) -> None:
    other = closing(PythonWorker.spawn())

    class Asks(PythonWorker):
        def init_runtime(self, options: None) -> None:
            self.kept["answer"] = other.ask(Do(lambda w: "answer"))

    worker = closing(Asks.spawn())
    assert worker.ask(Do(lambda w: w.kept["answer"])) == "answer"
