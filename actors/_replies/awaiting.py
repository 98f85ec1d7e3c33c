"""What waits in asyncio. Apart, so that only those who do it import asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from actors._bell import Bell
from actors._threads import report_unraisable, start_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from actors._mailboxes.store import Store
    from actors._replies.reply import Reply

S = TypeVar("S", bound="Startable")
T = TypeVar("T")


class TaskBell:
    """Wakes one task. To call it is to ring it, from any thread."""

    __slots__ = ("_loop", "rung")

    def __init__(self) -> None:
        """Made by the task that will wait."""
        self._loop = asyncio.get_running_loop()
        self.rung: asyncio.Future[None] = self._loop.create_future()

    def __call__(self, _: object = None) -> None:
        """Ring it."""
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self._loop.call_soon_threadsafe(self.ring)

    def ring(self) -> None:
        """Ring it, in its loop."""
        if not self.rung.done():
            self.rung.set_result(None)


def wait_in_loop(reply: Reply[Any]) -> Generator[Any, None, None]:
    """Give the loop to others until `reply` is settled.

    If the task is cancelled, the query is, unless others wait for its reply: a neighbour is not to
    be disturbed. Callbacks do not count, for they do not say what they are there for.
    """
    bell = TaskBell()
    reply._notify(bell)
    try:
        yield from bell.rung
    except BaseException:  # CancelledError, or the generator is closed
        reply._forget(bell)
        waiters = tuple(reply._waiters or ())
        if not any(isinstance(waiter, Bell | TaskBell) for waiter in waiters):
            reply.cancel()
        raise


async def until_drained(store: Store) -> None:
    """Give the loop to others until little enough is queued."""
    bell = TaskBell()
    if store.call_when_drained(bell):
        return
    try:
        await bell.rung
    finally:
        store.forget(bell)


class Errand(Generic[T]):
    """Something that blocks, done for a task on a thread of its own.

    Not by ``asyncio.to_thread``: its threads are few, and a loop that is closed waits for them. If
    the task is cancelled, it does not wait for the thread either; what the thread brings back is
    undone.
    """

    def __init__(self, work: Callable[[], T], undo: Callable[[T], object] | None = None) -> None:
        """Do nothing yet.

        Args:
            work: What to do.
            undo: Called with its result, on a thread, if nobody wants it any more.
        """
        self.given_up = False
        self._work = work
        self._undo = undo
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._lock = threading.Lock()

    async def run(self) -> T:
        """Do it, and give the loop to others meanwhile."""
        context = copy_context()
        self._bell = bell = TaskBell()
        start_thread(lambda: context.run(self._go), "jsactors-errand")
        try:
            await bell.rung
        except BaseException:
            with self._lock:
                self.given_up = True
            if self._results:  # it was done in this very moment
                start_thread(self._clear_away, "jsactors-errand")
            raise
        if self._error is not None:
            raise self._error
        return self._results.pop()

    def _go(self) -> None:
        try:
            result = self._work()
        except BaseException as error:
            self._error = error
        else:
            with self._lock:
                self._results.append(result)
                too_late = self.given_up
            if too_late:
                self._clear_away()
        self._bell()

    def _clear_away(self) -> None:
        try:
            result = self._results.pop()
        except IndexError:
            return
        if self._undo is not None:
            try:
                self._undo(result)
            except Exception as error:
                report_unraisable(error)


class Startable(Protocol):
    """What `start_async` may have to close."""

    def close(self, drain: float | None) -> None:
        """Close it."""


async def start_async(start: Callable[[], S]) -> S:
    """Start something that takes its time; if nobody wants it any more, close it."""
    return await Errand(start, lambda started: started.close(0.0)).run()
