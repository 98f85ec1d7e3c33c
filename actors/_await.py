"""Waiting for a reply in asyncio. Apart, so that only those who do it import asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

    from actors._reply import Reply


def wait_in_loop(reply: Reply[Any]) -> Generator[Any, None, None]:
    """Give the loop to others until `reply` is settled; if the task is cancelled, cancel it."""
    loop = asyncio.get_running_loop()
    settled: asyncio.Future[None] = loop.create_future()

    def tell_loop(_: Reply[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(finish)

    def finish() -> None:
        if not settled.done():
            settled.set_result(None)

    reply.add_done_callback(tell_loop)
    try:
        yield from settled
    except BaseException:  # CancelledError, or the generator is closed
        reply.cancel()
        raise
