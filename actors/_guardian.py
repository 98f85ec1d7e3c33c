"""What a cell and its supervisor know of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from actors._cell import Cell
    from actors._reply import Reply
    from actors.worker import Worker

State: TypeAlias = Literal["starting", "ready", "restarting", "stopping", "stopped"]
"""How a worker stands, as its handle shows it."""

ExitKind: TypeAlias = Literal["stopped", "replace", "broken", "died", "not_started", "abandoned"]
"""How an incarnation ended: told to, its runtime used up or lost, its thread lost, never ready, or
given up because it did not come back."""


class Guardian(Protocol):
    """The supervisor, as far as a cell knows it. No call may block."""

    def on_ready(self, cell: Cell) -> None:
        """An incarnation is ready."""

    def on_exit(self, cell: Cell, kind: ExitKind, error: BaseException | None) -> None:
        """An incarnation has ended, and not because it was told to."""

    def on_stuck(self, cell: Cell, worker: Worker[Any, Any], reply: Reply[Any]) -> None:
        """An incarnation does not come back from a query."""

    def on_finished(self, cell: Cell) -> None:
        """The cell is stopped for good."""
