"""What all tests share: nothing may be left behind."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from actors.testing import stop_workers_left, workers_left

if TYPE_CHECKING:
    from collections.abc import Iterator

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background with Ctrl-C ignored, and programs inherit that. The
    # tests send it to themselves and to programs they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ALLOWED = {"jsactors-watchdog"}
"""A thread of the engine's that stays once it was needed."""


@pytest.fixture(autouse=True)
def _no_workers_or_threads_are_left() -> Iterator[None]:
    """Fail a test that leaves a worker or a thread of its own running."""
    before = set(threading.enumerate())
    yield
    workers = workers_left()
    stop_workers_left()
    threads = [
        thread
        for thread in threading.enumerate()
        if thread not in before and thread.name not in ALLOWED
    ]
    for thread in threads:
        thread.join(5)  # those that are about to end, such as a supervisor whose workers are gone
    assert not workers, f"workers were left running: {workers}"
    left = [thread.name for thread in threads if thread.is_alive()]
    assert not left, f"threads were left running: {left}"
