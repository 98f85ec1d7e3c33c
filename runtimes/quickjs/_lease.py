"""The lease on one instance's flags: how its runs are stopped from outside.

The deadline itself needs no help: the guest compares its clock while it interprets. What it does
not reach is code that never looks (a built-in over an endless array-like), and a script that is
stopped from another thread. For those the guest has two words in its memory: `soft`, which the
interrupt handler reads, and `hard`, which stop checks in every loop read. Writing into a guest's
memory from another thread is dangerous: the memory may be gone, or the next run may get what was
meant for the last one. Hence the lease: every write happens under its lock, before `close`, while
that run (by its token) is under way, and the run's own thread clears both words under the same
lock.

A run that nobody stops takes no lock: whoever writes first says so (`_touched`) and then looks
whether a run is under way (`_running`); whoever ends a run first says so and then looks whether
somebody writes. So one of the two sees the other, and a run that is being written to waits for the
lock before it ends.

Together `begin` and `end` cost some 0.15 us.
"""

from __future__ import annotations

import threading
from ctypes import c_uint32
from threading import get_ident
from typing import TYPE_CHECKING, Final

from runtimes.quickjs._abi import SOFT_STOP, HardWord, StopReason
from runtimes.quickjs._watchdog import current

if TYPE_CHECKING:
    from runtimes.quickjs._instance import Instance
    from runtimes.quickjs._watchdog import Watchdog

NUDGE_INTERVAL: Final = 0.1
"""Seconds between looks for Ctrl-C, for a run in the main thread."""

_NEVER: Final = float("inf")


def _write(address: int, word: int) -> None:
    """Set a word of a guest's memory. Nearly no run comes to this, so nothing is made for it."""
    c_uint32.from_address(address).value = word


class Lease:
    """The right to stop the runs of one instance, for as long as it lives.

    `begin` and `end` belong to the thread that runs the guest, and come in pairs around the
    outermost call; the rest may be called on any thread, from signal handlers and from finalisers.

    Attributes:
        reason: Why the last run was told to stop; `StopReason.NONE` if it was not.
        token: The number of the last run; a stop is meant for one run.
    """

    __slots__ = (
        "__weakref__",
        "_bump_epoch",
        "_due",
        "_grace",
        "_hard",
        "_in_main_thread",
        "_lock",
        "_running",
        "_seen",
        "_soft",
        "_stopping",
        "_touched",
        "_watchdog",
        "_watched",
        "reason",
        "token",
    )

    def __init__(
        self, instance: Instance, *, grace: float = 0.25, watchdog: Watchdog | None = None
    ) -> None:
        """Take the lease, on the thread that will run the guest.

        Args:
            instance: A guest with the globals ``guest_header`` and ``guest_hard_stop``.
            grace: Seconds after the deadline, or after `request_soft`, until the hard stop.
            watchdog: For tests.
        """
        header = instance.exported_global("guest_header")
        hard = instance.exported_global("guest_hard_stop")
        start = instance.address(0, max(header + SOFT_STOP, hard) + 4)
        self._soft: int | None = start + header + SOFT_STOP
        self._hard: int | None = start + hard
        self._bump_epoch = instance.bump_epoch
        instance.interrupt = lambda: self.request_soft(StopReason.HOST)
        self._watchdog = watchdog if watchdog is not None else current()
        self._in_main_thread = threading.get_ident() == threading.main_thread().ident
        self._grace = grace
        # Re-entrant: a signal handler may cancel while this thread is in here.
        self._lock = threading.RLock()
        self._due = _NEVER
        self._running = False  # a run is under way
        self._stopping = False  # and is to stop hard
        self._touched = False  # one of the words is not 0
        self._watched = False  # the watchdog has this lease on its list
        self._seen = -1  # the last token that the watchdog saw
        self.reason = StopReason.NONE
        self.token = 0
        self._watchdog.know(self)

    def move_here(self) -> None:
        """Let the calling thread run the guest from now on; no run is under way."""
        self._in_main_thread = here = get_ident() == threading.main_thread().ident
        if here:
            self._watched = False  # the next run is put on the list anew, to be nudged in time

    def begin(self, deadline: float | None) -> int:
        """Start a run and return its token.

        Args:
            deadline: Instant of ``time.monotonic()``, or None.
        """
        if self._touched:
            self._clear()  # a begin without an end: Ctrl-C came in between
        self.token = token = self.token + 1
        self.reason = StopReason.NONE
        self._due = due = _NEVER if deadline is None else deadline + self._grace
        self._running = True  # last: who sees it sees the rest
        if due < self._watchdog.next_look or not self._watched:
            self._watchdog.watch(self)
        return token

    def end(self) -> None:
        """End the run: from here on no stop that was meant for it can reach the next one."""
        self._running = False
        if self._touched:
            self._clear()

    def request_soft(self, reason: StopReason, token: int | None = None) -> bool:
        """Ask the run under way to stop; after the grace it is stopped hard.

        Args:
            reason: What the guest reports.
            token: Which run is meant; None is whichever is under way.

        Returns:
            Whether there was such a run.
        """
        with self._lock:
            self._touched = True
            if not self._running or self._soft is None or token not in (None, self.token):
                return False
            if not self._stopping:
                self.reason = reason
                _write(self._soft, reason)
            self._due = min(self._due, self._watchdog.clock() + self._grace)
        self._watchdog.watch(self)
        return True

    def should_stop(self) -> bool:
        """Whether the hard word means it; if it was a nudge, this answers it.

        Called from ``host.check`` and the epoch callback, on the thread that runs the guest.
        """
        with self._lock:
            if not self._stopping and self._hard is not None:
                _write(self._hard, 0)
            return self._stopping

    def close(self) -> None:
        """Let go of the guest's memory: nobody writes there any more. Idempotent."""
        with self._lock:
            self._running = self._watched = False
            self._soft = self._hard = None
        self._watchdog.drop(self)

    def _clear(self) -> None:
        with self._lock:
            self._touched = self._stopping = False
            if self._soft is not None and self._hard is not None:
                _write(self._soft, 0)
                _write(self._hard, 0)

    # -- for the watchdog

    def look(self, now: float) -> float | None:
        """Stop the run if it is due, else nudge it; return when to look again, None for no more."""
        with self._lock:
            again, self._seen = self._seen == self.token, self.token
            if self._running:
                if now >= self._due:
                    self._expire(now)
                elif self._in_main_thread and again:
                    self._nudge()
            elif again or self._due <= now:
                self._watched = False
                if not self._running:  # else it began meanwhile, and took itself for listed
                    return None
                self._watched = True
            return self.next_look(now)

    def next_look(self, now: float) -> float:
        """When the watchdog must look at a run that is under way."""
        return min(self._due, now + NUDGE_INTERVAL) if self._in_main_thread else self._due

    def _expire(self, now: float) -> None:
        self._touched = True
        if self._running and now >= self._due:  # still, and from now on it waits for our lock
            self._due = _NEVER
            self.stop_hard(StopReason.TIMEOUT)

    def _nudge(self) -> None:
        """Have the guest call ``host.check``, in which Python runs its signal handlers."""
        self._touched = True
        if self._running:
            self._write_hard(HardWord.LOOK)

    def list(self) -> bool:
        """Note that the watchdog has it on its list; whether it had not."""
        with self._lock:
            new, self._watched = not self._watched, True
            return new

    def stop_hard(self, reason: StopReason) -> bool:
        """Stop the run under way, if there is one, wherever it is; whether there is."""
        with self._lock:
            self._touched = True
            if not self._running or self._soft is None:
                return False
            self.reason = self.reason or reason
            self._stopping = True
            _write(self._soft, self.reason)
            self._write_hard(HardWord.STOP)
            return True

    def _write_hard(self, word: HardWord) -> None:
        if self._hard is not None:
            _write(self._hard, word)
            if self._bump_epoch is not None:
                self._bump_epoch()

    def retire(self) -> None:
        """Stop the run under way; let every later `begin` come to the watchdog first."""
        with self._lock:
            self._watched = False
            self.stop_hard(StopReason.HOST)

    def move(self, watchdog: Watchdog) -> None:
        """Belong to another watchdog, with a lock that nobody holds; for a forked child."""
        self._lock = threading.RLock()
        self._watchdog = watchdog
        self._watched = False
        watchdog.know(self)
