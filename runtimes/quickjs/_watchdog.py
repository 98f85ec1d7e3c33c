"""The thread that stops runs: one per process, lazy, for all leases (see `_lease`).

It sleeps while nothing is due. A run wakes it only if it is due before the thread would look again,
which in steady state is never. It ends a moment after the last lease was closed.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Final

from runtimes.quickjs import _instance, _trap_signals
from runtimes.quickjs._abi import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.quickjs._lease import Lease

LONGEST_NAP: Final = 60.0
"""Seconds. Leases that were dropped without having been closed wake nobody."""

LINGER: Final = 1.0
"""Seconds that the thread stays although there is no lease any more: making one costs 0.1 ms,
as much as a runtime costs that is made, used once and closed."""

EXIT_PATIENCE: Final = 0.5
"""Seconds that interpreter exit waits for the runs of daemon threads to end. JavaScript does within
milliseconds; a host function that blocks is left where it is."""

_NEVER: Final = float("inf")


class Bell:
    """An event of one lock. Ctrl-C in `threading.Event.set` may leave its lock held for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Wake who waits, or who will."""
        with contextlib.suppress(RuntimeError):  # it is set
            self._lock.release()

    def clear(self) -> None:
        """Forget that it was set."""
        self._lock.acquire(False)

    def is_set(self) -> bool:
        """Whether it is set."""
        return not self._lock.locked()

    def wait(self, timeout: float) -> bool:
        """Wait until it is set, and clear it; False if it is not for `timeout` seconds."""
        return self._lock.acquire(True, timeout)


class Watchdog:
    """The thread, and the list of leases that it looks after. Thread-safe.

    Attributes:
        clock: What tells the time, as ``time.monotonic`` does.
        next_look: When it will look next; a run that is due earlier must wake it.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[Bell, float], object] | None = None,
    ) -> None:
        """Make one that is asleep; tests give it another clock and another way to wait."""
        self.clock = clock
        self.next_look = _NEVER
        self._wait = Bell.wait if wait is None else wait
        self._lock = threading.RLock()
        self._known: set[weakref.ref[Lease]] = set()
        self._listed: set[weakref.ref[Lease]] = set()
        self._wake = Bell()
        self._thread: threading.Thread | None = None
        self._exiting = False

    def know(self, lease: Lease) -> None:
        """Take in a lease: its runs will be stopped when Python exits."""
        self._known.add(weakref.ref(lease, self._known.discard))

    def watch(self, lease: Lease) -> None:
        """Put a lease on the list, and wake the thread if it would look too late."""
        with self._lock:
            if self._exiting:
                lease.stop_hard(StopReason.HOST)
                return
            if lease.list():
                self._listed.add(weakref.ref(lease))
            if self._thread is None or not self._thread.is_alive():
                self._start()
        if lease.next_look(self.clock()) < self.next_look:  # read after it was listed: see `_run`
            self._wake.set()

    def drop(self, lease: Lease) -> None:
        """Forget a lease; the last one wakes the thread, so that it ends in time."""
        reference = weakref.ref(lease)
        self._known.discard(reference)
        self._listed.discard(reference)
        if not self._known and self.next_look > self.clock() + LINGER:
            self._wake.set()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="jsactors-watchdog", daemon=True)
        self._thread = thread  # first, for Ctrl-C may come when it runs already
        try:
            thread.start()
        except RuntimeError:
            self._thread = None
            # From 3.12 on none can be started any more once the main thread has ended. What other
            # threads begin to run then has its deadlines and soft stops, which need no watchdog.
            if threading.main_thread().is_alive():
                raise

    def _run(self) -> None:
        lingering = False
        while True:
            self._wake.clear()
            self.next_look = _NEVER  # whoever begins from here on wakes us, even while we look
            now = self.clock()
            next_look = self.look(now)
            with self._lock:
                idle = not self._known
                if self._exiting or (idle and lingering):
                    self._thread = None
                    return
            lingering = idle
            self.next_look = next_look = now + LINGER if idle else next_look
            self._wait(self._wake, max(0.0, min(next_look - now, LONGEST_NAP)))

    def look(self, now: float) -> float:
        """Look at every lease on the list; return when to look again."""
        earliest = _NEVER
        for reference in self._listed.copy():
            lease = reference()
            with self._lock:
                again = None if lease is None else lease.look(now)
                if again is not None:
                    earliest = min(earliest, again)
                else:
                    self._listed.discard(reference)
        if self._listed:
            _trap_signals.restore()
        return earliest

    def shut_down(self, patience: float = EXIT_PATIENCE) -> int:
        """Stop every run hard, and every later one; wait for them; return how many are left.

        For interpreter exit: a daemon thread that asks for Python's lock after that is ended by
        unwinding its stack, which wasmtime's frames do not survive.
        """
        with self._lock:
            self._exiting = True
        deadline = time.monotonic() + patience
        while True:
            inside = _instance.retire_all()
            for lease in self.leases():
                lease.retire()
            if not inside or time.monotonic() >= deadline:
                break
            time.sleep(0.001)
        self._wake.set()
        thread = self._thread
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
        return inside

    def leases(self) -> list[Lease]:
        """Return every lease of the process."""
        return [lease for each in self._known.copy() if (lease := each()) is not None]


_current: Watchdog | None = None
_current_lock = threading.Lock()


def current() -> Watchdog:
    """Return this process's watchdog."""
    global _current
    with _current_lock:
        if _current is None:
            _current = Watchdog()
            atexit.register(_at_exit)
        return _current


def _at_exit() -> None:
    # Not threading._register_atexit, which comes before non-daemon threads are joined: their runs
    # are waited for as any of their work is, under their own timeouts.
    if _current is not None:
        _current.shut_down()


def _after_fork_in_child() -> None:
    """Go on with a new watchdog: the old one's thread, and whoever held its locks, are not here."""
    global _current, _current_lock
    _current_lock = threading.Lock()
    if _current is not None:
        leases = _current.leases()
        _current = Watchdog()
        for lease in leases:
            lease.move(_current)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
