"""The conformance suite of workers: every type of ours passes it, and no broken one does."""

from __future__ import annotations

import runpy
import threading
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from actors import (
    ActorsError,
    DefaultWorker,
    DefaultWorkerOptions,
    Eval,
    MailboxOptions,
    Query,
    Worker,
    WorkerHandle,
)
from actors.testing import (
    Do,
    EchoWorker,
    PythonWorker,
    Specimen,
    WorkerCheck,
    check_worker,
    stop_workers_left,
    worker_checks,
)
from runtimes import JSError, Module, RunCancelled, RuntimeOptions, Snapshot
from runtimes.testing import EchoRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

# -- a small worker with all that the suite can ask for --------------------------------------------


@dataclass(frozen=True)
class Add(Query[int]):
    a: int
    b: int


@dataclass(frozen=True)
class Fail(Query[None]):
    pass


@dataclass(frozen=True)
class Spin(Query[None]):
    pass


@dataclass(frozen=True)
class Die(Query[None]):
    pass


class Engine:
    """A runtime that can be stopped and closed."""

    def __init__(self) -> None:
        self.usable = True
        self.stopped = threading.Event()

    def cancel(self) -> None:
        self.stopped.set()

    def close(self) -> None:
        self.usable = False


class Adder(Worker[None, Add | Fail | Spin | Die]):
    """Conforms."""

    def init_runtime(self, options: None) -> Engine:
        return Engine()

    def handle_query(self, runtime: Engine, query: Any) -> Any:
        match query:
            case Add(a, b):
                return a + b
            case Fail():
                raise LookupError("on purpose")
            case Spin():
                runtime.stopped.wait(20)
                runtime.stopped.clear()
                raise RunCancelled("stopped")
            case Die():
                raise SystemExit(1)


class Unlucky(Adder):
    def init_runtime(self, options: None) -> Engine:
        raise OSError("no engine")


ADDER = Specimen(
    spawn=Adder.spawn,
    answers=[(Add(1, 2), 3), (Add(2, 2), 4), (Add(0, 0), 0)],
    failing=Fail(),
    error=LookupError,
    endless=Spin(),
    deadly=Die(),
    failing_spawn=Unlucky.spawn,
)

# -- those that conform -------------------------------------------------------


class Batching(Adder):
    """Has a loop of its own: takes several queries at once, and answers them in their order."""

    def serve(self, runtime: Engine) -> None:
        while (message := self.take()) is not None:
            batch = [message]
            try:
                while (message := self.take(timeout=0)) is not None:
                    batch.append(message)
            except TimeoutError:
                pass
            for each in batch:
                self.answer(runtime, each)


class Hooked(Adder):
    """Overrides each hook."""

    idle_after = 0.001

    def before_query(self, query: Any) -> None:
        self.kept["queries"] = self.kept.get("queries", 0) + 1

    def after_query(self, query: Any, response: Any, error: BaseException | None) -> None:
        self.kept["failed"] = error is not None

    def on_idle(self, runtime: Engine) -> None:
        self.kept["idle"] = True


class Delegating(Adder):
    """Lets a worker of its own do the work."""

    def init_runtime(self, options: None) -> Engine:
        self.child = self.own(Adder.spawn())
        return Engine()

    def handle_query(self, runtime: Engine, query: Any) -> Any:
        if isinstance(query, Add):
            return self.child.ask(query)
        return super().handle_query(runtime, query)


@dataclass(frozen=True)
class Tally(Query[int]):
    pass


class Keeping(Worker[None, Add | Tally]):
    """Has checkpoints."""

    def init_runtime(self, options: None) -> EchoRuntime:
        return self.set_up(EchoRuntime(), 0)

    def set_up(self, runtime: EchoRuntime, tally: int) -> EchoRuntime:
        self.tally = tally
        return runtime

    def handle_query(self, runtime: EchoRuntime, query: Any) -> Any:
        if isinstance(query, Add):
            return query.a + query.b
        self.tally += 1
        return self.tally

    def save_state(self, runtime: EchoRuntime) -> Any:
        return self.tally

    def restore_runtime(self, options: None, snapshot: Snapshot, state: Any) -> EchoRuntime:
        return self.set_up(EchoRuntime(RuntimeOptions(snapshot=snapshot)), state)


def keeping(kind: type[Keeping]) -> Specimen:
    return Specimen(spawn=kind.spawn, answers=[(Add(1, 2), 3), (Add(2, 2), 4)], counting=Tally())


def adder(kind: type[Adder]) -> Specimen:
    return replace(ADDER, spawn=kind.spawn)


def die(worker: object) -> None:
    raise SystemExit(1)


def fail(worker: object) -> None:
    raise LookupError("on purpose")


THREE, FOUR = Do(lambda worker: 3), Do(lambda worker: "four")
PYTHON = Specimen(
    spawn=PythonWorker.spawn,
    answers=[(THREE, 3), (FOUR, "four")],
    failing=Do(fail),
    error=LookupError,
    deadly=Do(die),
    failing_spawn=Unlucky.spawn,
)
NO_SUCH_SCRIPT = [Module("broken.js", "throw new Error('broken')")]
JAVASCRIPT = Specimen(
    spawn=DefaultWorker.spawn,
    answers=[
        (Eval("1 + 2"), 3),
        (Eval("'a' + 'b'"), "ab"),
        (Eval("[1, {x: null}]"), [1, {"x": None}]),
    ],
    failing=Eval("throw new RangeError('on purpose')"),
    error=JSError,
    endless=Eval("for (;;) {}"),
    counting=Eval("globalThis.n = (globalThis.n ?? 0) + 1"),
    failing_spawn=partial(DefaultWorker.spawn, DefaultWorkerOptions(modules=NO_SUCH_SCRIPT)),
)
ECHO = Specimen(
    spawn=EchoWorker.spawn,
    answers=[(Eval("1"), 1), (Eval('"two"'), "two")],
    failing=Eval('throw "on purpose"'),
    error=JSError,
    endless=Eval("endless"),
    deadly=Eval("lose"),
    counting=Eval('define\ncall "count" []'),
)


@cache
def pricing() -> Specimen:
    """The worker of the how-to page."""
    example = runpy.run_path(str(ROOT / "examples" / "custom_worker.py"))
    quote, price = example["Quote"], example["Price"]
    options = example["PricingOptions"]({"tea": 420, "cup": 690})
    return Specimen(
        spawn=partial(example["Pricing"].spawn, options),
        answers=[
            (quote("tea"), price("tea", 1, 420)),
            (quote("tea", 10), price("tea", 10, 3780)),
            (quote("cup"), price("cup", 1, 690)),
        ],
        failing=quote("gold"),
        error=JSError,
        failing_spawn=partial(example["Pricing"].spawn, None),
    )


def lending(specimen: Specimen) -> Specimen:
    """The same worker, which lets those who ask answer for themselves."""

    def spawn(**options: Any) -> WorkerHandle[Any]:
        mailbox = options.pop("mailbox", None) or MailboxOptions()
        return specimen.spawn(**options, mailbox=replace(mailbox, caller_runs=True))

    return replace(specimen, spawn=spawn, failing_spawn=None)


CONFORMING = {
    "adder": ADDER,
    "serving its own way": adder(Batching),
    "with every hook": adder(Hooked),
    "holding a worker": adder(Delegating),
    "keeping its state": keeping(Keeping),
    "python": PYTHON,
    "echo": ECHO,
    "javascript": JAVASCRIPT,
    "python, caller-runs": lending(PYTHON),
    "echo, caller-runs": lending(ECHO),
    "javascript, caller-runs": lending(JAVASCRIPT),
}
CASES = [
    pytest.param(specimen, check, id=f"{name}-{check}")
    for name, specimen in CONFORMING.items()
    for check in worker_checks(specimen)
]


@pytest.mark.parametrize(("specimen", "check"), CASES)
def test_a_worker_conforms(specimen: Specimen, check: WorkerCheck) -> None:
    check.run(specimen)


def test_the_worker_of_the_how_to_page_conforms() -> None:
    check_worker(replace(pricing(), failing_spawn=None))


# -- those that do not -------------------------------------------------------

BROKEN: dict[str, type[Adder]] = {}
release = threading.Event()


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    """Let broken workers hang until the test is over."""
    release.clear()
    yield
    release.set()
    stop_workers_left()


def breaks(rule: str) -> Any:
    """The decorated worker breaks that rule, if no other."""

    def note(kind: type[Adder]) -> type[Adder]:
        BROKEN[f"{kind.__name__} {rule}"] = kind
        return kind

    return note


@breaks("every_query_is_answered_exactly_once")
class AnswersTwice(Adder):
    def serve(self, runtime: Engine) -> None:
        while (message := self.take()) is not None:
            self.answer(runtime, message)
            self.answer(runtime, message)


@breaks("a_query_gets_its_response")
class Loses(Adder):
    def serve(self, runtime: Engine) -> None:
        taken = 0
        while (message := self.take()) is not None:
            taken += 1
            if taken % 3:
                self.answer(runtime, message)


@breaks("a_restart_keeps_the_handle_the_name_and_the_queue")
class CannotDie(Adder):
    def serve(self, runtime: Engine) -> None:
        while True:
            try:
                message = self.take()
                if message is None:
                    return
                self.answer(runtime, message)
            except BaseException:
                continue


@breaks("stopping_is_prompt_and_may_be_repeated")
class IgnoresStop(Adder):
    def serve(self, runtime: Engine) -> None:
        super().serve(runtime)
        release.wait(20)


@breaks("stopping_is_prompt_and_may_be_repeated")
class HangsInClose(Adder):
    def close_runtime(self, runtime: Engine) -> None:
        release.wait(20)


@breaks("queries_are_run_in_the_order_in_which_they_were_sent")
class LastInFirstOut(Adder):
    def serve(self, runtime: Engine) -> None:
        while (message := self.take()) is not None:
            batch = [message]
            try:
                while (message := self.take(timeout=0)) is not None:
                    batch.append(message)
            except TimeoutError:
                pass
            for each in reversed(batch):
                self.answer(runtime, each)


@breaks("each_restart_counts_as_a_generation")
class QuitsAfterEveryQuery(Adder):
    def serve(self, runtime: Engine) -> None:
        message = self.take()
        if message is not None:
            self.answer(runtime, message)


@breaks("a_drain_runs_what_is_queued")
class LeavesEarly(Adder):
    def serve(self, runtime: Engine) -> None:
        while (message := self.take()) is not None:
            self.answer(runtime, message)
            if self._cell.mailbox.closed:
                return


@breaks("an_error_reaches_the_sender_and_the_worker_goes_on")
class HidesErrors(Adder):
    def handle_query(self, runtime: Engine, query: Any) -> Any:
        try:
            return super().handle_query(runtime, query)
        except LookupError:
            return None


@breaks("an_error_reaches_the_sender_and_the_worker_goes_on")
class TurnsErrors(Adder):
    def handle_query(self, runtime: Engine, query: Any) -> Any:
        try:
            return super().handle_query(runtime, query)
        except LookupError:
            raise RuntimeError("something went wrong") from None


@breaks("an_error_reaches_the_sender_and_the_worker_goes_on")
class IsSpoiltByAnError(Adder):
    spoilt = False

    def handle_query(self, runtime: Engine, query: Any) -> Any:
        self.spoilt = self.spoilt or isinstance(query, Fail)
        answer = super().handle_query(runtime, query)
        return 0 if self.spoilt else answer


@breaks("what_is_told_may_fail")
class DiesOfAFailedTell(Adder):
    def on_failure(self, *error: Any) -> None:
        raise SystemExit(1)


@breaks("a_query_gets_its_response")
class MixesUp(Adder):
    last: Any = None

    def handle_query(self, runtime: Engine, query: Any) -> Any:
        last, self.last = self.last, super().handle_query(runtime, query)
        return last


@breaks("a_restart_keeps_the_handle_the_name_and_the_queue")
class IsNotTheSameAfterARestart(Adder):
    def handle_query(self, runtime: Engine, query: Any) -> Any:
        answer = super().handle_query(runtime, query)
        return answer if self.generation == 1 else None


@breaks("a_restart_keeps_the_handle_the_name_and_the_queue")
class StartsOnlyOnce(Adder):
    def init_runtime(self, options: None) -> Engine:
        if self.kept.setdefault("started", False):
            raise OSError("only once")
        self.kept["started"] = True
        return Engine()


@breaks("its_runtime_is_closed_with_it")
class NeverCloses(Adder):
    def close_runtime(self, runtime: Engine) -> None:
        pass


@breaks("nothing_is_left_behind")
class LeavesAThread(Adder):
    def init_runtime(self, options: None) -> Engine:
        threading.Thread(target=release.wait, args=(20,), name="forgotten", daemon=True).start()
        return Engine()


LEFT: list[Any] = []


@breaks("nothing_is_left_behind")
class LeavesAWorker(Adder):
    def init_runtime(self, options: None) -> Engine:
        LEFT.append(Adder.spawn())
        return Engine()


@breaks("nothing_is_left_behind")
class LeavesAFile(Adder):
    def init_runtime(self, options: None) -> Engine:
        LEFT.append(open(__file__))  # noqa: SIM115
        return Engine()


@breaks("a_run_can_be_cancelled")
class CannotBeCancelled(Adder):
    stuck_after = None

    def handle_query(self, runtime: Engine, query: Any) -> Any:
        if isinstance(query, Spin):
            release.wait(20)
        return super().handle_query(runtime, query)


@breaks("a_death_under_a_query_is_told_to_its_sender")
class PretendsToLive(Adder):
    def handle_query(self, runtime: Engine, query: Any) -> Any:
        return None if isinstance(query, Die) else super().handle_query(runtime, query)


class StartsAnew(Keeping):
    """Forgets what it had saved."""

    def restore_runtime(self, options: None, snapshot: Snapshot, state: Any) -> EchoRuntime:
        return self.set_up(EchoRuntime(RuntimeOptions(snapshot=snapshot)), 0)


class IsSpoiltByACheckpoint(Keeping):
    """Counts those who look."""

    def save_state(self, runtime: EchoRuntime) -> Any:
        self.tally += 1
        return self.tally - 1

    def restore_runtime(self, options: None, snapshot: Snapshot, state: Any) -> EchoRuntime:
        return super().restore_runtime(options, snapshot, state)


SHARED = [0]


class SharesItsState(Keeping):
    """Has one state for all."""

    def handle_query(self, runtime: EchoRuntime, query: Any) -> Any:
        self.tally = SHARED[0]
        answer = super().handle_query(runtime, query)
        SHARED[0] = self.tally
        return answer


class CannotRestoreAtARestart(Keeping):
    """Is made of a checkpoint once, and never again."""

    def restore_runtime(self, options: None, snapshot: Snapshot, state: Any) -> EchoRuntime:
        if self.generation:
            raise OSError("only once")
        return super().restore_runtime(options, snapshot, state)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (StartsAnew, "a_checkpoint_survives_as_bytes"),
        (IsSpoiltByACheckpoint, "a_worker_made_of_a_checkpoint_goes_on_from_there"),
        (SharesItsState, "a_worker_made_of_a_checkpoint_goes_on_from_there"),
        (IsSpoiltByACheckpoint, "a_checkpoint_does_not_wait_for_what_is_queued"),
        (CannotRestoreAtARestart, "a_lost_worker_resumes_from_its_last_checkpoint"),
        (CannotRestoreAtARestart, "a_worker_made_of_a_checkpoint_is_restarted_from_it"),
    ],
)
def test_a_worker_that_does_not_keep_its_state_is_rejected(kind: type[Keeping], rule: str) -> None:
    specimen = replace(keeping(kind), patience=1.0)
    (check,) = [check for check in worker_checks(specimen) if check.name == rule]
    with pytest.raises(AssertionError):
        check.run(specimen)


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_worker_is_rejected_by_the_rule_that_it_breaks(broken: str) -> None:
    specimen = replace(adder(BROKEN[broken]), patience=0.3)
    (check,) = [check for check in worker_checks(specimen) if check.name == broken.split()[1]]
    with pytest.raises((AssertionError, TimeoutError, ActorsError)):
        check.run(specimen)
    while LEFT:
        LEFT.pop().close()


def test_a_start_that_should_fail_and_does_not_is_rejected() -> None:
    started: list[WorkerHandle[Any]] = []

    def spawn() -> WorkerHandle[Any]:
        started.append(Adder.spawn())
        return started[0]

    (check,) = [c for c in worker_checks(ADDER) if c.name == "a_start_that_fails_is_a_typed_error"]
    with pytest.raises(AssertionError, match="WorkerStartError was not raised"):
        check.run(replace(ADDER, failing_spawn=spawn))
    started[0].close(0)


# -- the suite itself -------------------------------------------------------


def test_check_worker_runs_all_and_lists_the_rules_that_are_broken() -> None:
    bare = Specimen(spawn=Adder.spawn, answers=[(Add(1, 2), 3)])
    check_worker(bare)
    with pytest.raises(AssertionError, match="does not conform") as caught:
        check_worker(replace(bare, spawn=AnswersTwice.spawn))
    lines = str(caught.value).splitlines()[1:]
    assert "every_query_is_answered_exactly_once" in [line.partition(":")[0] for line in lines]
    assert isinstance(caught.value.__cause__, AssertionError)


def test_checks_that_need_what_a_worker_does_not_have_are_left_out() -> None:
    bare = Specimen(spawn=Adder.spawn, answers=[(Add(1, 2), 3)])
    everything, some = worker_checks(ADDER), worker_checks(bare)
    assert len(everything) > len(some) > 15
    assert {need for check in everything for need in check.needs} == {
        "deadly", "endless", "failing", "failing_spawn",
    }  # fmt: skip


def test_every_check_has_a_name_and_a_sentence() -> None:
    checks = worker_checks(ADDER)
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.rule.endswith(".") and check.rule[0] in "`ABCDEFSTWIFLQ" for check in checks)


def test_every_rule_but_those_about_handles_is_broken_by_some_worker() -> None:
    broken = {name.split()[1] for name in BROKEN} | {"a_start_that_fails_is_a_typed_error"}
    assert len(broken) >= 10
    assert broken <= {check.name for check in worker_checks(ADDER)}


@pytest.mark.parametrize("wrong", [{"answers": []}, {"patience": 0}])
def test_a_specimen_that_nothing_could_be_asked_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least one|above 0"):
        replace(ADDER, **wrong)
