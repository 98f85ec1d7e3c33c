"""Where queries are sent to: a worker, or a pool for whichever of its workers is free first."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from actors import _trace
from actors._checks import check_seconds
from actors._lives.generics import Plan, Tagged, plan_for
from actors._lives.lost import end_of
from actors._replies.fresh import fresh
from actors._replies.reply import Reply

if TYPE_CHECKING:
    from actors._bell import Bell
    from actors._latch import Latch
    from actors._lives.watch import Alarm
    from actors._mailboxes.backlog import Backlog
    from actors._mailboxes.lanes import FlowKey
    from actors._mailboxes.mailbox import Mailbox
    from actors.query import Query
    from actors.worker import Worker


class Front(Protocol):
    """What takes queries: an address, or what finds the right one."""

    def post(
        self,
        query: Query[Any],
        timeout: float | None,
        inherit: float | None = None,
        kind: type[Reply[Any]] = Reply,
        flow: FlowKey | None = None,
    ) -> Reply[Any]:
        """See `Address.post`."""
        ...


class Address:
    """What takes queries on their senders' threads: makes the reply, queues it, sees to deadlines.

    Attributes:
        name: Of the worker or the pool, in errors and traces.
        pool: Name of the pool that it is or belongs to.
        mailbox: Where the queries wait.
        watch: The alarm for their deadlines.
        closed_by: What those get who come too late, if there is a better word than "closed".
    """

    __slots__ = (
        "__weakref__",
        "_accepted",
        "closed_by",
        "finished",
        "halt_at",
        "mailbox",
        "name",
        "pool",
        "run_started",
        "watch",
        "worker_class",
    )

    name: str
    pool: str | None
    mailbox: Mailbox | Backlog
    watch: Alarm
    finished: Latch
    halt_at: float
    run_started: float

    def __init__(self, worker_class: type[Worker[Any, Any]]) -> None:
        """Take the queries that workers of that class answer."""
        self.worker_class = worker_class
        self.closed_by: BaseException | None = None
        self.halt_at = inf
        self.run_started = 0.0
        self._accepted: dict[type, Plan] = {}

    def post(
        self,
        query: Query[Any],
        timeout: float | None,
        inherit: float | None = None,
        kind: type[Reply[Any]] = Reply,
        flow: FlowKey | None = None,
    ) -> Reply[Any]:
        """Queue a query on the sender's thread, with a deadline in `timeout` seconds.

        Args:
            query: What to ask.
            timeout: Seconds for queue and run together.
            inherit: A deadline that it must not outlive either.
            kind: What sort of reply to make.
            flow: Its priority and tenant, if the sender named them; see `flow_key`.
        """
        plan = self._accepted.get(type(query))
        if plan is None:
            plan = self._accepted[type(query)] = plan_for(self.worker_class, query)
        if plan is not True:
            if type(plan) is Tagged:
                flow = plan.flow_of(query, flow)
            query = plan(query)
        now = monotonic()
        deadline = inherit
        if timeout is not None:
            if type(timeout) is not float or timeout != timeout:
                check_seconds("timeout", timeout)
            if inherit is None or now + timeout < inherit:
                deadline = now + timeout
        reply = kind(query, self, now, deadline, flow)
        if not self.mailbox.put(reply):
            error = self.closed_error()
            _trace.dead_letter(self, reply, "closed", error)
            raise error
        if deadline is not None and deadline < self.watch.at:
            self.watch.arm(deadline)
        return reply

    def closed_error(self) -> BaseException:
        """Return what to raise for queries that come too late."""
        raise NotImplementedError

    # -- what a reply wants of its addressee -------------------------------------------------------

    def withdrawn(self, reply: Reply[Any]) -> None:
        """Remove the query, or stop its run: its reply was settled from outside."""
        if self.mailbox.remove(reply):
            _trace.query_left(self, reply, _trace.outcome_of(reply._error))
        else:
            self.withdrawn_running(reply)

    def withdrawn_running(self, reply: Reply[Any]) -> None:
        """Stop the run of a query that is queued no more, if it is run."""
        raise NotImplementedError

    def about_to_wait(self, other: Reply[Any], bell: Bell) -> bool:
        """See `actors._replies.addressee.Addressee`."""
        return False

    def waited(self) -> None:
        """See `actors._replies.addressee.Addressee`."""

    def refuse_queued(self) -> None:
        """Settle all that is queued, because nobody will answer it."""
        self._tell_refused(self._settle_queued())

    def _settle_queued(self) -> list[Reply[Any]]:
        # Without foreign code, so that it may be called under a lock.
        drained = self.mailbox.drain()
        for reply in drained:
            if reply._claim():
                reply._close_quietly(end_of(self, may_have_run=reply._started))
        return drained

    def _tell_refused(self, drained: list[Reply[Any]]) -> None:
        for reply in drained:
            if reply._done:
                reply._wake_waiters()
            # It may be that a cancel or its deadline came first: but it is for whoever took it out
            # of the queue to say that it has left.
            outcome = _trace.outcome_of(reply._error, "cancelled")
            withdrawn = outcome in ("cancelled", "timeout", "dropped")
            _trace.query_left(self, reply, outcome if withdrawn else "stopped")

    def _late(self, without: BaseException) -> BaseException:
        return without if self.closed_by is None else fresh(self.closed_by)
