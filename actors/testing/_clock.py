"""A clock that only a test moves on."""

from __future__ import annotations

import heapq
import threading
from itertools import count
from typing import TYPE_CHECKING

from actors._timers import Timer

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeClock:
    """Stands still until `advance`, and then makes the calls that are due, in their order.

    Called, it gives the time in seconds, as ``time.monotonic`` does; `call_later` and `call_at`
    take the place of timers. The calls are made on the thread that advances. Thread-safe.
    """

    def __init__(self, now: float = 0.0) -> None:
        """Stand at the instant `now`."""
        self._now = now
        self._lock = threading.RLock()
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()

    def __call__(self) -> float:
        """Return the time."""
        return self._now

    @property
    def pending(self) -> list[float]:
        """The instants at which something is still to be called, the next one first."""
        with self._lock:
            return sorted(when for when, _, _ in self._heap)

    def call_at(self, when: float, fire: Callable[[], None]) -> Timer:
        """Call `fire` when the clock gets to `when`; what is returned has ``cancel()``."""
        timer = Timer(self, when, fire)
        with self._lock:
            heapq.heappush(self._heap, (when, next(self._order), timer))
        return timer

    def call_later(self, delay: float, fire: Callable[[], None]) -> Timer:
        """Call `fire` when the clock has moved on by `delay` seconds."""
        return self.call_at(self._now + delay, fire)

    def advance(self, seconds: float) -> None:
        """Move on, and call what is due on the way, each at its own instant.

        Raises:
            ValueError: If `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"a clock does not go back: {seconds!r}")
        until = self._now + seconds
        while (timer := self._next_due(until)) is not None:
            fire = timer._take()
            if fire is not None:
                fire()
        self._now = max(self._now, until)

    def advance_to_next(self) -> bool:
        """Move on to what is called next and call it; return whether there was anything."""
        pending = self.pending
        if pending:
            self.advance(max(0.0, pending[0] - self._now))
        return bool(pending)

    def _next_due(self, until: float) -> Timer | None:
        with self._lock:
            if not self._heap or self._heap[0][0] > until:
                return None
            when, _, timer = heapq.heappop(self._heap)
            self._now = max(self._now, when)
            return timer

    def _forget(self, timer: Timer) -> None:
        with self._lock:
            self._heap[:] = [entry for entry in self._heap if entry[2] is not timer]
            heapq.heapify(self._heap)
