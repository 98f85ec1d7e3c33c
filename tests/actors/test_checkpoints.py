"""Checkpoints: taken of a worker that goes on, made into workers here and elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from actors import (
    AskCycle,
    Checkpoint,
    CheckpointError,
    DefaultWorkerOptions,
    Eval,
    LoadMainModule,
    Query,
    QueryTimeout,
    Supervision,
    Worker,
    WorkerDied,
    WorkerStartError,
    WorkerStopped,
)
from actors.testing import (
    Do,
    EchoWorker,
    EventLog,
    Gate,
    PythonWorker,
    hold_worker,
    kill_worker,
)
from runtimes import (
    Module,
    RuntimeOptions,
    Snapshot,
    SnapshotMismatch,
    StaleHandle,
)
from runtimes.testing import EchoRuntime

if TYPE_CHECKING:
    from .conftest import Engine

Closing: TypeAlias = Callable[[Any], Any]


def started(engine: Engine, closing: Closing, **more: Any) -> Any:
    """A worker that counts: ``call_function("count")``."""
    worker = closing(engine.worker.spawn(**more))
    worker.evaluate(engine.dialect.definitions)
    return worker


# -- taking one -----------------------------------------------------------------------------------


def test_the_worker_goes_on_and_another_goes_on_from_the_checkpoint(
    engine: Engine, closing: Closing
) -> None:
    worker = started(engine, closing)
    assert worker.call_function("count") == 1
    checkpoint = worker.checkpoint(10)
    assert worker.call_function("count") == 2
    twin = closing(engine.worker.spawn(checkpoint=checkpoint))
    assert twin.call_function("count") == 2
    assert worker.call_function("count") == 3
    assert worker.generation == twin.generation == 1


def test_a_checkpoint_tells_of_whom_it_is(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn(name="anna"))
    worker.evaluate("1")
    kill_worker(worker)
    worker.evaluate("1")
    checkpoint = worker.checkpoint(10)
    assert checkpoint.worker == "anna"
    assert checkpoint.worker_type == "EchoWorker"
    assert checkpoint.generation == 2
    assert checkpoint.answered == 2
    assert 0 <= checkpoint.age < 60
    assert checkpoint.size_bytes >= checkpoint.snapshot.size_bytes > 0
    assert "EchoWorker 'anna'" in repr(checkpoint)


def test_it_overtakes_what_is_queued_and_waits_for_what_runs(closing: Closing, gate: Gate) -> None:
    options = DefaultWorkerOptions(host_functions={"hold": gate.hold})
    worker = closing(EchoWorker.spawn(options))
    worker.evaluate("define")
    running = worker.send(Eval('call "hold" []\ncall "count" []'))
    assert gate.reached.wait(10)
    queued = [worker.send(Eval('call "count" []')) for _ in range(3)]
    taken: list[Checkpoint] = []
    asking = threading.Thread(target=lambda: taken.append(worker.checkpoint(10)))
    asking.start()
    while not worker._cell.mailbox._control:
        asking.join(0.001)
    assert not taken
    gate.open()
    asking.join(10)
    assert running.get(10) == 1
    assert [reply.get(10) for reply in queued] == [2, 3, 4]
    twin = closing(EchoWorker.spawn(options, checkpoint=taken[0]))
    assert twin.call_function("count") == 2


def test_a_timeout_ends_the_waiting_and_the_worker_is_not_disturbed(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn())
    gate = hold_worker(worker)
    with pytest.raises(QueryTimeout) as caught:
        worker.checkpoint(0.01)
    assert not caught.value.may_have_run
    gate.open()
    with EventLog() as log:
        assert worker.evaluate("1") == 1
        worker.ping(10)
    assert not log.named("checkpoint.taken")


@pytest.mark.parametrize("wrong", ["1", True, float("nan")])
def test_a_timeout_that_makes_no_sense_is_refused(closing: Closing, wrong: Any) -> None:
    worker = closing(EchoWorker.spawn())
    with pytest.raises((TypeError, ValueError), match="timeout must be a number of seconds"):
        worker.checkpoint(wrong)


def test_a_worker_that_is_gone_has_no_checkpoints(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn())
    worker.close()
    with pytest.raises(WorkerStopped, match="was shut down"):
        worker.checkpoint()


def test_whoever_waits_is_told_when_the_worker_is_stopped(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn())
    gate = hold_worker(worker)
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            worker.checkpoint(10)
        except WorkerStopped as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not worker._cell.mailbox._control:
        asking.join(0.001)
    worker.shutdown(0)
    gate.open()
    asking.join(10)
    assert len(errors) == 1


def test_a_worker_that_is_restarted_takes_it_after_that(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn())
    gate = hold_worker(worker)
    kill_worker(worker)
    taken: list[Checkpoint] = []
    asking = threading.Thread(target=lambda: taken.append(worker.checkpoint(10)))
    asking.start()
    while len(worker._cell.mailbox._control) < 2:
        asking.join(0.001)
    gate.open()
    asking.join(10)
    assert taken[0].generation == 2


def test_a_worker_that_asks_for_its_own_is_told_that_it_would_wait_for_ever(
    closing: Closing,
) -> None:
    worker: Any = None
    options = DefaultWorkerOptions(host_functions={"take": lambda: take(lambda: worker)})
    worker = closing(EchoWorker.spawn(options))
    assert worker.evaluate('call "take" []') == "AskCycle"


def take(find: Callable[[], Any]) -> str:
    """Ask for a checkpoint, and name the error."""
    try:
        find().checkpoint()
    except AskCycle as error:
        return type(error).__name__
    return "taken"


def test_workers_that_would_wait_for_each_other_are_told(closing: Closing) -> None:
    def ask_back(worker: Any) -> Any:
        return second.ask(Do(lambda _: first.checkpoint()))

    first, second = closing(PythonWorker.spawn()), closing(PythonWorker.spawn())
    with pytest.raises(AskCycle):
        first.ask(Do(ask_back), 10)


def test_a_handler_that_asks_for_one_hands_its_deadline_on(closing: Closing) -> None:
    asked = closing(EchoWorker.spawn())
    gate = hold_worker(asked)
    asking = closing(PythonWorker.spawn())
    with pytest.raises(QueryTimeout):
        asking.ask(Do(lambda _: asked.checkpoint()), timeout=0.02)
    gate.open()


def test_it_can_be_awaited(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn())
    worker.evaluate("define")

    async def program() -> tuple[Checkpoint, BaseException | None]:
        checkpoint = await worker.checkpoint_async(10)
        gate = hold_worker(worker)
        try:
            await worker.checkpoint_async(0.01)
        except QueryTimeout as error:
            return checkpoint, error
        finally:
            gate.open()
        return checkpoint, None

    checkpoint, error = asyncio.run(program())
    assert checkpoint.answered == 1
    assert isinstance(error, QueryTimeout)


def test_a_task_that_is_cancelled_takes_none(closing: Closing, log: EventLog) -> None:
    worker = closing(EchoWorker.spawn())

    async def program() -> None:
        gate = hold_worker(worker)
        task = asyncio.ensure_future(worker.checkpoint_async())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open()

    asyncio.run(program())
    worker.ping(10)
    assert not log.named("checkpoint.taken")


# -- what cannot be done ---------------------------------------------------------------------------


def test_a_worker_without_a_runtime_says_that_it_has_none(closing: Closing) -> None:
    worker = closing(PythonWorker.spawn())
    with pytest.raises(CheckpointError, match="it has no restore_runtime") as caught:
        worker.checkpoint()
    assert caught.value.worker == worker.name


@dataclass(frozen=True)
class Count(Query[int]):
    """Count up."""


@dataclass(frozen=True)
class Break(Query[None]):
    """Do as the attribute says at the next checkpoint."""

    how: str


class Counter(Worker[None, Count | Break]):
    """Counts in Python and in its runtime, and fails as it is told."""

    def init_runtime(self, options: None) -> EchoRuntime:
        runtime = EchoRuntime()
        runtime.evaluate("define")
        return self._take_up(runtime, 0)

    def _take_up(self, runtime: EchoRuntime, counted: int) -> EchoRuntime:
        self.counted = counted
        self.broken = ""
        return runtime

    def handle_query(self, runtime: EchoRuntime, query: Any) -> Any:
        if isinstance(query, Break):
            self.broken = query.how
            return None
        self.counted += 1
        assert runtime.call_function("count") == self.counted
        return self.counted

    def save_state(self, runtime: EchoRuntime) -> Any:
        match self.broken:
            case "raise":
                raise LookupError("on purpose")
            case "no value":
                return object()
            case "lose":
                runtime.evaluate("lose")
            case "die":
                raise SystemExit(1)
        return {"counted": self.counted}

    def restore_runtime(self, options: None, snapshot: Snapshot, state: Any) -> EchoRuntime:
        return self._take_up(EchoRuntime(RuntimeOptions(snapshot=snapshot)), state["counted"])


def test_a_custom_worker_says_what_it_adds(closing: Closing) -> None:
    worker = closing(Counter.spawn())
    assert [worker.ask(Count()) for _ in range(3)] == [1, 2, 3]
    read = Checkpoint.from_bytes(worker.checkpoint().to_bytes())
    assert read.load_state() == {"counted": 3}
    assert closing(Counter.spawn(checkpoint=read)).ask(Count()) == 4


@pytest.mark.parametrize("how", ["raise", "no value"])
def test_a_checkpoint_that_fails_is_reported_and_the_worker_goes_on(
    closing: Closing, log: EventLog, how: str
) -> None:
    worker = closing(Counter.spawn())
    worker.ask(Count())
    worker.ask(Break(how))
    with pytest.raises(CheckpointError, match="no checkpoint could be taken of worker") as caught:
        worker.checkpoint()
    assert isinstance(caught.value.__cause__, (LookupError, TypeError))
    (failed,) = log.named("checkpoint.failed")
    assert failed.level == "warning"
    assert failed.fields["step"] == "take"
    assert worker.ask(Count()) == 2
    assert worker.generation == 1
    worker.ask(Break(""))
    assert worker.checkpoint().load_state() == {"counted": 2}


@pytest.mark.parametrize("how", ["lose", "die"])
def test_a_worker_that_is_lost_by_it_is_restarted(closing: Closing, how: str) -> None:
    worker = closing(Counter.spawn())
    worker.ask(Break(how))
    with pytest.raises(WorkerDied):
        worker.checkpoint(10)
    assert worker.ask(Count()) == 1
    assert worker.generation == 2


class NothingBeside(Counter):
    """Saves what nobody will read."""

    def save_state(self, runtime: EchoRuntime) -> Any:
        return 1


class Half(Worker[None, Count]):
    """The same."""

    def init_runtime(self, options: None) -> EchoRuntime:
        return EchoRuntime()

    def handle_query(self, runtime: EchoRuntime, query: Any) -> Any:
        return 1

    def save_state(self, runtime: EchoRuntime) -> Any:
        return 1


@pytest.mark.parametrize("kind", [NothingBeside, Half])
def test_a_type_that_saves_what_nobody_restores_is_a_mistake(kind: type[Worker[Any, Any]]) -> None:
    with pytest.raises(TypeError, match="has a save_state, but no restore_runtime beside it"):
        kind.spawn()


def test_hooks_that_are_coroutines_are_a_mistake() -> None:
    class Later(Counter):
        async def restore_runtime(self, *args: Any) -> Any:  # type: ignore[override]
            return None

    with pytest.raises(TypeError, match="restore_runtime is async"):
        Later.spawn()


def test_a_checkpoint_of_another_type_is_a_mistake(closing: Closing) -> None:
    checkpoint = closing(Counter.spawn()).checkpoint()
    with pytest.raises(TypeError, match="is one of a Counter, not of a EchoWorker"):
        EchoWorker.spawn(checkpoint=checkpoint)
    with pytest.raises(TypeError, match="has no restore_runtime"):
        PythonWorker.spawn(checkpoint=checkpoint)
    with pytest.raises(TypeError, match="checkpoint must be a Checkpoint or None, not bytes"):
        Counter.spawn(checkpoint=checkpoint.to_bytes())  # type: ignore[arg-type]


def test_a_snapshot_that_does_not_fit_fails_the_start(closing: Closing) -> None:
    good = closing(Counter.spawn()).checkpoint()
    foreign = replace(good, snapshot=replace(good.snapshot, fingerprint=bytes(32)))
    with pytest.raises(WorkerStartError) as caught:
        Counter.spawn(checkpoint=foreign)
    assert isinstance(caught.value.__cause__, SnapshotMismatch)


def test_a_worker_that_restores_nothing_does_not_start(closing: Closing) -> None:
    class Forgets(Counter):
        def restore_runtime(self, options: None, snapshot: Snapshot, state: Any) -> Any:
            return None

    checkpoint = closing(Forgets.spawn()).checkpoint()
    with pytest.raises(WorkerStartError, match="restore_runtime returned None"):
        Forgets.spawn(checkpoint=checkpoint)


# -- modules ---------------------------------------------------------------------------------------


def test_modules_are_there_with_their_ids_and_do_not_run_again(
    engine: Engine, closing: Closing
) -> None:
    source = engine.dialect.module
    first, second, third = (Module(f"{name}.js", source) for name in "abc")
    worker = closing(engine.worker.spawn(name="before"))
    ids = [worker.load_module(first), worker.load_module(second)]
    assert [worker.call_function("count", module=module) for module in ids] == [1, 1]
    checkpoint = worker.checkpoint(10)
    later = worker.load_module(third)
    made = closing(engine.worker.spawn(name="after", checkpoint=checkpoint))
    assert [made.call_function("count", module=module) for module in ids] == [2, 2]
    again = made.load_module(second)
    assert (again.name, again.number, again.worker) == ("b.js", 1, "after")
    assert made.call_function("count", module=again) == 3
    assert made.call_function("count", module="a.js") == 3
    with pytest.raises(StaleHandle):
        made.call_function("count", module=later)
    own = made.load_module(third)
    assert own.number == 2
    with pytest.raises(StaleHandle):
        made.call_function("count", module=later)
    assert made.call_function("count", module=own) == 1


def test_the_main_module_stays_the_main_one(engine: Engine, closing: Closing) -> None:
    main, side = Module("main.js", engine.dialect.module), Module("s.js", engine.dialect.module)
    worker = closing(engine.worker.spawn())
    loaded = worker.load_main_module(main, [side])
    worker.call_function("count", module=loaded)
    made = closing(engine.worker.spawn(checkpoint=worker.checkpoint(10)))
    assert made.ask(LoadMainModule(main, [side])).name == "main.js"
    assert made.call_function("count", module=loaded) == 2
    with pytest.raises(ValueError, match="main module already"):
        made.load_main_module(Module("other.js", engine.dialect.module))


def test_ids_stay_valid_from_one_checkpoint_to_the_next(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn(name="one"))
    module = worker.load_module(Module("a.js", "define"))
    for name in ("two", "three"):
        worker = closing(EchoWorker.spawn(name=name, checkpoint=worker.checkpoint()))
    assert worker.call_function("add", [1, 2], module=module) == 3


def test_what_the_options_list_is_loaded_if_it_is_not_there(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn())
    old = worker.load_module(Module("old.js", "define"))
    options = DefaultWorkerOptions(modules=[Module("new.js", "define")])
    made = closing(EchoWorker.spawn(options, checkpoint=worker.checkpoint()))
    assert made.call_function("count", module=old) == 1
    assert made.call_function("count", module="new.js") == 1


def test_a_host_function_that_is_missing_is_named(closing: Closing) -> None:
    options = DefaultWorkerOptions(host_functions={"now": lambda: 1})
    checkpoint = closing(EchoWorker.spawn(options)).checkpoint()
    with pytest.raises(WorkerStartError) as caught:
        EchoWorker.spawn(checkpoint=checkpoint)
    assert isinstance(caught.value.__cause__, SnapshotMismatch)
    assert caught.value.__cause__.missing == ("now",)
    assert closing(EchoWorker.spawn(options, checkpoint=checkpoint)).evaluate("1") == 1


# -- supervision beside ----------------------------------------------------------------------------


def test_a_checkpoint_taken_by_hand_changes_nothing_for_a_restart(closing: Closing) -> None:
    worker = closing(Counter.spawn())
    worker.ask(Count())
    worker.checkpoint()
    assert worker.last_checkpoint is None
    kill_worker(worker)
    assert worker.ask(Count()) == 1


@pytest.mark.parametrize("name", ["checkpoint_every_queries", "checkpoint_every_seconds"])
def test_a_policy_that_makes_no_sense_is_refused(name: str) -> None:
    for wrong in (0, -1):
        with pytest.raises(ValueError, match=f"{name} must be above 0"):
            Supervision(**{name: wrong})
    with pytest.raises(TypeError, match=name):
        Supervision(**{name: "1"})
    with pytest.raises(ValueError, match="renew_above_bytes does not go with checkpoints"):
        Supervision(**{name: 1, "renew_above_bytes": 1})


def test_a_limit_of_memory_does_not_go_with_a_checkpoint(closing: Closing) -> None:
    taken = closing(EchoWorker.spawn()).checkpoint()
    with pytest.raises(ValueError, match="renew_above_bytes does not go with a checkpoint"):
        EchoWorker.spawn(checkpoint=taken, supervision=Supervision(renew_above_bytes=1 << 20))


@pytest.mark.parametrize("kind", [PythonWorker])
def test_a_policy_for_a_worker_that_has_none_fails_the_start(kind: Any) -> None:
    with pytest.raises(WorkerStartError, match="no restore_runtime"):
        kind.spawn(supervision=Supervision(checkpoint_every_queries=1))
