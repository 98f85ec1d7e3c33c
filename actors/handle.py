"""Handles: what users hold of a worker."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from actors._current import current
from actors._reply import Reply, Response, Untold
from actors.query import Query

if TYPE_CHECKING:
    from types import TracebackType

    from actors._cell import Cell
    from actors._guardian import State

R = TypeVar("R")
QueryT = TypeVar("QueryT", bound=Query[Any])


def ask(cell: Cell, query: Query[R], timeout: float | None) -> R:
    """Send a query and wait for its response; see `WorkerHandle.ask`."""
    caller = current.get()
    reply: Reply[R] = cell.post(query, timeout, None if caller is None else caller._deadline)
    try:
        return reply.get()
    except BaseException:
        if not reply._done:  # Ctrl-C, or it would have waited for ever: nobody wants it any more
            reply.cancel()
        raise


class WorkerHandle(Generic[QueryT]):
    """A worker, from outside. It stays the same when the worker is restarted.

    `ask` waits for the response, `send` gives a `Reply` to wait for, `tell` wants none. The type of
    a response is what the query names: ``handle.ask(Quote("tea"))`` is a ``Price`` to a type
    checker. Queries are run one at a time, in the order in which they came.

    A ``timeout`` given with a query is its deadline, queue and run together: when it has passed, a
    queued query is removed and a running one is stopped, and `QueryTimeout` is what the sender
    gets.

    Thread-safe. As a context manager it shuts the worker down and waits for it; see `close`.
    """

    __slots__ = ("_cell", "_posted")

    def __init__(self, cell: Cell) -> None:
        """Made by `spawn` and pools; not by you."""
        self._cell = cell
        self._posted: deque[Reply[Any]] = deque()

    def __repr__(self) -> str:
        """Name it and say how it stands."""
        return f"<{type(self).__name__} {self.name}: {self.state}>"

    # -- queries ----------------------------------------------------------------------------------

    def ask(self, query: Query[R], timeout: float | None = None) -> R:
        """Send a query and wait for its response.

        If the waiting is interrupted (Ctrl-C), the query is cancelled. A handler that asks hands
        its own deadline on.

        Raises:
            QueryTimeout: If `timeout` seconds have passed.
            AskCycle: If called by a handler and the response could never come.
            WorkerStopped, PoolClosed, RestartLimitExceeded: If the worker does not take it.
            MailboxFull: If too much is queued.
            WorkerDied: If the worker broke under it; see `Query.idempotent`.
            TypeError: If the worker does not answer such queries.
            Exception: What the handler or the runtime raised.
        """
        return ask(self._cell, query, timeout)

    def send(self, query: Query[R], timeout: float | None = None) -> Reply[R]:
        """Send a query and return its reply at once.

        Raises:
            WorkerStopped, PoolClosed, RestartLimitExceeded: If the worker does not take it.
            MailboxFull: If too much is queued.
            TypeError: If the worker does not answer such queries.
        """
        return self._cell.post(query, timeout)

    def tell(self, query: Query[Any], timeout: float | None = None) -> None:
        """Send a query whose response nobody wants; if it fails, `Worker.on_failure` hears of it.

        Raises:
            WorkerStopped, PoolClosed, RestartLimitExceeded: If the worker does not take it.
            MailboxFull: If too much is queued.
            TypeError: If the worker does not answer such queries.
        """
        self._cell.post(query, timeout, None, Untold)

    def post(self, query: Query[Any], timeout: float | None = None) -> None:
        """Send a query whose response `receive` will give, through this very handle.

        Raises:
            WorkerStopped, PoolClosed, RestartLimitExceeded: If the worker does not take it.
            MailboxFull: If too much is queued.
            TypeError: If the worker does not answer such queries.
        """
        self._posted.append(self._cell.post(query, timeout))

    def receive(self, timeout: float | None = None) -> Response[Any]:
        """Wait for the response to the oldest query that was posted and not yet received.

        Errors come as values. It belongs to one thread at a time: with several, nobody could tell
        whose response it is.

        Raises:
            TimeoutError: If it is not there after `timeout` seconds; call again.
            LookupError: If nothing was posted that is not received.
        """
        if not self._posted:
            raise LookupError("nothing was posted that has not been received")
        response = self._posted[0].response(timeout)
        self._posted.popleft()
        return response

    def try_receive(self) -> Response[Any] | None:
        """Return what `receive` would, or None if it would have to wait or nothing was posted."""
        if not self._posted or not self._posted[0].done():
            return None
        return self.receive()

    # -- the worker -------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The worker's name, in errors and traces."""
        return self._cell.name

    @property
    def state(self) -> State:
        """``"starting"``, ``"ready"``, ``"restarting"``, ``"stopping"`` or ``"stopped"``."""
        return self._cell.state

    @property
    def generation(self) -> int:
        """How often it was started; what belongs to an earlier generation's runtime is stale."""
        return self._cell.generation

    @property
    def backlog(self) -> int:
        """How many queries are queued, the running one not counted."""
        return len(self._cell.mailbox)

    @property
    def abandoned(self) -> int:
        """How many given-up threads are still alive, blocked in a handler or host function."""
        return sum(thread.is_alive() for thread in self._cell.abandoned)

    def is_alive(self) -> bool:
        """Return whether it takes queries, now or after its restart."""
        return not self._cell.mailbox.closed

    def shutdown(self, drain: float | None = 30.0) -> None:
        """Take no more queries, let what is queued run, then stop.

        It returns at once, and may be repeated.

        Args:
            drain: Seconds that what is queued may take; None for as long as it takes. After that
                the worker is stopped hard: the rest gets `WorkerStopped`, what runs is stopped, and
                a thread that does not come back within the grace is given up.
        """
        self._cell.shutdown(drain)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the worker is stopped and its thread has ended; return whether that is so."""
        return self._cell.join(timeout)

    def close(self, drain: float | None = 30.0) -> None:
        """Shut down and wait until it is done; see `shutdown`."""
        self.shutdown(drain)
        self.join()

    def __enter__(self) -> Self:
        """Return the handle."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close; at once, without letting run what is queued, if an exception is passing."""
        self.close(30.0 if kind is None else 0.0)
