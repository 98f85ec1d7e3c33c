"""Fixtures of the workers' tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from actors import DefaultWorker, WorkerPool
from actors.testing import EchoWorker, EventLog, Gate, PythonWorker
from runtimes.testing import ECHO, JAVASCRIPT, Dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actors import WorkerHandle


@dataclass(frozen=True)
class Engine:
    """A kind of `DefaultWorker`, and the language it speaks."""

    worker: type[DefaultWorker]
    dialect: Dialect


@pytest.fixture(params=["echo", "quickjs"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Both engines: what holds for workers must hold for either."""
    if request.param == "echo":
        return Engine(EchoWorker, ECHO)
    return Engine(DefaultWorker, JAVASCRIPT)


@pytest.fixture
def closing() -> Iterator[Callable[[Any], Any]]:
    """Register a worker or pool to be stopped at the end of the test."""
    opened: list[Any] = []

    def register(handle: Any) -> Any:
        opened.append(handle)
        return handle

    yield register
    for handle in reversed(opened):
        handle.close(0)


@pytest.fixture
def worker(closing: Callable[[Any], Any]) -> WorkerHandle[Any]:
    """A worker without JavaScript that does what it is told."""
    return closing(PythonWorker.spawn())


@pytest.fixture
def pool(closing: Callable[[Any], Any]) -> WorkerPool[Any, Any]:
    """Three of those."""
    return closing(WorkerPool(PythonWorker, size=3))


@pytest.fixture
def log(event_log: EventLog) -> EventLog:
    """What is traced during the test."""
    return event_log


@pytest.fixture
def make_gate() -> Iterator[Callable[[], Gate]]:
    """Makes gates that are opened at the end of the test."""
    made: list[Gate] = []

    def make() -> Gate:
        made.append(Gate())
        return made[-1]

    yield make
    for each in made:
        each.open()
