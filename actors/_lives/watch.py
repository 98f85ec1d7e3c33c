"""The watch over deadlines: queries that wait too long, and runs that do not end."""

from __future__ import annotations

import threading
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors import _trace
from actors._timers import Timer, timers

if TYPE_CHECKING:
    from actors._lives.address import Address
    from actors._lives.cell import Cell
    from actors._replies.reply import Reply

CANCEL_AGAIN = 0.05
"""Seconds between two attempts to stop a run. The first may come too early, between two runs of the
same handler, and there is no harm in another: the run cannot end while one is made."""


class Alarm:
    """One alarm for all deadlines of the queries that are queued at one address.

    With equal timeouts the query that was queued first has the first deadline, so most find the
    alarm set already, and cost a comparison with `at`. When it rings, expired queries are removed,
    and the alarm is set to what comes next.

    Who waits for a reply sees to its deadline too, so that it is kept even if this thread is late.
    """

    __slots__ = ("_address", "_alarm", "_lock", "at")

    def __init__(self, address: Address) -> None:
        """Watch nothing yet."""
        self.at = inf
        self._address = address
        self._alarm: Timer | None = None
        self._lock = threading.RLock()

    def arm(self, when: float) -> None:
        """Look at the instant `when` at the latest. Any thread."""
        with self._lock:
            if when >= self.at or self._address.finished.is_set():
                return
            if self._alarm is not None:
                self._alarm.cancel()
            self.at = when
            self._alarm = timers.call_at(when, self._ring)

    def end(self) -> None:
        """Watch no more."""
        with self._lock:
            alarm, self._alarm = self._alarm, None
            self.at = -inf  # nothing is earlier, so nothing arms it again
        if alarm is not None:
            alarm.cancel()

    def _ring(self) -> None:
        with self._lock:
            if self._alarm is None:
                return
            self.at = inf
            self._alarm = None
        following = self._look(monotonic())
        if following < inf:
            self.arm(following)

    def _look(self, now: float) -> float:
        """Settle what is overdue; return when to look again."""
        expired, following = self._address.mailbox.overdue(now)
        for reply in expired:
            # Somebody else may have settled it just now: but we took it out of the queue, and so it
            # is for us to say that it has left.
            reply._expire()
            _trace.query_left(self._address, reply, _trace.outcome_of(reply._error, "timeout"))
        return following


class Watch(Alarm):
    """The alarm of a worker, which looks at its run as well.

    The worker itself looks at a query's deadline before it runs it, and the runtime stops at the
    deadline by itself. What is left is whatever nobody waits for, and runs that nothing else stops.
    """

    __slots__ = ("_cell", "_told")

    def __init__(self, cell: Cell) -> None:
        """Watch nothing yet."""
        super().__init__(cell)
        self._cell = cell
        self._told: tuple[Reply[Any], float, float] | None = None  # of which run, and when

    def stop(self, reply: Reply[Any]) -> None:
        """Stop the run of a query whose reply was settled from outside. Any thread."""
        self.arm(self._look_at_run(reply, monotonic()))

    def _look(self, now: float) -> float:
        following = super()._look(now)
        for reply in self._cell.running[:1]:
            following = min(following, self._look_at_run(reply, now))
        return following

    def _look_at_run(self, reply: Reply[Any], now: float) -> float:
        """Stop a run that shall end; give up one that does not. Return when to look again."""
        cell = self._cell
        deadline = reply._deadline
        if deadline is not None and deadline <= now:
            reply._expire()
        worker = cell.worker
        grace = cell.policy.stuck_grace + (0.0 if worker is None else worker.stop_grace)
        if reply._done or cell.halt_at <= now:
            told = self._told
            if told is None or told[0] is not reply or told[1] != cell.run_started:
                self._told = told = (reply, cell.run_started, now)
            give_up = told[2] + grace
            if now < give_up:
                self._stop_run(reply)
                return min(give_up, now + CANCEL_AGAIN)
        else:
            limit = None if worker is None else worker.stuck_after
            give_up = inf if limit is None else cell.run_started + limit + grace
            if now < give_up:
                return min(give_up, cell.halt_at, inf if deadline is None else deadline)
        if worker is not None:
            cell.stuck(worker, reply)
        return now + max(grace, CANCEL_AGAIN)

    def _stop_run(self, reply: Reply[Any]) -> None:
        """Ask the runtime to stop, if `reply`'s query is what it runs."""
        cell = self._cell
        with cell.lock:
            try:
                held = cell.running.pop()
            except IndexError:
                return
            try:
                if held is reply and cell.worker is not None:
                    cell.worker._interrupt()
                    if cell.waits_for is not None:
                        cell.waits_for[1].ring()
            finally:
                cell.running.append(held)
