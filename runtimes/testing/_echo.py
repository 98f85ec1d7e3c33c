"""`EchoRuntime`: a runtime without an engine, for testing what is built upon runtimes."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

import msgspec

from runtimes.encoded import EncodedArgs
from runtimes.errors import (
    BrokenRuntimeError,
    ClosedRuntimeError,
    ConversionError,
    JSError,
    JSRuntimeError,
    JSSyntaxError,
    MissingEntrypoint,
    ModuleNotFound,
    ResultLimitError,
    RunCancelled,
    StaleHandle,
    TimeoutExceeded,
    ValueNotCallable,
    ValueNotFound,
    WrongThread,
)
from runtimes.modules import Module, ModuleHandle
from runtimes.options import DEFAULT, Default, HostFunction, RuntimeOptions
from runtimes.testing._echo_function import EchoFunction
from runtimes.testing._echo_snapshot import capture, read, revive
from runtimes.testing._echo_values import crossed, given, host, operands, size
from runtimes.testing._echo_words import WORDS, Own, Scope
from runtimes.values import undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from runtimes.snapshots import Snapshot

_owners = count(1)


class EchoRuntime:
    """A `Runtime` that knows a handful of words instead of JavaScript.

    A script is a list of lines; the value of the last one is the result. Lines are JSON values,
    and::

        define                   functions same, add, count, fail, members, values answer, nothing
        ... define main              function main register main            make a function like
        main the entrypoint default                  a default export import "lib.js"          take
        add from a module, define twice throw "text"             throw an Error call "name" [1, 2]
        call a global; its result is the value catch "name" [1, 2]      the same, but the value is
        what was thrown say ["hello"]            console.log later [1, 2]             a promise of
        that value never                    a promise that nothing will settle endless
        run until stopped stuck                    run until stopped, and be lost by that, as in a
        hard stop lose                     be lost, as by a trap deep                     run into
        the stack limit greedy                   run into the memory limit

    Like every runtime it belongs to the thread that made it; only `cancel` and `usable` may be used
    on others.
    """

    def __init__(self, options: RuntimeOptions | None = None) -> None:
        """Make one; of the options, the limits hold as far as they make sense here."""
        self.options = options if options is not None else RuntimeOptions()
        self.deadline: float | None = None
        self._thread = threading.get_ident()
        self._owner = -next(_owners)
        self._ended: type[BrokenRuntimeError | ClosedRuntimeError] | None = None
        self._globals = Scope({})
        self._sources: dict[str, Module] = {}
        self._loaded: dict[str, tuple[ModuleHandle, Scope]] = {}
        self._main: ModuleHandle | None = None
        self._lock = threading.Condition()
        self._running = False
        self._cancelled = False
        if self.options.snapshot is not None:
            self._restore(self.options.snapshot)
        for module in self.options.modules:
            self.add_module(module)
        for name, function in given(self.options).items():
            self._globals.names.setdefault(name, function)
        for name, value in self.options.globals.items():
            self._globals.names[name] = crossed(value, name)

    # -- what every runtime does ------------------------------------------------------------------

    def evaluate(
        self,
        source: str,
        *,
        returns: Any = None,
        filename: str = "<eval>",
        timeout: float | Default | None = DEFAULT,
    ) -> Any:
        """Run lines; what they define is global."""
        return self._run(lambda: self._lines(source, filename, self._globals), timeout, returns)

    def load_module(
        self, module: Module, *, timeout: float | Default | None = DEFAULT
    ) -> ModuleHandle:
        """Run lines; what they define is exported."""
        self._check()
        known = self._loaded.get(module.name)
        if known is not None and self._sources[module.name] == module:
            return known[0]
        added = module.name not in self._sources
        self.add_module(module)
        scope = Scope({}, module.name)
        try:
            self._run(lambda: self._lines(module.source, module.name, scope), timeout, None)
        except BaseException:
            if added:
                del self._sources[module.name]
            raise
        handle = ModuleHandle(module.name, len(self._loaded), self._owner)
        self._loaded[module.name] = (handle, scope)
        return handle

    def load_main_module(
        self,
        module: Module,
        side_modules: Sequence[Module] = (),
        *,
        timeout: float | Default | None = DEFAULT,
    ) -> ModuleHandle:
        """Load the side modules in their order, then the main one."""
        self._check()
        if self._main is not None:
            raise ValueError(f"the runtime has a main module already: {self._main.name!r}")
        for side in side_modules:
            self.load_module(side, timeout=timeout)
        self._main = self.load_module(module, timeout=timeout)
        return self._main

    def add_module(self, module: Module) -> None:
        """Make a module importable."""
        self._check()
        if self._sources.setdefault(module.name, module) != module:
            raise ValueError(f"{module.name!r} stands for another source already")

    def call_function(
        self,
        function: Any,
        args: Sequence[Any] | EncodedArgs = (),
        *,
        returns: Any = None,
        module: ModuleHandle | None = None,
        timeout: float | Default | None = DEFAULT,
    ) -> Any:
        """Call a function by name."""
        self._check()
        scope, found = self._find(function, module)
        if not callable(found):
            raise ValueNotCallable(f"{function!r} is no function")
        return self._run(lambda: self._call(found, scope, args), timeout, returns)

    def call_many(
        self,
        function: Any,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        returns: Any = None,
        module: ModuleHandle | None = None,
        timeout: float | Default | None = DEFAULT,
    ) -> list[Any]:
        """Call a function many times."""
        return self.function(function, module=module, returns=returns).call_many(
            args_list, timeout=timeout
        )

    def function(
        self, name: str, *, returns: Any = None, module: ModuleHandle | None = None
    ) -> EchoFunction:
        """Look a function up."""
        self._check()
        scope, found = self._find(name, module)
        if not callable(found):
            raise ValueNotCallable(f"{name!r} is no function")
        return EchoFunction(self, name, lambda args: self._call(found, scope, args), returns)

    def call_entrypoint(
        self,
        module: ModuleHandle,
        args: Sequence[Any] | EncodedArgs = (),
        *,
        returns: Any = None,
        timeout: float | Default | None = DEFAULT,
    ) -> Any:
        """Call a module's entrypoint."""
        self._check()
        scope = self._scope(module)
        name = self.options.default_entrypoint or ""
        found = scope.registered or scope.names.get("default") or scope.names.get(name)
        if not callable(found):
            raise MissingEntrypoint(f"module {module.name!r} has no entrypoint")
        return self._run(lambda: self._call(found, scope, args), timeout, returns)

    def get_value(
        self,
        name: str,
        *,
        returns: Any = None,
        module: ModuleHandle | None = None,
        timeout: float | Default | None = DEFAULT,
    ) -> Any:
        """Return an export or a global."""
        self._check()
        _, found = self._find(name, module)
        return self._run(lambda: found, timeout, returns)

    def register(self, name: str, function: HostFunction, *, namespace: str | None = None) -> None:
        """Let lines call a Python callable."""
        self._check()
        full_name = f"{namespace}.{name}" if namespace else name
        self._globals.names[full_name] = host(full_name, function)

    def module(self, name: str) -> ModuleHandle:
        """Return the handle of a loaded module."""
        self._check()
        if name not in self._loaded:
            raise ModuleNotFound(f"no module {name!r} was loaded")
        return self._loaded[name][0]

    def snapshot(self) -> Snapshot:
        """Capture what was defined, counted and loaded."""
        self._check()
        if self._running:
            raise JSRuntimeError("a snapshot is taken between two runs, not during one")
        loaded = [scope for _, scope in self._loaded.values()]
        main = None if self._main is None else self._main.name
        return capture(self._globals, self._sources, loaded, main)

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot, options: RuntimeOptions | None = None) -> Self:
        """Make one that goes on where another was."""
        return cls(replace(options or RuntimeOptions(), snapshot=snapshot))

    def move_here(self) -> None:
        """Belong to the calling thread."""
        if self._running and threading.get_ident() != self._thread:
            raise WrongThread("a run is under way")
        self._thread = threading.get_ident()

    @property
    def usable(self) -> bool:
        """Whether it is neither closed nor lost."""
        return self._ended is None

    def cancel(self) -> None:
        """Stop the run that is under way."""
        with self._lock:
            if self._running:
                self._cancelled = True
                self._lock.notify_all()

    def close(self) -> None:
        """Be closed."""
        self._ended = ClosedRuntimeError

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

    # -- how it does it ---------------------------------------------------------------------------

    def _check(self) -> None:
        if threading.get_ident() != self._thread:
            raise WrongThread("the runtime belongs to another thread")
        if self._ended is not None:
            raise self._ended("the runtime is closed, or was lost")

    def _restore(self, snapshot: Snapshot) -> None:
        state, functions = read(snapshot), given(self.options)
        self._globals = revive(state.globals, functions)
        self._sources = {name: Module(name, source) for name, source in state.sources}
        for number, written in enumerate(state.loaded):
            handle = ModuleHandle(written.name, number, self._owner)
            self._loaded[written.name] = (handle, revive(written, functions))
        if state.main is not None:
            self._main = self.module(state.main)

    def _run(self, body: Callable[[], Any], timeout: float | Default | None, returns: Any) -> Any:
        self._check()
        self._seconds = self.options.timeout if isinstance(timeout, Default) else timeout
        self._began = monotonic()
        outermost = not self._running  # an import, or a host function's call, comes within a run
        with self._lock:
            if outermost:
                self._running, self._cancelled = True, False
        try:
            result = body()
        finally:
            with self._lock:
                self._running = not outermost
        self._measure(result)
        if returns is None:
            return result
        try:
            return msgspec.convert(result, returns)
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at `")
            raise ConversionError(text, path=path.rstrip("`") or "$") from error

    def _measure(self, result: Any) -> None:
        nodes, n_bytes = size(result)
        options = self.options
        most = options.result_limit_nodes
        if isinstance(most, int) and nodes > most:
            raise ResultLimitError("too large", limit=most, unit="nodes")
        if options.result_limit_bytes is not None and n_bytes > options.result_limit_bytes:
            raise ResultLimitError("too large", limit=options.result_limit_bytes, unit="bytes")

    def _scope(self, module: ModuleHandle) -> Scope:
        if module.owner != self._owner:
            raise StaleHandle(f"module {module.name!r} belongs to another runtime")
        return self._loaded[module.name][1]

    def _find(self, name: str, module: ModuleHandle | None) -> tuple[Scope, Any]:
        for scope in [*([] if module is None else [self._scope(module)]), self._globals]:
            found = scope.names.get(name, undefined)
            if found is not undefined:
                return scope, found
        raise ValueNotFound(f"there is no {name!r}")

    def _call(self, function: Any, scope: Scope, args: Any) -> Any:
        if isinstance(args, EncodedArgs):
            args = args.decode()
        values = [crossed(argument, f"$[{i}]") for i, argument in enumerate(args)]
        if isinstance(function, Own):
            return function.body(self, scope, *values)
        return function(*values)

    def _lines(self, source: str, filename: str, scope: Scope) -> Any:
        value: Any = undefined
        for number, line in enumerate(source.split("\n"), 1):
            try:
                if line.strip():
                    value = self._line(line.strip().removesuffix(";"), scope)
            except JSError as error:
                error.filename = error.filename or filename
                error.line, error.column = error.line or number, error.column or 1
                error.source_line = error.source_line or line
                raise
        return value

    def _line(self, line: str, scope: Scope) -> Any:
        word, _, rest = line.partition(" ")
        known = WORDS.get(word)
        try:
            if known is None:
                return json.loads(line)
            read_operands = operands(rest)
        except ValueError:
            raise JSSyntaxError("not a word of this runtime", name="SyntaxError") from None
        return known(self, scope, *read_operands)

    def _until_stopped(self) -> None:
        until = None if self._seconds is None else self._began + self._seconds
        if self.deadline is not None and (until is None or self.deadline < until):
            until = self.deadline
        with self._lock:
            while not self._cancelled:
                left = None if until is None else until - monotonic()
                if left is not None and left <= 0:
                    raise TimeoutExceeded("the run took too long", timeout=self._seconds)
                self._lock.wait(left)
        raise RunCancelled("the run was cancelled")

    def _lost(self, error: Any) -> Any:
        self._ended = BrokenRuntimeError
        error.runtime_usable = False
        return error
