"""The one seam between workers and engines: what every runtime does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, overload, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from runtimes.encoded import EncodedArgs
    from runtimes.modules import Module, ModuleHandle
    from runtimes.options import Default, HostFunction
    from runtimes.snapshots import Snapshot

T = TypeVar("T")


class FunctionHandle(Protocol):
    """A JavaScript function, held from Python; valid only with the runtime that made it."""

    @property
    def name(self) -> str:
        """The function's name, or ``""``."""
        ...

    def __call__(self, *args: Any) -> Any:
        """Call it with ``this`` undefined; a promise is awaited."""
        ...


class BoundFunction(Protocol[T]):
    """A function of a runtime, found once by name; valid only with the runtime that made it."""

    @property
    def name(self) -> str:
        """By which it was found."""
        ...

    def __call__(self, *args: Any, timeout: float | Default | None = ...) -> T:
        """Call it, with ``this`` as `Runtime.call_function` has it; a promise is awaited."""
        ...

    def call(
        self, args: Sequence[Any] | EncodedArgs = ..., *, timeout: float | Default | None = ...
    ) -> T:
        """Call it with a sequence of arguments, which may have been encoded before."""
        ...

    def call_many(
        self,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        timeout: float | Default | None = ...,
    ) -> list[T]:
        """Call it once for each sequence of arguments; see `Runtime.call_many`."""
        ...


@runtime_checkable
class Runtime(Protocol):
    """One isolated JavaScript heap with its event loop.

    A runtime belongs to the thread that made it: every method but `cancel` (and `move_here`, of one
    that is a `CanMove`) raises `WrongThread` elsewhere. Arguments and results are the values of
    ``docs/values.md``. Every method that runs code takes ``timeout`` in seconds (None: unlimited;
    by default that of the options) and runs the pending jobs before it returns; a promise is
    awaited. With ``returns=`` a result is checked and converted to that type.

    ``call_many`` calls a function once for each sequence of arguments, in one run. The first call
    that fails ends it: the error's ``call_index`` says which it was. Deadline and limits are for
    all of them together. ``function`` looks a function up once, for many calls.

    Raises (all methods that run code):
        JSError: The script threw.
        LimitError: It ran into a limit.
        ConversionError: A value cannot cross, or is not what ``returns`` asks for.
        ClosedRuntimeError, BrokenRuntimeError: There is no engine any more.
    """

    @property
    def usable(self) -> bool:
        """Whether it is neither closed nor broken. May be read on any thread."""
        ...

    @property
    def deadline(self) -> float | None:
        """Instant of ``time.monotonic()`` that no run outlasts, whatever its timeout; or None."""
        ...

    @deadline.setter
    def deadline(self, instant: float | None) -> None: ...

    @overload
    def evaluate(
        self, source: str, *, filename: str = ..., timeout: float | Default | None = ...
    ) -> Any: ...
    @overload
    def evaluate(
        self,
        source: str,
        *,
        returns: type[T],
        filename: str = ...,
        timeout: float | Default | None = ...,
    ) -> T: ...

    def load_module(self, module: Module, *, timeout: float | Default | None = ...) -> ModuleHandle:
        """Load and run a module, after those that it imports."""
        ...

    def load_main_module(
        self,
        module: Module,
        side_modules: Sequence[Module] = ...,
        *,
        timeout: float | Default | None = ...,
    ) -> ModuleHandle:
        """Load and run the side modules in order, then the main one; a runtime has one main."""
        ...

    def add_module(self, module: Module) -> None:
        """Make a module importable by name, without running it."""
        ...

    @overload
    def call_function(
        self,
        function: str | FunctionHandle,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        module: ModuleHandle | None = ...,
        timeout: float | Default | None = ...,
    ) -> Any: ...
    @overload
    def call_function(
        self,
        function: str | FunctionHandle,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        returns: type[T],
        module: ModuleHandle | None = ...,
        timeout: float | Default | None = ...,
    ) -> T: ...

    @overload
    def call_many(
        self,
        function: str | FunctionHandle,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        module: ModuleHandle | None = ...,
        timeout: float | Default | None = ...,
    ) -> list[Any]: ...

    @overload
    def call_many(
        self,
        function: str | FunctionHandle,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        returns: type[T],
        module: ModuleHandle | None = ...,
        timeout: float | Default | None = ...,
    ) -> list[T]: ...

    @overload
    def function(self, name: str, *, module: ModuleHandle | None = ...) -> BoundFunction[Any]: ...

    @overload
    def function(
        self, name: str, *, returns: type[T], module: ModuleHandle | None = ...
    ) -> BoundFunction[T]: ...

    @overload
    def call_entrypoint(
        self,
        module: ModuleHandle,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        timeout: float | Default | None = ...,
    ) -> Any: ...
    @overload
    def call_entrypoint(
        self,
        module: ModuleHandle,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        returns: type[T],
        timeout: float | Default | None = ...,
    ) -> T: ...

    @overload
    def get_value(
        self,
        name: str,
        *,
        module: ModuleHandle | None = ...,
        timeout: float | Default | None = ...,
    ) -> Any: ...
    @overload
    def get_value(
        self,
        name: str,
        *,
        returns: type[T],
        module: ModuleHandle | None = ...,
        timeout: float | Default | None = ...,
    ) -> T: ...

    def register(self, name: str, function: HostFunction, *, namespace: str | None = None) -> None:
        """Let scripts call a Python callable, as a global or as a member of a namespace object."""
        ...

    def cancel(self) -> None:
        """Stop the run that is under way, from any thread; nothing happens if there is none."""
        ...

    def close(self) -> None:
        """Free everything. Calling it again does nothing."""
        ...

    def __enter__(self) -> Self:
        """Return the runtime; leaving closes it."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        ...


@runtime_checkable
class CanMove(Protocol):
    """What a runtime has besides if it can go from one thread to another, between two runs."""

    def move_here(self) -> None:
        """Belong to the calling thread from now on.

        Whoever calls it sees to it that no other thread uses the runtime meanwhile.

        Raises:
            WrongThread: A run is under way, or the thread's stack is too small for this runtime.
        """
        ...


@runtime_checkable
class CanSnapshot(Protocol):
    """A runtime whose state can be captured; beside `Runtime`, since not every engine can do it.

    A runtime of the same kind that is made with ``RuntimeOptions(snapshot=...)`` goes on where the
    captured one was: globals, loaded modules with their numbers, closures, pending promises. Its
    limits, modules, host functions and globals are those of its own options. Handles to functions
    and promises, and `ModuleHandle`s, are not carried over: ask `module` for new ones.
    """

    def snapshot(self) -> Snapshot:
        """Capture everything, between two runs; the runtime goes on unchanged.

        Raises:
            JSRuntimeError: A run is under way, or something in it cannot be captured.
            WrongThread, ClosedRuntimeError, BrokenRuntimeError: As any method.
        """
        ...

    def module(self, name: str) -> ModuleHandle:
        """Return the handle of a module that was loaded by this name, here or before the snapshot.

        Raises:
            ModuleNotFound: None was.
        """
        ...
