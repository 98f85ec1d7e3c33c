"""Handles: what users hold of a worker."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar

from actors._asking import Asking
from actors._lives.health import ping
from actors._lives.requests import request_checkpoint
from actors.query import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import TracebackType

    from actors._lives.address import Address
    from actors._lives.cell import Cell
    from actors._lives.custody import Custody
    from actors._mailboxes.store import Store
    from actors._replies.reply import Reply
    from actors._replies.response import Response
    from actors._trees.guardian import State
    from actors.checkpoints import Checkpoint
    from actors.stats import WorkerStats
    from actors.watching import WorkerDown

R = TypeVar("R")
QueryT = TypeVar("QueryT", bound=Query[Any])


class WorkerHandle(Asking, Generic[QueryT]):
    """A worker, from outside. It stays the same when the worker is restarted.

    `ask` waits for the response, `send` gives a `Reply` to wait for, `tell` wants none. The type of
    a response is what the query names: ``handle.ask(Quote("tea"))`` is a ``Price`` to a type
    checker. Queries are run one at a time, in the order in which they came.

    A ``timeout`` given with a query is its deadline, queue and run together: when it has passed, a
    queued query is removed and a running one is stopped, and `QueryTimeout` is what the sender
    gets. ``tenant`` and ``priority`` say for whom it is and how soon it is wanted, unless the query
    says so itself; see `Query`.

    Thread-safe. As a context manager it shuts the worker down and waits for it; see `close`.
    """

    __slots__ = ("_cell", "_custody", "_posted")

    def __init__(self, cell: Cell) -> None:
        """Made by `spawn` and pools; not by you."""
        self._cell = self._front = cell
        self._custody: Custody | None = None
        self._posted: deque[Reply[Any]] | None = None  # made when it is needed: most post nothing

    def __repr__(self) -> str:
        """Name it and say how it stands."""
        return f"<{type(self).__name__} {self.name}: {self.state}>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            "a handle cannot leave its process: spawn a worker over there, and send it a Query"
        )

    # -- queries ----------------------------------------------------------------------------------

    def post(
        self,
        query: Query[Any],
        timeout: float | None = None,
        *,
        tenant: Hashable = None,
        priority: int = 0,
    ) -> None:
        """Send a query whose response `receive` will give, through this very handle.

        Raises:
            WorkerStopped, PoolClosed, RestartLimitExceeded: If the worker does not take it.
            MailboxFull, QueryShed: If too much is queued.
            TypeError: If the worker does not answer such queries, or `priority` is no int, or
                `tenant` not hashable.
        """
        reply = self.send(query, timeout, tenant=tenant, priority=priority)
        with self._cell.lock:
            posted = self._posted = deque() if self._posted is None else self._posted
        posted.append(reply)

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

    def _queues(self) -> tuple[Store, ...]:
        return (self._cell.mailbox,)

    def _address(self) -> Address:
        return self._cell

    def _width(self) -> int:
        return 1

    def _is_read_here(self) -> bool:
        return self._cell.mailbox.is_read_here()

    @property
    def abandoned(self) -> int:
        """How many given-up threads are still alive, blocked in a handler or host function."""
        return sum(thread.is_alive() for thread in self._cell.abandoned)

    def stats(self) -> WorkerStats:
        """Return how the worker stands, in numbers."""
        return self._cell.stats()

    def is_alive(self) -> bool:
        """Return whether it takes queries, now or after its restart."""
        return not self._cell.mailbox.closed

    def watch(self, callback: Callable[[WorkerDown], object]) -> Callable[[], None]:
        """Call `callback` whenever the worker is lost, and when it is gone for good.

        If it is gone already, that is at once. It is called on the thread where it happens, most
        often the worker's own or its supervisor's, so it must be quick and may wait for nothing.
        What it raises is reported by ``threading.excepthook``. A worker that wants to know of
        another uses `Worker.watch`.

        Returns:
            What ends the watch.
        """
        return self._cell.watchers.add(callback)

    def ping(self, timeout: float | None = None) -> float:
        """Wait until the worker says that it is there, and return the seconds that it took.

        It answers between two queries, before whatever is queued. If it is being restarted, the
        next incarnation does.

        Raises:
            TimeoutError: If it has not answered after `timeout` seconds.
            WorkerStopped, PoolClosed, RestartLimitExceeded: If it is gone for good.
            AskCycle: If called by the worker itself.
        """
        return ping(self._cell, timeout)

    def checkpoint(self, timeout: float | None = None) -> Checkpoint:
        """Take a checkpoint of the worker, which goes on; see `Checkpoint`.

        It is taken between two queries, on the worker's own thread: the running query is waited
        for, what is queued is not. If the worker is being restarted, it is taken after that.

        Args:
            timeout: Seconds that it may take. What is not begun by then is not done.

        Raises:
            CheckpointError: If none can be taken, or it failed; the worker goes on.
            QueryTimeout: If it was not taken after `timeout` seconds.
            WorkerStopped, PoolClosed, RestartLimitExceeded: If the worker is gone for good.
            AskCycle: If called by the worker itself.
        """
        reply = request_checkpoint(self._cell, timeout)
        try:
            return reply.get()
        except BaseException:
            if not reply._done:
                reply.cancel()
            raise

    @property
    def last_checkpoint(self) -> Checkpoint | None:
        """What the worker's next incarnation is to be made of, if of a checkpoint.

        That is so if its `Supervision` asks for checkpoints, or if it was made of one itself. It
        stays when the worker is gone.
        """
        return self._cell.keeper.last

    async def checkpoint_async(self, timeout: float | None = None) -> Checkpoint:
        """Take a checkpoint as `checkpoint` does, without blocking the loop.

        If the task is cancelled, it is not taken, unless it was begun.
        """
        return await request_checkpoint(self._cell, timeout)

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
