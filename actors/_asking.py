"""The verbs that a worker's handle and a pool have in common: to send queries, and to wait."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from actors._closing import AsyncClosing
from actors._lives.waits import drained_in_handler
from actors._mailboxes.lanes import flow_key
from actors._replies import flow as flows
from actors._replies.current import current
from actors._replies.reply import Asked, Reply, Untold
from actors._threads import countdown
from actors.errors import AskCycle

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Hashable, Iterable, Sequence

    from actors._lives.address import Address, Front
    from actors._mailboxes.store import Store
    from actors._replies.flow import Flow, Send
    from actors.query import Query

R = TypeVar("R")


class Asking(AsyncClosing):
    """Sends queries to `_front`, and knows the queues where they wait."""

    __slots__ = ("_front",)

    _front: Front

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name, in errors and traces."""

    @abstractmethod
    def _queues(self) -> Sequence[Store]:
        """Where queries wait."""

    @abstractmethod
    def _address(self) -> Address:
        """Who answers what waits there."""

    @abstractmethod
    def _width(self) -> int:
        """How many workers answer."""

    @abstractmethod
    def _is_read_here(self) -> bool:
        """Whether this is the thread of a worker that takes from the queue."""

    # -- one query ---------------------------------------------------------------------------------

    def ask(
        self,
        query: Query[R],
        timeout: float | None = None,
        *,
        tenant: Hashable = None,
        priority: int = 0,
    ) -> R:
        """Send a query and wait for its response.

        If the waiting is interrupted (Ctrl-C), the query is cancelled. A handler that asks hands
        its own deadline on.

        Raises:
            QueryTimeout: If `timeout` seconds have passed.
            AskCycle: If called by a handler and the response could never come.
            WorkerStopped, PoolClosed, RestartLimitExceeded: If it is not taken any more.
            MailboxFull, QueryShed: If too much is queued.
            QueryDropped: If it made room for a newer one.
            WorkerDied: If the worker broke under it; see `Query.idempotent`.
            TypeError: If such queries are not answered, or `priority` is no int, or `tenant` not
                hashable.
            Exception: What the handler or the runtime raised.
        """
        flow = None if tenant is None and priority == 0 else flow_key(priority, tenant)
        caller = current.get()
        inherit = None if caller is None else caller._deadline
        reply: Reply[R] = self._front.post(query, timeout, inherit, Asked, flow)
        try:
            return reply._wait()
        except BaseException:
            if not reply._done:  # Ctrl-C, or it would be for ever: nobody wants it any more
                reply.cancel()
            raise

    def send(
        self,
        query: Query[R],
        timeout: float | None = None,
        *,
        tenant: Hashable = None,
        priority: int = 0,
    ) -> Reply[R]:
        """Send a query and return its reply at once.

        Raises:
            WorkerStopped, PoolClosed, RestartLimitExceeded: If it is not taken any more.
            MailboxFull, QueryShed: If too much is queued.
            TypeError: If such queries are not answered, or `priority` is no int, or `tenant` not
                hashable.
        """
        flow = None if tenant is None and priority == 0 else flow_key(priority, tenant)
        return self._front.post(query, timeout, None, Reply, flow)

    def tell(
        self,
        query: Query[Any],
        timeout: float | None = None,
        *,
        tenant: Hashable = None,
        priority: int = 0,
    ) -> None:
        """Send a query whose response nobody wants; if it fails, `Worker.on_failure` hears of it.

        Raises:
            WorkerStopped, PoolClosed, RestartLimitExceeded: If it is not taken any more.
            MailboxFull, QueryShed: If too much is queued.
            TypeError: If such queries are not answered, or `priority` is no int, or `tenant` not
                hashable.
        """
        flow = None if tenant is None and priority == 0 else flow_key(priority, tenant)
        self._front.post(query, timeout, None, Untold, flow)

    # -- many queries ------------------------------------------------------------------------------

    def map(
        self,
        queries: Iterable[Query[R]],
        timeout: float | None = None,
        *,
        tenant: Hashable = None,
        priority: int = 0,
    ) -> list[R]:
        """Ask many queries without waiting in between; return the responses in their order.

        Args:
            queries: Any number, with an end: all responses are kept. They are taken from the
                iterable as there is time for them.
            timeout: Seconds for the whole; what is not done by then gets `QueryTimeout`.
            tenant: For whom they all are; see `Query`.
            priority: How soon they all are wanted.

        Raises:
            Exception: The first error in the order of the queries; the rest is cancelled.
        """
        asked = self.imap(queries, timeout=timeout, tenant=tenant, priority=priority)
        return flows.responses(asked)

    def imap(
        self,
        queries: Iterable[Query[R]] | AsyncIterable[Query[R]],
        *,
        look_ahead: int | None = None,
        timeout: float | None = None,
        tenant: Hashable = None,
        priority: int = 0,
    ) -> Flow[R]:
        """Ask many queries; give their responses in their order, for ``for`` or ``async for``.

        Args:
            queries: Any number, also without end; for ``async for`` an async iterable too.
            look_ahead: How many may be under way at once, done and not yet handed out included; by
                default 32 for each worker.
            timeout: Seconds for the whole, from now on.
            tenant: For whom they all are; see `Query`.
            priority: How soon they all are wanted.

        Returns:
            See `Flow`. It raises the first error in the order of the queries, and cancels the rest.
        """
        send = self._sender(tenant, priority)
        return flows.imap(queries, send, self._width, look_ahead, timeout)

    def imap_unordered(
        self,
        queries: Iterable[Query[R]] | AsyncIterable[Query[R]],
        *,
        look_ahead: int | None = None,
        timeout: float | None = None,
        tenant: Hashable = None,
        priority: int = 0,
    ) -> Flow[R]:
        """Ask many queries; give their responses as they are there. See `imap`."""
        send = self._sender(tenant, priority)
        return flows.imap_unordered(queries, send, self._width, look_ahead, timeout)

    def _sender(self, tenant: Hashable, priority: int) -> Send:
        post, flow = self._front.post, flow_key(priority, tenant)
        if flow is None:
            return post
        return lambda query, timeout: post(query, timeout, None, Reply, flow)

    # -- the queue ---------------------------------------------------------------------------------

    @property
    def backlog(self) -> int:
        """How many queries are queued; those that run are not counted."""
        return sum(map(len, self._queues()))

    @property
    def needs_drain(self) -> bool:
        """Whether so much is queued that senders had better wait; see `MailboxOptions`."""
        return any(queue.needs_drain for queue in self._queues())

    def wait_until_drained(self, timeout: float | None = None) -> bool:
        """Wait until at most half of ``high_water`` is queued; return whether that is so.

        It returns at once if it is so already. What is stopped has nothing queued.

        Raises:
            AskCycle: If called by a worker that should answer what is queued, or that others wait
                for who should.
        """
        if self._is_read_here():
            text = f"a worker of {self.name} would wait for itself to answer what is queued"
            raise AskCycle(text, workers=(self.name,))
        left = countdown(timeout)
        caller = current.get()
        if caller is not None:
            return drained_in_handler(caller, self._address(), self._queues(), timeout)
        return all(queue.wait_until_drained(left()) for queue in self._queues())

    async def drained(self) -> None:
        """Wait as `wait_until_drained` does, in asyncio, without blocking the loop."""
        from actors._replies.awaiting import until_drained

        for queue in self._queues():
            await until_drained(queue)
