"""The queries that a `DefaultWorker` answers."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, overload

from actors.query import Query
from runtimes import EncodedArgs, FunctionHandle, Module, encode_args, encode_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ModuleId:
    """A module that a worker has loaded. It stays valid when the worker is restarted.

    Attributes:
        name: The module's name.
        number: Its number in the order of loading, from 0.
        worker: The name of the worker that loaded it, the only one that knows it by this id. To
            name a module that all workers of a pool have loaded, use its name.
    """

    name: str
    number: int
    worker: str


# The constructors are written by hand: only overloads can say that without `returns` the response
# is Any; and setting slots directly, where the fields of frozen dataclasses are set through
# ``object.__setattr__``, halves their time. The setters are bound at the end of the file.

_new = object.__new__


@dataclass(frozen=True, init=False, slots=True)
class Eval(Query[T]):
    """Run a script in the global scope; what it declares stays. A promise is awaited.

    Attributes:
        source: The script.
        filename: What stack traces call it.
        returns: A type to check and convert the result to, or None.
    """

    source: str
    filename: str
    returns: Any

    @overload
    def __init__(self: Eval[Any], source: str, *, filename: str = ...) -> None: ...
    @overload
    def __init__(self: Eval[T], source: str, *, filename: str = ..., returns: type[T]) -> None: ...
    def __init__(self, source: str, *, filename: str = "<eval>", returns: Any = None) -> None:
        _eval_source(self, source)
        _eval_filename(self, filename)
        _eval_returns(self, returns)


@dataclass(frozen=True, slots=True)
class LoadModule(Query[ModuleId]):
    """Load and run a module, after those that it imports; again after each restart.

    Attributes:
        module: Its name and source.
    """

    module: Module


@dataclass(frozen=True, slots=True)
class LoadMainModule(Query[ModuleId]):
    """Load and run the side modules in their order, then the main one; again after each restart.

    A worker has one main module.

    Attributes:
        module: The main one.
        side_modules: Those to be loaded before.
    """

    module: Module
    side_modules: Sequence[Module] = ()

    def freeze(self) -> Self:
        """Keep the list of side modules as it is now."""
        return type(self)(self.module, tuple(self.side_modules))


@dataclass(frozen=True, init=False, slots=True)
class CallFunction(Query[T]):
    """Call a function by name, or one that a result contained; a promise is awaited.

    A name is looked for among the module's exports, with its namespace as ``this``, then among the
    globals. The arguments are encoded when the query is sent.

    Attributes:
        function: The name or handle.
        args: The arguments.
        module: Where to look first: a module's id or name.
        returns: A type to check and convert the result to, or None.
    """

    function: str | FunctionHandle
    args: Sequence[Any] | EncodedArgs
    module: ModuleId | str | None
    returns: Any

    @overload
    def __init__(
        self: CallFunction[Any],
        function: str | FunctionHandle,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        module: ModuleId | str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: CallFunction[T],
        function: str | FunctionHandle,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        module: ModuleId | str | None = ...,
        returns: type[T],
    ) -> None: ...
    def __init__(
        self,
        function: str | FunctionHandle,
        args: Sequence[Any] | EncodedArgs = (),
        *,
        module: ModuleId | str | None = None,
        returns: Any = None,
    ) -> None:
        _call_function(self, function)
        _call_args(self, args)
        _call_module(self, module)
        _call_returns(self, returns)

    def freeze(self) -> Self:
        """Encode the arguments as they are now."""
        args = self.args
        if isinstance(args, EncodedArgs):
            return self
        if type(self) is not CallFunction:
            return _copied(self, _call_args, args)
        twin = _new(CallFunction)
        _call_function(twin, self.function)
        _call_args(twin, encode_args(args))
        _call_module(twin, self.module)
        _call_returns(twin, self.returns)
        return cast("Self", twin)


@dataclass(frozen=True, init=False, slots=True)
class CallMany(Query[list[T]]):
    """Call a function once for each sequence of arguments, in one run.

    The first call that fails ends it: the error's ``call_index`` says which it was. Deadline and
    limits are for all calls together. The arguments are encoded when the query is sent.

    Attributes:
        function: The name or handle; see `CallFunction`.
        args_list: The arguments of each call.
        module: Where to look first: a module's id or name.
        returns: A type to check and convert each result to, or None.
    """

    function: str | FunctionHandle
    args_list: Iterable[Sequence[Any]] | EncodedArgs
    module: ModuleId | str | None
    returns: Any

    @overload
    def __init__(
        self: CallMany[Any],
        function: str | FunctionHandle,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        module: ModuleId | str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: CallMany[T],
        function: str | FunctionHandle,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        module: ModuleId | str | None = ...,
        returns: type[T],
    ) -> None: ...
    def __init__(
        self,
        function: str | FunctionHandle,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        module: ModuleId | str | None = None,
        returns: Any = None,
    ) -> None:
        _many_function(self, function)
        _many_args(self, args_list)
        _many_module(self, module)
        _many_returns(self, returns)

    def freeze(self) -> Self:
        """Encode the arguments as they are now."""
        if isinstance(self.args_list, EncodedArgs):
            return self
        twin = copy.copy(self)
        _many_args(twin, encode_calls(self.args_list))
        return twin


@dataclass(frozen=True, init=False, slots=True)
class CallEntrypoint(Query[T]):
    """Call a module's entrypoint; a promise is awaited.

    That is the function that it registered, else its default export, else the function that the
    options name.

    Attributes:
        module: The module's id or name.
        args: The arguments, encoded when the query is sent.
        returns: A type to check and convert the result to, or None.
    """

    module: ModuleId | str
    args: Sequence[Any] | EncodedArgs
    returns: Any

    @overload
    def __init__(
        self: CallEntrypoint[Any], module: ModuleId | str, args: Sequence[Any] | EncodedArgs = ...
    ) -> None: ...
    @overload
    def __init__(
        self: CallEntrypoint[T],
        module: ModuleId | str,
        args: Sequence[Any] | EncodedArgs = ...,
        *,
        returns: type[T],
    ) -> None: ...
    def __init__(
        self, module: ModuleId | str, args: Sequence[Any] | EncodedArgs = (), *, returns: Any = None
    ) -> None:
        _entry_module(self, module)
        _entry_args(self, args)
        _entry_returns(self, returns)

    def freeze(self) -> Self:
        """Encode the arguments as they are now."""
        if isinstance(self.args, EncodedArgs):
            return self
        if type(self) is not CallEntrypoint:
            return _copied(self, _entry_args, self.args)
        twin = cast("Self", _new(CallEntrypoint))
        _entry_module(twin, self.module)
        _entry_args(twin, encode_args(self.args))
        _entry_returns(twin, self.returns)
        return twin


@dataclass(frozen=True, init=False, slots=True)
class GetValue(Query[T]):
    """Get a module's export or a global; ``undefined`` is not found, ``null`` is.

    Attributes:
        name: Its name.
        module: Where to look first: a module's id or name.
        returns: A type to check and convert the value to, or None.
    """

    name: str
    module: ModuleId | str | None
    returns: Any

    @overload
    def __init__(
        self: GetValue[Any], name: str, *, module: ModuleId | str | None = ...
    ) -> None: ...
    @overload
    def __init__(
        self: GetValue[T], name: str, *, module: ModuleId | str | None = ..., returns: type[T]
    ) -> None: ...
    def __init__(
        self, name: str, *, module: ModuleId | str | None = None, returns: Any = None
    ) -> None:
        _get_name(self, name)
        _get_module(self, module)
        _get_returns(self, returns)


def _copied(query: T, set_args: Callable[[object, Any], None], args: Any) -> T:
    """Freeze a query of a subclass, which may have more fields."""
    twin = copy.copy(query)
    set_args(twin, encode_args(args))
    return twin


def _setter(kind: type, name: str) -> Callable[[object, Any], None]:
    return cast("Callable[[object, Any], None]", getattr(kind, name).__set__)


_eval_source = _setter(Eval, "source")
_eval_filename = _setter(Eval, "filename")
_eval_returns = _setter(Eval, "returns")
_call_function = _setter(CallFunction, "function")
_call_args = _setter(CallFunction, "args")
_call_module = _setter(CallFunction, "module")
_call_returns = _setter(CallFunction, "returns")
_many_function = _setter(CallMany, "function")
_many_args = _setter(CallMany, "args_list")
_many_module = _setter(CallMany, "module")
_many_returns = _setter(CallMany, "returns")
_entry_module = _setter(CallEntrypoint, "module")
_entry_args = _setter(CallEntrypoint, "args")
_entry_returns = _setter(CallEntrypoint, "returns")
_get_name = _setter(GetValue, "name")
_get_module = _setter(GetValue, "module")
_get_returns = _setter(GetValue, "returns")
