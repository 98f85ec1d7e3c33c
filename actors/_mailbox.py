"""The mailbox of a worker: one design for everything that it must do."""

from __future__ import annotations

import sys
import threading
from collections import deque
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors.errors import MailboxFull

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._reply import Reply

_LONGEST_WAIT = threading.TIMEOUT_MAX


class Mailbox:
    """First in, first out; a control lane that overtakes; removal; bounds; one reader at a time.

    It outlives its readers: a worker that is restarted goes on where the last one stood. Any thread
    may put; only the thread that called `attach` last may take.

    There is no lock. The work lane is a deque, whose single steps are atomic; a reader that finds
    it empty hangs up its bell (a lock) where senders see it, looks once more, and waits for the
    bell; a sender that takes the bell down rings it. Put and take cost some 0.1 us each that way,
    where ``queue.Queue`` costs 2, and unlike ``queue.SimpleQueue`` it can be looked through.
    """

    __slots__ = (
        "_attention",
        "_bell",
        "_capacity",
        "_closed",
        "_control",
        "_sleepers",
        "_stopped",
        "_work",
    )

    def __init__(self, capacity: int | None = None) -> None:
        """Make an open, empty mailbox that holds `capacity` queries, or as many as there are."""
        self._work: deque[Reply[Any]] = deque()
        self._control: deque[Callable[[], None]] = deque()
        self._sleepers: list[threading.Lock] = []
        self._bell = threading.Lock()
        self._capacity = sys.maxsize if capacity is None else capacity
        self._attention = False
        self._closed = False
        self._stopped = False

    def __len__(self) -> int:
        """Return how many queries are queued."""
        return len(self._work)

    @property
    def closed(self) -> bool:
        """Whether it accepts no more."""
        return self._closed

    @property
    def stopped(self) -> bool:
        """Whether its reader was told to leave at once."""
        return self._stopped

    # -- any thread -----------------------------------------------------------------------------

    def put(self, message: Reply[Any]) -> bool:
        """Queue a query; return False if the mailbox is closed and it was not accepted.

        Raises:
            MailboxFull: If it is bounded and full.
        """
        work = self._work
        if len(work) >= self._capacity:
            text = f"{self._capacity} queries are queued already"
            raise MailboxFull(text, capacity=self._capacity)
        work.append(message)
        if self._sleepers:
            self._ring()
        # Looked at after the append: whoever closes it looks through the lane after that, so that
        # one of the two sees the other, and no query is left lying in a mailbox nobody reads.
        return not self._closed or not self.remove(message)

    def put_back(self, message: Reply[Any]) -> None:
        """Queue a query that was taken already, in front of all others."""
        self._work.appendleft(message)
        if self._sleepers:
            self._ring()

    def remove(self, message: Reply[Any]) -> bool:
        """Remove a query; return whether it was still queued."""
        try:
            self._work.remove(message)
        except ValueError:
            return False
        return True

    def control(self, call: Callable[[], None]) -> None:
        """Run `call` on the reader's thread before the next query, whatever is queued."""
        self._control.append(call)
        self._attention = True
        self._ring()

    def close(self) -> None:
        """Accept no more. The reader gets what is queued, and is then told to leave."""
        self._closed = True
        self._attention = True
        self._ring()

    def stop(self) -> None:
        """Accept no more, and tell the reader to leave at once."""
        self._stopped = True
        self.close()

    def drain(self) -> list[Reply[Any]]:
        """Remove and return all that is queued."""
        drained = []
        work = self._work
        while work:
            try:
                drained.append(work.popleft())
            except IndexError:
                break
        return drained

    def overdue(self, now: float) -> tuple[list[Reply[Any]], float]:
        """Remove and return those whose deadline has passed, and the next deadline of the rest."""
        expired = []
        following = inf
        for message in self._work.copy():
            deadline = message._deadline
            if deadline is None:
                continue
            if deadline > now:
                following = min(following, deadline)
            elif self.remove(message):
                expired.append(message)
        return expired, following

    def _ring(self) -> None:
        try:
            bell = self._sleepers.pop()
        except IndexError:
            return
        bell.release()

    # -- the reader's thread --------------------------------------------------------------------

    def attach(self) -> None:
        """Become the reader: called first by each new thread of the worker."""
        # A bell that a dead reader left behind would swallow a ring, so the new one brings its own.
        self._sleepers.clear()
        self._bell = bell = threading.Lock()
        bell.acquire()

    def take(self, timeout: float | None = None) -> Reply[Any] | None:
        """Wait for the next query; return None when the reader shall leave.

        Raises:
            TimeoutError: If nothing came within `timeout` seconds.
        """
        work = self._work
        until = None if timeout is None else monotonic() + timeout
        while True:
            if self._attention and not self._attend():
                return None
            while work:
                try:
                    return work.popleft()
                except IndexError:  # removed in this very moment
                    break
            else:
                if not self._sleep(until):
                    raise TimeoutError

    def _attend(self) -> bool:
        """Work off the control lane; return whether to go on."""
        self._attention = self._closed  # before the lane is emptied, so that nothing is missed
        while self._control and not self._stopped:
            try:
                call = self._control.popleft()
            except IndexError:
                break
            call()
        return not self._stopped and not (self._closed and not self._work)

    def _sleep(self, until: float | None) -> bool:
        """Wait until something may have come; return False if `until` has passed."""
        bell = self._bell
        self._sleepers.append(bell)
        if self._work or self._attention:  # looked at after the bell was hung up
            try:
                self._sleepers.remove(bell)
            except ValueError:  # somebody rings it just now
                bell.acquire()
            return True
        if until is None:
            bell.acquire()
            return True
        if bell.acquire(True, min(max(0.0, until - monotonic()), _LONGEST_WAIT)):
            return True
        try:
            self._sleepers.remove(bell)
        except ValueError:
            bell.acquire()
            return True
        return False
