"""A runtime as what is called: functions, entrypoints and values, by name or by handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from runtimes.errors import StaleHandle
from runtimes.modules import ModuleHandle
from runtimes.options import DEFAULT, Default
from runtimes.quickjs._bound import BoundFunction, bind, call_many
from runtimes.quickjs._lean import lean_caller
from runtimes.quickjs._memory import SHORT
from runtimes.quickjs._names import encode_name
from runtimes.quickjs._returns import convert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtimes.encoded import EncodedArgs
    from runtimes.options import RuntimeOptions
    from runtimes.protocol import FunctionHandle
    from runtimes.quickjs._guest import Guest

T = TypeVar("T")


class Calling:
    """The calls of a runtime, each a run of its own."""

    options: RuntimeOptions
    _guest: Guest

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
    def call_function(
        self,
        function: str | FunctionHandle,
        args: Sequence[Any] | EncodedArgs = (),
        *,
        returns: Any = None,
        module: ModuleHandle | None = None,
        timeout: float | Default | None = DEFAULT,
    ) -> Any:
        """Call a function by name, or one that was handed out; a promise is awaited.

        A name is looked for among the module's exports, with the module's namespace as ``this``,
        then among the globals.

        Args:
            function: A name or a handle.
            args: The arguments.
            returns: A type to check and convert the result to.
            module: Where to look first.
            timeout: Seconds from now; None is unlimited, the default is that of the options.

        Raises:
            ValueNotFound: There is none of that name.
            ValueNotCallable: It is no function.
            ValueError: The name has a lone surrogate.
            StaleHandle: The handle is another runtime's.
            JSRuntimeError: Everything that a `Runtime` may raise.
        """
        if isinstance(function, str):
            guest = self._guest
            name, encoded = encode_name(function), guest.encode_args(args)
            number = 0 if module is None else self._number(module)
            if timeout is DEFAULT and len(encoded) <= SHORT:
                call = guest.leanly.get("guest_call") or lean_caller(guest, "guest_call")
                result = call(number, len(name), len(encoded), name + encoded)
            else:
                numbers = (number, len(name), len(encoded))
                result = guest.enter("guest_call", numbers, encoded, timeout, name)
        else:
            result = self._guest.call_handle(function, args, timeout)
        return result if returns is None else convert(result, returns)

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
    def call_many(
        self,
        function: str | FunctionHandle,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        returns: Any = None,
        module: ModuleHandle | None = None,
        timeout: float | Default | None = DEFAULT,
    ) -> list[Any]:
        """Call a function once for each sequence of arguments, in one run; return the results.

        The calls are made in their order. After each one its jobs are run, its promise is awaited
        and its result is encoded as it is then. The first that fails ends the run: the error's
        ``call_index`` says which it was, those before it have run, and those after it have not. The
        deadline and the limits of results are for all of them together.

        Args:
            function: A name or a handle.
            args_list: The arguments of each call; all are encoded before the first is made.
            returns: A type to check and convert each result to.
            module: Where to look first.
            timeout: Seconds from now for the whole.

        Raises:
            JSRuntimeError: As `call_function`.
        """
        if isinstance(function, str):
            name, numbers = encode_name(function), (0, self._number(module))
        else:
            name, numbers = b"", (self._guest.handle_id(function), 0)
        results = call_many(self._guest, numbers, name, args_list, timeout)
        return results if returns is None else convert(results, list[returns])

    @overload
    def function(self, name: str, *, module: ModuleHandle | None = ...) -> BoundFunction[Any]: ...
    @overload
    def function(
        self, name: str, *, returns: type[T], module: ModuleHandle | None = ...
    ) -> BoundFunction[T]: ...
    def function(
        self, name: str, *, returns: Any = None, module: ModuleHandle | None = None
    ) -> BoundFunction[Any]:
        """Look a function up once, as `call_function` does at every call; return a way to call it.

        Example:
            >>> runtime = QuickJSRuntime()
            >>> runtime.evaluate("function add(a, b) { return a + b; }")
            undefined
            >>> add = runtime.function("add", returns=int)
            >>> add(1, 2)
            3

        Args:
            name: Its name.
            returns: A type to check and convert its results to.
            module: Where to look first.

        Raises:
            ValueNotFound: There is none of that name.
            ValueNotCallable: It is no function.
            ValueError: The name has a lone surrogate.
            JSRuntimeError: Everything that a `Runtime` may raise.
        """
        return bind(self._guest, name, self._number(module), returns)

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
    def call_entrypoint(
        self,
        module: ModuleHandle,
        args: Sequence[Any] | EncodedArgs = (),
        *,
        returns: Any = None,
        timeout: float | Default | None = DEFAULT,
    ) -> Any:
        """Call a module's entrypoint; a promise is awaited.

        That is the function it gave to ``register_entrypoint`` while it loaded, else its default
        export if that is a function, else its function with the options' default name.

        Raises:
            MissingEntrypoint: It has none.
            JSRuntimeError: Everything that a `Runtime` may raise.
        """
        name = encode_name(self.options.default_entrypoint or "")
        encoded = self._guest.encode_args(args)
        numbers = (self._number(module), len(name), len(encoded))
        result = self._guest.enter("guest_call_entrypoint", numbers, encoded, timeout, name)
        return result if returns is None else convert(result, returns)

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
    def get_value(
        self,
        name: str,
        *,
        returns: Any = None,
        module: ModuleHandle | None = None,
        timeout: float | Default | None = DEFAULT,
    ) -> Any:
        """Return a module's export or a global; a promise is awaited.

        Raises:
            ValueNotFound: There is none of that name, or it is ``undefined``; ``null`` is found.
            ValueError: The name has a lone surrogate.
            JSRuntimeError: Everything that a `Runtime` may raise.
        """
        encoded = encode_name(name)
        numbers = (self._number(module), len(encoded))
        result = self._guest.enter("guest_get_value", numbers, encoded, timeout)
        return result if returns is None else convert(result, returns)

    def _number(self, module: ModuleHandle | None) -> int:
        """A module's number for the guest, where 0 is none."""
        if module is None:
            return 0
        if not isinstance(module, ModuleHandle):
            raise TypeError(f"module must be a ModuleHandle, not {type(module).__name__}")
        if module.owner != self._guest.owner:
            raise StaleHandle(f"module {module.name!r} belongs to another runtime")
        return module.number + 1
