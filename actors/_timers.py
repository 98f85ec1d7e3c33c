"""One lazy thread that calls short functions at their time."""

from __future__ import annotations

import contextlib
import heapq
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, Protocol

from actors._threads import report_unraisable, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable


class Forgetful(Protocol):
    """Whoever makes the calls."""

    def _forget(self, timer: Timer) -> None: ...


class Timer:
    """A call that is to come; `cancel` forgets it."""

    __slots__ = ("_fire", "_owner", "when")

    def __init__(self, owner: Forgetful, when: float, fire: Callable[[], None]) -> None:
        self._owner = owner
        self._fire: Callable[[], None] | None = fire
        self.when = when

    def cancel(self) -> None:
        """Forget the call, if it was not made yet. May be called on any thread, and again."""
        if self._fire is not None:
            self._fire = None
            self._owner._forget(self)

    def _take(self) -> Callable[[], None] | None:
        fire, self._fire = self._fire, None
        return fire


class Timers:
    """Calls functions at their time on one daemon thread.

    The thread is made when first something is due. It ends when nothing is, and nobody holds it any
    more (`hold`, `release`), so that nothing is left behind by those who cancel what they no longer
    need. The functions must be short and must not block. What they raise is reported and does no
    harm. Thread-safe.
    """

    def __init__(self) -> None:
        """Start with nothing due and no thread."""
        # A lock and a bell (one that is locked until it rings): to enter a Condition takes several
        # steps of Python, and Ctrl-C between two of them would leave it locked for ever.
        self._lock = threading.RLock()
        self._bell = threading.Lock()
        self._bell.acquire()
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._thread: threading.Thread | None = None
        self._holders = 0

    def hold(self) -> None:
        """Keep the thread, once there is one, until `release`: starting one costs 0.1 ms."""
        with self._lock:
            self._holders += 1

    def release(self) -> None:
        """End one `hold`."""
        with self._lock:
            self._holders -= 1
            if not self._holders:
                self._ring()

    def call_at(self, when: float, fire: Callable[[], None]) -> Timer:
        """Call `fire` when ``time.monotonic()`` reaches `when`."""
        timer = Timer(self, when, fire)
        with self._lock:
            heapq.heappush(self._heap, (when, next(self._order), timer))
            if self._thread is None:
                # No thread to be had: when Python exits, from 3.12 on, and then nothing is due any
                # more; else the next call tries again.
                with contextlib.suppress(RuntimeError):
                    self._thread = start_thread(self._run, "jsactors-timers")
            elif self._heap[0][2] is timer:
                self._ring()
        return timer

    def call_later(self, delay: float, fire: Callable[[], None]) -> Timer:
        """Call `fire` after `delay` seconds."""
        return self.call_at(time.monotonic() + delay, fire)

    def _forget(self, timer: Timer) -> None:
        with self._lock:
            kept = [entry for entry in self._heap if entry[2] is not timer]
            heapq.heapify(kept)
            self._heap = kept
            if not kept and not self._holders:
                self._ring()

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # it was rung, and not heard yet
            self._bell.release()

    def _run(self) -> None:
        while (timer := self._next_due()) is not None:
            fire = timer._take()
            if fire is not None:
                try:
                    fire()
                except Exception as error:
                    report_unraisable(error)
                del fire

    def _next_due(self) -> Timer | None:
        """Wait for what is due; return None, and be no thread any more, if nothing is to come."""
        while True:
            with self._lock:
                if not self._heap and not self._holders:
                    self._thread = None
                    return None
                wait = self._heap[0][0] - time.monotonic() if self._heap else threading.TIMEOUT_MAX
                if wait <= 0:
                    return heapq.heappop(self._heap)[2]
            self._bell.acquire(True, min(wait, threading.TIMEOUT_MAX))

    def join(self, timeout: float) -> None:
        """Wait until the thread has gone, if it is about to. For tests."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def after_fork(self) -> None:
        """Forget everything: in the child of a fork no thread is left to wait."""
        self.__init__()  # type: ignore[misc]


timers = Timers()
"""The process's own."""
