"""Asyncio loops as seen by those who may be without: asyncio is not imported for their sake."""

from __future__ import annotations

import contextlib
import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs on this thread, if any."""
    module: Any = sys.modules.get("asyncio.events")
    if module is None or not hasattr(module, "_get_running_loop"):  # it is just being imported
        return None
    loop: asyncio.AbstractEventLoop | None = module._get_running_loop()
    return loop


class InLoop:
    """Calls a function in a loop, from any thread, in the context of whoever wanted it.

    Attributes:
        callback: The function.
    """

    __slots__ = ("_context", "_loop", "callback")

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[Any], object]) -> None:
        """Remember the present context."""
        self._loop = loop
        self._context = copy_context()
        self.callback = callback

    def __call__(self, argument: object) -> None:
        """Let the loop call it with `argument`."""
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self._loop.call_soon_threadsafe(self.callback, argument, context=self._context)
