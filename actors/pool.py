"""Pools: interchangeable workers under one supervisor."""

from __future__ import annotations

from collections import deque
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, cast, overload

from actors import _process, _trace
from actors._cell import Cell
from actors._current import current
from actors._life import wait_for_start
from actors._reply import Reply, Untold
from actors._supervisor import Group, Supervisor
from actors.default import DefaultWorker, DefaultWorkerOptions
from actors.errors import PoolClosed
from actors.handle import WorkerHandle, ask
from actors.supervision import Supervision
from actors.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from actors.query import Query

R = TypeVar("R")
Options = TypeVar("Options")
Handle_co = TypeVar("Handle_co", bound=WorkerHandle[Any], covariant=True)

_next_number = count(1).__next__
LOOK_AHEAD = 32
"""How many queries for each worker `WorkerPool.map` keeps under way."""


class WorkerClass(Protocol[Options, Handle_co]):
    """A class of workers, as a pool sees it: what options it takes and what handles it gives."""

    def spawn(
        self,
        options: Options | None = ...,
        *,
        name: str | None = ...,
        supervision: Supervision | None = ...,
    ) -> Handle_co:
        """See `Worker.spawn`."""
        ...

    def default_options(self) -> Options:
        """See `Worker.default_options`."""
        ...


class WorkerPool(Generic[Options, Handle_co]):
    """Interchangeable workers under one supervisor.

    A query does not travel through the supervisor: `next_worker` and `send` choose a worker on the
    caller's thread. A worker that is lost is restarted in its place; its handle stays the same and
    what is queued stays queued.

    Thread-safe. As a context manager it closes at the end.
    """

    def __init__(
        self,
        worker_class: WorkerClass[Options, Handle_co],
        size: int,
        options: Options | None = None,
        *,
        name: str | None = None,
        supervision: Supervision | None = None,
    ) -> None:
        """Start `size` workers and wait until all are ready.

        Args:
            worker_class: A subclass of `Worker`.
            size: How many; at least 1.
            options: Options for each of them; None takes the class's default options.
            name: The pool's name in errors and traces; workers are named after it.
            supervision: What the supervisor puts up with.

        Raises:
            WorkerStartError: If one of them could not be started; then none is left running.
            ValueError: If `size` is below 1.
            TypeError: If `worker_class` is no worker class, or needs options.
        """
        if not isinstance(worker_class, type) or not issubclass(worker_class, Worker):
            raise TypeError(f"worker_class must be a subclass of Worker, not {worker_class!r}")
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(f"size must be an int, not {type(size).__name__}")
        if size < 1:
            raise ValueError(f"a pool needs at least one worker; size was {size}")
        _process.prepare()
        kind: type[Worker[Any, Any]] = worker_class
        self.name = name = name if name is not None else f"{kind.__name__}-pool-{_next_number()}"
        self._options: Any = options if options is not None else kind.default_options()
        self._policy = policy = supervision if supervision is not None else Supervision()
        self._supervisor = Supervisor(name)

        def make(group: Group) -> list[Cell]:
            return [
                Cell(kind, self._options, f"{name}/{index}", name, policy, group)
                for index in range(size)
            ]

        self._group = cast("Group", self._supervisor.group(policy, make))
        self._cells = self._group.cells
        self._handles = [cast("Handle_co", kind.handle_class(cell)) for cell in self._cells]
        self._turn = count().__next__
        self._start()

    def _start(self) -> None:
        self._supervisor._start_actor_loop()
        try:
            for cell in self._cells:
                cell.launch()
            until = self._policy.start_deadline()
            for cell in self._cells:
                wait_for_start(cell, until)
        except BaseException:
            self.close(0)
            raise
        _trace.pool_started(self.name, len(self._cells))

    # -- which worker -----------------------------------------------------------------------------

    def next_worker(self) -> Handle_co:
        """Return the next worker in turn, passing over those that are not ready if others are.

        Raises:
            PoolClosed: If the pool is closed.
            RestartLimitExceeded: If it had to give up.
        """
        handles = self._handles
        size = len(handles)
        turn = self._turn()
        for step in range(size):
            handle = handles[(turn + step) % size]
            if handle._cell.takes_queries():
                return handle
        if self._cells[0].mailbox.closed:
            raise self._cells[0].closed_error()
        return handles[turn % size]

    def _route(self) -> Cell:
        """The next worker in turn, or an idle one if that one is busy.

        To a handler that asks its own pool its own worker is busy, so it is not asked to wait for
        itself as long as there is another.
        """
        cell = self.next_worker()._cell
        if cell.running or len(cell.mailbox):
            for other in self._cells:
                if not other.running and not len(other.mailbox) and other.takes_queries():
                    return other
            caller = current.get()
            if caller is not None and caller._addressee is cell:
                return self.next_worker()._cell
        return cell

    def worker_by_id(self, index: int) -> Handle_co:
        """Return a worker by its number, from 0.

        Raises:
            IndexError: If there is no such worker.
        """
        if not 0 <= index < len(self._handles):
            raise IndexError(f"the pool has workers 0 to {len(self._handles) - 1}, not {index}")
        return self._handles[index]

    def __getitem__(self, index: int) -> Handle_co:
        """Return a worker by its number, from 0."""
        return self.worker_by_id(index)

    def __len__(self) -> int:
        """Return the number of workers."""
        return len(self._handles)

    def __bool__(self) -> bool:
        """A pool is true, however many workers it has."""
        return True

    def __iter__(self) -> Iterator[Handle_co]:
        """Go through the workers."""
        return iter(self._handles)

    def is_empty(self) -> bool:
        """Return whether there is no worker that takes queries, which is so after closing."""
        return all(cell.mailbox.closed for cell in self._cells)

    @property
    def options(self) -> Options:
        """The options that each worker was given."""
        return cast("Options", self._options)

    def __repr__(self) -> str:
        """Name it."""
        return f"<WorkerPool {self.name}: {len(self)} workers>"

    # -- queries ----------------------------------------------------------------------------------

    def ask(self, query: Query[R], timeout: float | None = None) -> R:
        """Ask an idle worker, or the next in turn; see `WorkerHandle.ask`."""
        return ask(self._route(), query, timeout)

    def send(self, query: Query[R], timeout: float | None = None) -> Reply[R]:
        """Send to an idle worker, or the next in turn; see `WorkerHandle.send`."""
        return self._route().post(query, timeout)

    def tell(self, query: Query[Any], timeout: float | None = None) -> None:
        """Tell an idle worker, or the next in turn; see `WorkerHandle.tell`."""
        self._route().post(query, timeout, None, Untold)

    def map(self, queries: Iterable[Query[R]], timeout: float | None = None) -> list[R]:
        """Ask many queries of all workers at once; return the responses in their order.

        Args:
            queries: Any number; they are taken from the iterable as workers get to them.
            timeout: Seconds for the whole; what is not done by then gets `QueryTimeout`.

        Raises:
            Exception: The first error in the order of the queries; the rest is cancelled.
        """
        until = None if timeout is None else monotonic() + timeout
        most = LOOK_AHEAD * len(self._cells)
        under_way: deque[Reply[R]] = deque()
        responses: list[R] = []
        try:
            for query in queries:
                left = None if until is None else max(0.0, until - monotonic())
                under_way.append(self.send(query, left))
                if len(under_way) >= most:
                    _collect(under_way, responses)
            while under_way:
                _collect(under_way, responses)
        except BaseException:
            for reply in under_way:
                reply.cancel()
            raise
        return responses

    @overload
    @staticmethod
    def eval_in_thread(
        source: str, options: DefaultWorkerOptions | None = ..., *, timeout: float | None = ...
    ) -> Any: ...
    @overload
    @staticmethod
    def eval_in_thread(
        source: str,
        options: DefaultWorkerOptions | None = ...,
        *,
        returns: type[R],
        timeout: float | None = ...,
    ) -> R: ...
    @staticmethod
    def eval_in_thread(
        source: str,
        options: DefaultWorkerOptions | None = None,
        *,
        returns: Any = None,
        timeout: float | None = None,
    ) -> Any:
        """Run a script in a fresh worker on a thread of its own, and return its result.

        The worker is gone when this returns.

        Args:
            source: The script.
            options: Options of the worker.
            returns: A type to check and convert the result to.
            timeout: Seconds that it may take.

        Raises:
            WorkerStartError: If the worker could not be started.
            QueryTimeout: If `timeout` seconds have passed.
            Exception: As `DefaultWorkerHandle.evaluate`.
        """
        with DefaultWorker.spawn(options) as worker:
            return worker.evaluate(source, returns=returns, timeout=timeout)

    # -- the end ----------------------------------------------------------------------------------

    def shutdown(self, drain: float | None = 30.0) -> None:
        """Take no more queries, let what is queued run, then stop.

        It returns at once, and may be repeated.

        Args:
            drain: Seconds that what is queued may take; see `WorkerHandle.shutdown`.
        """
        for cell in reversed(self._cells):
            cell.shutdown(drain, PoolClosed(f"pool {self.name} is closed"))

    def join(self, timeout: float | None = None) -> bool:
        """Wait until all workers and the supervisor have ended; return whether that is so."""
        until = None if timeout is None else monotonic() + timeout

        def left() -> float | None:
            return None if until is None else max(0.0, until - monotonic())

        joined = all([cell.join(left()) for cell in self._cells])
        return self._supervisor.join(left()) and joined

    def close(self, drain: float | None = 30.0) -> None:
        """Shut down and wait until it is done; see `shutdown`."""
        was_open = not self._cells[0].mailbox.closed
        self.shutdown(drain)
        self.join()
        if was_open:
            _trace.pool_closed(self.name, self._group.error)

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close; at once, without letting run what is queued, if an exception is passing."""
        self.close(30.0 if kind is None else 0.0)


def _collect(under_way: deque[Reply[R]], responses: list[R]) -> None:
    """Wait until half of the queries are answered, and move what is at the front.

    Waiting for each single reply in turn would wake this thread after every query, which with short
    queries costs more than they do.
    """
    middle = under_way[len(under_way) // 2]
    if not middle.done() and not under_way[0].done():
        middle.exception()
    responses.append(under_way[0].get())
    under_way.popleft()
    while under_way and under_way[0].done():
        responses.append(under_way[0].get())
        under_way.popleft()
