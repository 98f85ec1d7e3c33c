"""What may be asked of the worker for those who just want to run JavaScript, and its handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from actors.functions import CallBound, WorkerFunction
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
from runtimes import EncodedArgs, FunctionHandle, Module, encode_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")

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


class DefaultWorkerHandle(WorkerHandle[DefaultQuery]):
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
