"""Fixtures of the runtimes' tests: runtimes that are closed, and a look at what was left behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runtimes import ConsoleEvent, QuickJSRuntime, RuntimeOptions

MakeRuntime = Callable[..., QuickJSRuntime]


@pytest.fixture
def make_runtime() -> Iterator[MakeRuntime]:
    """Make runtimes from `RuntimeOptions`' arguments; they are closed at the end."""
    made: list[QuickJSRuntime] = []

    def make(**options: Any) -> QuickJSRuntime:
        runtime = QuickJSRuntime(RuntimeOptions(**options))
        made.append(runtime)
        return runtime

    yield make
    while made:
        made.pop().close()


@pytest.fixture
def runtime(make_runtime: MakeRuntime) -> QuickJSRuntime:
    """A runtime with the options as they are by default."""
    return make_runtime()


@pytest.fixture
def events() -> list[ConsoleEvent]:
    """What `talking` has said to its console."""
    return []


@pytest.fixture
def talking(make_runtime: MakeRuntime, events: list[ConsoleEvent]) -> QuickJSRuntime:
    """A runtime whose console events are collected in `events`."""
    return make_runtime(console=events.append)


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread of its own running."""
    before = set(threading.enumerate())
    yield
    left = [
        thread
        for thread in threading.enumerate()
        if thread not in before and thread.is_alive() and not thread.name.startswith("jsactors-")
    ]
    assert not left, f"threads were left running: {left}"


@pytest.fixture
def collected() -> Iterator[None]:
    """Start and end with a collected heap."""
    gc.collect()
    yield
    gc.collect()
