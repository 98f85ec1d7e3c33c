"""Queued queries and their bounds: what the mailbox of a worker and the backlog of a pool share."""

from __future__ import annotations

import sys
import threading
from collections import deque
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from actors import _trace
from actors._mailboxes.bounds import Blocked, full, wait_for_room
from actors._mailboxes.lanes import PLAIN, Lanes, oldest_of
from actors._threads import wait_for
from actors.errors import QueryDropped, QueryShed
from actors.mailbox import MailboxOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._lives.address import Address
    from actors._mailboxes.lanes import Flow
    from actors._replies.reply import Reply

SMOOTHING = 1 / 8
"""The weight of the last run in the average: that of TCP's round-trip time (RFC 6298)."""

_UNBOUNDED = MailboxOptions()


class Store:
    """What is queued, whose, how much of it there may be, and who waits for less.

    Any thread may put. Who may take, and how readers sleep, is for its subclasses to say.

    While all queries are plain, unbounded and not shed, there is no lock: the queue is a deque,
    whose single steps are atomic. (What mostly is empty is a list: a deque takes 0.8 KB at once.)
    The lock guards the rest: the lanes, which are made when the first query with a tenant or a
    priority comes; the bounds; and the list of blocked senders.

    Senders that wait for room, or until it is drained, set `_attention` and then look again at how
    much is queued; a reader takes a query and then looks at `_attention`. One of the two sees the
    other.
    """

    __slots__ = (
        "_attention",
        "_average",
        "_blocked",
        "_bounded",
        "_careful",
        "_closed",
        "_drainers",
        "_lanes",
        "_lock",
        "_options",
        "_sleepers",
        "_stopped",
        "_work",
    )

    _sleepers: list[Any] | deque[Any]

    def __init__(self, options: MailboxOptions | None = None) -> None:
        """Make an open, empty store."""
        self._options = options = _UNBOUNDED if options is None else options
        self._work: deque[Reply[Any]] = deque()
        self._lanes: Lanes | None = None
        self._lock = threading.RLock()  # reentrant: a finaliser may come in at any line
        self._bounded = options.shed or options.capacity is not None  # whether a put takes the lock
        self._careful = options.shed  # whether runs are measured, and a take takes the lock
        self._attention = options.shed  # whether readers shall look at more than the queue
        self._average = 0.0  # what a run takes
        self._blocked: list[Blocked] = []
        self._drainers: list[Callable[[], object]] = []
        self._closed = False
        self._stopped = False

    def __len__(self) -> int:
        """Return how many queries are queued."""
        lanes = self._lanes
        return len(self._work) if lanes is None else len(self._work) + lanes.queued

    @property
    def closed(self) -> bool:
        """Whether it accepts no more."""
        return self._closed

    @property
    def stopped(self) -> bool:
        """Whether what is queued shall not be run any more."""
        return self._stopped

    # -- in and out -------------------------------------------------------------------------------

    def put(self, message: Reply[Any]) -> bool:
        """Queue a query; return False if it is closed, and the query was not accepted.

        Raises:
            MailboxFull: If there is no room for it.
            QueryShed: If it could not be started in time.
        """
        if self._bounded or message._flow is not None:
            return self._put_with_care(message)
        self._work.append(message)
        if self._sleepers:
            self._ring(hand_over=message._is_awaited)
        # Looked at after the append: whoever closes it looks through the queue after that, so that
        # one of the two sees the other, and no query is left lying where nobody reads.
        return not self._closed or not self.remove(message)

    def put_back(self, message: Reply[Any]) -> None:
        """Queue a query that was taken already, in front of its like. It is never refused."""
        if message._flow is None:
            self._work.appendleft(message)
        else:
            with self._lock:
                self._use_lanes().put_back(message)
        if self._sleepers:
            self._ring()

    def remove(self, message: Reply[Any]) -> bool:
        """Remove a query; return whether it was still queued."""
        if self._lanes is not None:
            with self._lock:
                removed = self._lanes.remove(message)
        else:
            try:
                self._work.remove(message)
                removed = True
            except ValueError:
                removed = False
        if removed and self._is_awaited():
            self._made_room()
        return removed

    def drain(self) -> list[Reply[Any]]:
        """Remove and return all that is queued."""
        drained = [message for message in self._all() if self.remove(message)]
        while self._work:  # what came in between
            try:
                drained.append(self._work.popleft())
            except IndexError:
                break
        if self._is_awaited():
            self._made_room()
        return drained

    def overdue(self, now: float) -> tuple[list[Reply[Any]], float]:
        """Remove and return those whose deadline has passed, and the next deadline of the rest."""
        expired = []
        following = inf
        for message in self._all():
            deadline = message._deadline
            if deadline is None:
                continue
            if deadline > now:
                following = min(following, deadline)
            elif self.remove(message):
                expired.append(message)
        return expired, following

    def close(self) -> None:
        """Accept no more; blocked senders are refused."""
        with self._lock:
            self._closed = True
            self._attention = True
            while self._blocked:
                self._blocked.pop(0).settle(accepted=False)
        self._ring()

    def stop(self) -> None:
        """Accept no more, and let nothing be run any more."""
        self._stopped = True
        self.close()

    def _all(self) -> list[Reply[Any]]:
        if self._lanes is None:
            return list(self._work.copy())
        with self._lock:
            return list(self._lanes)

    def _ring(self, *, hand_over: bool = False) -> None:
        """Wake a reader that sleeps, if there is one; see `Bell.hand_over`."""
        raise NotImplementedError

    # -- bounds -----------------------------------------------------------------------------------

    def _put_with_care(self, message: Reply[Any]) -> bool:
        with self._lock:
            dropped: list[Reply[Any]] = []
            accepted = self._try_to_put(message, dropped)
        for victim in dropped:
            victim._fail(QueryDropped("a newer query took its place in the full mailbox"))
            outcome = _trace.outcome_of(victim._error, "cancelled")
            _trace.query_left(cast("Address", victim._addressee), victim, outcome)
        if accepted is None:
            accepted = wait_for_room(self, message, self._options.block_timeout)
        if accepted and self._sleepers:
            self._ring(hand_over=message._is_awaited)
        return accepted

    def _try_to_put(self, message: Reply[Any], dropped: list[Reply[Any]]) -> bool | None:
        """Queue a query, False if it is closed, None if its sender shall wait. Under the lock."""
        if self._closed:
            return False
        if self._options.shed:
            self._shed(message)
        if self._blocked:
            self._admit()  # those who came before
        while (limit := self._limit(message)) is not None:
            if self._options.overflow == "block":
                return None
            if self._options.overflow == "raise" or not self._drop_for(message, dropped):
                raise full(self._options, message, limit)
        self._insert(message)
        return True

    def _insert(self, message: Reply[Any]) -> None:
        if message._flow is None:
            self._work.append(message)
        else:
            self._use_lanes().put(message)

    def _use_lanes(self) -> Lanes:
        if self._lanes is None:
            self._lanes = Lanes(self._work)
            self._careful = self._attention = True
        return self._lanes

    def _limit(self, message: Reply[Any]) -> int | None:
        """Return the bound that leaves no room for a query, or None if there is room."""
        capacity, share = self._options.capacity, self._options.tenant_capacity
        if capacity is not None and len(self) >= capacity:
            return capacity
        if share is not None and self._lanes is not None and message._flow is not None:
            tenant = message._flow[1]
            if tenant is not None and self._lanes.share_of(tenant) >= share:
                return share
        return None

    def _drop_for(self, message: Reply[Any], dropped: list[Reply[Any]]) -> bool:
        """Make room for a query by dropping another; return whether there was one to drop."""
        priority, tenant = message._flow or PLAIN
        capacity = self._options.capacity
        if self._lanes is None:
            victim = oldest_of(self._work) if priority >= 0 else None
        elif capacity is not None and len(self) >= capacity:
            victim = self._lanes.oldest(priority)
        else:
            victim = self._lanes.oldest(priority, tenant)
        if victim is None:
            return False
        if self.remove(victim):  # else a reader took it just now, which makes room as well
            dropped.append(victim)
        return True

    def _shed(self, message: Reply[Any]) -> None:
        deadline = message._deadline
        if deadline is None or not self._average:
            return
        ahead = len(self._work) if self._lanes is None else self._lanes.ahead_of(message._flow)
        wait = ahead * self._average / self._reader_count()
        if monotonic() + wait < deadline or not ahead:
            return
        timeout = deadline - message._sent_at
        raise QueryShed(
            f"the query would wait some {wait:.3g} s, and has {timeout:.3g} s",
            expected_wait=wait,
            timeout=timeout,
        )

    def _reader_count(self) -> int:
        return 1

    # -- who waits for room, or until little is left ----------------------------------------------

    def _is_awaited(self) -> bool:
        return bool(self._blocked or self._drainers)

    def _block(self, sender: Blocked) -> bool | None:
        """Let a sender wait for room, and return None; or what became of its query at once."""
        with self._lock:
            accepted = self._try_to_put(sender.message, [])
            if accepted is None:
                self._blocked.append(sender)
                self._attention = True
                self._admit()  # a reader that took one just now has not seen us
            return accepted if accepted is not None else sender.accepted

    def _unblock(self, sender: Blocked) -> None:
        """Let a sender wait no longer."""
        with self._lock:
            if sender.accepted is None:
                self._blocked.remove(sender)

    def _admit(self) -> None:
        """Queue what blocked senders have, as far as there is room. Under the lock."""
        capacity = self._options.capacity or sys.maxsize
        left: list[Blocked] = []  # whose tenants have no room
        while self._blocked and len(self) < capacity:
            sender = self._blocked.pop(0)
            if self._limit(sender.message) is None:
                self._insert(sender.message)
                sender.settle(accepted=True)
                self._ring()
            else:
                left.append(sender)
        self._blocked[:0] = left

    def _made_room(self) -> None:
        """Tell those who wait that there is less queued than there was."""
        with self._lock:
            self._admit()
            calls: list[Callable[[], object]] = []
            if self._drainers and self.drained:
                calls, self._drainers = self._drainers, []
        for call in calls:
            call()

    @property
    def needs_drain(self) -> bool:
        """Whether so much is queued that senders had better wait."""
        return len(self) >= self._options.many

    @property
    def drained(self) -> bool:
        """Whether so little is queued that they need not."""
        return len(self) <= self._options.many // 2

    def call_when_drained(self, call: Callable[[], object]) -> bool:
        """Call `call` once when it is drained, on whatever thread; return True if it is now."""
        with self._lock:
            self._drainers.append(call)
            self._attention = True
        if not self.drained:  # looked at after the call was noted
            return False
        self.forget(call)
        return True

    def forget(self, call: Callable[[], object]) -> None:
        """Do not make the call any more."""
        with self._lock:
            if call in self._drainers:
                self._drainers.remove(call)

    def wait_until_drained(self, timeout: float | None = None) -> bool:
        """Wait until it is drained, at most `timeout` seconds; return whether it is."""
        bell = threading.Lock()
        bell.acquire()
        if self.call_when_drained(bell.release):
            return True
        try:
            return wait_for(lambda seconds: bell.acquire(True, seconds), timeout) or self.drained
        finally:
            self.forget(bell.release)

    def after_fork(self) -> None:
        """Make the lock anew: in the child of a fork its holder may be gone."""
        self._lock = threading.RLock()

    # -- what a reader does with care -------------------------------------------------------------

    def _pick(self) -> tuple[Reply[Any], Flow | None, float] | None:
        """Remove and return the next query, its flow, and what is charged for its run for now."""
        with self._lock:
            estimate = self._average
            flow: Flow | None = None
            if self._lanes is not None:
                found = self._lanes.take(estimate)
                if found is None:
                    return None
                message, flow = found
            else:
                try:
                    message = self._work.popleft()
                except IndexError:
                    return None
        if self._is_awaited():
            self._made_room()
        return message, flow, estimate

    def charge(self, flow: Flow | None, estimate: float, seconds: float) -> None:
        """Note how long a run took."""
        with self._lock:
            average = self._average
            self._average += (seconds - average) * SMOOTHING if average else seconds
            if flow is not None:
                flow.level.settle(flow, seconds - estimate)
