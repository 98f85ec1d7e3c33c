"""Python callables that scripts may call: their numbers, their arity, their errors."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtimes.errors import HostError, JSError, JSRuntimeError, SnapshotMismatch
from runtimes.quickjs._abi import MAX_HOST_FUNCTIONS
from runtimes.quickjs._notes import FunctionNote

if TYPE_CHECKING:
    from typing import TypeAlias

    from runtimes.options import HostFunction

    HostFunctions: TypeAlias = Mapping[str, HostFunction | Mapping[str, HostFunction]]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class ArityError(Exception):
    """JavaScript passed the wrong arguments; its text is shown to the script."""


@dataclass(frozen=True, slots=True)
class _Registered:
    function: HostFunction
    shown_name: str
    required: int
    most: int | None
    keywords: frozenset[str]
    required_keywords: frozenset[str]
    any_keyword: bool

    def __call__(self, args: list[Any]) -> Any:
        named: dict[str, Any] = {}
        if (self.keywords or self.any_keyword) and args and type(args[-1]) is dict:
            named = args.pop()
        if len(args) < self.required or (self.most is not None and len(args) > self.most):
            raise ArityError(f"{self.shown_name} takes {self._expected()}, got {len(args)}")
        unknown = () if self.any_keyword else named.keys() - self.keywords
        for name in (*unknown, *(self.required_keywords - named.keys())):
            problem = "missing" if name in self.required_keywords else "unknown"
            raise ArityError(f"{self.shown_name}: {problem} named argument {str(name)[:100]}")
        return self.function(*args, **named)

    def _expected(self) -> str:
        if self.most is None:
            return f"at least {_count(self.required)}"
        if self.most == self.required:
            return _count(self.most)
        return f"{self.required} to {_count(self.most)}"


def _count(number: int) -> str:
    return f"{number} argument" + ("s" if number != 1 else "")


class HostFunctionTable:
    """The functions of one runtime, by number."""

    __slots__ = ("_functions", "_notes", "_numbers")

    def __init__(self) -> None:
        self._functions: list[_Registered] = []
        self._notes: list[FunctionNote] = []
        self._numbers: dict[tuple[str, str], int] = {}

    def add(self, namespace: str, name: str, function: HostFunction) -> tuple[int, int]:
        """Take a function in.

        Args:
            namespace: Of which it is a member; empty for a global.
            name: Its name there.
            function: What to call.

        Returns:
            Its number, and the ``length`` that JavaScript sees.

        Raises:
            TypeError: It is not callable, or is a coroutine function.
            ValueError: There are too many.
        """
        shown_name = shown(namespace, name) + "()"
        if not callable(function):
            raise TypeError(f"host function {shown_name} is not callable: {function!r}")
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"host function {shown_name} is async; only plain functions are taken")
        if len(self._functions) >= MAX_HOST_FUNCTIONS:
            raise ValueError(f"a runtime takes at most {MAX_HOST_FUNCTIONS} host functions")
        entry = _inspect(shown_name, function)
        self._functions.append(entry)
        self._notes.append(FunctionNote(namespace, name, entry.required))
        number = self._numbers[namespace, name] = len(self._functions) - 1
        return number, entry.required

    def notes(self) -> list[FunctionNote]:
        """What a snapshot must know, by number."""
        return list(self._notes)

    def knows(self, namespace: str, name: str) -> bool:
        """Whether scripts have been given such a function."""
        return (namespace, name) in self._numbers

    def restore(self, notes: list[FunctionNote], given: HostFunctions) -> list[tuple[int, int]]:
        """Bind the functions that a snapshot's scripts know, under the numbers that they had.

        Returns:
            Number and ``length`` of those whose ``length`` is another now.

        Raises:
            SnapshotMismatch: Some are not given.
            TypeError: One is not callable, or is a coroutine function.
        """
        if len(notes) > MAX_HOST_FUNCTIONS:
            raise SnapshotMismatch("the snapshot is damaged: too many host functions")
        found = [_find(note, given) for note in notes]
        pairs = zip(notes, found, strict=True)
        missing = {shown(note.namespace, note.name) for note, known in pairs if known is None}
        if missing:
            names = tuple(sorted(missing))
            raise SnapshotMismatch(
                f"the snapshot's scripts know host functions that the options lack: "
                f"{', '.join(names)[:1000]}",
                missing=names,
            )
        changed = []
        for note, function in zip(notes, found, strict=True):
            assert function is not None
            number, arity = self.add(note.namespace, note.name, function)
            if arity != note.arity:
                changed.append((number, arity))
        return changed

    def call(self, number: int, args: list[Any]) -> Any:
        """Call function `number` with the arguments that JavaScript passed."""
        return self._functions[number](args)


def shown(namespace: str, name: str) -> str:
    """A function's full name."""
    return f"{namespace}.{name}" if namespace else name


def _find(note: FunctionNote, given: HostFunctions) -> HostFunction | None:
    found = given.get(note.namespace or note.name)
    if note.namespace:
        return found.get(note.name) if isinstance(found, Mapping) else None
    return None if isinstance(found, Mapping) else found


def _inspect(shown_name: str, function: HostFunction) -> _Registered:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some builtins do not tell
        return _Registered(function, shown_name, 0, None, frozenset(), frozenset(), False)
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    keywords = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    kinds = {p.kind for p in parameters}
    return _Registered(
        function,
        shown_name,
        required=sum(p.default is p.empty for p in positional),
        most=None if inspect.Parameter.VAR_POSITIONAL in kinds else len(positional),
        keywords=frozenset(p.name for p in keywords),
        required_keywords=frozenset(p.name for p in keywords if p.default is p.empty),
        any_keyword=inspect.Parameter.VAR_KEYWORD in kinds,
    )


def shown_to_script(error: Exception) -> tuple[str, str]:
    """Name and message of a Python exception as JavaScript may see them: nothing that leaks."""
    if isinstance(error, JSError):
        return error.name, error.message
    name = "TypeError" if isinstance(error, ArityError) else type(error).__name__
    if isinstance(error, (ArityError, HostError, JSRuntimeError)):
        with contextlib.suppress(Exception):  # a HostError of the user's may have any __str__
            return name, str(error)
    return name, "the host function failed"
