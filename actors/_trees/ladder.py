"""Up in order and down in reverse: how a group gets its children to where they belong."""

from __future__ import annotations

from itertools import count
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from actors import _trace
from actors._latch import Latch
from actors._replies.fresh import fresh
from actors._timers import Timer, timers
from actors.errors import WorkerStopped
from actors.supervision import RestartBudget, Supervision

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors._lives.cell import Cell
    from actors._trees.guardian import Child, ExitKind, Guardian, RestartType, State, Strategy
    from actors._trees.member import Member, Message

Goal: TypeAlias = Literal["idle", "up", "down", "closed"]
"""What a group works towards: nothing (it waits to be launched), all children up, all halted, or
all stopped for good."""

_next_number = count(1).__next__


class Ladder:
    """Children in their order, and the goal that they are on the way to.

    `_step` compares what is with the goal, and does what can be done now; nothing here waits: what
    has to wait for a child's report is done by the step after that. So it does not matter in which
    order things happen. It belongs to the supervisor's thread.
    """

    def __init__(
        self, name: str, policy: Supervision, tell: Callable[[Message], None], *,
        parent: Guardian | None = None, strategy: Strategy = "one_for_one", ordered: bool = True,
        clock: Callable[[], float] = monotonic,
        call_later: Callable[[float, Callable[[], None]], Timer] = timers.call_later,
    ) -> None:  # fmt: skip
        """Make a group without children.

        Args:
            name: Its name in errors.
            policy: What it puts up with.
            tell: Passes a message to the supervisor's thread.
            parent: Who supervises this group; None for the root, which closes when it gives up.
            strategy: Who else is restarted with a child that was lost.
            ordered: Whether one child waits for the other when they start and stop.
            clock: Gives the time, in seconds.
            call_later: Calls something later, on any thread.
        """
        self.id = -_next_number()
        self.name = name
        self.policy = policy
        self.parent = parent
        self.strategy = strategy
        self.ordered = ordered
        self.restart: RestartType = "permanent"
        self.patience: float | None = None
        self.finished = Latch()
        self.settled_start = Latch()  # ready for the first time, or stopped
        self.failure: BaseException | None = None
        self.goal: Goal = "idle"
        self.up = False  # whether all children were ready since it was launched
        self.ends_when_empty = False
        self.when_closing: Callable[[], None] = _nothing  # called once, before any child is told
        self.members: tuple[Member, ...] = ()
        self.restarts = 0
        self.tell = tell
        self._clock = clock
        self._call_later = call_later
        self._budget = RestartBudget(policy)
        self._born = False
        self._until = inf  # when children that are halted or stopped have to be through with it
        self._halt_asked = False
        self._cause: tuple[ExitKind, BaseException | None] = ("halted", None)
        self._reason: BaseException | None = None

    @property
    def state(self) -> State:
        """How it stands, in a word."""
        if self.finished.is_set():
            return "stopped"
        if self.goal == "closed":
            return "stopping"
        if self.up:
            return "ready"
        return "restarting" if self._born else "starting"

    def _step(self) -> None:
        if self.finished.is_set() or self.goal == "idle":
            return
        if self.goal == "up":
            self._rise()
        elif self.goal == "down":
            if self._halt(self.members):
                self.goal = "idle"
                self.up = False
                self._report_exit(*(("halted", None) if self._halt_asked else self._cause))
        else:
            self._close()
        if not self.members and (self.goal == "closed" or self.ends_when_empty):
            self._finish()

    def _rise(self) -> None:
        doomed = [member for member in self.members if member.doomed]
        held = not self._halt(doomed)
        for member in doomed if not held else ():
            member.doomed = False
            if member.born:
                note_restart(member.child, "halted", None)
        if self.strategy == "one_for_all":
            held = held or any(member.phase == "paused" for member in self.members)
        for member in self.members:
            if member.phase == "down" and (member.alone or not held):
                self._launch(member)
            held = held or (self.ordered and member.phase not in ("up", "stopping"))
        if not self.up and all(member.phase == "up" for member in self.members):
            self.up = self._born = True
            self.settled_start.set()
            if self.parent is not None:
                self.parent.on_ready(cast("Child", self))

    def _launch(self, member: Member) -> None:
        member.phase = "starting"
        if member.child.vacant:
            member.child.launch()
        elif member.child.up:  # somebody else launched it, and its report has come already
            self._ready(member)

    def _halt(self, members: Sequence[Member]) -> bool:
        """Halt from the last to the first, each when the one before is down; return if all are."""
        for member in reversed(members):
            member.end_pause()
            fresh_start = member.phase == "down" and not member.born
            if member.child.restart == "temporary" and not fresh_start:
                if member.phase != "stopping":
                    self._stop(member, ended(member.child, "halted", None))
            elif member.phase in ("starting", "up"):
                member.phase = "halting"
                member.child.halt(self._time_for(member))
            if self.ordered and member.phase != "down":
                break
        return all(member.phase == "down" for member in members)

    def _close(self) -> None:
        for member in reversed(self.members):
            if member.phase != "stopping":
                self._stop(member, self._reason)
            if self.ordered:
                break

    def _stop(self, member: Member, reason: BaseException | None) -> None:
        member.end_pause()
        member.phase = "stopping"
        child = member.child
        child.shutdown(0 if child.vacant else self._time_for(member), reason)

    def _time_for(self, member: Member) -> float | None:
        left = max(0.0, self._until - self._clock())
        patience = member.child.patience
        if patience is None:
            return None if left == inf else left
        return min(patience, left)

    def _ready(self, member: Member) -> None:
        if member.phase == "starting" and member.child.up:  # if it is not, this is old news
            member.phase = "up"
            member.born = True
            member.alone = False
            member.failures = 0

    def _finish(self) -> None:
        self.goal = "closed"
        self.finished.set()
        self.settled_start.set()
        if self.parent is not None:
            self.parent.on_finished(cast("Child", self))

    def _report_exit(self, kind: ExitKind, error: BaseException | None) -> None:
        if self.parent is not None:
            self.parent.on_exit(cast("Child", self), kind, error)


def _nothing() -> None:
    pass


def note_restart(child: Child, reason: str, error: BaseException | None) -> None:
    """Trace that a child is made anew."""
    if isinstance(child, Ladder):
        _trace.supervisor_restarted(child.name, reason, error)
    else:
        _trace.worker_restarted(cast("Cell", child), reason, error)


def ended(child: Child, kind: ExitKind, error: BaseException | None) -> WorkerStopped:
    """Return what those get who wait for a child that is not restarted."""
    how = "left" if kind == "normal" else "was lost" if error is not None else "was stopped"
    text = f"{called(child)} {how}, and is {child.restart}: it is not restarted"
    reason = WorkerStopped(text, worker=child.name)
    reason.__cause__ = None if error is None else fresh(error, error.__traceback__)
    return reason


def called(child: Child) -> str:
    """Name a child in an error."""
    return f"{'supervisor' if isinstance(child, Ladder) else 'worker'} {child.name}"
