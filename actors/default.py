"""The worker for those who just want to run JavaScript."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from actors._modules import Known, Remembered
from actors.default_handle import DefaultQuery, DefaultWorkerHandle
from actors.default_options import DefaultWorkerOptions
from actors.functions import CallBound, CallBoundMany, Target
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
from runtimes import BoundFunction, ModuleHandle, QuickJSRuntime, Runtime, RuntimeOptions, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.checkpoints import Checkpoint
    from actors.handle import WorkerHandle
    from actors.mailbox import MailboxOptions
    from actors.supervision import Supervision

MOST_BOUND = 1000
"""How many functions a worker remembers where they are; if there are more it looks them up anew."""


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
