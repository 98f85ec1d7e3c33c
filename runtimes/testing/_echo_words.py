"""The words of `EchoRuntime`, and what they do."""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtimes.console import ConsoleEvent
from runtimes.errors import (
    BrokenRuntimeError,
    JSError,
    MemoryLimitError,
    ModuleNotFound,
    RunCancelled,
    StackLimitError,
    TimeoutExceeded,
    UnsettledPromise,
)
from runtimes.testing._dialect import Dialect
from runtimes.values import undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtimes.testing._echo import EchoRuntime


@dataclass
class Scope:
    """Names and their values: the globals, or one module's exports."""

    names: dict[str, Any]
    name: str = ""
    counted: int = 0
    registered: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Own:
    """A function of the language."""

    body: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        raise TypeError("called by its runtime only")


@dataclass(frozen=True)
class HostWord:
    """A host function, by the name that it is registered under."""

    name: str
    body: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        return self.body(*args)


def _fail(runtime: EchoRuntime, scope: Scope, text: str) -> Any:
    raise JSError(text)


def _count(runtime: EchoRuntime, scope: Scope) -> int:
    scope.counted += 1
    return scope.counted


_FUNCTIONS: dict[str, Own] = {
    "same": Own(lambda runtime, scope, x: x),
    "add": Own(lambda runtime, scope, a, b: a + b),
    "count": Own(_count),
    "fail": Own(_fail),
    "members": Own(lambda runtime, scope: sorted(scope.names)),
}
_MAIN = Own(lambda runtime, scope, x: ["main", x])
_REGISTERED = Own(lambda runtime, scope, x: ["registered", x])
_DEFAULT = Own(lambda runtime, scope, x: ["default", x])
_TWICE = Own(lambda runtime, scope, x: x + x)

OWN_FUNCTIONS = {
    **_FUNCTIONS,
    "main": _MAIN,
    "registered": _REGISTERED,
    "default": _DEFAULT,
    "twice": _TWICE,
}
"""Every function of the language, by a name of its own."""


def _define(runtime: EchoRuntime, scope: Scope, main: str | None = None) -> None:
    if main is not None:
        scope.names["main"] = _MAIN
        scope.names["other"] = 1
    else:
        scope.names |= {**_FUNCTIONS, "answer": 42, "nothing": None, "missing": undefined}


def _register(runtime: EchoRuntime, scope: Scope, main: str) -> None:
    scope.registered = _REGISTERED


def _default(runtime: EchoRuntime, scope: Scope) -> None:
    scope.names["default"] = _DEFAULT


def _import(runtime: EchoRuntime, scope: Scope, name: str) -> None:
    if name.startswith("."):
        name = posixpath.normpath(posixpath.join(posixpath.dirname(scope.name), name))
    module = runtime._sources.get(name)
    if module is None:
        raise ModuleNotFound(f"no module {name!r} was handed over")
    runtime.load_module(module)
    scope.names["twice"] = _TWICE


def _call(runtime: EchoRuntime, scope: Scope, name: str, args: Sequence[Any]) -> Any:
    found_in, found = runtime._find(name, None)
    return runtime._call(found, found_in, args)


def _catch(runtime: EchoRuntime, scope: Scope, name: str, args: Sequence[Any]) -> Any:
    try:
        return _call(runtime, scope, name, args)
    except JSError as error:
        return [error.name, error.message]


def _say(runtime: EchoRuntime, scope: Scope, values: Sequence[Any]) -> None:
    if runtime.options.console is not None:
        runtime.options.console(ConsoleEvent("log", tuple(values)))


def _never(runtime: EchoRuntime, scope: Scope) -> Any:
    raise UnsettledPromise("nothing is left that could settle it")


def _endless(runtime: EchoRuntime, scope: Scope) -> None:
    runtime._until_stopped()


def _stuck(runtime: EchoRuntime, scope: Scope) -> Any:
    try:
        runtime._until_stopped()
    except (RunCancelled, TimeoutExceeded) as error:
        raise runtime._lost(error) from None


def _lose(runtime: EchoRuntime, scope: Scope) -> Any:
    raise runtime._lost(BrokenRuntimeError("the engine was lost"))


def _deep(runtime: EchoRuntime, scope: Scope) -> Any:
    raise StackLimitError("too deep")


def _greedy(runtime: EchoRuntime, scope: Scope) -> Any:
    raise MemoryLimitError("too much", limit_bytes=runtime.options.memory_limit_bytes)


WORDS: dict[str, Callable[..., Any]] = {
    "define": _define,
    "register": _register,
    "default": _default,
    "import": _import,
    "throw": _fail,
    "call": _call,
    "catch": _catch,
    "say": _say,
    "later": lambda runtime, scope, value: value,
    "never": _never,
    "endless": _endless,
    "stuck": _stuck,
    "lose": _lose,
    "deep": _deep,
    "greedy": _greedy,
}

ECHO = Dialect(
    name="Echo",
    value=json.dumps,
    definitions="define",
    module="define\ndefault",
    entrypoint="define main\nregister main",
    main_only="define main",
    importing=lambda name: f"import {json.dumps(name)}",
    throwing=lambda text: f"throw {json.dumps(text)}",
    unparsable="let let = ;",
    endless="endless",
    uncatchable="endless",
    promise=lambda value: f"later {json.dumps(value)}",
    never="never",
    calling=lambda name, args: f"call {json.dumps(name)} {json.dumps(list(args))}",
    catching=lambda name, args: f"catch {json.dumps(name)} {json.dumps(list(args))}",
    saying=lambda values: f"say {json.dumps(list(values))}",
    deep="deep",
    greedy="greedy",
)
"""What `EchoRuntime` understands."""
