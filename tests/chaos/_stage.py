"""What all who take part in a storm share: the worker, its queries, and the means to disturb it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, fields
from threading import get_ident
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, ClassVar

from actors import (
    CallFunction,
    DefaultWorker,
    DefaultWorkerOptions,
    MailboxOptions,
    Overloaded,
    Query,
    Supervisor,
    WorkerPool,
    consistent_hash,
)
from runtimes import Module, TimeoutExceeded

from ._ledger import Ledger

if TYPE_CHECKING:
    from types import TracebackType

    from runtimes import Snapshot

    from ._faults import Kind

RUN_LIMIT = 0.5
"""Seconds that a run may take by itself."""

MODULE = Module(
    "chaos.js",
    """
    export const work = (number) => answer(number);
    export const later = async (number) => { await null; return answer(number); };
    export const echo = (number, value) => [answer(number), value];
    let ticks = 0;
    export const tick = (number) => { ticks += 1; return [answer(number), ticks]; };
    export const said = (number) => { console.log("number", number); return answer(number); };
    """,
)


class Killed(BaseException):
    """Ends a worker's thread while it runs a query."""


class Fault(Exception):
    """Raised on purpose by a handler, a host function or a callback."""


def answer(number: int) -> int:
    """The right response to the query of that number, and of no other."""
    return number * 3 + 1


class Victims:
    """Where handlers wait to be killed, so that a kill hits the query and nothing else."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()

    def wait(self, seconds: float) -> None:
        """Wait to be killed, on the worker's thread."""
        me = get_ident()
        self._waiting.append(me)
        until = monotonic() + seconds
        while monotonic() < until and me in self._waiting.copy():
            sleep(0.000_5)
        try:
            self._waiting.remove(me)
        except ValueError:  # somebody aims at this thread: the blow falls in the next moments
            while True:
                pass

    def next(self) -> int | None:
        """Take the thread of one that waits, which is then to be killed."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What a pool is like, for there are more ways to use one than a single storm can show.

    Attributes:
        router: Which worker gets a query.
        mailbox: How queries are queued.
        flows: Whether queries have tenants and priorities.
        tree: Whether the pool stands below two supervisors, beside a lone worker that must be
            restarted with it.
        checkpoints: Whether lost workers resume from their last checkpoint.
    """

    router: Any = "round_robin"
    mailbox: MailboxOptions = field(default_factory=MailboxOptions)
    flows: bool = True
    tree: bool = False
    checkpoints: bool = False

    @classmethod
    def chosen_by(cls, seed: int) -> Setting:
        """One of many, so that seeds in a row differ in everything."""
        return cls(
            router=ROUTERS[seed % len(ROUTERS)],
            mailbox=MAILBOXES[seed % len(MAILBOXES)],
            flows=seed % 3 > 0,
            tree=seed % 2 == 0,
            checkpoints=seed % 4 in (1, 2),
        )

    def __str__(self) -> str:
        """Say it in a line."""
        flows = "tenants and priorities" if self.flows else "one flow"
        router = self.router if isinstance(self.router, str) else "consistent_hash"
        bounds = [
            f"{each.name}={getattr(self.mailbox, each.name)!r}"
            for each in fields(self.mailbox)
            if getattr(self.mailbox, each.name) != each.default
        ]
        where = "in a tree" if self.tree else "a pool by itself"
        resumes = "resuming, " if self.checkpoints else ""
        return f"{where}, {resumes}{router}, {flows}, {', '.join(bounds) or 'no bounds'}"


def by_number(query: Any) -> int:
    """Spread queries over the workers, for the consistent hash."""
    return query.number % 100 if isinstance(query, Task) else 0


ROUTERS = ("round_robin", "random", "least_busy", consistent_hash(by_number))
MAILBOXES = (
    MailboxOptions(),
    MailboxOptions(capacity=60),
    MailboxOptions(capacity=60, overflow="block", block_timeout=0.05),
    MailboxOptions(capacity=60, overflow="drop_oldest", tenant_capacity=30),
    MailboxOptions(shed=True, high_water=20),
)


@dataclass(slots=True)
class Stage:
    """What the takers part in.

    Attributes:
        setting: What the pool is like.
        ledger: The books.
        over: Set when senders shall end.
        lost_after: Seconds after which a reply that is not settled is taken for lost.
        pool: The pool in the storm.
        supervised: It, and the supervisors above it.
        victims: Handlers that wait to be killed.
        bad_starts: Share of the restarts that fail, from 0 to 1.
        ending: Errors that everybody may get because the pool is being closed.
    """

    setting: Setting = field(default_factory=Setting)
    ledger: Ledger = field(default_factory=Ledger)
    over: threading.Event = field(default_factory=threading.Event)
    lost_after: float = 30.0
    pool: WorkerPool[Any, Any] = field(init=False)
    supervised: list[WorkerPool[Any, Any] | Supervisor] = field(default_factory=list)
    victims: Victims = field(default_factory=Victims)
    bad_starts: float = 0.0
    ending: tuple[type[BaseException], ...] = ()
    _gate: threading.Event = field(default_factory=threading.Event)
    _starts: int = 0

    @property
    def excuses(self) -> tuple[type[BaseException], ...]:
        """Errors that any query may get here, whatever it does."""
        crowded = self.setting.mailbox.capacity is not None or self.setting.mailbox.shed
        return (*self.ending, Overloaded) if crowded else self.ending

    def hang(self) -> None:
        """Block, as a host function does that waits for what does not come, until `release`."""
        self._gate.wait(60)

    def release(self) -> None:
        """Let go all that hang."""
        gate, self._gate = self._gate, threading.Event()
        gate.set()

    def start_fails(self) -> bool:
        """Whether this restart is one of those that fail."""
        self._starts += 1
        return self.bad_starts > 0 and self._starts % round(1 / self.bad_starts) == 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ChaosOptions(DefaultWorkerOptions):
    """The options of a `ChaosWorker`.

    Attributes:
        stage: What it takes part in.
    """

    stage: Stage


def options_for(stage: Stage) -> ChaosOptions:
    """Tight limits, and host functions that do harm."""

    def fail() -> None:
        raise Fault("as told")

    def leave() -> None:
        raise SystemExit(3)

    def interrupt() -> None:
        raise KeyboardInterrupt

    return ChaosOptions(
        stage=stage,
        timeout=RUN_LIMIT,
        hard_stop_grace=0.1,
        memory_limit_bytes=8 << 20,
        result_limit_bytes=1 << 20,
        modules=[MODULE],
        console=lambda event: stage.ledger.count("console lines"),
        host_functions={
            "answer": answer,
            "fail": fail,
            "leave": leave,
            "interrupt": interrupt,
            "hang": stage.hang,
        },
    )


@dataclass(frozen=True, slots=True)
class Task(Query[int]):
    """Do one of the things of `_faults`; the right response is ``answer(number)``.

    Attributes:
        number: Its number in the ledger.
        kind: What to do.
    """

    number: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class TaskAgain(Task):
    """The same, but declared idempotent."""

    idempotent: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class TaskForAll(TaskAgain):
    """One that all workers are to run."""


class ChaosWorker(DefaultWorker):
    """A worker with JavaScript that notes which queries it runs, and lets itself be disturbed.

    Attributes:
        ticks: How often its script has counted, at least and at most: those that were begun and did
            not come back may be among them.
    """

    ticks: tuple[int, int] = (0, 0)

    @classmethod
    def query_types(cls) -> tuple[type[Query[Any]], ...]:
        """Answer `Task` besides what a `DefaultWorker` answers."""
        return (Task, *super().query_types())

    def init_runtime(self, options: Any) -> Any:
        """Make the runtime, unless this restart is to fail."""
        if self.generation > 0 and options.stage.start_fails():
            raise Fault("a start that fails")
        return super().init_runtime(options)

    def save_state(self, runtime: Any) -> Any:
        """Keep the count beside what the script has."""
        return {"modules": super().save_state(runtime), "ticks": self.ticks}

    def restore_runtime(self, options: Any, snapshot: Snapshot, state: Any) -> Any:
        """Go on from both."""
        runtime = super().restore_runtime(options, snapshot, state["modules"])
        self.ticks = tuple(state["ticks"])
        self._stage.ledger.count("resumed from a checkpoint")
        return runtime

    def tick(self, runtime: Any, number: int) -> Any:
        """Let the script count, and see that it has lost nothing, and found nothing either."""
        least, most = self.ticks
        self.ticks = (least, most + 1)
        call = CallFunction("tick", [number], module="chaos.js")
        answered, ticks = self.javascript(runtime, call)
        if not least < ticks <= most + 1:
            text = f"worker {self.name} counted {ticks}, not {least + 1} to {most + 1}"
            self._stage.ledger.remark("state", f"{text}, in generation {self.generation}")
        self.ticks = (ticks, ticks)
        return answered

    def handle_query(self, runtime: Any, query: Any) -> Any:
        """Note that it runs, and do it."""
        if not isinstance(query, Task):
            return super().handle_query(runtime, query)
        stage = self._stage
        stage.ledger.ran(query.number)
        begin = monotonic()
        try:
            return query.kind.run(self, runtime, query.number)
        except TimeoutExceeded as error:
            left, took = self.time_left(), monotonic() - begin
            if took < RUN_LIMIT * 0.9 and (left is None or left > 0.001):
                text = f"query {query.number} was stopped after {took:.3f} s, {left} s left"
                stage.ledger.remark("early", f"{text}: {error}")
            raise

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hear of what was told and failed."""
        self._stage.ledger.count("told and failed")

    @property
    def _stage(self) -> Stage:
        options: Any = self.options
        stage: Stage = options.stage
        return stage

    def javascript(self, runtime: Any, query: Any) -> Any:
        """Answer one of the queries of a `DefaultWorker`."""
        return super().handle_query(runtime, query)
