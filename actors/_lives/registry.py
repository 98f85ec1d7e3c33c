"""All workers of the process: for its end, for forks, and for leak tests."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors._lives.cell import Cell

_cells: weakref.WeakSet[Cell] = weakref.WeakSet()


def remember(cell: Cell) -> None:
    """Take note of a new worker."""
    _cells.add(cell)


def every_cell() -> list[Cell]:
    """Return all that are still referred to, stopped ones among them."""
    while True:
        try:
            return list(_cells)
        except RuntimeError:  # one was added meanwhile
            continue
