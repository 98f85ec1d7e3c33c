"""Console events: what a script says through ``console``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

ConsoleLevel: TypeAlias = Literal["debug", "log", "info", "warn", "error"]


@dataclass(frozen=True, slots=True)
class ConsoleEvent:
    """One call of ``console.log`` and its kin.

    Attributes:
        level: The method's name; ``trace`` and ``assert`` arrive as ``"debug"`` and ``"error"``.
        arguments: The arguments as Python values; one that cannot cross arrives as its text.
        filename: The script or module that called, if known.
        line: Line of the call, from 1, if known.
        column: Column of the call, from 1, if known.
    """

    level: ConsoleLevel
    arguments: tuple[Any, ...]
    filename: str | None = None
    line: int | None = None
    column: int | None = None

    @property
    def text(self) -> str:
        """The arguments as one line, strings as they are, all else as Python shows it."""
        return " ".join(a if isinstance(a, str) else repr(a) for a in self.arguments)
