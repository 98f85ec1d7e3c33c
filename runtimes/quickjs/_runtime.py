"""`QuickJSRuntime`: QuickJS-NG in a WebAssembly sandbox, as a `runtimes.Runtime`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Self, TypeVar, overload

from runtimes.errors import JSError, JSSyntaxError
from runtimes.modules import Module, ModuleHandle
from runtimes.options import DEFAULT, Default, HostFunction, RuntimeOptions
from runtimes.quickjs import _snapshot
from runtimes.quickjs._calling import Calling
from runtimes.quickjs._guest import Guest
from runtimes.quickjs._life import Life
from runtimes.quickjs._modules import line_of
from runtimes.quickjs._names import encode_name
from runtimes.quickjs._returns import convert
from runtimes.quickjs._threads import require_stack
from runtimes.snapshots import Snapshot

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_USUAL = RuntimeOptions(host_functions=MappingProxyType({}), globals=MappingProxyType({}))
"""What a runtime has that is given no options; checking them anew would take 8 us."""

_MODULE_SYNTAX = re.compile(r"^[ \t]*(?:import\b(?![ \t]*[(.])|export\b)", re.MULTILINE)
_AFTER_AWAIT = re.compile(r"\bawait[ \t]+$")


class QuickJSRuntime(Calling, Life):
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
            RuntimeError: This is a sub-interpreter.
            SnapshotMismatch: The snapshot does not fit; see `from_snapshot`.
            ConversionError: A global cannot cross.
            WrongThread: The thread's stack is too small.
        """
        self.options = _USUAL if options is None else options
        require_stack()
        self._guest = Guest(self.options)
        try:
            if self.options is not _USUAL:
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
            raise TypeError(f"a script is a text (str), not {type(source).__name__}")
        try:
            result = self._guest.enter_source("guest_evaluate", filename, source, timeout)
        except JSError as error:
            if error.filename == filename:
                error.source_line = line_of(source, error.line or 0)
            if isinstance(error, JSSyntaxError):
                _advise(error, source)
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

    # -- handing things in

    def set_global(self, name: str, value: Any) -> None:
        """Set a property of ``globalThis``.

        Raises:
            ConversionError: The value cannot cross.
            ValueError: The name has a lone surrogate.
        """
        text, encoded = encode_name(name), self._guest.codec.encode(value)
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
            ValueError: The name is empty, holds NUL or a lone surrogate, or there are too many
                functions.
        """
        if not name or "\0" in name or namespace == "" or "\0" in (namespace or ""):
            raise ValueError(f"{name!r} is no name for a host function")
        self._guest.check()
        space, text = encode_name(namespace or ""), encode_name(name)
        number, arity = self._guest.functions.add(namespace or "", name, function)
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
            TypeError: It is no `Snapshot`: None would be a runtime that starts from nothing.
            ValueError: The options have another source for a module that is loaded in it.
        """
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"from_snapshot takes a Snapshot, not {snapshot!r:.100}")
        return cls(replace(options or RuntimeOptions(), snapshot=snapshot))

    def __repr__(self) -> str:
        """Tell which runtime it is, and whether it works."""
        return f"<QuickJSRuntime {self._guest.owner} {'usable' if self.usable else 'ended'}>"


def _advise(error: JSSyntaxError, source: str) -> None:
    """Add to an error about a script that it would be none in a module, if that is the reason."""
    before = (error.source_line or "")[: (error.column or 1) - 1]
    if _MODULE_SYNTAX.search(source[:100_000]):
        error.add_note("import and export need a module: use load_module")
    elif _AFTER_AWAIT.search(before):
        error.add_note(
            "await needs an async function, or a module: use load_module; "
            "a promise that is the script's result is awaited without it"
        )
