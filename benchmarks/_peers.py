"""Other JavaScript engines from PyPI behind one small interface, and ours beside them.

The peers come with the extra ``bench``. One that is not installed, or does not start on this
machine, is skipped with a line that says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtimes import RuntimeOptions


class Engine(Protocol):
    """One isolated engine, ready to run scripts."""

    def run(self, source: str) -> object:
        """Evaluate a script, run the jobs that it left, and return its value."""

    def function(self, name: str) -> Callable[..., Any]:
        """Return a global function as a Python callable, by the engine's quickest general way."""

    def close(self) -> None:
        """Drop it."""


class JSActors:
    """This project's runtime, as it comes: all limits and the hard stop on."""

    own_threads = False

    def __init__(self, options: RuntimeOptions | None = None) -> None:
        from runtimes.quickjs import QuickJSRuntime

        self._runtime = QuickJSRuntime(options)

    def run(self, source: str) -> object:
        """Evaluate."""
        value: object = self._runtime.evaluate(source)
        return value

    def function(self, name: str) -> Callable[..., Any]:
        """Call by name, as users do."""
        call = self._runtime.call_function
        return lambda *arguments: call(name, arguments)

    def close(self) -> None:
        """Close the runtime."""
        self._runtime.close()


class QuickJSNG:
    """The same engine as a native extension: no sandbox around it. Values cross as JSON."""

    own_threads = False

    def __init__(self) -> None:
        import quickjs

        self._context = quickjs.Context()

    def run(self, source: str) -> object:
        """Evaluate, then run jobs."""
        value: object = self._context.eval(source)
        while self._context.execute_pending_job():
            pass
        return value

    def function(self, name: str) -> Callable[..., Any]:
        """Call by way of orjson, the quickest coder there is."""
        import orjson

        return self._by_json(name, orjson.dumps, orjson.loads)

    def function_json(self, name: str) -> Callable[..., Any]:
        """Call by way of the standard library's json."""
        return self._by_json(name, lambda value: json.dumps(value).encode(), json.loads)

    def function_plain(self, name: str) -> Callable[..., Any]:
        """Call without any coder: numbers, strings, booleans and None only."""
        function: Callable[..., Any] = self._context.get(name)
        return function

    def _by_json(
        self, name: str, dumps: Callable[[Any], bytes], loads: Callable[[str], Any]
    ) -> Callable[..., Any]:
        source = f"(text) => JSON.stringify({name}(...JSON.parse(text)))"
        function = self._context.eval(source)
        return lambda *arguments: loads(function(dumps(arguments).decode()))

    def close(self) -> None:
        """Forget the context: it has no close of its own."""
        self._context = None


class QuickJSRS:
    """Another QuickJS in WebAssembly, also run by wasmtime."""

    own_threads = False

    def __init__(self) -> None:
        import quickjs_rs

        self._runtime = quickjs_rs.Runtime()
        self._context = self._runtime.new_context(timeout=600.0)
        self._handles: list[Any] = []
        self._loop = asyncio.new_event_loop()

    def run(self, source: str) -> object:
        """Evaluate; only its asynchronous way runs jobs, which takes 0.1 ms more."""
        if ".then(" in source:
            result: object = self._loop.run_until_complete(self._context.eval_async(source))
            return result
        value: object = self._context.eval(source)
        return value

    def function(self, name: str) -> Callable[..., Any]:
        """Call by handle; nested values as JSON, since its own conversion takes 100 us a node."""
        plain = self._context.eval_handle(name)
        by_json = self._context.eval_handle(
            f"(text) => JSON.stringify({name}(...JSON.parse(text)))"
        )
        self._handles += [plain, by_json]

        def call(*arguments: object) -> object:
            if any(isinstance(argument, dict | list) for argument in arguments):
                with by_json.call(json.dumps(arguments)) as result:
                    return json.loads(result.to_python())
            with plain.call(*arguments) as result:
                return result.to_python()

        return call

    def close(self) -> None:
        """Close handles, context and runtime."""
        for handle in self._handles:
            handle.dispose()
        self._context.close()
        self._runtime.close()
        self._loop.close()


class MiniRacer:
    """V8 with its compiler, on a thread of its own."""

    own_threads = True

    def __init__(self) -> None:
        import py_mini_racer

        self._engine = py_mini_racer.MiniRacer()

    def run(self, source: str) -> object:
        """Evaluate; V8 runs jobs by itself."""
        value: object = self._engine.eval(source)
        return value

    def function(self, name: str) -> Callable[..., Any]:
        """Call; values cross as JSON."""
        call = self._engine.call
        return lambda *arguments: call(name, *arguments)

    def close(self) -> None:
        """Close."""
        self._engine.close()


class JSRun:
    """V8 with its compiler by way of Rust."""

    own_threads = True

    def __init__(self) -> None:
        import jsrun

        self._runtime = jsrun.Runtime()

    def run(self, source: str) -> object:
        """Evaluate; V8 runs jobs by itself."""
        value: object = self._runtime.eval(source)
        return value

    def function(self, name: str) -> Callable[..., Any]:
        """Call by handle."""
        function: Callable[..., Any] = self._runtime.eval(name)
        return function

    def close(self) -> None:
        """Close."""
        self._runtime.close()


OURS = "jsactors"
NATIVE = "quickjs-ng"
ENGINES: dict[str, Callable[[], Engine]] = {
    OURS: JSActors,
    NATIVE: QuickJSNG,
    "quickjs-rs": QuickJSRS,
    "mini-racer": MiniRacer,
    "jsrun": JSRun,
}


def available() -> dict[str, Callable[[], Engine]]:
    """Return the engines that start here; say on stderr which ones do not, and why."""
    found = {}
    for name, make in ENGINES.items():
        if name == OURS:
            found[name] = make
            continue
        try:
            engine = make()
            value = engine.run("6 * 7")
            engine.close()
        except ImportError as error:
            _skip(name, f"not installed ({error}); pip install 'jsactors[bench]' brings it")
        except Exception as error:  # whatever a peer may raise: it must not end the benchmark
            _skip(name, f"does not work here: {error!r}")
        else:
            if value == 42:
                found[name] = make
            else:
                _skip(name, f"6 * 7 is {value!r} there")
    return found


def has(module: str) -> bool:
    """Whether a module can be imported."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def _skip(name: str, reason: str) -> None:
    print(f"skipped {name}: {reason}", file=sys.stderr)


@contextlib.contextmanager
def opened(make: Callable[[], Engine], source: str = "") -> Iterator[Engine]:
    """Open an engine, run `source` in it, and close it in the end."""
    engine = make()
    try:
        if source:
            engine.run(source)
        yield engine
    finally:
        engine.close()
