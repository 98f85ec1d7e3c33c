"""What a test has left behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from actors._lives.registry import every_cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors._lives.cell import Cell

STAYS = "jsactors-watchdog"
"""A thread of the engine's that stays for a second when it is not needed any more."""

SHARED = "jsactors-"
"""How the names of threads begin that serve all workers; they end with the last of those."""


def workers_left() -> list[str]:
    """Return the names of all workers in the process that are not stopped."""
    return sorted(cell.name for cell in _alive())


def stop_workers_left(timeout: float = 5.0) -> None:
    """Stop all workers in the process hard, for the end of a test that failed."""
    stop(_alive(), timeout)


def stop(cells: Iterable[Cell], timeout: float) -> None:
    """Stop workers hard."""
    cells = list(cells)
    for cell in cells:
        cell.shutdown(0)
    for cell in cells:
        cell.join(timeout)


def _alive() -> list[Cell]:
    return [cell for cell in every_cell() if not cell.finished.is_set()]


class Before:
    """What there was at an instant, to be compared with what there is later.

    Workers of before may be restarted since, and pools of before may have grown: that is no leak.
    """

    def __init__(self) -> None:
        """Take note of what there is."""
        cells = _alive()
        self._cells = set(cells)
        self._pools = {cell.pool for cell in cells if cell.pool is not None}
        self._threads = set(threading.enumerate())

    def new_workers(self) -> list[Cell]:
        """Return the workers that are new and not stopped."""
        return [
            cell
            for cell in _alive()
            if cell not in self._cells and (cell.pool is None or cell.pool not in self._pools)
        ]

    def new_threads(self, patience: float) -> list[str]:
        """Return the names of threads that are new and do not end within `patience` seconds each.

        Those that are about to end, such as a supervisor's whose workers are gone, are waited for.
        """
        alive = _alive()
        known = {thread for cell in alive for thread in (*cell.threads(), *cell.abandoned)}
        left = []
        for thread in threading.enumerate():
            shared = bool(alive) and thread.name.startswith(SHARED)
            if thread in self._threads or thread in known or thread.name == STAYS or shared:
                continue
            if thread is not threading.current_thread():
                thread.join(patience)
            if thread.is_alive():
                left.append(thread.name)
        return sorted(left)
