"""Workers: actors that answer queries, each with a runtime of its own."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from actors import _answer, _life, _process, _trace
from actors._actor import ContainedActor
from actors._cell import Cell
from actors._current import current
from actors._generics import options_type_of, query_types_of
from actors._stock import StockInbox
from actors._supervisor import guardian_for
from actors.handle import WorkerHandle
from actors.query import Query
from actors.supervision import Supervision

if TYPE_CHECKING:
    from types import TracebackType

    from actors._reply import Reply

Options = TypeVar("Options")
QueryT = TypeVar("QueryT", bound=Query[Any])


class Worker(ContainedActor, Generic[Options, QueryT]):
    """An actor that owns a runtime and answers queries, one at a time, on a thread of its own.

    Subclass it, name the types of its options and queries, and say how to make its runtime and how
    to answer::

        class Pricing(Worker[PricingOptions, Quote | Reload]):
            def init_runtime(self, options): ...
            def handle_query(self, runtime, query): ...

        with Pricing.spawn(PricingOptions(...)) as pricing:
            price = pricing.ask(Quote("tea"))

    What users hold is a `WorkerHandle`, never this object: after a restart a new object of the
    class takes its place, and only `kept` goes over to it. So keep state in attributes that
    `init_runtime` sets, and in `kept` what shall survive.

    All hooks run on the worker's thread. The class is a Pykka ``ThreadingActor``, but lives outside
    of Pykka's registry, so that nobody's ``ActorRegistry.stop_all`` stops it, nor it anybody.
    """

    handle_class: ClassVar[type[WorkerHandle[Any]]] = WorkerHandle
    """The class of the handles that `spawn` and pools give out."""

    stuck_after: float | None = None
    """Seconds after which a run is taken for stuck even if its query has no deadline: the runtime's
    own timeout, or None if a run may take as long as it likes. Set it in `init_runtime`."""

    _hides_errors: bool = True
    # Whether a handler may have met an error that cost it the runtime, and return all the same.

    stop_grace: float = 0.0
    """Seconds that the runtime may need to stop a run by force, besides the supervisor's grace."""

    # -- what a subclass says ---------------------------------------------------------------------

    def init_runtime(self, options: Options) -> Any:
        """Make the runtime; called at the start and at every restart.

        It may load modules and register host functions. What it returns is handed to `handle_query`
        and to `close_runtime`; a worker that needs none returns None.

        If the runtime has ``usable`` (bool), it is looked at after each query, and one that is no
        longer usable is replaced; if it has ``cancel()``, that is called on other threads to stop a
        run; if it has ``deadline``, that is set for each query.
        """
        raise NotImplementedError(f"{type(self).__name__} has no init_runtime")

    def handle_query(self, runtime: Any, query: QueryT) -> Any:
        """Answer a query: return its response, or raise what the sender shall get."""
        raise NotImplementedError(f"{type(self).__name__} has no handle_query")

    def close_runtime(self, runtime: Any) -> None:
        """Close the runtime at the end; by default by its ``close()``, if it has one."""
        close = getattr(runtime, "close", None)
        if close is not None:
            close()

    def on_start(self) -> None:
        """Called first, before `init_runtime`. What it raises fails the start."""

    def on_stop(self) -> None:
        """Called last, after `close_runtime`, however the worker ended."""

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Called when a `tell` failed, which nobody else hears of. The worker goes on."""

    def serve(self, runtime: Any) -> None:
        """The loop: take queries and answer them until there are no more.

        Override it to do something in between (``take(timeout)``), or around each query. It must
        end when `take` gives None, and let pass what is not an ``Exception``.
        """
        # What `take` and `answer` do, without the calls in between: 0.1 us each.
        cell, take, answer = self._cell, self._take, _answer.answer
        while (message := take()) is not None:
            answer(self, cell, runtime, message)

    @classmethod
    def default_options(cls) -> Options:
        """Return the options if `spawn` is given none: their class, made without arguments.

        Raises:
            TypeError: If that class wants arguments.
        """
        kind = options_type_of(cls)
        if kind is None or kind is type(None):
            return cast("Options", None)
        try:
            return cast("Options", kind())
        except TypeError as error:
            raise TypeError(f"{cls.__name__} needs options: {error}") from error

    # -- what a subclass may use ------------------------------------------------------------------

    @property
    def options(self) -> Options:
        """What the worker was spawned with."""
        return cast("Options", self._cell.options)

    @property
    def name(self) -> str:
        """The worker's name, the same after a restart."""
        return self._cell.name

    @property
    def generation(self) -> int:
        """How often it was started: 1 after the first start, 2 after the first restart."""
        return self._cell.generation

    @property
    def kept(self) -> dict[str, Any]:
        """What survives restarts. It is touched on the worker's thread only."""
        return self._cell.kept

    def is_current(self) -> bool:
        """Return whether this object still is the worker.

        It is not any more after its thread was given up, because a handler blocked: then what the
        handler does when it comes back must not touch `kept`.
        """
        return self._cell.worker is self

    def time_left(self) -> float | None:
        """Return the seconds that the running query has left, or None if it has no deadline."""
        running = current.get()
        if running is None or running._deadline is None:
            return None
        return max(0.0, running._deadline - monotonic())

    def console(self, event: Any) -> None:
        """Trace a console event: ``RuntimeOptions(console=self.console)``."""
        _trace.console_line(self._cell, event)

    def take(self, timeout: float | None = None) -> Reply[Any] | None:
        """Wait for the next query, to be given to `answer`; None when the worker shall end.

        Raises:
            TimeoutError: If none came within `timeout` seconds.
        """
        return self._take(timeout)

    def answer(self, runtime: Any, message: Reply[Any]) -> None:
        """Answer a query that `take` gave: run it in its context, and settle its reply."""
        _answer.answer(self, self._cell, runtime, message)

    # -- how it comes to life ---------------------------------------------------------------------

    def __init__(self, cell: Cell) -> None:
        """Made by its supervisor, at every restart anew; not by you, and not to be overridden."""
        super().__init__()
        self.actor_inbox = self._actor_ref.actor_inbox = StockInbox(cell)
        self._cell = cell
        self._take = cell.mailbox.take
        self._running: list[Reply[Any]] = []
        self._runtime: Any = None
        self._thread_id = 0
        self._has_deadline = False
        self._deadline_is_set = False
        self._watches_usable = False

    @classmethod
    def spawn(
        cls,
        options: Options | None = None,
        *,
        name: str | None = None,
        supervision: Supervision | None = None,
    ) -> WorkerHandle[QueryT]:
        """Start a worker, wait until it is ready, and return its handle.

        Args:
            options: Its options; None takes `default_options`.
            name: Its name in errors and traces; by default the class's name with a number.
            supervision: What its supervisor puts up with.

        Raises:
            WorkerStartError: If ``init_runtime`` raised (the error is the cause) or took too long.
            TypeError: If the worker needs options.
        """
        return cast("WorkerHandle[QueryT]", cls._spawn(options, name, supervision))

    @classmethod
    def _spawn(
        cls, options: Any, name: str | None, supervision: Supervision | None
    ) -> WorkerHandle[Any]:
        _process.prepare()
        policy = supervision if supervision is not None else Supervision()
        if options is None:
            options = cls.default_options()
        cell = guardian_for(
            lambda guardian: Cell(cls, options, name, None, policy, guardian), policy
        )
        try:
            cell.launch()
            _life.wait_for_start(cell, policy.start_deadline())
        except BaseException:
            cell.shutdown(0)
            cell.join(policy.stuck_grace)
            raise
        return cls.handle_class(cell)

    @classmethod
    def query_types(cls) -> tuple[type[Query[Any]], ...]:
        """Return the query types that the worker answers, as its class names them."""
        return query_types_of(cls)

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> Any:
        """Refused: a worker that Pykka starts would have no supervisor.

        Raises:
            TypeError: Always.
        """
        raise TypeError(f"use {cls.__name__}.spawn(), which gives a handle that survives restarts")

    def _thread_name(self) -> str:
        return self._cell.name

    def _actor_loop(self) -> None:
        self._thread_id = threading.get_ident()
        _life.live(self._cell, self)

    def _own(self, runtime: Any) -> None:
        """Have a runtime, or none any more."""
        self._runtime = runtime
        self._watches_usable = hasattr(runtime, "usable")
        self._hides_errors = self._watches_usable and type(self)._hides_errors
        self._has_deadline = hasattr(runtime, "deadline")

    def _interrupt(self) -> None:
        cancel = getattr(self._runtime, "cancel", None)
        if cancel is not None:
            cancel()
