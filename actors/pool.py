"""Pools: interchangeable workers under one supervisor."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, Self, TypeVar, cast, overload

from actors import _process, _trace
from actors._asking import Asking
from actors._checks import check_seconds
from actors._lives.custody import Custody
from actors._lives.life import wait_for_start
from actors._lives.mistakes import refuse_mistakes
from actors._pools.elastic import Elastic
from actors._pools.hub import Hub
from actors._pools.members import Members
from actors._pools.routing import entrance, router_for
from actors._threads import countdown, wait_for
from actors._trees.supervisor import Supervisor
from actors.default import DefaultWorker
from actors.handle import WorkerHandle
from actors.specs import PoolSpec
from actors.supervision import Supervision

if TYPE_CHECKING:
    from types import TracebackType

    from actors._lives.address import Address
    from actors._lives.cell import Cell
    from actors._mailboxes.store import Store
    from actors._pools.routing import Choose, ConsistentHash, RouterName
    from actors._trees.group import Group
    from actors.default_options import DefaultWorkerOptions
    from actors.mailbox import MailboxOptions
    from actors.stats import PoolStats

R = TypeVar("R")
Options = TypeVar("Options")
Handle_co = TypeVar("Handle_co", bound=WorkerHandle[Any], covariant=True)

_next_number = count(1).__next__


class WorkerClass(Protocol[Options, Handle_co]):
    """A class of workers, as a pool sees it: what options it takes and what handles it gives."""

    def spawn(
        self,
        options: Options | None = ...,
        *,
        name: str | None = ...,
        supervision: Supervision | None = ...,
        mailbox: MailboxOptions | None = ...,
    ) -> Handle_co:
        """See `Worker.spawn`."""
        ...

    def default_options(self) -> Options:
        """See `Worker.default_options`."""
        ...


class WorkerPool(Members[Handle_co], Asking, Generic[Options, Handle_co]):
    """Interchangeable workers under one supervisor.

    A query does not travel through the supervisor: it is queued on the sender's thread, by default
    where the workers share a queue, so that none waits behind a busy worker while another is idle.
    A worker that is lost is restarted in its place; its handle stays the same and what is queued
    stays queued.

    Thread-safe. As a context manager, synchronous or not, it closes at the end.
    """

    def __init__(
        self,
        worker_class: WorkerClass[Options, Handle_co],
        size: int,
        options: Options | None = None,
        *,
        max_size: int | None = None,
        idle_timeout: float = 30.0,
        router: RouterName | ConsistentHash | Choose = "round_robin",
        name: str | None = None,
        supervision: Supervision | None = None,
        mailbox: MailboxOptions | None = None,
    ) -> None:
        """Start `size` workers and wait until all are ready.

        Args:
            worker_class: A subclass of `Worker`.
            size: How many; at least 1.
            options: Options for each of them; None takes the class's default options.
            max_size: How many there may be while queries wait for one; None for no more than
                `size`.
            idle_timeout: Seconds without a query after which a worker beyond `size` is let go.
            router: Which worker gets a query. ``"round_robin"``: the one that has been idle
                longest. ``"random"``: any that is idle. ``"least_busy"``: of the idle ones the one
                that has answered least. If all are busy, these three leave it to whichever is free
                first. ``"consistent_hash"``: the same one for the same `Worker.routing_key`; see
                also `consistent_hash`. Or a callable that gets the query and the handles, on the
                sender's thread, and returns one of them, or None for whichever is free first.
            name: The pool's name in errors and traces; workers are named after it.
            supervision: What the supervisor puts up with.
            mailbox: How queries are queued, at the pool as well as at each worker; None takes the
                class's.

        Raises:
            WorkerStartError: If one of them could not be started; then none is left running.
            ValueError: If a number or a name makes no sense.
            TypeError: If `worker_class` is no worker class, or needs options.
        """
        spec = PoolSpec(
            cast("Any", worker_class), size, options, name=_name(worker_class, name),
            supervision=supervision, max_size=max_size, idle_timeout=idle_timeout, router=router,
            mailbox=mailbox,
        )  # fmt: skip
        self._set_up(spec, spec.name, Supervision() if supervision is None else supervision)
        self._start()

    def _set_up(
        self, spec: PoolSpec, name: str, policy: Supervision, parent: Group | None = None
    ) -> None:
        """Make everything but the workers' threads, below the group of a tree if there is one."""
        kind = spec.worker_class
        refuse_mistakes(kind, spec.options, spec.supervision, spec.mailbox)
        if (spec.mailbox or kind.mailbox).caller_runs:
            raise TypeError("a pool's queries are answered by its workers: it has no caller_runs")
        least, most = _limits(spec.size, spec.max_size)
        check_seconds("idle_timeout", spec.idle_timeout)
        if not spec.idle_timeout > 0:
            raise ValueError(f"idle_timeout must be above 0, not {spec.idle_timeout!r}")
        _process.prepare()
        self._options: Any = kind.default_options() if spec.options is None else spec.options
        self._policy = policy
        self._hub = hub = Hub(name, kind, self._options, policy, spec.mailbox or kind.mailbox)
        self._hold_none()
        self._router = router_for(spec.router, self._handle)
        self._front = entrance(hub, self._router, grows=least < most)

        def make(group: Group) -> list[Cell]:
            hub.supervised_by(group)
            return [hub.make_cell() for _ in range(least)]

        self._supervisor: Supervisor | None = None
        if parent is None:
            self._supervisor = Supervisor(name)
            self._group = cast("Group", self._supervisor.group(policy, make))
        else:
            self._group = parent.subgroup(name, policy, make)
        hub.enlist(tuple(cast("list[Cell]", self._group.children)))
        self._elastic = Elastic(hub, self._group, least, most, spec.idle_timeout)
        group = self._group

        # Without the pool, which its group must not keep alive.
        group.when_closing = lambda: hub.give_up(group.failure)

    def _start(self) -> None:
        supervisor = cast("Supervisor", self._supervisor)
        supervisor._start_actor_loop()
        cells = self._hub.cells
        try:
            for cell in cells:
                cell.launch()
            until = self._policy.start_deadline()
            for cell in cells:
                wait_for_start(cell, until)
        except BaseException:
            self.close(0)
            raise
        self._elastic.begin()
        self._watch_over()
        _trace.pool_started(self.name, len(cells))

    def _watch_over(self) -> None:
        hub = self._hub
        _process.stop_workers_before_engines()
        self._custody = custody = Custody(
            f"pool {self.name}",
            self._group,
            lambda: hub.mailbox.closed,
            lambda: hub.shutdown(30.0, hub.closed_error()),
        )
        for handle in self._handles.values():
            handle._custody = custody

    @classmethod
    async def start_async(
        cls,
        worker_class: WorkerClass[Options, Handle_co],
        size: int,
        options: Options | None = None,
        *,
        max_size: int | None = None,
        idle_timeout: float = 30.0,
        router: RouterName | ConsistentHash | Choose = "round_robin",
        name: str | None = None,
        supervision: Supervision | None = None,
        mailbox: MailboxOptions | None = None,
    ) -> Self:
        """Start a pool without blocking the loop; the arguments are those of the class.

        If the task is cancelled, what was started is closed in the background.
        """
        from actors._replies.awaiting import start_async

        return await start_async(
            lambda: cls(
                worker_class, size, options, max_size=max_size, idle_timeout=idle_timeout,
                router=router, name=name, supervision=supervision, mailbox=mailbox,
            )
        )  # fmt: skip

    # -- how it stands -----------------------------------------------------------------------------

    @property
    def options(self) -> Options:
        """The options that each worker was given."""
        return cast("Options", self._options)

    @property
    def name(self) -> str:
        """The pool's name, in errors and traces."""
        return self._hub.name

    def _queues(self) -> tuple[Store, ...]:
        hub = self._hub
        return (hub.mailbox, *(cell.mailbox for cell in hub.cells))

    def _address(self) -> Address:
        return self._hub

    def _width(self) -> int:
        return len(self._hub.cells)

    def _is_read_here(self) -> bool:
        return any(cell.mailbox.is_read_here() for cell in self._hub.cells)

    def stats(self) -> PoolStats:
        """Return how the pool and its workers stand."""
        return self._hub.stats()

    def resize(self, size: int, max_size: int | None = None) -> None:
        """Change how many workers there are; see the arguments of the same names above.

        It returns at once. Workers that are too many answer what is queued at them, and end.

        Raises:
            ValueError: If a number makes no sense.
        """
        least, most = _limits(size, max_size)
        self._front = entrance(self._hub, self._router, grows=least < most)
        self._elastic.resize(least, most)

    def __repr__(self) -> str:
        """Name it."""
        return f"<WorkerPool {self.name}: {len(self)} workers>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a pool cannot leave its process: make one over there, and send it a Query")

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
        reason = self._hub.closed_error()
        self._hub.shutdown(drain, reason)
        if self._supervisor is None:  # the tree that it is part of is to know
            self._group.order(lambda: self._group.shutdown(drain, reason))

    def join(self, timeout: float | None = None) -> bool:
        """Wait until all workers and the supervisor have ended; return whether that is so."""
        left = countdown(timeout)
        joined = all([cell.join(left()) for cell in self._hub.every_cell()])
        joined = wait_for(self._hub.finished.wait, left()) and joined
        return (self._supervisor is None or self._supervisor.join(left())) and joined

    def close(self, drain: float | None = 30.0) -> None:
        """Shut down and wait until it is done; see `shutdown`."""
        self.shutdown(drain)
        self.join()

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


def _limits(size: int, max_size: int | None) -> tuple[int, int]:
    """Return the least and the greatest size that a user means."""
    for name, value in (("size", size), ("max_size", max_size)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if size < 1:
        raise ValueError(f"a pool needs at least one worker; size was {size}")
    if max_size is not None and max_size < size:
        raise ValueError(f"max_size must be at least size, {size}, not {max_size}")
    return size, size if max_size is None else max_size


def _name(worker_class: object, name: str | None) -> str:
    """Return what the pool is called."""
    kind = getattr(worker_class, "__name__", "Worker")
    return name if name is not None else f"{kind}-pool-{_next_number()}"
