"""Workers: actors that answer queries, each with a runtime of its own."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from actors import _trace
from actors._lives import answer, hooks, life
from actors._lives.generics import options_types_of, query_types_of
from actors._lives.incarnation import Incarnation
from actors._lives.owned import Closable
from actors._replies.current import current
from actors._spawning import spawn
from actors.handle import WorkerHandle
from actors.mailbox import MailboxOptions
from actors.query import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import TracebackType

    from actors._replies.reply import Reply
    from actors.checkpoints import Checkpoint
    from actors.supervision import Supervision
    from actors.watching import WorkerDown
    from runtimes import Snapshot

Options = TypeVar("Options")
QueryT = TypeVar("QueryT", bound=Query[Any])
ThingT = TypeVar("ThingT", bound=Closable)


class Worker(Incarnation, Generic[Options, QueryT]):
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

    All hooks run on the worker's thread, but for those around a query that is answered on the
    thread that asks; see `MailboxOptions.caller_runs`. The class is a Pykka ``ThreadingActor``, but
    lives outside of Pykka's registry, so that nobody's ``ActorRegistry.stop_all`` stops it, nor it
    anybody.
    """

    handle_class: ClassVar[type[WorkerHandle[Any]]] = WorkerHandle
    """The class of the handles that `spawn` and pools give out."""

    mailbox: ClassVar[MailboxOptions] = MailboxOptions()
    """How queries are queued, if `spawn` or the pool does not say otherwise."""

    idle_after: ClassVar[float | None] = None
    """Seconds without a query after which `on_idle` is called; None never calls it."""

    stuck_after: float | None = None
    """Seconds after which a run is taken for stuck even if its query has no deadline: the runtime's
    own timeout, or None if a run may take as long as it likes. Set it in `init_runtime`."""

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

    def before_query(self, query: QueryT) -> None:
        """Called before each query is handled, in its context.

        What it raises is the query's answer: then neither `handle_query` nor `after_query` is
        called.
        """

    def after_query(self, query: QueryT, response: Any, error: BaseException | None) -> None:
        """Called after each query was handled, in its context, and before its sender is answered.

        It is part of the run: its time counts, and whoever has the response knows that it was
        called. What it raises is reported by ``threading.excepthook`` and harms nobody.

        Args:
            query: What was handled.
            response: What `handle_query` returned.
            error: What it raised instead; the sender of a query that was withdrawn meanwhile
                (its deadline, `Reply.cancel`, a stop) may have been told something else.
        """

    def on_idle(self, runtime: Any) -> None:
        """Called once when no query came for `idle_after` seconds, and anew after the next query.

        What it raises is reported by ``threading.excepthook``; the worker goes on. A query that
        comes meanwhile waits until it returns.
        """

    def check_health(self, runtime: Any) -> None:
        """Called between two queries to see whether the worker is still sound, if that is wanted.

        What it raises says that it is not: then the worker is restarted.
        """

    def save_state(self, runtime: Any) -> Any:
        """Return what a checkpoint shall hold besides the runtime's snapshot.

        It is called between two queries, right before the snapshot is taken. What it returns is
        encoded at once: None, numbers, text, bytes, lists, dicts, and dataclasses of those.
        """
        return None

    def restore_runtime(self, options: Options, snapshot: Snapshot, state: Any) -> Any:
        """Make the runtime of a checkpoint; called instead of `init_runtime`.

        A worker type without it has no checkpoints. What it raises fails the first start; at a
        restart it is called once more, and then the start is a plain one, by `init_runtime`.

        Args:
            options: What the worker was spawned with.
            snapshot: Of the runtime; most often for ``RuntimeOptions(snapshot=snapshot)``.
            state: What `save_state` had returned, in plain types: no tuples, no dataclasses.
        """
        raise NotImplementedError(f"{type(self).__name__} has no restore_runtime")

    def on_down(self, down: WorkerDown) -> None:
        """Called between two queries when a worker that this one watches was lost; see `watch`.

        What it raises is reported by ``threading.excepthook``; the worker goes on.
        """

    @classmethod
    def routing_key(cls, query: QueryT) -> Hashable:
        """Return what queries must have in common to be sent to the same worker of a pool.

        A pool with the router ``"consistent_hash"`` calls it on the sender's thread. By default it
        is the query itself, so that equal queries come to the same worker.
        """
        return query

    def serve(self, runtime: Any) -> None:
        """The loop: take queries and answer them until there are no more.

        Override it to do something in between (``take(timeout)``), or around each query. It must
        end when `take` gives None, and let pass what is not an ``Exception``.
        """
        if self.idle_after is not None:
            hooks.serve_and_idle(self, runtime)
            return
        # What `take` and `answer` do, without the calls in between: 0.1 us each.
        cell, take, respond = self._cell, self._take, answer.answer
        message = None
        try:
            while (message := take()) is not None:
                respond(self, cell, runtime, message)
        except BaseException as error:
            answer.see_to(cell, self, message, error)
            raise

    @classmethod
    def default_options(cls) -> Options:
        """Return the options if `spawn` is given none: their class, made without arguments.

        They are None if the class says that they may be (``Worker[Options | None, ...]``).

        Raises:
            TypeError: If that class wants arguments, or there are several.
        """
        kinds = options_types_of(cls)
        if not kinds or type(None) in kinds:
            return cast("Options", None)
        if len(kinds) > 1:
            names = " or ".join(kind.__name__ for kind in kinds)
            raise TypeError(f"{cls.__name__} needs options: {names}")
        try:
            return cast("Options", kinds[0]())
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

    def own(self, thing: ThingT) -> ThingT:
        """Close a thing when this object's life ends, in whatever way; return it.

        ::

            def init_runtime(self, options):
                self.renderers = self.own(WorkerPool(Renderer, size=2))

        It is for what a worker holds of other workers: handles, pools, supervisors, or anything
        else with ``close(drain)``. What is owned is closed after `on_stop`, the newest first; after
        a restart the new object makes its own. A worker that is shut down gives to what it owns
        the rest of its own ``drain`` seconds; one that broke, or is stopped hard, gives none. If
        the worker's thread was given up, another thread closes them; so ``close`` may be called
        twice, on two threads.
        """
        self._owned.add(thing)
        return thing

    def watch(self, handle: WorkerHandle[Any]) -> Callable[[], None]:
        """Have `on_down` called whenever another worker is lost, and when it is gone for good.

        It comes before whatever is queued here. The watch ends with this object: after a restart
        the new one watches anew.

        Returns:
            What ends the watch before.
        """

        def pass_on(down: WorkerDown) -> None:
            if self.is_current():
                self._cell.mailbox.control(lambda: self._hear(down))
            else:
                unwatch()

        unwatch = handle.watch(pass_on)
        return unwatch

    def leave(self) -> None:
        """End by itself, after the query that runs now.

        That is no failure: what is queued stays queued, and whether the worker is started anew is
        for its supervisor to say. A lone worker and a pool's are.
        """
        self._cell.mailbox.control(self._leave)

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
        message = self._take(timeout)
        if message is not None:
            self._taken.append(message)
        return message

    def answer(self, runtime: Any, message: Reply[Any]) -> None:
        """Answer a query that `take` gave: run it in its context, and settle its reply.

        What was taken and not answered when this object's life ends is queued again, in front.
        """
        try:
            self._taken.remove(message)
        except ValueError:  # it was given up in between, and what it had taken is queued again
            if not self.is_current():
                raise life.Leave("abandoned") from None
        answer.answer(self, self._cell, runtime, message)

    # -- how it comes to life ---------------------------------------------------------------------

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Choose how queries are run."""
        super().__init_subclass__(**kwargs)
        cls._run = staticmethod(hooks.way_to_run(cls))

    @classmethod
    def spawn(
        cls,
        options: Options | None = None,
        *,
        name: str | None = None,
        supervision: Supervision | None = None,
        mailbox: MailboxOptions | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> WorkerHandle[QueryT]:
        """Start a worker, wait until it is ready, and return its handle.

        Args:
            options: Its options; None takes `default_options`.
            name: Its name in errors and traces; by default the class's name with a number.
            supervision: What its supervisor puts up with.
            mailbox: How queries are queued; by default as the class's `mailbox` says.
            checkpoint: What it is made of, and restarted from until there is a newer one; None
                makes it anew.

        Raises:
            WorkerStartError: If ``init_runtime`` raised (the error is the cause) or took too long,
                or no worker can be made of the checkpoint.
            TypeError: If the worker needs options, or its class is not complete, or the checkpoint
                is another class's.
        """
        return cast(
            "WorkerHandle[QueryT]", spawn(cls, options, name, supervision, mailbox, checkpoint)
        )

    @classmethod
    async def spawn_async(
        cls,
        options: Options | None = None,
        *,
        name: str | None = None,
        supervision: Supervision | None = None,
        mailbox: MailboxOptions | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> WorkerHandle[QueryT]:
        """Start a worker as `spawn` does, without blocking the loop.

        If the task is cancelled, what was started is closed in the background.
        """
        from actors._replies.awaiting import start_async

        return await start_async(
            lambda: cls.spawn(
                options, name=name, supervision=supervision, mailbox=mailbox, checkpoint=checkpoint
            )
        )

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
