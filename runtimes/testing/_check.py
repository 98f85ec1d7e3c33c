"""What a check is, and what it works with. No test framework is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from runtimes.options import RuntimeOptions
from runtimes.protocol import Runtime
from runtimes.testing._expect import fail

if TYPE_CHECKING:
    from runtimes.testing._dialect import Dialect

MakeRuntime: TypeAlias = Callable[[RuntimeOptions], Runtime]
"""Makes the runtime under test."""


class Bench:
    """What a check is given: a maker of runtimes, and the language to speak to them.

    Used by one thread. Leaving it closes every runtime that it made.
    """

    def __init__(self, make_runtime: MakeRuntime, dialect: Dialect) -> None:
        self.dialect = dialect
        self._make = make_runtime
        self._made: list[Runtime] = []

    def make(self, **options: Any) -> Runtime:
        """Make a runtime with these `RuntimeOptions`."""
        runtime = self._make(RuntimeOptions(**options))
        self._made.append(runtime)
        return runtime

    def __enter__(self) -> Bench:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close every runtime, the newest first."""
        while self._made:
            self._made.pop().close()


@dataclass(frozen=True)
class Check:
    """One rule that every runtime keeps.

    Attributes:
        name: The rule, as a sentence with underscores.
        body: Tries it.
        needs: What the dialect must be able to say for the rule to apply.
    """

    name: str
    body: Callable[[Bench], None]
    needs: tuple[str, ...] = ()

    def applies_to(self, dialect: Dialect) -> bool:
        """Whether the engine's language has what the rule is about."""
        return all(getattr(dialect, need) is not None for need in self.needs)

    def run(self, make_runtime: MakeRuntime, dialect: Dialect) -> None:
        """Try the rule on fresh runtimes.

        Raises:
            AssertionError: The rule does not hold.
        """
        with Bench(make_runtime, dialect) as bench:
            self.body(bench)

    def __str__(self) -> str:
        """Return the rule."""
        return self.name


class Checks(list[Check]):
    """A list of checks that are collected by decoration, in the order of their definition."""

    def needing(self, *needs: str) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
        """Take in the decorated function as a check with these needs."""

        def collect(body: Callable[[Bench], None]) -> Callable[[Bench], None]:
            self.append(Check(body.__name__, body, needs))
            return body

        return collect


def on_another_thread(action: Callable[[], object]) -> BaseException | None:
    """Run it on a thread of its own; return what it raised, or None."""
    raised: list[BaseException] = []

    def body() -> None:
        try:
            action()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(30)
    if thread.is_alive():
        fail("it did not return on another thread within 30 s")
    return raised[0] if raised else None
