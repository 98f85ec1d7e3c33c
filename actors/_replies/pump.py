"""Flows in asyncio: how they wait, and how they read an async iterable."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterable
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors._replies.awaiting import TaskBell
from actors._replies.flow import LATER, LINGER

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._replies.flow import Source
    from actors._replies.window import Window, Wish


class LoopSide:
    """What a flow needs in a loop. It does not know the flow, so that the flow can be dropped."""

    def __init__(self) -> None:
        """Made by the task that reads first."""
        self._pump: Pump | None = None
        self._gave_turn = monotonic()

    def reader_of(self, source: Source[Any], most: Callable[[], int]) -> Callable[[], Any]:
        """Return what gives the next of a source, or `LATER`, or raises StopIteration."""
        if not isinstance(source, AsyncIterable):
            return iter(source).__next__
        self._pump = Pump(source, most)
        return self._pump.take

    async def wait(self, window: Window, until: float | None, wish: Wish) -> bool:
        """Wait until something can be done; return False if the time was over first."""
        bell = TaskBell()
        timers = []
        if self._pump is not None:
            self._pump.bell = bell
        try:
            if len(window) > 1:
                # "half" first, for the same reason as in `Flow._wait`
                timers.append(_call_later(LINGER, lambda: _hang_up_again(window, bell, wish)))
                window.hang_up(bell, "half")
            else:
                window.hang_up(bell, wish)
            if until is not None:
                timers.append(_call_later(until - monotonic(), bell.ring))
            await bell.rung
        finally:
            for timer in timers:
                timer.cancel()
            window.take_down(bell)
        self._gave_turn = now = monotonic()
        return until is None or now < until or window.ready()

    async def give_turn(self) -> None:
        """Let others run, if they did not for long: a flow that never waits would stop the loop."""
        now = monotonic()
        if now - self._gave_turn >= LINGER:
            self._gave_turn = now
            await asyncio.sleep(0)

    def stop(self) -> None:
        """Read no more. Any thread."""
        if self._pump is not None:
            self._pump.stop()

    async def ended(self) -> None:
        """Wait until the task that reads has ended."""
        pump = self._pump
        if pump is not None and pump.task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([pump.task])


def _call_later(seconds: float, call: Callable[[], object]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(max(0.0, seconds), call)


def _hang_up_again(window: Window, bell: TaskBell, wish: Wish) -> None:
    window.take_down(bell)
    window.hang_up(bell, wish)


class Pump:
    """Reads an async iterable in a task of its own, up to the look-ahead in advance.

    Attributes:
        bell: Rung when there is something new.
        task: What reads.
    """

    def __init__(self, source: AsyncIterable[Any], most: Callable[[], int]) -> None:
        """Begin to read."""
        self.bell: TaskBell | None = None
        self._most = most
        self._items: deque[Any] = deque()
        self._room = asyncio.Event()
        self._error: BaseException | None = None
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self.task = self._loop.create_task(self._read(source))

    def take(self) -> Any:
        """Return the next, or `LATER`.

        Raises:
            StopIteration: There are no more.
        """
        if self._items:
            self._room.set()
            return self._items.popleft()
        if self._error is not None:
            raise self._error
        if self._ended:
            raise StopIteration
        return LATER

    async def _read(self, source: AsyncIterable[Any]) -> None:
        iterator = aiter(source)
        try:
            async for item in iterator:
                self._items.append(item)
                self._ring()
                while len(self._items) >= self._most():
                    self._room.clear()
                    await self._room.wait()
        except BaseException as error:  # CancelledError too, so that it is not taken for the end
            self._error = error
            if not isinstance(error, Exception):
                raise
        finally:
            self._ended = True
            self._ring()
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()

    def _ring(self) -> None:
        if self.bell is not None:
            self.bell.ring()

    def stop(self) -> None:
        """Read no more. Any thread."""
        if not self.task.done():
            with contextlib.suppress(RuntimeError):  # the loop was closed, and its tasks with it
                self._loop.call_soon_threadsafe(self.task.cancel)
