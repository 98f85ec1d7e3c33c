"""The worker for those who just want to run JavaScript."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast, overload

from actors._modules import Known, Remembered
from actors.functions import CallBound, CallBoundMany, Target, WorkerFunction
from actors.handle import WorkerHandle
from actors.queries import (
    CallEntrypoint,
    CallFunction,
    CallMany,
    Eval,
    GetValue,
    LoadMainModule,
    LoadModule,
    ModuleId,
)
from actors.worker import Worker
from runtimes import (
    DEFAULT,
    BoundFunction,
    ConsoleEvent,
    Default,
    EncodedArgs,
    FunctionHandle,
    HostFunction,
    Module,
    ModuleHandle,
    QuickJSRuntime,
    Runtime,
    RuntimeOptions,
    Snapshot,
    encode_args,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from actors.checkpoints import Checkpoint
    from actors.mailbox import MailboxOptions
    from actors.supervision import Supervision

T = TypeVar("T")
MIB = 1024 * 1024
MOST_BOUND = 1000
"""How many functions a worker remembers where they are; if there are more it looks them up anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DefaultWorkerOptions:
    """Options of a `DefaultWorker`. Limits are for one worker; None means unlimited.

    Attributes:
        default_entrypoint: Name of the function that is a module's entrypoint if it registers none
            and has no default export.
        timeout: Seconds that one run may take, from its start. A query's own timeout, which counts
            the time in the queue too, comes on top.
        memory_limit_bytes: All that the script may hold.
        stack_limit_bytes: JavaScript's stack; at most 128 KiB.
        result_limit_bytes: Encoded size of one result.
        result_limit_nodes: Values in one result; by default as `RuntimeOptions` says.
        hard_stop: How code that never polls is stopped; see `RuntimeOptions`.
        hard_stop_grace: Seconds between the deadline, when the script is asked to stop, and the
            hard stop, which costs the worker its runtime.
        allocation: Where a runtime's memory comes from; ``"on_demand"`` for workers that are to
            take a `SharedBuffer`. See `RuntimeOptions`.
        host_functions: Name to Python callable, or namespace to a mapping of those. They run on the
            worker's thread; with a pool they are called by several threads at once.
        modules: Modules to load at the start, in this order, before any query. All of them may be
            imported by name.
        globals: Name to value, set on ``globalThis`` before any script runs.
        console: Called with each console event, on the worker's thread. None hands them to the
            trace, so that they go to structlog if the program configured it.
        snapshot: What the runtime is made of at each start, instead of an empty one. Modules that
            it has loaded are not run again, and are known by their names.
    """

    default_entrypoint: str | None = None
    timeout: float | None = 30.0
    memory_limit_bytes: int | None = 64 * MIB
    stack_limit_bytes: int = 128 * 1024
    result_limit_bytes: int | None = 64 * MIB
    result_limit_nodes: int | Default | None = DEFAULT
    hard_stop: Literal["check", "epoch"] = "check"
    hard_stop_grace: float = 0.25
    allocation: Literal["pooled", "on_demand"] = "pooled"
    host_functions: Mapping[str, HostFunction | Mapping[str, HostFunction]] = field(
        default_factory=dict
    )
    modules: Sequence[Module] = ()
    globals: Mapping[str, Any] = field(default_factory=dict)
    console: Callable[[ConsoleEvent], None] | None = None
    snapshot: Snapshot | None = None

    def __post_init__(self) -> None:
        """Refuse limits that make no sense.

        Raises:
            ValueError: As `RuntimeOptions` does.
        """
        self.runtime_options(None)

    def runtime_options(self, console: Callable[[ConsoleEvent], None] | None) -> RuntimeOptions:
        """Return what a worker gives its runtime."""
        return RuntimeOptions(
            timeout=self.timeout,
            memory_limit_bytes=self.memory_limit_bytes,
            stack_limit_bytes=self.stack_limit_bytes,
            result_limit_bytes=self.result_limit_bytes,
            result_limit_nodes=self.result_limit_nodes,
            hard_stop=self.hard_stop,
            hard_stop_grace=self.hard_stop_grace,
            allocation=self.allocation,
            default_entrypoint=self.default_entrypoint,
            console=self.console or console,
            host_functions=self.host_functions,
            modules=self.modules,
            globals=self.globals,
            snapshot=self.snapshot,
        )


class DefaultWorkerHandle(WorkerHandle["DefaultQuery"]):
    """The handle of a `DefaultWorker`: a method for each of its queries.

    Each waits for the result. ``timeout`` is the query's deadline in seconds, queue and run
    together; with ``returns`` the result is checked and converted to that type.

    Raises (all of them):
        JSError: The script threw.
        LimitError: It ran into a limit, such as `TimeoutExceeded`.
        ConversionError: A value cannot cross, or is not what ``returns`` asks for.
        ActorsError: As `WorkerHandle.ask`.
    """

    __slots__ = ()

    @overload
    def evaluate(self, source: str, *, filename: str = ..., timeout: float | None = ...) -> Any: ...
    @overload
    def evaluate(
        self, source: str, *, returns: type[T], filename: str = ..., timeout: float | None = ...
    ) -> T: ...
    def evaluate(
        self,
        source: str,
        *,
        returns: Any = None,
        filename: str = "<eval>",
        timeout: float | None = None,
    ) -> Any:
        """Run a script in the global scope; see `Eval`."""
        return self.ask(Eval(source, filename=filename, returns=returns), timeout)

    def load_module(self, module: Module, *, timeout: float | None = None) -> ModuleId:
        """Load and run a module; see `LoadModule`."""
        return self.ask(LoadModule(module), timeout)

    def load_main_module(
        self, module: Module, side_modules: Sequence[Module] = (), *, timeout: float | None = None
    ) -> ModuleId:
        """Load and run side modules and a main module; see `LoadMainModule`."""
        return self.ask(LoadMainModule(module, side_modules), timeout)

    @overload
    def call_function(
        self,
        function: str | FunctionHandle,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        module: ModuleId | str | None = ...,
        timeout: float | None = ...,
    ) -> Any: ...
    @overload
    def call_function(
        self,
        function: str | FunctionHandle,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        returns: type[T],
        module: ModuleId | str | None = ...,
        timeout: float | None = ...,
    ) -> T: ...
    def call_function(
        self,
        function: str | FunctionHandle,
        args: Sequence[Any] | EncodedArgs = (),
        *,
        returns: Any = None,
        module: ModuleId | str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Call a function; see `CallFunction`."""
        if not isinstance(args, EncodedArgs):
            args = encode_args(args)  # as sending would do, but without a copy of the query
        return self.ask(CallFunction(function, args, module=module, returns=returns), timeout)

    @overload
    def call_many(
        self,
        function: WorkerFunction[T],
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        timeout: float | None = ...,
    ) -> list[T]: ...
    @overload
    def call_many(
        self,
        function: str | FunctionHandle,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        module: ModuleId | str | None = ...,
        timeout: float | None = ...,
    ) -> list[Any]: ...
    @overload
    def call_many(
        self,
        function: str | FunctionHandle,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        returns: type[T],
        module: ModuleId | str | None = ...,
        timeout: float | None = ...,
    ) -> list[T]: ...
    def call_many(
        self,
        function: str | FunctionHandle | WorkerFunction[Any],
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        returns: Any = None,
        module: ModuleId | str | None = None,
        timeout: float | None = None,
    ) -> list[Any]:
        """Call a function once for each sequence of arguments, as one query; see `CallMany`."""
        if isinstance(function, WorkerFunction):
            return function.call_many(args_list, timeout=timeout)
        return self.ask(CallMany(function, args_list, module=module, returns=returns), timeout)

    @overload
    def function(
        self, name: str, *, module: ModuleId | str | None = ..., timeout: float | None = ...
    ) -> WorkerFunction[Any]: ...
    @overload
    def function(
        self,
        name: str,
        *,
        returns: type[T],
        module: ModuleId | str | None = ...,
        timeout: float | None = ...,
    ) -> WorkerFunction[T]: ...
    def function(
        self,
        name: str,
        *,
        returns: Any = None,
        module: ModuleId | str | None = None,
        timeout: float | None = None,
    ) -> WorkerFunction[Any]:
        """Look a function up, once for many calls; see `WorkerFunction`."""
        return WorkerFunction(self, name, module=module, returns=returns)._look_up(timeout)

    @overload
    def call_entrypoint(
        self,
        module: ModuleId | str,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        timeout: float | None = ...,
    ) -> Any: ...
    @overload
    def call_entrypoint(
        self,
        module: ModuleId | str,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        returns: type[T],
        timeout: float | None = ...,
    ) -> T: ...
    def call_entrypoint(
        self,
        module: ModuleId | str,
        args: Sequence[Any] | EncodedArgs = (),
        *,
        returns: Any = None,
        timeout: float | None = None,
    ) -> Any:
        """Call a module's entrypoint; see `CallEntrypoint`."""
        return self.ask(CallEntrypoint(module, args, returns=returns), timeout)

    @overload
    def get_value(
        self, name: str, *, module: ModuleId | str | None = ..., timeout: float | None = ...
    ) -> Any: ...
    @overload
    def get_value(
        self,
        name: str,
        *,
        returns: type[T],
        module: ModuleId | str | None = ...,
        timeout: float | None = ...,
    ) -> T: ...
    def get_value(
        self,
        name: str,
        *,
        returns: Any = None,
        module: ModuleId | str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Get an export or a global; see `GetValue`."""
        return self.ask(GetValue(name, module=module, returns=returns), timeout)


DefaultQuery = (
    Eval[Any]
    | LoadModule
    | LoadMainModule
    | CallFunction[Any]
    | CallMany[Any]
    | CallBound[Any]
    | CallEntrypoint[Any]
    | GetValue[Any]
)
"""The queries that a `DefaultWorker` answers."""


class DefaultWorker(Worker[DefaultWorkerOptions, DefaultQuery]):
    """A worker that runs JavaScript: scripts, modules, functions, entrypoints, values.

    After a restart it loads its modules again, in the order in which they were loaded, and keeps
    their ids. State that scripts made is lost; function handles of before raise `StaleHandle`.

    Made of a checkpoint it has the state of then. The modules that it had loaded are there and not
    run again, and their ids stay valid, those of the worker that it was taken of among them. It is
    made by `init_runtime` too, with the options' snapshot in place.
    """

    handle_class: ClassVar[type[WorkerHandle[Any]]] = DefaultWorkerHandle
    _hides_errors = False
    _remembered: Remembered | None = None

    @classmethod
    def spawn(
        cls,
        options: DefaultWorkerOptions | None = None,
        *,
        name: str | None = None,
        supervision: Supervision | None = None,
        mailbox: MailboxOptions | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> DefaultWorkerHandle:
        """Start a worker, wait until it is ready, and return its handle; see `Worker.spawn`."""
        handle = super().spawn(
            options, name=name, supervision=supervision, mailbox=mailbox, checkpoint=checkpoint
        )
        return cast("DefaultWorkerHandle", handle)

    @classmethod
    async def spawn_async(
        cls,
        options: DefaultWorkerOptions | None = None,
        *,
        name: str | None = None,
        supervision: Supervision | None = None,
        mailbox: MailboxOptions | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> DefaultWorkerHandle:
        """Start a worker as `spawn` does, without blocking the loop; see `Worker.spawn_async`."""
        handle = await super().spawn_async(
            options, name=name, supervision=supervision, mailbox=mailbox, checkpoint=checkpoint
        )
        return cast("DefaultWorkerHandle", handle)

    def make_runtime(self, options: RuntimeOptions) -> Runtime:
        """Make the engine; a subclass may make another."""
        return QuickJSRuntime(options)

    def init_runtime(self, options: DefaultWorkerOptions) -> Runtime:
        """Make the runtime and load into it what the options list and what was loaded before."""
        self.stuck_after = options.timeout
        self.stop_grace = options.hard_stop_grace
        self._known = Known(self._remembered)
        self._bound: dict[Target, BoundFunction[Any]] = {}
        self._found: tuple[ModuleId | str | None, ModuleHandle | None] = (None, None)
        if self._remembered is not None and self.is_current():
            self.kept["loaded"] = self._known.loads(self._loaded)
        runtime = self.make_runtime(options.runtime_options(self.console))
        try:
            self._known.take_over(runtime)
            for module in options.modules:
                self._known.load(runtime, LoadModule(module))
            for query in self._loaded:
                self._known.load(runtime, query)
        except BaseException:
            runtime.close()
            raise
        return runtime

    def save_state(self, runtime: Runtime) -> Any:
        """Return which modules are loaded, and by which ids they are known."""
        return self._known.remembered(self.name, self._loaded)

    def restore_runtime(
        self, options: DefaultWorkerOptions, snapshot: Snapshot, state: Any
    ) -> Runtime:
        """Make the runtime of a checkpoint: as `init_runtime` does, but of its snapshot."""
        self._remembered = Remembered.of(state)
        try:
            return self.init_runtime(replace(options, snapshot=snapshot))
        finally:
            self._remembered = None

    def handle_query(self, runtime: Runtime, query: DefaultQuery) -> Any:
        """Answer one of the queries."""
        answer = _ANSWERS.get(type(query)) or _answer_for(type(query))
        return answer(self, runtime, query)

    # -- one method for each query -----------------------------------------------------------------

    def _eval(self, runtime: Runtime, query: Eval[Any]) -> Any:
        return runtime.evaluate(query.source, filename=query.filename, returns=query.returns)

    def _call_function(self, runtime: Runtime, query: CallFunction[Any]) -> Any:
        module, found = self._found
        if query.module is not module:  # most often it is the same object as the last time
            found = self._find(query.module)
        return runtime.call_function(
            query.function, query.args, module=found, returns=query.returns
        )

    def _call_many(self, runtime: Runtime, query: CallMany[Any]) -> list[Any]:
        module = self._find(query.module)
        return runtime.call_many(
            query.function, query.args_list, module=module, returns=query.returns
        )

    def _call_bound(self, runtime: Runtime, query: CallBound[Any]) -> Any:
        bound = self._bound.get(query.target) or self._bind(runtime, query.target)
        return bound.call(query.args)

    def _call_bound_many(self, runtime: Runtime, query: CallBoundMany[Any]) -> list[Any]:
        bound = self._bound.get(query.target) or self._bind(runtime, query.target)
        return bound.call_many(query.args)

    def _bind(self, runtime: Runtime, target: Target) -> BoundFunction[Any]:
        module = self._find(target.module)
        bound = runtime.function(target.name, module=module, returns=target.returns)
        if len(self._bound) >= MOST_BOUND:
            self._bound.clear()
        self._bound[target] = bound
        return bound

    def _call_entrypoint(self, runtime: Runtime, query: CallEntrypoint[Any]) -> Any:
        module = cast("ModuleHandle", self._find(query.module))
        return runtime.call_entrypoint(module, query.args, returns=query.returns)

    def _get_value(self, runtime: Runtime, query: GetValue[Any]) -> Any:
        found = self._find(query.module)
        return runtime.get_value(query.name, module=found, returns=query.returns)

    def _load_module(self, runtime: Runtime, query: LoadModule | LoadMainModule) -> ModuleId:
        handle = self._known.load(runtime, query)
        if self.is_current() and query not in self._loaded:
            self._loaded.append(query)
        return ModuleId(handle.name, self._known.handles.index(handle), self.name)

    @property
    def _loaded(self) -> list[LoadModule | LoadMainModule]:
        return cast("list[LoadModule | LoadMainModule]", self.kept.setdefault("loaded", []))

    def _find(self, module: ModuleId | str | None) -> ModuleHandle | None:
        """Find what this runtime calls a module, by the id or name that the user has for it."""
        handle = self._known.find(module, self.name)
        self._found = (module, handle)
        return handle


def _answer_for(kind: type[Any]) -> Callable[[DefaultWorker, Any, Any], Any]:
    """Find the method for a class derived from one of the queries."""
    return next(_ANSWERS[base] for base in kind.__mro__ if base in _ANSWERS)


_ANSWERS: dict[type[Any], Callable[[DefaultWorker, Any, Any], Any]] = {
    Eval: DefaultWorker._eval,
    LoadModule: DefaultWorker._load_module,
    LoadMainModule: DefaultWorker._load_module,
    CallFunction: DefaultWorker._call_function,
    CallMany: DefaultWorker._call_many,
    CallBound: DefaultWorker._call_bound,
    CallBoundMany: DefaultWorker._call_bound_many,
    CallEntrypoint: DefaultWorker._call_entrypoint,
    GetValue: DefaultWorker._get_value,
}
