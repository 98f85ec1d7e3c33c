"""A pytest plugin for tests of workers: fixtures, and a check that nothing is left behind.

Switch it on in the topmost ``conftest.py``::

    pytest_plugins = ["actors.testing.plugin"]

Every test is then looked at when it has ended: one that left a worker or a thread running fails,
and what it left is stopped, so that the next test begins with nothing. The ini option
``actors_leak_check`` names what is looked at, ``workers threads`` by default; if it is empty,
nothing is. The marker ``leaves_behind`` excepts a single test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

from actors.handle import WorkerHandle
from actors.testing._clock import FakeClock
from actors.testing._events import EventLog
from actors.testing._gate import Gate
from actors.testing._leaks import Before, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.pool import WorkerClass

__all__ = [
    "Spawn",
    "event_log",
    "fake_clock",
    "gate",
    "pytest_addoption",
    "pytest_configure",
    "spawn",
]

Options = TypeVar("Options")
Handle_co = TypeVar("Handle_co", bound=WorkerHandle[Any], covariant=True)

CHECKS = ("workers", "threads")
PATIENCE = 5.0
"""Seconds that what is about to end may still take."""


class Spawn(Protocol):
    """What the fixture `spawn` is."""

    def __call__(
        self,
        worker_class: WorkerClass[Options, Handle_co],
        options: Options | None = None,
        **more: Any,
    ) -> Handle_co:
        """Spawn a worker as ``worker_class.spawn(options, **more)`` does."""
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini option."""
    text = "what no test may leave behind: workers, threads, or nothing of both"
    parser.addini("actors_leak_check", text, type="args", default=list(CHECKS))


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and refuse a misspelt ini option.

    Raises:
        pytest.UsageError: It names what cannot be checked.
    """
    config.addinivalue_line("markers", "leaves_behind: the test may leave workers and threads")
    unknown = set(config.getini("actors_leak_check")) - set(CHECKS)
    if unknown:
        text = f"actors_leak_check knows {' and '.join(CHECKS)}, not {', '.join(sorted(unknown))}"
        raise pytest.UsageError(text)


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a worker or a thread running."""
    checks = request.config.getini("actors_leak_check")
    if not checks or request.node.get_closest_marker("leaves_behind") is not None:
        yield
        return
    before = Before()
    yield
    workers = before.new_workers()
    names = sorted(cell.name for cell in workers)
    stop(workers, PATIENCE)
    threads = before.new_threads(PATIENCE)
    if names and "workers" in checks:
        pytest.fail(f"workers were left running: {names}", pytrace=False)
    if threads and "threads" in checks:
        pytest.fail(f"threads were left running: {threads}", pytrace=False)


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Spawns workers, and stops them hard at the end of the test, the last one first."""
    spawned: list[WorkerHandle[Any]] = []

    def spawn_one(
        worker_class: WorkerClass[Options, Handle_co], options: Options | None = None, **more: Any
    ) -> Handle_co:
        handle = worker_class.spawn(options, **more)
        spawned.append(handle)
        return handle

    yield spawn_one
    for handle in reversed(spawned):
        handle.shutdown(0)
    for handle in reversed(spawned):
        handle.join(PATIENCE)


@pytest.fixture
def event_log() -> Iterator[EventLog]:
    """What is traced during the test."""
    with EventLog() as log:
        yield log


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is opened at the end of the test."""
    made = Gate()
    yield made
    made.open()


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that stands still until the test moves it on."""
    return FakeClock()
