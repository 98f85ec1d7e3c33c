"""Tools for testing workers, and what is built upon them. No test framework needed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from actors._registry import every_cell
from actors.default import DefaultWorker
from actors.query import Query
from actors.tracing import TraceEvent, subscribe
from actors.worker import Worker
from runtimes.testing import EchoRuntime

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from runtimes import Runtime, RuntimeOptions

__all__ = [
    "Do",
    "DoAgain",
    "EchoWorker",
    "EventLog",
    "Gate",
    "PythonWorker",
    "stop_workers_left",
    "workers_left",
]

T = TypeVar("T")


class EchoWorker(DefaultWorker):
    """A `DefaultWorker` without JavaScript; its scripts are those of `EchoRuntime`."""

    def make_runtime(self, options: RuntimeOptions) -> Runtime:
        """Make an `EchoRuntime`."""
        return EchoRuntime(options)


@dataclass(frozen=True)
class Do(Query[T]):
    """Call a function with the worker; its result is the response.

    Attributes:
        function: Called on the worker's thread.
    """

    function: Callable[[Worker[Any, Any]], T]


@dataclass(frozen=True)
class DoAgain(Do[T]):
    """The same, but declared idempotent."""

    idempotent: ClassVar[bool] = True


class PythonWorker(Worker[None, Do[Any]]):
    """A worker that has no runtime, and does what it is told."""

    def init_runtime(self, options: None) -> None:
        """Make nothing."""

    def handle_query(self, runtime: None, query: Do[T]) -> T:
        """Call the query's function."""
        return query.function(self)


class Gate:
    """Holds a worker up, until it is opened: ``worker.send(Do(gate.hold))``. Thread-safe."""

    def __init__(self) -> None:
        """Be closed."""
        self.reached = threading.Event()
        self._opened = threading.Event()

    def hold(self, worker: object = None) -> str:
        """Wait until the gate is opened; `reached` is set before.

        Raises:
            TimeoutError: If nobody opens it within 20 seconds.
        """
        self.reached.set()
        if not self._opened.wait(20):
            raise TimeoutError("nobody opened the gate")
        return "held"

    def open(self) -> None:
        """Let go whoever is held, and hold nobody any more."""
        self._opened.set()


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

    def named(self, name: str) -> list[TraceEvent]:
        """Return the events of that name so far, in their order."""
        with self._more:
            return [event for event in self._events if event.name == name]

    def wait_for(self, name: str, times: int = 1, timeout: float = 10.0) -> list[TraceEvent]:
        """Wait until there are that many events of that name, and return them.

        Raises:
            TimeoutError: If they do not come.
        """
        until = monotonic() + timeout
        with self._more:
            while True:
                found = [event for event in self._events if event.name == name]
                if len(found) >= times:
                    return found
                left = until - monotonic()
                if left <= 0 or not self._more.wait(left):
                    raise TimeoutError(
                        f"{len(found)} of {times} events {name!r} within {timeout} s"
                    )


def workers_left() -> list[str]:
    """Return the names of all workers in the process that are not stopped."""
    return sorted(cell.name for cell in every_cell() if not cell.finished.is_set())


def stop_workers_left(timeout: float = 5.0) -> None:
    """Stop all workers in the process hard, for the end of a test that failed."""
    left = [cell for cell in every_cell() if not cell.finished.is_set()]
    for cell in left:
        cell.shutdown(0)
    for cell in left:
        cell.join(timeout)
