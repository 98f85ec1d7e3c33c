"""What stands for the running query where none runs: in a worker's hooks, on its own thread."""

from __future__ import annotations

from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, Self

from actors._replies.current import current

if TYPE_CHECKING:
    from actors._bell import Bell
    from actors._lives.cell import Cell
    from actors._replies.reply import Reply

_next_trace = count(1 << 63).__next__  # far from the queries' own numbers


class Between:
    """Makes a hook that would wait for its own worker, or in a ring, fail as a handler would.

    A handler has its query in `current`; hooks between two queries (a checkpoint's, say, or a
    start's) have this, which is its own addressee. It has no deadline, nothing withdraws it, and
    what is sent there begins a trace of its own.
    """

    __slots__ = ("_cell",)
    _id: ClassVar[int] = 0
    _done: ClassVar[bool] = False
    _deadline: ClassVar[float | None] = None
    halt_at: ClassVar[float] = inf

    def __init__(self, cell: Cell) -> None:
        """Stand for what the worker does by itself."""
        self._cell = cell

    @property
    def _addressee(self) -> Self:
        return self

    @property
    def _trace(self) -> int:
        return _next_trace()

    def about_to_wait(self, other: Reply[Any], bell: Bell) -> bool:
        """See `Addressee`."""
        return self._cell.about_to_wait(other, bell)

    def waited(self) -> None:
        """See `Addressee`."""
        self._cell.waited()


def stand_between(cell: Cell) -> None:
    """Let this thread, the worker's own, have that in `current` as long as no query runs."""
    standing: Any = Between(cell)
    current.set(standing)
