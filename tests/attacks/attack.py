"""What one attack is: a hostile script, how it reaches the runtime, and how it must end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from runtimes.errors import (
    ConversionError,
    JSError,
    JSSyntaxError,
    MemoryLimitError,
    ModuleNotFound,
    ResultLimitError,
    StackLimitError,
    TimeoutExceeded,
    UnsettledPromise,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Ending: TypeAlias = type[BaseException] | Literal["completes"]
"""The exact class of the error that must be raised, or that the run must come to its end."""

COMPLETES: Final[Literal["completes"]] = "completes"
TIMEOUT: Final = (TimeoutExceeded,)
MEMORY: Final = (MemoryLimitError,)
STACK: Final = (StackLimitError,)
CONVERSION: Final = (ConversionError,)
THROWS: Final = (JSError,)
SYNTAX: Final = (JSSyntaxError,)
RESULT: Final = (ResultLimitError,)
NO_MODULE: Final = (ModuleNotFound,)
UNSETTLED: Final = (UnsettledPromise,)
DONE: Final = (COMPLETES,)
TIME_OR_MEMORY: Final = (TimeoutExceeded, MemoryLimitError)
"""For bombs that a slow machine may not fill before the deadline."""


class Anything:
    """The type of `ANYTHING`."""

    def __repr__(self) -> str:
        """Show as the name of the constant."""
        return "ANYTHING"


ANYTHING: Final = Anything()
"""The result of an attack that completes is of no interest."""

SANE: Final = """
(() => {
  const list = [3, 1, 2].sort().map((x) => x * 2);
  const text = JSON.stringify({ list, made: new Map([["k", 1]]).get("k") });
  return text + `${typeof console.log}` + "a-b".replace(/-/, "+") + [...new Set(list)].length;
})()
"""
"""Ordinary code that a query which follows an attack might hold."""

SANE_RESULT: Final = '{"list":[2,4,6],"made":1}functiona+b3'


@dataclass(frozen=True, kw_only=True, slots=True)
class _Details:
    """The parts of an attack that most of them leave alone.

    Attributes:
        via: How the script arrives: evaluated; loaded as a module; evaluated, and then its global
            function ``attack`` called with `args`; or written to a file and loaded from there.
        args: Makes the arguments of ``attack``, in Python.
        gives: What a run that completes must return.
        error_name: The ``name`` of the JSError that must be raised.
        timeout: Seconds that the run is given.
        memory_mib: The runtime's memory limit.
        options: More options of the runtime.
        modules: Modules that the script may import, by name.
        file_bytes: Makes what stands in the file, for ``via="file"``.
        host: Whether the runtime offers the host functions of `run_case`.
        sane_after: Whether ordinary code must still give ordinary results in the same global
            object; not so if the script has spoilt what that code uses.
    """

    via: Literal["evaluate", "module", "call", "file"] = "evaluate"
    args: Callable[[], Sequence[Any]] = tuple
    gives: Any = ANYTHING
    error_name: str | None = None
    timeout: float = 0.2
    memory_mib: int = 32
    options: Mapping[str, Any] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    file_bytes: Callable[[], bytes] | None = None
    host: bool = False
    sane_after: bool = True


@dataclass(frozen=True, slots=True)
class Attack(_Details):
    """One hostile script.

    Attributes:
        name: What it does, in a few words; unique in its kind.
        source: The script, or what makes it if it is too big to be read.
        expect: The endings that are right.
    """

    name: str
    source: str | Callable[[], str]
    expect: tuple[Ending, ...]

    @property
    def script(self) -> str:
        """The JavaScript text."""
        return self.source if isinstance(self.source, str) else self.source()


__all__ = [
    "ANYTHING",
    "COMPLETES",
    "CONVERSION",
    "DONE",
    "MEMORY",
    "NO_MODULE",
    "RESULT",
    "SANE",
    "SANE_RESULT",
    "STACK",
    "SYNTAX",
    "THROWS",
    "TIMEOUT",
    "TIME_OR_MEMORY",
    "UNSETTLED",
    "Attack",
]
