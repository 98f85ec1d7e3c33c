"""Caller-runs: an `ask` that finds the worker idle is answered on the thread that asks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from actors import (
    AskCycle,
    DefaultWorker,
    DefaultWorkerOptions,
    Eval,
    Query,
    QueryCancelled,
    QueryTimeout,
    Supervision,
    Worker,
    WorkerDied,
    WorkerPool,
    WorkerStartError,
    WorkerStopped,
)
from actors._replies.current import current
from actors.testing import Do, EchoWorker, Gate, PythonWorker
from runtimes import JSError

from .lending import LENDS, idle
from .waiting import until

HARD = "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })"

Closing = Callable[[Any], Any]


def here(_: object = None) -> int:
    return threading.get_ident()


def on_thread(action: Callable[[], Any]) -> Callable[[], Any]:
    """Run it on a thread; what is returned waits for what it returns or raises."""
    outcome: list[Any] = []

    def body() -> None:
        try:
            outcome.append((action(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=body, daemon=True)
    thread.start()

    def wait() -> Any:
        thread.join(20)
        value, error = outcome[0]
        if error is not None:
            raise error
        return value

    return wait


@pytest.fixture
def worker(closing: Closing) -> Any:
    return closing(PythonWorker.spawn(mailbox=LENDS))


# -- who answers ---------------------------------------------------------------------------------


def test_an_ask_is_answered_on_the_thread_that_asks(worker: Any) -> None:
    assert idle(worker).ask(Do(here)) == here()
    answered, asked = on_thread(lambda: (worker.ask(Do(here)), here()))()
    assert answered == asked


def test_what_is_sent_is_answered_on_the_workers_own_thread(worker: Any) -> None:
    assert idle(worker).send(Do(here)).get() not in (here(), None)


def test_without_the_option_nobody_else_answers(closing: Closing) -> None:
    worker = closing(PythonWorker.spawn())
    assert worker.ask(Do(here)) != here()


def test_a_runtime_moves_to_whoever_asks_and_back(closing: Closing) -> None:
    seen: list[int] = []
    options = DefaultWorkerOptions(host_functions={"note": lambda: seen.append(here())})
    worker = closing(DefaultWorker.spawn(options, mailbox=LENDS))
    idle(worker).evaluate("note()")
    worker.send(Eval("note()")).get()
    on_thread(lambda: idle(worker).evaluate("note()"))()
    assert seen[0] == here()
    assert len(set(seen)) == 3


def test_a_thread_with_a_small_stack_leaves_it_to_the_worker(closing: Closing) -> None:
    worker = closing(DefaultWorker.spawn(mailbox=LENDS))
    before = threading.stack_size(512 * 1024)
    try:
        ask = on_thread(lambda: idle(worker).evaluate("1 + 1"))
    finally:
        threading.stack_size(before)
    assert ask() == 2


def test_it_sees_what_the_sender_has_bound_and_leaves_nothing_bound(worker: Any) -> None:
    from contextvars import ContextVar

    bound: ContextVar[str] = ContextVar("bound", default="nothing")
    bound.set("something")

    def look(_: object) -> str:
        found = bound.get()
        bound.set("else")
        return found

    assert idle(worker).ask(Do(look)) == "something"
    assert bound.get() == "something"


# -- order ---------------------------------------------------------------------------------------


def test_an_ask_does_not_overtake_what_was_sent_before(worker: Any) -> None:
    order: list[int] = []
    for round_ in range(200):
        idle(worker)
        worker.tell(Do(lambda _, n=round_: order.append(2 * n)))
        worker.ask(Do(lambda _, n=round_: order.append(2 * n + 1)))
    assert order == list(range(400))


def test_what_comes_during_an_ask_waits_for_its_end(worker: Any) -> None:
    order: list[str] = []
    gate = Gate()

    def first(_: object) -> None:
        gate.hold()
        order.append("first")

    asking = on_thread(lambda: idle(worker).ask(Do(first)))
    gate.reached.wait(20)
    sent = worker.send(Do(lambda _: order.append("sent")))
    other = on_thread(lambda: worker.ask(Do(lambda _: order.append("asked"))))
    until(lambda: len(worker._cell.mailbox) == 2)
    gate.open()
    asking()
    sent.get()
    other()
    assert order == ["first", "sent", "asked"]


# -- who waits for whom --------------------------------------------------------------------------


def test_a_worker_that_asks_itself_is_refused(worker: Any) -> None:
    with pytest.raises(AskCycle):
        idle(worker).ask(Do(lambda _: worker.ask(Do(here))))
    assert worker.ask(Do(here))


def test_a_ring_of_workers_is_refused(closing: Closing) -> None:
    first, second = (closing(PythonWorker.spawn(mailbox=LENDS)) for _ in range(2))
    with pytest.raises(AskCycle):
        idle(first).ask(Do(lambda _: idle(second).ask(Do(lambda _: first.ask(Do(here))))))
    assert idle(first).ask(Do(here)) == idle(second).ask(Do(here)) == here()


@pytest.mark.parametrize("wait", [lambda w: w.ping(), lambda w: w.join(), lambda w: w.close(20)])
def test_a_handler_that_would_wait_for_its_own_end_is_refused(worker: Any, wait: Any) -> None:
    with pytest.raises(AskCycle):
        idle(worker).ask(Do(lambda _: wait(worker)))


def test_to_cancel_a_query_is_to_cancel_what_its_handler_asks(closing: Closing) -> None:
    outer = closing(PythonWorker.spawn(mailbox=LENDS))
    inner = closing(DefaultWorker.spawn(mailbox=LENDS))
    running = threading.Event()

    def ask(_: object) -> object:
        running.set()
        return idle(inner).evaluate("for (;;);")

    asking = on_thread(lambda: idle(outer).ask(Do(ask)))
    running.wait(20)
    until(lambda: inner.stats().running is not None)
    outer._cell.running[0].cancel()
    with pytest.raises(QueryCancelled):
        asking()
    assert inner.evaluate("1") == 1


# -- limits and ends -----------------------------------------------------------------------------


def test_deadlines_hold_and_cost_the_worker_nothing(closing: Closing) -> None:
    worker = closing(DefaultWorker.spawn(mailbox=LENDS))
    with pytest.raises(QueryTimeout):
        idle(worker).evaluate("for (;;);", timeout=0.05)
    assert (worker.evaluate("1"), worker.generation) == (1, 1)


def test_a_runtime_that_was_lost_is_replaced_by_the_workers_own_thread(closing: Closing) -> None:
    options = DefaultWorkerOptions(hard_stop_grace=0.01)
    worker = closing(DefaultWorker.spawn(options, mailbox=LENDS))
    for generation in range(2, 5):
        with pytest.raises(QueryTimeout):
            idle(worker).evaluate(HARD, timeout=0.02)
        assert (worker.evaluate("1 + 1"), worker.generation) == (2, generation)


def test_a_handler_that_dies_costs_a_restart(worker: Any) -> None:
    def die(_: object) -> None:
        raise SystemExit(1)

    with pytest.raises(WorkerDied):
        idle(worker).ask(Do(die))
    assert worker.ask(Do(lambda w: w.generation)) == 2


def test_errors_reach_the_asker(closing: Closing) -> None:
    worker = closing(DefaultWorker.spawn(mailbox=LENDS))
    with pytest.raises(JSError, match="on purpose"):
        idle(worker).evaluate("throw new Error('on purpose')")


def test_a_stop_ends_what_a_caller_runs(closing: Closing) -> None:
    worker = closing(DefaultWorker.spawn(mailbox=LENDS))
    asking = on_thread(lambda: idle(worker).evaluate("for (;;);"))
    until(lambda: worker.stats().running is not None)
    worker.close(0)
    with pytest.raises(WorkerStopped):
        asking()


def test_a_shutdown_waits_for_what_a_caller_runs(worker: Any) -> None:
    gate = Gate()
    asking = on_thread(lambda: idle(worker).ask(Do(gate.hold)))
    gate.reached.wait(20)
    worker.shutdown()
    assert not worker.join(0.01)
    gate.open()
    assert asking() == "held"
    assert worker.join(20)


def test_who_is_held_up_by_a_handler_for_ever_costs_the_worker_nothing_but_a_restart(
    closing: Closing,
) -> None:
    gate = Gate()
    quick = Supervision(stuck_grace=0.02, backoff=0.0)
    options = DefaultWorkerOptions(host_functions={"hang": gate.hold}, hard_stop_grace=0.01)
    worker = closing(DefaultWorker.spawn(options, supervision=quick, mailbox=LENDS))
    asking = on_thread(lambda: idle(worker).evaluate("hang()", timeout=0.02))
    gate.reached.wait(20)
    assert worker.send(Eval("1")).get(20) == 1
    assert (worker.generation, worker.abandoned) == (2, 1)
    gate.open()
    with pytest.raises(QueryTimeout):
        asking()
    until(lambda: worker.abandoned == 0)
    assert idle(worker).evaluate("2") == 2


def test_a_worker_is_renewed_while_callers_run(closing: Closing) -> None:
    policy = Supervision(renew_after_queries=10)
    worker = closing(DefaultWorker.spawn(supervision=policy, mailbox=LENDS))
    for number in range(200):
        assert worker.evaluate(f"{number}") == number
    until(lambda: worker.generation > 1)


def test_workers_that_ask_each_other_deeply_do_not_overrun_the_stack(closing: Closing) -> None:
    chain: list[Any] = []

    def ask_next(number: int) -> int:
        return chain[number + 1].evaluate("deep(400)") if number < 7 else 0

    for number in range(8):
        options = DefaultWorkerOptions(host_functions={"next": partial(ask_next, number)})
        chain.append(closing(DefaultWorker.spawn(options, mailbox=LENDS)))
        chain[-1].evaluate("function deep(n) { return n ? 1 + deep(n - 1) : next() }")
    before = threading.stack_size(3 * 1024 * 1024)
    try:
        answer = on_thread(lambda: idle(chain[0]).evaluate("deep(400)"))
    finally:
        threading.stack_size(before)
    assert answer() == 8 * 400


def test_a_signal_handler_that_asks_the_worker_whose_query_it_interrupts_is_refused(
    worker: Any,
) -> None:
    def ask_again(_: object) -> None:
        context = copy_context()
        context.run(current.set, None)  # as in a signal's handler between two lines of ours
        with pytest.raises(AskCycle):
            context.run(worker.ask, Do(here))

    idle(worker).ask(Do(ask_again))
    assert worker.ask(Do(here)) is not None


def test_a_checkpoint_that_is_due_does_not_hold_up_whoever_asks(closing: Closing) -> None:
    gate, threads = Gate(), []

    class Slow(DefaultWorker):
        def save_state(self, runtime: Any) -> Any:
            threads.append(here())
            gate.hold(None)
            return super().save_state(runtime)

        def restore_runtime(self, *args: Any) -> Any:
            return super().restore_runtime(*args)

    policy = Supervision(checkpoint_every_queries=1)
    worker = closing(Slow.spawn(supervision=policy, mailbox=LENDS))
    assert idle(worker).evaluate("1") == 1  # answered, while the checkpoint is only begun
    gate.reached.wait(20)
    gate.open()
    until(lambda: worker.last_checkpoint is not None)
    assert threads[0] != here()


def test_whoever_answered_in_its_place_may_ping_it(worker: Any) -> None:
    assert idle(worker).ask(Do(here)) == here()
    assert worker.ping(20) >= 0


def test_a_checkpoint_is_taken_on_the_workers_own_thread(closing: Closing) -> None:
    policy = Supervision(checkpoint_every_queries=2)
    options = DefaultWorkerOptions(timeout=2.0, hard_stop_grace=0.0)
    worker = closing(DefaultWorker.spawn(options, supervision=policy, mailbox=LENDS))
    for number in range(1, 8):
        assert idle(worker).evaluate("globalThis.n = (globalThis.n ?? 0) + 1") == number
    until(lambda: worker.last_checkpoint is not None)
    assert worker.checkpoint(20) is not None
    with pytest.raises(QueryTimeout):  # which costs the runtime, and with it what is not saved
        idle(worker).ask(Eval(HARD), timeout=0.05)
    assert worker.evaluate("n") == 7


def test_a_ping_waits_for_the_caller_to_end(worker: Any) -> None:
    gate = Gate()
    asking = on_thread(lambda: idle(worker).ask(Do(gate.hold)))
    gate.reached.wait(20)
    with pytest.raises(TimeoutError):
        worker.ping(0.01)
    gate.open()
    asking()
    assert worker.ping(20) >= 0


# -- what it is not for --------------------------------------------------------------------------


@dataclass(frozen=True)
class Nothing(Query[None]):
    pass


class Pinned(Worker[None, Nothing]):
    def init_runtime(self, options: None) -> object:
        return object()

    def handle_query(self, runtime: object, query: Nothing) -> None:
        return None


class Idles(PythonWorker):
    idle_after = 1.0


class Loops(PythonWorker):
    def serve(self, runtime: None) -> None:
        super().serve(runtime)


def test_a_runtime_that_cannot_change_threads_is_refused() -> None:
    with pytest.raises(WorkerStartError) as caught:
        Pinned.spawn(mailbox=LENDS)
    assert "move_here" in str(caught.value.__cause__)


@pytest.mark.parametrize("kind", [Idles, Loops])
def test_a_worker_that_does_something_between_queries_is_refused(kind: Any) -> None:
    with pytest.raises(TypeError, match="caller_runs"):
        kind.spawn(mailbox=LENDS)


def test_a_pool_is_refused() -> None:
    with pytest.raises(TypeError, match="caller_runs"):
        WorkerPool(PythonWorker, 1, mailbox=LENDS)


# -- hooks and traces ----------------------------------------------------------------------------


def test_hooks_are_called_and_traces_written_as_otherwise(closing: Closing, log: Any) -> None:
    seen: deque[str] = deque()

    class Hooked(EchoWorker):
        def before_query(self, query: Any) -> None:
            seen.append("before")

        def after_query(self, query: Any, response: Any, error: Any) -> None:
            seen.append("after")

    worker = closing(Hooked.spawn(mailbox=replace(LENDS, capacity=1)))
    assert idle(worker).ask(Eval("1")) == 1
    assert list(seen) == ["before", "after"]
    assert worker.stats().answered == 1
