"""What a worker holds and takes with it when it ends: other workers, pools, supervisors."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from actors._threads import report_unraisable, start_thread

if TYPE_CHECKING:
    from actors._lives.cell import Cell
    from actors._trees.guardian import ExitKind

PATIENCE = 30.0
"""Seconds that is waited for what is owned by one who ends by itself, or whose heir took over."""


class Closable(Protocol):
    """A handle, a pool, a supervisor, or anything else that is closed like them."""

    def close(self, drain: float | None = ...) -> object:
        """Close, after at most `drain` seconds; called again, on another thread, to be quick."""


class Owned:
    """The things that one incarnation owns.

    They are closed on its own thread when it ends, the newest first, so that each may use those
    that were there before it. `hurry` closes the rest on a thread that nobody waits for but those
    who wait for the worker's end: it is for an incarnation that was given up, and for hard stops.
    """

    __slots__ = ("_cell", "_over", "_things")

    def __init__(self, cell: Cell) -> None:
        """Own nothing yet."""
        self._cell = cell
        self._things: list[Closable] = []
        self._over = False

    def add(self, thing: Closable) -> None:
        """Own a thing; if the incarnation has been given up, close it at once."""
        cell = self._cell
        with cell.lock:
            over = self._over
            if not over:
                if self not in cell.owned:
                    cell.owned.append(self)
                self._things.append(thing)
        if over:
            thing.close(0)

    def close(self, kind: ExitKind) -> None:
        """Close them one after the other, because the incarnation ends in that way."""
        while self._things:
            thing = self._things[-1]
            _close(thing, self._drain(kind))
            with self._cell.lock:
                self._things.remove(thing)
        with self._cell.lock:
            if self in self._cell.owned:
                self._cell.owned.remove(self)

    def _drain(self, kind: ExitKind) -> float | None:
        """Return the seconds that the next of them may take to end what it has to do."""
        cell = self._cell
        if cell.hard or self._over:
            return 0.0
        if kind == "stopped":
            until = cell._stop_until
            return None if until == inf else max(0.0, until - monotonic())
        return PATIENCE if kind in ("normal", "renewed") else 0.0

    def hurry(self) -> None:
        """Close the rest at once. Any thread; does not wait."""
        cell = self._cell
        with cell.lock:
            self._over = True
            left = self._things[::-1]
            if not left:
                return
            try:
                thread = start_thread(lambda: _close_all(left), f"{cell.name}-closer")
            except RuntimeError:  # the interpreter ends, and stops them too
                return
            cell.leaving.append(thread)


def _close_all(things: list[Closable]) -> None:
    for thing in things:
        _close(thing, 0)


def _close(thing: Closable, drain: float | None) -> None:
    try:
        thing.close(drain)
    except Exception as error:
        report_unraisable(error)
