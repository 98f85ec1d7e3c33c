"""Everything that Pykka is known to trip over, closed: one test each, named after the hazard."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import signal
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import pykka
import pytest

from actors import (
    DefaultWorkerOptions,
    Eval,
    MailboxOptions,
    QueryTimeout,
    RestartLimitExceeded,
    Supervision,
    WorkerDied,
    WorkerHandle,
    WorkerPool,
    WorkerStartError,
    WorkerStopped,
)
from actors.testing import Do, EchoWorker, EventLog, Gate, PythonWorker
from runtimes import TimeoutExceeded

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

Handle: TypeAlias = WorkerHandle[Any]
Pool: TypeAlias = WorkerPool[Any, Any]
Closing: TypeAlias = Callable[[Any], Any]


class Bystander(pykka.ThreadingActor):
    """Another library's actor."""

    use_daemon_thread = True

    def on_receive(self, message: Any) -> Any:
        return message


@pytest.fixture
def bystander() -> Any:
    ref = Bystander.start()
    yield ref
    ref.stop()


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_an_exit_in_a_handler_neither_hangs_the_caller_nor_stops_other_actors(
    worker: Handle, bystander: Any, error: BaseException
) -> None:
    def leave(w: Any) -> Any:
        raise error

    with pytest.raises(WorkerDied):
        worker.ask(Do(leave))
    assert worker.ask(Do(lambda w: w.generation)) == 2
    assert bystander.is_alive()
    assert bystander.ask("hello") == "hello"


def test_a_base_exception_at_the_start_leaves_no_actor_that_seems_alive() -> None:
    class Dead(PythonWorker):
        def on_start(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(WorkerStartError):
        Dead.spawn()


def test_an_ask_that_slips_in_while_the_worker_ends_is_answered() -> None:
    for _ in range(60):
        worker = PythonWorker.spawn()
        start = threading.Barrier(4, timeout=10)
        outcomes: list[Any] = []

        def ask(worker: Handle = worker, start: Any = start, outcomes: Any = outcomes) -> Any:
            start.wait()
            try:
                for _ in range(1000):
                    worker.ask(Do(lambda w: 1))
                outcomes.append("never refused")
            except WorkerStopped:
                outcomes.append("refused")

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        start.wait()
        worker.close()
        for thread in threads:
            thread.join(10)
        assert outcomes == ["refused"] * 3


def test_a_failing_tell_loses_neither_the_worker_nor_its_queue(worker: Handle, gate: Gate) -> None:
    worker.send(Do(gate.hold))
    worker.tell(Do(lambda w: 1 / 0))
    queued = worker.send(Do(lambda w: w.generation))
    gate.open()
    assert queued.get(10) == 1


def test_stop_does_not_wait_behind_the_backlog(worker: Handle, gate: Gate) -> None:
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    ran: list[int] = []
    replies = [worker.send(Do(lambda w, i=i: ran.append(i))) for i in range(1000)]
    worker.shutdown(drain=0)
    assert all(isinstance(reply.exception(0), WorkerStopped) for reply in replies)
    gate.open()
    assert worker.join(10)
    assert not ran


def test_a_timeout_cancels_the_query(worker: Handle, gate: Gate) -> None:
    ran: list[Any] = []
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    with pytest.raises(QueryTimeout):
        worker.ask(Do(ran.append), timeout=0.01)
    gate.open()
    worker.ask(Do(lambda w: None))
    assert not ran


def test_stop_works_on_a_full_mailbox(closing: Closing, gate: Gate) -> None:
    worker = closing(PythonWorker.spawn(mailbox=MailboxOptions(capacity=1)))
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    worker.send(Do(lambda w: 1))
    worker.shutdown(drain=0)
    gate.open()
    assert worker.join(10)


def test_context_variables_of_one_query_do_not_leak_into_the_next(worker: Handle) -> None:
    worker.ask(Do(lambda w: variable.set("leaked")))
    assert worker.ask(Do(lambda w: variable.get())) == "unset"


def test_a_query_sees_the_context_of_its_sender(worker: Handle) -> None:
    token = variable.set("the sender's")
    try:
        reply = worker.send(Do(lambda w: variable.get()))
    finally:
        variable.reset(token)
    assert reply.get(10) == "the sender's"


def test_one_exception_instance_is_never_shared(worker: Handle) -> None:
    shared = ValueError("one for all")

    def fail(w: Any) -> Any:
        raise shared

    replies = [worker.send(Do(fail)) for _ in range(3)]
    errors = [reply.exception(10) for reply in replies for _ in range(2)]
    assert len({id(error) for error in errors} | {id(shared)}) == 7
    assert shared.__traceback__ is None
    assert not hasattr(shared, "__notes__")


def test_threads_that_wait_for_one_failing_reply_get_tracebacks_of_their_own(
    worker: Handle, gate: Gate
) -> None:
    def fail(w: Any) -> Any:
        gate.hold()
        raise ValueError("for all")

    reply = worker.send(Do(fail))
    depths: list[int] = []

    def wait() -> Any:
        try:
            reply.get(10)
        except ValueError as error:
            depth, traceback = 0, error.__traceback__
            while traceback is not None:
                depth, traceback = depth + 1, traceback.tb_next
            depths.append(depth)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    gate.open()
    for thread in threads:
        thread.join(10)
    assert len(depths) == 4
    assert len(set(depths)) == 1


def test_awaiting_a_reply_leaves_the_loop_to_others(worker: Handle, gate: Gate) -> None:
    async def main() -> Any:
        reply = worker.send(Do(gate.hold))
        asyncio.get_running_loop().call_soon(gate.open)
        return await reply

    assert asyncio.run(main()) == "held"


def test_stop_all_of_pykka_stops_no_worker(worker: Handle, pool: Pool) -> None:
    Bystander.start()
    assert pykka.ActorRegistry.stop_all() == [True]
    assert worker.ask(Do(lambda w: 1)) == 1
    assert pool.ask(Do(lambda w: 1)) == 1


def test_workers_and_pools_are_not_in_pykkas_registry(worker: Handle, pool: Pool) -> None:
    assert pykka.ActorRegistry.get_all() == []


def test_closing_a_pool_touches_no_other_actor(bystander: Any) -> None:
    with WorkerPool(PythonWorker, size=2) as pool:
        pool.ask(Do(lambda w: 1))
    assert bystander.ask("hello") == "hello"


def test_a_second_settling_of_a_reply_is_ignored(worker: Handle, gate: Gate) -> None:
    reply = worker.send(Do(gate.hold))
    gate.reached.wait(10)
    assert reply.cancel()
    gate.open()
    assert worker.ask(Do(lambda w: w.generation)) == 1
    assert reply.cancelled()


def test_a_worker_is_found_dead_by_nobody_while_it_is_restarted(closing: Closing) -> None:
    worker = closing(PythonWorker.spawn(supervision=Supervision(intensity=1000, backoff=0)))

    def leave(w: Any) -> Any:
        raise SystemExit

    for _ in range(30):
        dying = worker.send(Do(leave))
        queued = worker.send(Do(lambda w: "queued"))
        assert isinstance(dying.exception(10), WorkerDied)
        assert worker.is_alive()
        assert queued.get(10) == "queued"


def test_a_thread_that_dies_between_two_queries_is_replaced(worker: Handle) -> None:
    ident = worker.ask(Do(lambda w: threading.get_ident()))
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(SystemExit))
    outcomes = [worker.send(Do(lambda w: w.generation)).response(10) for _ in range(3)]
    assert outcomes[-1].value == 2


def test_a_given_up_thread_neither_answers_nor_takes_queries(
    closing: Closing, gate: Gate, log: EventLog
) -> None:
    worker = closing(PythonWorker.spawn(supervision=Supervision(stuck_grace=0.02)))
    wrote: list[Any] = []
    left = threading.Event()

    def block(w: Any) -> Any:
        gate.hold()
        wrote.append(w.is_current())
        left.set()
        return "too late"

    first = worker.send(Do(block), timeout=0.02)
    assert isinstance(first.exception(10), QueryTimeout)
    log.wait_for("worker.abandoned")
    replies = [worker.send(Do(lambda w: threading.current_thread())) for _ in range(20)]
    old = threading.enumerate()
    gate.open()
    assert left.wait(10)
    assert wrote == [False]
    new = {reply.get(10) for reply in replies}
    assert len(new) == 1
    assert worker.ask(Do(lambda w: w.generation)) == 2
    assert isinstance(first.exception(0), QueryTimeout)
    for thread in old:
        if thread.name == worker.name and thread not in new:
            thread.join(10)
            assert not thread.is_alive()
    assert worker.abandoned == 0


def test_too_many_given_up_threads_close_the_worker(
    closing: Closing, make_gate: Callable[[], Gate], log: EventLog
) -> None:
    supervision = Supervision(stuck_grace=0.01, max_abandoned=1)
    worker = closing(PythonWorker.spawn(supervision=supervision))
    for times in (1, 2):
        gate = make_gate()
        blocked = worker.send(Do(gate.hold))
        assert gate.reached.wait(10)
        blocked.cancel()
        log.wait_for("worker.abandoned", times)
    assert worker.join(10)
    with pytest.raises(RestartLimitExceeded, match=r"2 threads .* are blocked"):
        worker.ask(Do(lambda w: 1))


def test_a_run_without_a_deadline_is_stuck_after_the_runtimes_own_timeout(
    closing: Closing, gate: Gate
) -> None:
    options = DefaultWorkerOptions(timeout=0.02, host_functions={"block": gate.hold})
    worker = closing(EchoWorker.spawn(options, supervision=Supervision(stuck_grace=0.02)))
    with pytest.raises(TimeoutExceeded, match="its thread was given up") as caught:
        worker.ask(Eval('call "block" []'))
    assert not caught.value.runtime_usable
    assert worker.evaluate("1") == 1
    gate.open()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="sends a signal to one thread")
def test_an_interrupted_ask_cancels_its_query(worker: Handle, gate: Gate) -> None:
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    main = threading.get_ident()
    timer = threading.Timer(0.05, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        worker.ask(Do(lambda w: "never"))
    timer.join()
    assert worker.backlog == 0
    gate.open()
    assert worker.ask(Do(lambda w: 1)) == 1


def test_a_callback_that_exits_stops_neither_the_worker_nor_other_waiters(
    worker: Handle, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    def leave(reply: object) -> None:
        raise SystemExit

    reply = worker.send(Do(gate.hold))
    reply.add_done_callback(leave)
    woken = threading.Event()
    reply.add_done_callback(lambda r: woken.set())
    gate.open()
    assert woken.wait(10)
    assert worker.ask(Do(lambda w: w.generation)) == 1
    assert [report.exc_type for report in reported] == [SystemExit]


def test_a_thread_that_cannot_be_started_is_a_failed_start() -> None:
    class Threadless(PythonWorker):
        def _start_actor_loop(self) -> None:
            raise RuntimeError("can't start new thread")

    with pytest.raises(WorkerStartError, match="can't start new thread"):
        Threadless.spawn()


def test_a_constructor_of_another_shape_is_a_failed_start() -> None:
    class Odd(PythonWorker):
        def __init__(self) -> None:
            pass

    with pytest.raises(WorkerStartError) as caught:
        Odd.spawn()
    assert isinstance(caught.value.__cause__, TypeError)


def test_a_replacement_that_hangs_in_its_start_is_given_up(closing: Closing, gate: Gate) -> None:
    class Slow(EchoWorker):
        def init_runtime(self, options: Any) -> Any:
            if self.kept.setdefault("starts", 0) == 1:
                gate.hold()
            self.kept["starts"] += 1
            return super().init_runtime(options)

    supervision = Supervision(start_timeout=0.1, backoff=0)
    worker = closing(Slow.spawn(DefaultWorkerOptions(timeout=0.02), supervision=supervision))
    assert isinstance(worker.send(Eval("stuck")).exception(10), TimeoutExceeded)
    reply = worker.send(Eval("1"))
    assert gate.reached.wait(10)
    with pytest.raises(TimeoutError):
        reply.get(timeout=0.2)
    gate.open()
    assert reply.get(10) == 1
