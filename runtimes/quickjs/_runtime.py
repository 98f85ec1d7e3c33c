"""`QuickJSRuntime`: QuickJS-NG in a WebAssembly sandbox, as a `runtimes.Runtime`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from runtimes.errors import JSError, JSSyntaxError, StaleHandle
from runtimes.modules import Module, ModuleHandle
from runtimes.options import DEFAULT, Default, HostFunction, RuntimeOptions
from runtimes.quickjs import _snapshot
from runtimes.quickjs._bound import BoundFunction, bind, call_many
from runtimes.quickjs._guest import Guest
from runtimes.quickjs._modules import line_of
from runtimes.quickjs._returns import convert
from runtimes.quickjs._threads import require_stack

if TYPE_CHECKING:
    from types import TracebackType

    from runtimes.encoded import EncodedArgs
    from runtimes.protocol import FunctionHandle
    from runtimes.snapshots import Snapshot

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_USUAL = RuntimeOptions(host_functions=MappingProxyType({}), globals=MappingProxyType({}))
"""What a runtime has that is given no options; checking them anew would take 8 us."""

_MODULE_SYNTAX = re.compile(r"^[ \t]*(?:import\b(?![ \t]*[(.])|export\b)", re.MULTILINE)


class QuickJSRuntime:
    """One isolated JavaScript heap with its event loop; a script reaches only what it was handed.

    It belongs to the thread that makes it: everything but `cancel`, `usable` and `move_here` raises
    `WrongThread` elsewhere. To share one, or to use several cores, put it in a worker. The thread
    needs a stack of 3 MiB.

    After a timeout, a cancellation or an error of the script it goes on working. After a hard stop,
    or when the engine itself is lost, it does not: ``usable`` is then False, as is the error's
    ``runtime_usable``, and every later call raises `BrokenRuntimeError`.

    Example:
        >>> with QuickJSRuntime() as runtime:
        ...     runtime.evaluate("6 * 7")
        42
    """

    def __init__(self, options: RuntimeOptions | None = None) -> None:
        """Boot an engine and give it what the options list.

        Args:
            options: Limits, host functions, modules, globals; None takes the defaults.

        Raises:
            MemoryError: The process has no room for another runtime: there are some 20,000.
            MemoryLimitError: The limit is too small to boot with, or to hold the snapshot.
            SnapshotMismatch: The snapshot does not fit; see `from_snapshot`.
            ConversionError: A global cannot cross.
            WrongThread: The thread's stack is too small.
        """
        self.options = _USUAL if options is None else options
        require_stack()
        self._guest = Guest(self.options)
        try:
            self._furnish(self.options)
        except BaseException:
            self.close()
            raise

    def _furnish(self, options: RuntimeOptions) -> None:
        for module in options.modules:
            self.add_module(module)
        known = self._guest.functions.knows  # what a snapshot's scripts know is bound already
        for name, entry in options.host_functions.items():
            if isinstance(entry, Mapping):
                for member, function in entry.items():
                    if not known(name, member):
                        self.register(member, function, namespace=name)
            elif not known("", name):
                self.register(name, entry)
        for name, value in options.globals.items():
            self.set_global(name, value)

    # -- running code

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
    def evaluate(
        self,
        source: str,
        *,
        returns: Any = None,
        filename: str = "<eval>",
        timeout: float | Default | None = DEFAULT,
    ) -> Any:
        """Run a script in the global scope; what it declares stays.

        Args:
            source: The script; its last expression is the result, and is awaited if a promise.
            returns: A type to check and convert the result to.
            filename: What stack traces call it.
            timeout: Seconds from now; None is unlimited, the default is that of the options.

        Raises:
            JSSyntaxError: It does not parse.
            JSRuntimeError: Everything that a `Runtime` may raise.
        """
        if not isinstance(source, str):
            raise TypeError(f"a script is a text (str), not a {type(source).__name__}")
        try:
            result = self._guest.enter_source("guest_evaluate", filename, source, timeout)
        except JSError as error:
            if error.filename == filename:
                error.source_line = line_of(source, error.line or 0)
            if isinstance(error, JSSyntaxError) and _MODULE_SYNTAX.search(source[:100_000]):
                error.add_note("import and export need a module: use load_module")
            raise
        return result if returns is None else convert(result, returns)

    def load_module(
        self, module: Module, *, timeout: float | Default | None = DEFAULT
    ) -> ModuleHandle:
        """Load and run a module, after those that it imports.

        A module is run once: loading the same one again returns the same handle.

        Raises:
            ModuleNotFound: It imports what was not handed over.
            JSSyntaxError: It, or a module that it imports, does not parse or does not link.
            ValueError: The name stands for another source already.
            JSRuntimeError: Everything that a `Runtime` may raise.
        """
        if not isinstance(module, Module):
            raise TypeError(f"load_module takes a Module(name, source), not {module!r:.100}")
        self._guest.check()
        modules = self._guest.modules
        added = modules.add(module)
        handle = modules.loaded(module.name)
        if handle is not None:
            return handle
        served = modules.served()
        try:
            number = self._guest.enter_source(
                "guest_load_module", module.name, module.source, timeout
            )
        except BaseException:
            modules.forget(module if added else None, served, self._guest.has_module)
            raise
        if type(number) is not int or number < 0:
            raise self._guest.lied("the guest says that a module has no number")
        handle = ModuleHandle(module.name, number, self._guest.owner)
        modules.remember(handle)
        return handle

    def load_main_module(
        self,
        module: Module,
        side_modules: Sequence[Module] = (),
        *,
        timeout: float | Default | None = DEFAULT,
    ) -> ModuleHandle:
        """Load and run the side modules in their order, then the main one.

        Side modules may import each other and the main module whatever their order is.

        Raises:
            ValueError: There is a main module already.
            JSRuntimeError: As `load_module`.
        """
        modules = self._guest.modules
        if modules.main is not None:
            raise ValueError(f"the runtime has a main module already: {modules.main.name!r}")
        for each in (*side_modules, module):
            modules.add(each)
        for side in side_modules:
            self.load_module(side, timeout=timeout)
        modules.main = self.load_module(module, timeout=timeout)
        return modules.main

    def add_module(self, module: Module) -> None:
        """Make a module importable by name; it runs when it is first imported.

        Raises:
            ValueError: The name stands for another source already.
        """
        self._guest.check()
        self._guest.modules.add(module)

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
            StaleHandle: The handle is another runtime's.
            JSRuntimeError: Everything that a `Runtime` may raise.
        """
        if isinstance(function, str):
            guest = self._guest
            name, encoded = function.encode(), guest.encode_args(args)
            number = 0 if module is None else self._number(module)
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
            name, numbers = function.encode(), (0, self._number(module))
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
        name = (self.options.default_entrypoint or "").encode()
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
            JSRuntimeError: Everything that a `Runtime` may raise.
        """
        encoded = name.encode()
        numbers = (self._number(module), len(encoded))
        result = self._guest.enter("guest_get_value", numbers, encoded, timeout)
        return result if returns is None else convert(result, returns)

    # -- handing things in

    def set_global(self, name: str, value: Any) -> None:
        """Set a property of ``globalThis``.

        Raises:
            ConversionError: The value cannot cross.
        """
        text, encoded = name.encode(), self._guest.codec.encode(value)
        numbers = (len(text), len(encoded))
        self._guest.enter("guest_set_global", numbers, encoded, DEFAULT, text)

    def register(self, name: str, function: HostFunction, *, namespace: str | None = None) -> None:
        """Let scripts call a Python callable, as a global or as a member of a namespace object.

        It is called on the runtime's thread with the arguments as Python values. A plain object as
        last argument fills keyword-only parameters; a wrong number of arguments is a TypeError in
        JavaScript. What it raises arrives there as an Error with the type's name and a general text
        (with its own text if it is a `HostError`); if the script lets that through, the caller gets
        a `JSError` whose ``__cause__`` is the original.

        Raises:
            TypeError: It is not callable, or is async.
            ValueError: The name is empty or holds NUL, or there are too many functions.
        """
        if not name or "\0" in name or namespace == "" or "\0" in (namespace or ""):
            raise ValueError(f"{name!r} is no name for a host function")
        self._guest.check()
        number, arity = self._guest.functions.add(namespace or "", name, function)
        space, text = (namespace or "").encode(), name.encode()
        numbers = (number, arity, len(space), len(text))
        self._guest.enter("guest_register", numbers, space + text, DEFAULT)

    def host_function(
        self, name: str | None = None, *, namespace: str | None = None
    ) -> Callable[[F], F]:
        """Decorate a function to `register` it, by its own name if none is given.

        Example:
            >>> runtime = QuickJSRuntime()
            >>> @runtime.host_function()
            ... def double(x):
            ...     return 2 * x
            >>> runtime.evaluate("double(21)")
            42
        """

        def decorate(function: F) -> F:
            self.register(name or function.__name__, function, namespace=namespace)
            return function

        return decorate

    def module(self, name: str) -> ModuleHandle:
        """Return the handle of a module that was loaded by this name, here or before a snapshot.

        Raises:
            ModuleNotFound: None was; one that was only imported has no handle.
        """
        self._guest.check()
        return self._guest.modules.get(name)

    # -- snapshots

    def snapshot(self) -> Snapshot:
        """Capture all that scripts can see, between two runs; the runtime goes on unchanged.

        Closures, suspended async functions, pending promises, generators, private fields, loaded
        modules and their numbers: everything is in it, and it takes some 0.3 ms for a heap of 1 MB.
        Python's side is not: handles to functions and promises, host functions (their names are),
        and the options. Take one when nothing large was just dropped, or after `collect_garbage`:
        it is as large as what the heap has ever held and not yet given to something else.

        Raises:
            JSRuntimeError: A run is under way, or memory is shared with other runtimes.
        """
        return _snapshot.capture(self._guest)

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot, options: RuntimeOptions | None = None) -> Self:
        """Make a runtime that goes on where another one was.

        The same as ``RuntimeOptions(snapshot=...)``: limits, console and all else are those of
        these options, not those of the old runtime. ``Math.random`` starts anew, and `performance`
        counts from now.

        Raises:
            SnapshotMismatch: It is of another build, or damaged, or its scripts know host functions
                that the options lack (``missing`` lists them).
            MemoryLimitError: It holds more than the options allow.
            ValueError: The options have another source for a module that is loaded in it.
        """
        return cls(replace(options or RuntimeOptions(), snapshot=snapshot))

    # -- life

    @property
    def usable(self) -> bool:
        """Whether it is neither closed nor broken. May be read on any thread."""
        return self._guest.usable

    @property
    def deadline(self) -> float | None:
        """An instant of ``time.monotonic()`` that no run outlasts, whatever its timeout; or None.

        For whoever lends the runtime out: a worker sets it to the deadline of its query.
        """
        return self._guest.deadline

    @deadline.setter
    def deadline(self, instant: float | None) -> None:
        self._guest.deadline = instant

    @property
    def memory_used(self) -> int:
        """Bytes that the engine holds, as of the end of the last run."""
        return self._guest.memory_used()

    def collect_garbage(self) -> int:
        """Collect garbage; return the bytes in use after it."""
        return self._guest.collect()

    def move_here(self) -> None:
        """Belong to the calling thread from now on.

        Whoever calls it sees to it that no other thread uses the runtime meanwhile; a lock does.
        Functions and promises that it handed out move with it.

        Raises:
            WrongThread: A run is under way, or the thread's stack is too small.
        """
        self._guest.move_here()

    def cancel(self) -> None:
        """Stop the run that is under way, from any thread; nothing happens if there is none.

        The run raises `RunCancelled`.
        """
        self._guest.cancel()

    def close(self) -> None:
        """Free everything. Calling it again does nothing.

        Raises:
            WrongThread: On another thread, or from a host function during a run.
        """
        self._guest.close()

    def __enter__(self) -> Self:
        """Return the runtime; leaving closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Tell which runtime it is, and whether it works."""
        return f"<QuickJSRuntime {self._guest.owner} {'usable' if self.usable else 'ended'}>"

    def _number(self, module: ModuleHandle | None) -> int:
        """A module's number for the guest, where 0 is none."""
        if module is None:
            return 0
        if not isinstance(module, ModuleHandle):
            raise TypeError(f"module must be a ModuleHandle, not {type(module).__name__}")
        if module.owner != self._guest.owner:
            raise StaleHandle(f"module {module.name!r} belongs to another runtime")
        return module.number + 1
