"""What a group knows of one of its children, and what it is told about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._lives.cell import Cell
    from actors._replies.reply import Reply
    from actors._timers import Timer
    from actors._trees.group import Group
    from actors._trees.guardian import Child, ExitKind
    from actors.worker import Worker

Phase: TypeAlias = Literal["down", "paused", "starting", "up", "halting", "stopping"]
"""How a child stands, as its group sees it: nobody lives there and it is to be launched, or after a
pause; launched; ready; told to end its incarnation, or to stop for good."""


class Member:
    """A child's place in its group. It belongs to the supervisor's thread."""

    __slots__ = ("alone", "born", "child", "doomed", "failures", "pause", "phase", "restarts")

    def __init__(self, child: Child, phase: Phase) -> None:
        """Take note of a child that was never ready."""
        self.child = child
        self.phase: Phase = phase
        self.born = False  # whether it was ready once
        self.doomed = False  # whether it is to be halted, to be launched again with others
        self.alone = False  # whether it is restarted by itself, and need not wait for its turn
        self.failures = 0  # starts in a row that failed
        self.restarts = 0
        self.pause: Timer | None = None

    def end_pause(self) -> None:
        """Wait no longer for the next start."""
        pause, self.pause = self.pause, None
        if pause is not None:
            pause.cancel()
        if self.phase == "paused":
            self.phase = "down"


@dataclass(frozen=True, slots=True)
class Ready:
    """A child's incarnation is ready."""

    group: Group
    child: Child


@dataclass(frozen=True, slots=True)
class Exited:
    """A child's incarnation has ended, and not for good."""

    group: Group
    child: Child
    kind: ExitKind
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """A worker does not come back from a query."""

    group: Group
    child: Cell
    worker: Worker[Any, Any]
    reply: Reply[Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """A child is stopped for good."""

    group: Group
    child: Child


@dataclass(frozen=True, slots=True)
class Order:
    """Something to do on the supervisor's thread."""

    group: Group
    act: Callable[[], None]


Message: TypeAlias = Ready | Exited | Stuck | Finished | Order
