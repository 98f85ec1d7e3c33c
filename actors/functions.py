"""Functions of a worker or a pool, looked up once and called often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from actors.query import Query
from runtimes import EncodedArgs, encode_args, encode_calls

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from actors._asking import Asking
    from actors._replies.reply import Reply
    from actors.queries import ModuleId

T = TypeVar("T")


class Target:
    """Which function is meant; each worker looks it up once in each of its runtimes.

    Attributes:
        name: Its name.
        module: Where to look first.
        returns: What its results are converted to, or None.
    """

    __slots__ = ("module", "name", "returns")

    def __init__(self, name: str, module: ModuleId | str | None, returns: Any) -> None:
        """Name a function."""
        self.name = name
        self.module = module
        self.returns = returns


class CallBound(Query[T]):
    """Call a function that a `WorkerFunction` stands for; what that sends.

    Attributes:
        target: The function.
        args: The arguments, encoded.
    """

    __slots__ = ("args", "target")

    def __init__(self, target: Target, args: EncodedArgs) -> None:
        """Made by a `WorkerFunction`."""
        self.target = target
        self.args = args

    def __repr__(self) -> str:
        """Name the function."""
        return f"{type(self).__name__}({self.target.name!r})"


class CallBoundMany(CallBound[T]):
    """Call it once for each of a list of arguments."""

    __slots__ = ()


class WorkerFunction(Generic[T]):
    """A JavaScript function of a `DefaultWorker` or of a pool of them, as a Python callable.

    Calling it waits for the result, as `WorkerHandle.ask` does. The function is looked up once in
    each runtime: so what a script assigns to its name later changes nothing, until the worker is
    restarted. Then it is looked up anew, and if it is not there any more, calls raise
    `ValueNotFound`. The arguments are encoded when it is called, on the caller's thread.

    Thread-safe.

    Example:
        >>> from actors import DefaultWorker
        >>> with DefaultWorker.spawn() as worker:
        ...     worker.evaluate("function add(a, b) { return a + b; }")
        ...     add = worker.function("add", returns=int)
        ...     add(1, 2)
        undefined
        3
    """

    __slots__ = ("_ask", "_asking", "_target")

    @overload
    def __init__(
        self: WorkerFunction[Any], to: Asking, name: str, *, module: ModuleId | str | None = ...
    ) -> None: ...
    @overload
    def __init__(
        self: WorkerFunction[T],
        to: Asking,
        name: str,
        *,
        module: ModuleId | str | None = ...,
        returns: type[T],
    ) -> None: ...
    def __init__(
        self, to: Asking, name: str, *, module: ModuleId | str | None = None, returns: Any = None
    ) -> None:
        """Name a function of a worker or a pool. It is looked up when it is first called.

        Args:
            to: The worker's handle, or the pool.
            name: The function's name.
            module: Where to look first: a module's id or name. Workers of a pool have names of
                modules in common, but no ids.
            returns: A type to check and convert results to.
        """
        if not isinstance(name, str):
            raise TypeError(f"a function's name is a str, not a {type(name).__name__}")
        self._asking = to
        self._ask = to.ask
        self._target = Target(name, module, returns)

    @property
    def name(self) -> str:
        """The function's name."""
        return self._target.name

    def __repr__(self) -> str:
        """Name function and worker."""
        return f"<WorkerFunction {self.name} of {self._asking.name}>"

    def __call__(self, *args: Any, timeout: float | None = None) -> T:
        """Call it and wait for the result.

        Args:
            args: The arguments.
            timeout: Seconds for queue and run together.

        Raises:
            JSRuntimeError: As `DefaultWorkerHandle.call_function`.
            ActorsError: As `WorkerHandle.ask`.
        """
        return self._ask(CallBound(self._target, encode_args(args)), timeout)

    def send(self, *args: Any, timeout: float | None = None) -> Reply[T]:
        """Call it, and return the reply at once.

        Raises:
            ConversionError: An argument cannot cross.
            ActorsError: As `WorkerHandle.send`.
        """
        return self._asking.send(CallBound(self._target, encode_args(args)), timeout)

    def tell(self, *args: Any, timeout: float | None = None) -> None:
        """Call it, and never mind the result.

        Raises:
            ConversionError: An argument cannot cross.
            ActorsError: As `WorkerHandle.tell`.
        """
        self._asking.tell(CallBound(self._target, encode_args(args)), timeout)

    def call_many(
        self, args_list: Iterable[Sequence[Any]] | EncodedArgs, *, timeout: float | None = None
    ) -> list[T]:
        """Call it once for each sequence of arguments, as one query; wait for the results.

        See `DefaultWorkerHandle.call_many`.

        Raises:
            JSRuntimeError: As `DefaultWorkerHandle.call_many`.
            ActorsError: As `WorkerHandle.ask`.
        """
        return self._ask(self._many(args_list), timeout)

    def send_many(
        self, args_list: Iterable[Sequence[Any]] | EncodedArgs, *, timeout: float | None = None
    ) -> Reply[list[T]]:
        """Do as `call_many` does, and return the reply at once.

        Raises:
            ConversionError: An argument cannot cross.
            ActorsError: As `WorkerHandle.send`.
        """
        return self._asking.send(self._many(args_list), timeout)

    def _many(self, args_list: Iterable[Sequence[Any]] | EncodedArgs) -> CallBoundMany[list[T]]:
        encoded = args_list if isinstance(args_list, EncodedArgs) else encode_calls(args_list)
        return CallBoundMany(self._target, encoded)

    def _look_up(self, timeout: float | None) -> WorkerFunction[T]:
        self.call_many((), timeout=timeout)
        return self
