"""How a pool grows while queries wait, and shrinks when workers have nothing to do."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from actors._timers import Timer, timers

if TYPE_CHECKING:
    from actors._lives.cell import Cell
    from actors._pools.hub import Hub
    from actors._trees.group import Group


class Elastic:
    """Keeps a pool between its least and its greatest size.

    One worker at a time is added, when a query comes and nobody is idle; and again when that one is
    ready and queries still wait. A worker that has answered nothing for a whole `idle_timeout` is
    let go, the youngest first. Thread-safe; nothing here waits.
    """

    def __init__(self, hub: Hub, group: Group, least: int, most: int, idle_timeout: float) -> None:
        """Begin with the workers that the hub has."""
        self.least = least
        self.most = most
        self.idle_timeout = idle_timeout
        self._hub = hub
        self._group = group
        self._growing: Cell | None = None
        self._timer: Timer | None = None
        self._answered: dict[Cell, int] = {}
        self._not_before = 0.0

    def begin(self) -> None:
        """Look whenever something has changed, from now on."""
        self._hub.when_changed = self.look
        self._hub.may_grow = self.may_grow

    def look(self) -> None:
        """Add a worker if there are too few, or if queries wait for one. Any thread."""
        hub = self._hub
        with hub.lock:
            if hub.mailbox.closed:
                timer, self._timer = self._timer, None
                if timer is not None:
                    timer.cancel()
                return
            if self._growing is not None and not self._has_grown(self._growing):
                return
            self._growing = None
            size = len(hub.cells)
            if size > self.most:
                self._let_go(size - self.most, idle_only=False)
                return
            wanted = size < self.least or (size < self.most and self._somebody_waits())
            wanted = wanted and self._group.goal == "up"  # else it is halted, and so would it be
            if not wanted or monotonic() < self._not_before:
                self._watch_idle()
                return
            self._growing = cell = hub.make_cell()
        cell.timed_start = True
        self._group.admit(cell)
        cell.launch()

    def _has_grown(self, cell: Cell) -> bool:
        """Whether the new worker is there, or never will be."""
        if cell.generation > 0 and cell not in self._hub.cells:
            self._hub.enlist((cell,))
        if cell.failure is not None:
            self._not_before = monotonic() + self._hub.policy.backoff_limit
        return cell.generation > 0 or cell.finished.is_set()

    def may_grow(self) -> bool:
        """Whether there may be more workers than there are."""
        return len(self._hub.cells) < self.most and not self._hub.mailbox.closed

    def _somebody_waits(self) -> bool:
        backlog = self._hub.mailbox
        return len(backlog) > 0 and not backlog.idle

    def resize(self, least: int, most: int) -> None:
        """Change the limits; the pool follows by and by."""
        with self._hub.lock:
            self.least, self.most = least, most
        self.look()

    # -- shrinking ---------------------------------------------------------------------------------

    def _watch_idle(self) -> None:
        if self._timer is None and len(self._hub.cells) > self.least:
            self._answered = {cell: cell.answered for cell in self._hub.cells}
            self._timer = timers.call_later(self.idle_timeout, self._let_idle_go)

    def _let_idle_go(self) -> None:
        with self._hub.lock:
            self._timer = None
            if not self._hub.mailbox.closed:
                self._let_go(len(self._hub.cells) - self.least, idle_only=True)
                self._watch_idle()

    def _let_go(self, count: int, *, idle_only: bool) -> None:
        for cell in reversed(self._hub.cells):
            if count <= 0:
                return
            if not idle_only or (cell.is_idle() and self._answered.get(cell) == cell.answered):
                count -= 1
                self._hub.retire(cell)
