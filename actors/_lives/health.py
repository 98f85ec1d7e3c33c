"""Health checks: a worker is asked between two queries whether it is sound."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors._lives import life
from actors._threads import wait_for
from actors._timers import Timer, timers
from actors.errors import AskCycle

if TYPE_CHECKING:
    from actors._lives.cell import Cell
    from actors.watching import WorkerDown
    from actors.worker import Worker


class Health:
    """Asks one incarnation after the other, by the control lane, as often as its policy says.

    A worker that runs a query is not blamed for not answering: that is the matter of the query's
    deadline. One that runs nothing and does not answer in time is given up.
    """

    __slots__ = ("_cell", "_timer", "_worker")

    def __init__(self, cell: Cell) -> None:
        """Ask nobody yet."""
        self._cell = cell
        self._worker: Worker[Any, Any] | None = None
        self._timer: Timer | None = None

    def begin(self, worker: Worker[Any, Any]) -> None:
        """Ask this incarnation from now on."""
        self.end()
        self._worker = worker
        self._ask_later()

    def end(self) -> None:
        """Ask nobody any more."""
        self._worker = None
        self._set(None)

    def _set(self, timer: Timer | None) -> None:
        old, self._timer = self._timer, timer
        if old is not None:
            old.cancel()

    def _ask_later(self) -> None:
        interval = self._cell.policy.health_interval
        if interval is not None:
            self._set(timers.call_later(interval, self._ask))

    def _ask(self) -> None:
        cell, worker = self._cell, self._worker
        if worker is None or cell.worker is not worker or cell.mailbox.closed:
            return
        if cell.running:
            self._ask_later()
            return
        self._await(worker, threading.Event())

    def _await(self, worker: Worker[Any, Any], answered: threading.Event) -> None:
        timeout = self._cell.policy.health_timeout
        self._set(timers.call_later(timeout, lambda: self._overdue(worker, answered)))
        self._cell.mailbox.control(lambda: self._check(worker, answered))

    def _check(self, worker: Worker[Any, Any], answered: threading.Event) -> None:
        """Called on the worker's thread, between two queries."""
        if self._worker is not worker or answered.is_set():
            return
        try:
            worker.check_health(worker._runtime)
        except Exception as error:
            raise life.Leave("broken", error) from error
        if self._cell.worker is not worker:  # it took too long, and another reads the mailbox now
            raise life.Leave("abandoned")
        answered.set()
        self._ask_later()

    def _overdue(self, worker: Worker[Any, Any], answered: threading.Event) -> None:
        cell = self._cell
        if answered.is_set() or self._worker is not worker:
            return
        if cell.running or cell.mailbox.closed:
            answered.set()
            self._ask_later()
        elif cell.up:  # else it ends just now
            seconds = cell.policy.health_timeout
            error = TimeoutError(f"worker {cell.name} did not answer within {seconds:g} s")
            cell.give_up(worker, error)


def ping(cell: Cell, timeout: float | None) -> float:
    """Wait until a worker says, between two queries, that it is there; return the seconds."""
    if cell.runs_here():
        text = f"worker {cell.name} would wait for itself"
        raise AskCycle(text, workers=(cell.name,))
    if cell.finished.is_set():
        raise cell.closed_error()
    began = monotonic()
    answered = threading.Event()

    def gone(down: WorkerDown) -> None:
        if down.final:
            answered.set()

    cell.mailbox.control(answered.set)
    unwatch = cell.watchers.add(gone)
    try:
        if not wait_for(answered.wait, timeout):
            raise TimeoutError(f"worker {cell.name} did not answer within {timeout:g} s")
    finally:
        unwatch()
    if cell.finished.is_set():
        raise cell.closed_error()
    return monotonic() - began
