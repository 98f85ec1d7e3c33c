"""The backlog of a pool: queries for whichever worker is free first."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from actors._mailboxes.store import Store

if TYPE_CHECKING:
    from actors._mailboxes.mailbox import Mailbox
    from actors._replies.reply import Reply
    from actors.mailbox import MailboxOptions


class Backlog(Store):
    """A queue that the readers of many mailboxes share; see `Mailbox`.

    A reader that is about to sleep stands in `idle`. A sender takes the one out that has stood
    there longest, and wakes it: that one is *chosen*. It need not find the query any more, for
    another may have come by; but if it does something else instead, it passes the ring on.

    Attributes:
        readers: How many there are, to estimate how long a query waits; set by the pool.
    """

    __slots__ = ("readers",)

    def __init__(self, options: MailboxOptions | None = None) -> None:
        """Make an open, empty backlog without readers."""
        super().__init__(options)
        self._sleepers: deque[Mailbox] = deque()
        self.readers = 1

    @property
    def idle(self) -> deque[Mailbox]:
        """The mailboxes whose readers sleep, the longest idle first."""
        return self._sleepers

    def fetch(self) -> Reply[Any] | None:
        """Remove and return the next query, while runs are not measured."""
        work = self._work
        try:
            first = work[0]
            message = work.popleft()
        except IndexError:
            return None
        except BaseException:  # this thread is to die, and nobody else would have it
            work.appendleft(first)
            raise
        if self._attention and self._is_awaited():
            self._made_room()
        return message

    def _ring(self, *, hand_over: bool = False) -> None:
        try:
            first = self._sleepers[0]
            try:
                self._sleepers.popleft()._ring(hand_over=hand_over)
            except BaseException:  # a signal's: perhaps it is out and not woken, and nobody would
                first._ring()
                raise
        except IndexError:
            return

    def _reader_count(self) -> int:
        return max(1, self.readers)
