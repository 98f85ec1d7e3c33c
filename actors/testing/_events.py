"""What is traced, for a test to look at and to wait for."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Self

from actors.tracing import TraceEvent, subscribe

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class EventLog:
    """Collects trace events while it is entered. Thread-safe."""

    def __init__(self) -> None:
        """Collect nothing yet."""
        self._events: list[TraceEvent] = []
        self._more = threading.Condition()
        self._end: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._end = subscribe(self._add)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End; what was collected stays."""
        if self._end is not None:
            self._end()

    def _add(self, event: TraceEvent) -> None:
        with self._more:
            self._events.append(event)
            self._more.notify_all()

    def named(self, name: str, **fields: object) -> list[TraceEvent]:
        """Return the events of that name so far, in their order, that have those fields."""
        with self._more:
            return self._found(name, fields)

    def _found(self, name: str, fields: dict[str, object]) -> list[TraceEvent]:
        return [
            event
            for event in self._events
            if event.name == name and fields.items() <= event.fields.items()
        ]

    def wait_for(
        self, name: str, times: int = 1, timeout: float = 10.0, **fields: object
    ) -> list[TraceEvent]:
        """Wait until there are that many events of that name with those fields; return them.

        Raises:
            TimeoutError: If they do not come.
        """
        until = monotonic() + timeout
        with self._more:
            while True:
                found = self._found(name, fields)
                if len(found) >= times:
                    return found
                left = until - monotonic()
                if left <= 0 or not self._more.wait(left):
                    raise TimeoutError(
                        f"{len(found)} of {times} events {name!r} within {timeout} s"
                    )
