"""Waiting for what no event tells of."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def until(holds: Callable[[], object]) -> None:
    """Wait until it holds, 20 s at most."""
    pause = threading.Event()
    for _ in range(20_000):
        if holds():
            return
        pause.wait(0.001)
    raise AssertionError("it never held")
