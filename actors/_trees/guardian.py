"""What supervisors and those whom they supervise know of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from actors._latch import Latch
    from actors._lives.cell import Cell
    from actors._replies.reply import Reply
    from actors.worker import Worker

State: TypeAlias = Literal["starting", "ready", "restarting", "stopping", "stopped"]
"""How a worker stands, as its handle shows it."""

ExitKind: TypeAlias = Literal[
    "stopped",
    "replace",
    "broken",
    "died",
    "not_started",
    "abandoned",
    "normal",
    "halted",
    "renewed",
]
"""How an incarnation ended: told to stop for good, its runtime used up or lost, its thread lost,
never ready, given up because it did not come back, by itself, halted by its supervisor, or because
its heir took over."""

RestartType: TypeAlias = Literal["permanent", "transient", "temporary"]
"""When a child is started again: always, unless it ended by itself, or never."""


Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one"]
"""Who is restarted when a child is lost: it alone, all children, or it and those after it."""


class Child(Protocol):
    """Whom a supervisor supervises: a worker, or the group of another supervisor.

    A child is launched, reports, may be halted and launched again, and in the end is stopped for
    good. None of the calls may block or raise. What a child reports about itself comes in its
    order: ready, then the exit, and after `halt` an exit in any case, even if nobody lived there.
    """

    id: int
    name: str
    restart: RestartType
    patience: float | None
    """Seconds that it may take to come to an end when it is halted or stopped; None for as long as
    it takes."""
    finished: Latch
    failure: BaseException | None
    """Why it was stopped for good, if for an error."""
    up: bool
    """Whether its incarnation is ready."""

    @property
    def vacant(self) -> bool:
        """Whether there is no incarnation, not even one that is about to start or to end."""

    def launch(self) -> None:
        """Start an incarnation, unless there is one or the child is finished.

        It reports `Guardian.on_ready`, or that it is not started. A child that was never ready
        fails by itself then, so that the report is `Guardian.on_finished`.
        """

    def halt(self, within: float | None) -> None:
        """End the incarnation, but keep what is queued for the next one.

        What runs may go on for `within` seconds (None: as long as it takes), and is stopped then.
        """

    def shutdown(self, drain: float | None, reason: BaseException | None = None) -> None:
        """Stop for good: let run what is queued for `drain` seconds, then stop hard.

        It may be repeated, with less time. `Guardian.on_finished` is reported once.
        """

    def fail(self, error: BaseException) -> None:
        """Stop for good, hard, because of `error`, which everybody gets who waits."""


class Guardian(Protocol):
    """The supervisor, as far as its children know it. No call may block. Any thread."""

    def on_ready(self, child: Child) -> None:
        """An incarnation is ready."""

    def on_exit(self, child: Child, kind: ExitKind, error: BaseException | None) -> None:
        """An incarnation has ended, and the child lives on."""

    def on_stuck(self, child: Cell, worker: Worker[Any, Any], reply: Reply[Any]) -> None:
        """An incarnation does not come back from a query."""

    def on_finished(self, child: Child) -> None:
        """The child is stopped for good."""
