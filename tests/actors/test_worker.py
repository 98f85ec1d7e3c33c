"""Workers: how they start, what a subclass says, how they answer."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Optional, TypeAlias, TypeVar

import pytest

from actors import (
    MailboxFull,
    MailboxOptions,
    Query,
    Supervision,
    Worker,
    WorkerDied,
    WorkerHandle,
    WorkerPool,
    WorkerStartError,
    WorkerStopped,
)
from actors.testing import Do, Gate, PythonWorker, kill_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.testing.plugin import Spawn

Handle: TypeAlias = WorkerHandle[Any]


@dataclass(frozen=True)
class Price:
    cents: int


@dataclass(frozen=True)
class Quote(Query[Price]):
    item: str


@dataclass(frozen=True)
class Reload(Query[int]):
    pass


@dataclass(frozen=True)
class PricingOptions:
    prices: dict[str, int] = field(default_factory=lambda: {"tea": 250})
    fail: BaseException | None = None
    hooks: list[str] = field(default_factory=list)


class Pricing(Worker[PricingOptions, Quote | Reload]):
    def on_start(self) -> None:
        self.options.hooks.append("start")

    def init_runtime(self, options: PricingOptions) -> dict[str, int]:
        options.hooks.append("init")
        if options.fail is not None:
            raise options.fail
        return dict(options.prices)

    def handle_query(self, runtime: dict[str, int], query: Quote | Reload) -> Any:
        match query:
            case Quote(item):
                return Price(runtime[item])
            case Reload():
                return len(runtime)

    def close_runtime(self, runtime: dict[str, int]) -> None:
        self.options.hooks.append("close")

    def on_stop(self) -> None:
        self.options.hooks.append("stop")


def test_a_custom_worker_answers_with_the_types_its_queries_name() -> None:
    with Pricing.spawn(PricingOptions({"tea": 300})) as pricing:
        assert pricing.ask(Quote("tea")) == Price(300)
        assert pricing.ask(Reload()) == 1
        with pytest.raises(KeyError):
            pricing.ask(Quote("gold"))
        assert pricing.ask(Quote("tea")) == Price(300)


def test_the_hooks_are_called_in_order_on_the_workers_thread() -> None:
    options = PricingOptions()
    with Pricing.spawn(options) as pricing:
        pricing.ask(Reload())
    assert options.hooks == ["start", "init", "close", "stop"]


def test_without_options_the_class_of_the_options_is_made_without_arguments() -> None:
    with Pricing.spawn() as pricing:
        assert pricing.ask(Quote("tea")) == Price(250)


def test_options_that_cannot_be_made_up_must_be_given() -> None:
    @dataclass
    class Needed:
        path: str

    class Needy(Worker[Needed, Reload]):
        def init_runtime(self, options: Needed) -> None:
            pass

        def handle_query(self, runtime: None, query: Reload) -> int:
            return 1

    with pytest.raises(TypeError, match="Needy needs options"):
        Needy.spawn()


@dataclass
class Wide:
    width: int = 9


@dataclass
class Narrow:
    width: int = 1


class Shown:
    def init_runtime(self, options: Any) -> Any:
        return options

    def handle_query(self, runtime: Any, query: Reload) -> Any:
        return runtime


def test_options_that_may_be_none_are_none_if_not_given() -> None:
    class Lax(Shown, Worker[Wide | None, Reload]):
        pass

    class Old(Shown, Worker[Optional[Wide], Reload]):  # noqa: UP045
        pass

    for kind in (Lax, Old):
        with kind.spawn() as none, kind.spawn(Wide(3)) as some:
            assert none.ask(Reload()) is None
            assert some.ask(Reload()) == Wide(3)
        wrong: Any = Narrow()
        with pytest.raises(TypeError, match="options must be a Wide or None, not Narrow"):
            kind.spawn(wrong)


def test_options_of_several_kinds_must_be_given() -> None:
    class Broad(Shown, Worker[Wide | Narrow, Reload]):
        pass

    with pytest.raises(TypeError, match="Broad needs options: Wide or Narrow"):
        Broad.spawn()
    with Broad.spawn(Narrow()) as broad:
        assert broad.ask(Reload()) == Narrow()


def test_a_query_of_another_kind_is_refused_at_the_sender() -> None:
    with Pricing.spawn() as pricing:
        with pytest.raises(TypeError, match="Pricing answers Quote, Reload, not Do"):
            pricing.ask(Do(lambda w: 1))
        with pytest.raises(TypeError, match="str is no Query"):
            pricing.ask("tea")  # type: ignore[arg-type]
        assert pricing.ask(Reload()) == 1


def test_a_subclass_of_a_named_query_is_accepted() -> None:
    class QuickQuote(Quote):
        pass

    with Pricing.spawn() as pricing:
        assert pricing.ask(QuickQuote("tea")) == Price(250)


def test_a_worker_may_answer_any_query() -> None:
    class Any_(Worker[None, Query[Any]]):
        def init_runtime(self, options: None) -> None:
            pass

        def handle_query(self, runtime: None, query: Query[Any]) -> str:
            return type(query).__name__

    with Any_.spawn() as worker:
        assert worker.ask(Reload()) == "Reload"


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_an_error_at_the_start_reaches_the_caller_with_its_cause(error: BaseException) -> None:
    options = PricingOptions(fail=error)
    with pytest.raises(WorkerStartError, match="did not start") as caught:
        Pricing.spawn(options, name="shop")
    assert type(caught.value.__cause__) is type(error)
    assert caught.value.worker == "shop"
    assert not caught.value.may_have_run


def test_an_error_in_on_start_reaches_the_caller() -> None:
    class Bad(PythonWorker):
        def on_start(self) -> None:
            raise SystemExit

    with pytest.raises(WorkerStartError) as caught:
        Bad.spawn()
    assert isinstance(caught.value.__cause__, SystemExit)


def test_a_start_that_hangs_is_given_up(gate: Gate) -> None:
    class Slow(PythonWorker):
        def init_runtime(self, options: None) -> None:
            gate.hold()

    with pytest.raises(WorkerStartError) as caught:
        Slow.spawn(supervision=Supervision(start_timeout=0.05))
    assert isinstance(caught.value.__cause__, TimeoutError)
    gate.open()


def test_pykkas_own_start_is_refused() -> None:
    with pytest.raises(TypeError, match=r"use PythonWorker\.spawn"):
        PythonWorker.start()


def test_what_is_kept_is_the_workers_name_options_and_thread(worker: Handle) -> None:
    thread = worker.ask(Do(lambda w: threading.current_thread()))
    assert thread.name == worker.name
    assert thread.daemon
    assert worker.ask(Do(lambda w: (w.name, w.options, w.generation))) == (worker.name, None, 1)


@pytest.mark.parametrize("size", [0, 1024 * 1024, 16 * 1024 * 1024])
def test_the_stack_size_of_the_program_is_kept(size: int) -> None:
    before = threading.stack_size(size)
    try:
        with PythonWorker.spawn() as worker:
            assert worker.ask(Do(lambda w: 1)) == 1
        assert threading.stack_size(before) == size
    finally:
        threading.stack_size(before)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="asks glibc")
@pytest.mark.parametrize("size", [1024 * 1024, 16 * 1024 * 1024])
def test_a_worker_thread_has_a_stack_that_an_engine_can_use(size: int) -> None:
    before = threading.stack_size(size)
    try:
        with PythonWorker.spawn() as worker:
            assert worker.ask(Do(lambda w: _stack_bytes())) >= max(size, 4 * 1024 * 1024)
    finally:
        threading.stack_size(before)


def _stack_bytes() -> int:
    """Ask the C library how large this thread's stack is."""
    libc = ctypes.CDLL(None)
    libc.pthread_self.restype = ctypes.c_void_p
    attributes = ctypes.create_string_buffer(256)
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    libc.pthread_getattr_np(ctypes.c_void_p(libc.pthread_self()), attributes)
    libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    libc.pthread_attr_destroy(attributes)
    return size.value


def test_a_failing_tell_goes_to_the_failure_hook_and_the_worker_goes_on() -> None:
    failures: list[Any] = []

    class Listening(PythonWorker):
        def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
            failures.append((exception_type, str(exception_value), traceback is not None))

    with Listening.spawn() as worker:
        worker.tell(Do(lambda w: 1 / 0))
        assert worker.ask(Do(lambda w: "on")) == "on"
    assert failures == [(ZeroDivisionError, "division by zero", True)]


def test_a_failure_hook_that_fails_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    class Bad(PythonWorker):
        def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
            raise LookupError("in the hook")

    with Bad.spawn() as worker:
        worker.tell(Do(lambda w: 1 / 0))
        assert worker.ask(Do(lambda w: "on")) == "on"
    assert [report.exc_type for report in reported] == [LookupError]


def test_a_hook_that_fails_at_the_end_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    class Bad(PythonWorker):
        def close_runtime(self, runtime: object) -> None:
            raise LookupError("in close")

        def on_stop(self) -> None:
            raise KeyError("in stop")

    with Bad.spawn():
        pass
    assert [report.exc_type for report in reported] == [LookupError, KeyError]


class Batching(PythonWorker):
    """Answers in its own loop, and does something when idle."""

    idle: ClassVar[threading.Event]

    def serve(self, runtime: Any) -> None:
        while True:
            try:
                message = self.take(timeout=0.01)
            except TimeoutError:
                self.idle.set()
                continue
            if message is None:
                return
            self.answer(runtime, message)


def test_the_loop_may_be_overridden() -> None:
    Batching.idle = threading.Event()
    with Batching.spawn() as worker:
        assert Batching.idle.wait(10)
        assert worker.ask(Do(lambda w: 1)) == 1
        assert [worker.send(Do(lambda w, i=i: i)).get(10) for i in range(5)] == list(range(5))


class Greedy(PythonWorker):
    """Takes all there is before it answers the first."""

    def serve(self, runtime: Any) -> None:
        while (message := self.take()) is not None:
            batch = [message]
            with contextlib.suppress(TimeoutError):
                while (message := self.take(timeout=0)) is not None:
                    batch.append(message)
            for each in batch:
                self.answer(runtime, each)


def die(worker: object) -> Any:
    raise SystemExit(1)


def test_what_a_loop_has_taken_and_not_answered_is_not_lost_with_it(
    spawn: Spawn, gate: Gate
) -> None:
    worker = spawn(Greedy)
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    lost = worker.send(Do(die))
    queued = [worker.send(Do(lambda w, i=i: (i, w.generation))) for i in range(5)]
    gate.open()
    with pytest.raises(WorkerDied):
        lost.get(10)
    assert [reply.get(10) for reply in queued] == [(i, 2) for i in range(5)]


def test_what_a_loop_has_taken_and_not_answered_is_not_lost_with_a_thread_given_up(
    spawn: Spawn, make_gate: Callable[[], Gate]
) -> None:
    worker = spawn(Greedy, supervision=Supervision(stuck_grace=0.02))
    first, stuck = make_gate(), make_gate()
    worker.send(Do(first.hold))
    assert first.reached.wait(10)
    lost = worker.send(Do(stuck.hold))
    queued = [worker.send(Do(lambda w, i=i: (i, w.generation))) for i in range(5)]
    first.open()
    assert stuck.reached.wait(10)
    lost.cancel()
    assert [reply.get(10) for reply in queued] == [(i, 2) for i in range(5)]


def test_what_a_loop_has_taken_is_refused_by_a_hard_stop(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(Greedy)
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    kill_worker(worker)
    queued = [worker.send(Do(lambda w: 1)) for _ in range(5)]
    worker.shutdown(0)
    gate.open()
    for reply in queued:
        with pytest.raises(WorkerStopped) as caught:
            reply.get(10)
        assert not caught.value.may_have_run


class Picky(PythonWorker):
    """Lets nobody queue up behind two."""

    mailbox = MailboxOptions(capacity=2)


def test_a_class_may_say_how_its_queries_are_queued(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(Picky)
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    for _ in range(2):
        worker.tell(Do(lambda w: 1))
    with pytest.raises(MailboxFull) as caught:
        worker.tell(Do(lambda w: 1))
    assert caught.value.capacity == 2


def test_who_spawns_may_say_it_otherwise(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(Picky, mailbox=MailboxOptions(capacity=3))
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    for _ in range(3):
        worker.tell(Do(lambda w: 1))
    with pytest.raises(MailboxFull):
        worker.tell(Do(lambda w: 1))


# -- mistakes that are found at once -------------------------------------------------------


def test_a_worker_is_not_made_by_calling_its_class() -> None:
    for arguments in ((), (PricingOptions(),), (1, 2)):
        with pytest.raises(TypeError, match=r"use Pricing\.spawn\(\), which gives a handle"):
            Pricing(*arguments)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="without a supervisor"):
        Pricing(options=1)  # type: ignore[call-arg]


def test_a_class_that_does_not_say_what_it_answers_is_refused() -> None:
    class Vague(Worker):  # type: ignore[type-arg]
        def init_runtime(self, options: Any) -> None:
            pass

        def handle_query(self, runtime: Any, query: Any) -> None:
            pass

    for start in (Vague.spawn, lambda: WorkerPool(Vague, size=1)):
        with pytest.raises(TypeError, match=r"write class Vague\(Worker\[Options, Query\]\)"):
            start()


@pytest.mark.parametrize("missing", ["init_runtime", "handle_query"])
def test_a_class_without_a_method_that_it_needs_is_refused(missing: str) -> None:
    class Complete(Worker[None, Reload]):
        def init_runtime(self, options: None) -> None:
            pass

        def handle_query(self, runtime: None, query: Reload) -> int:
            return 1

    delattr(Complete, missing)
    for start in (Complete.spawn, lambda: WorkerPool(Complete, size=1)):
        with pytest.raises(TypeError, match=f"Complete has no {missing}"):
            start()


def test_a_class_may_fill_in_what_its_base_left_open() -> None:
    options, query = TypeVar("options"), TypeVar("query", bound=Query[Any])

    class Base(Worker[options, Quote | query], Generic[options, query]):
        def init_runtime(self, options: Any) -> None:
            pass

    class Shop(Base[PricingOptions, Reload]):
        def handle_query(self, runtime: Any, query: Any) -> Any:
            return query

    with Shop.spawn() as shop:
        assert shop.ask(Reload()) == Reload()
        assert set(Shop.query_types()) == {Quote, Reload}
        assert Shop.default_options() == PricingOptions()
        with pytest.raises(TypeError, match="Shop answers Quote, Reload, not Do"):
            shop.ask(Do(die))
    with pytest.raises(TypeError, match="Base does not say"):
        Base.spawn()


class Forgetful(Worker[None, Reload]):
    def init_runtime(self, options: None) -> Price:  # type: ignore[return]
        Price(1)

    def handle_query(self, runtime: Price, query: Reload) -> int:
        return runtime.cents


def test_a_runtime_that_was_promised_and_not_returned_is_missed_at_the_start() -> None:
    with pytest.raises(WorkerStartError, match="returns a Price, but it returned None") as caught:
        Forgetful.spawn()
    assert isinstance(caught.value.__cause__, TypeError)


def test_a_loop_that_returns_too_early_has_left() -> None:
    class Quitter(PythonWorker):
        def serve(self, runtime: Any) -> None:
            message = self.take()
            if message is not None:
                self.answer(runtime, message)

    with Quitter.spawn() as worker:
        assert worker.ask(Do(lambda w: w.generation)) == 1
        assert worker.ask(Do(lambda w: w.generation)) == 2


def test_a_query_type_may_say_how_it_freezes() -> None:
    @dataclass(frozen=True)
    class Sum(Query[int]):
        numbers: list[int]

        def freeze(self) -> Sum:
            return Sum(list(self.numbers))

    class Summing(Worker[None, Sum]):
        def init_runtime(self, options: None) -> None:
            pass

        def handle_query(self, runtime: None, query: Sum) -> int:
            return sum(query.numbers)

    with Summing.spawn() as worker:
        numbers = [1, 2]
        replies = []
        for more in (3, 4):
            replies.append(worker.send(Sum(numbers)))
            numbers.append(more)
        assert [reply.get(10) for reply in replies] == [3, 6]


def test_a_dead_worker_refuses_queries(worker: Handle) -> None:
    worker.close()
    for send in (worker.ask, worker.send, worker.tell, worker.post):
        with pytest.raises(WorkerStopped, match="was shut down"):
            send(Do(lambda w: 1))
    assert not worker.is_alive()


def test_the_error_of_a_worker_that_died_says_that_the_query_may_have_run(worker: Handle) -> None:
    def die(w: Any) -> Any:
        raise SystemExit(1)

    with pytest.raises(WorkerDied) as caught:
        worker.ask(Do(die))
    assert caught.value.may_have_run
    assert caught.value.worker == worker.name
    assert isinstance(caught.value.__cause__, SystemExit)
