"""Flows: the responses to any number of queries, a bounded number of which is under way."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, Iterable
from sys import maxsize
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, Self, TypeAlias, TypeVar, cast

from actors._bell import Bell
from actors._checks import check_seconds
from actors._replies.window import AsDone, InOrder, Window
from actors.errors import Overloaded, QueryTimeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from actors._replies.pump import LoopSide
    from actors._replies.reply import Reply
    from actors._replies.window import Wish
    from actors.query import Query

R = TypeVar("R")
T = TypeVar("T")

LOOK_AHEAD = 32
"""How many queries for each worker are under way at once, if nothing else is said."""

LINGER = 0.001
"""Seconds for which a response may be kept back so that many can be handed out at once. To wake the
reader after every query costs more than a short query does: `map` takes 2 us for one instead of 15.
With long ones, nobody notices a millisecond."""

LATER: Any = object()
"""Given by a source of queries that has none just now."""

Send: TypeAlias = "Callable[[Any, float | None], Reply[Any]]"
"""Asks a query, with its timeout."""

Source: TypeAlias = Iterable[T] | AsyncIterable[T]


class Flow(ABC, Generic[T]):
    """What comes of many queries, one after the other: for ``for`` and for ``async for``.

    `imap` and `imap_unordered` give the responses, `as_completed` gives replies. Nothing is asked
    before the first is wanted, and never more than the look-ahead is under way, that is asked and
    not handed out yet. So the queries may come from an endless iterable. An async iterable, which
    is for ``async for`` only, is read in a task of its own, at most the look-ahead in advance.

    When a bounded mailbox is full and queries of its own are under way, it waits for one of them.

    The first error ends it, be it a query's or that of the iterable. When it has ended, was closed,
    or is not referred to any more, as after a ``break``, all queries that are still under way are
    cancelled. As a context manager, sync or async, it closes at the end.

    Any thread may close it. It is read by one thread or task at a time; a second one is refused.
    """

    def __init__(
        self,
        source: Source[Any],
        window: Window,
        send: Send,
        most: Callable[[], int],
        timeout: float | None,
    ) -> None:
        """Made by `imap`, `imap_unordered` and `as_completed`; not by you."""
        if not isinstance(source, Iterable | AsyncIterable):
            raise TypeError(f"an iterable is needed, not {type(source).__name__}")
        self._source: Source[Any] | None = source
        self._window = window
        self._send = send
        self._most = most  # how many may be under way
        check_seconds("timeout", timeout)
        self._timeout = timeout
        self._until = None if timeout is None else monotonic() + timeout
        self._next: Callable[[], Any] | None = None
        self._held: Any = LATER  # what could not be sent yet
        self._drained = False  # whether the source is
        self._closed = False
        self._reading = threading.Lock()
        self._side: LoopSide | None = None

    # -- what differs ---------------------------------------------------------------------------

    @abstractmethod
    def _outcome(self, reply: Reply[Any]) -> T:
        """Return what to hand out for a reply that is settled."""

    @abstractmethod
    def _limit(self) -> float | None:
        """Return the instant until which to wait."""

    @abstractmethod
    def _overdue(self) -> BaseException:
        """Return what to raise when the time for the whole is over."""

    @abstractmethod
    def _let_go(self, window: Window) -> None:
        """See to what is still under way."""

    # -- for and async for ------------------------------------------------------------------------

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> T:
        """Wait for the next, and return it.

        Raises:
            RuntimeError: If another thread or task reads it just now.
            Exception: The error of the query, of the iterable, or of sending a query.
        """
        self._begin_to_read()
        try:
            if self._advance():
                return self._outcome(self._window.pop())
            self.close()
        except BaseException:
            self.close()
            raise
        finally:
            self._reading.release()
        raise StopIteration

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> T:
        """Wait for the next without blocking the loop, and return it. See `__next__`."""
        self._begin_to_read()
        try:
            if await self._advance_in_loop():
                return self._outcome(self._window.pop())
            await self.aclose()
        except BaseException:
            self.close()
            raise
        finally:
            self._reading.release()
        raise StopAsyncIteration

    def _begin_to_read(self) -> None:
        if not self._reading.acquire(False):
            raise RuntimeError("somebody else reads this flow just now")

    def _advance(self) -> bool:
        """Ask what may be asked, and wait until the next can be handed out; False at the end."""
        window = self._window
        if self._next is None and not self._closed:
            source = self._source
            if not isinstance(source, Iterable):
                raise TypeError("an async iterable of queries is for `async for`")
            self._next = iter(source).__next__
        while not self._closed:
            self._fill()
            if window.ready():
                return not self._closed  # those who close say so before they cancel
            if not len(window):
                return False
            self._wait()
        return False

    async def _advance_in_loop(self) -> bool:
        """Do the same in asyncio."""
        window = self._window
        side = self._side
        if side is None:
            from actors._replies.pump import LoopSide

            self._side = side = LoopSide()
            if self._next is None and not self._closed:
                source = cast("Source[Any]", self._source)
                self._next = side.reader_of(source, self._most)
        while not self._closed:
            self._fill()
            if window.ready():
                await side.give_turn()
                return not self._closed
            if self._drained and not len(window):
                return False
            if not await side.wait(window, self._limit(), self._wish()):
                raise self._overdue()
        return False

    def _fill(self) -> None:
        """Send as many as may be under way, but do not keep back a response for long."""
        window, read, send, until = self._window, self._next, self._send, self._until
        if self._drained or read is None:
            return
        left = None
        look_at = monotonic() + LINGER
        for _ in range(self._most() - len(window)):
            item = self._held
            if item is not LATER:
                self._held = LATER
            else:
                try:
                    item = read()
                except StopIteration:
                    self._drained = True
                    break
                if item is LATER:
                    break
            try:
                if until is not None:
                    left = max(0.0, until - monotonic())
                window.add(send(item, left))
            except Overloaded:
                if not len(window):
                    raise
                self._held = item  # there will be room when one of ours is done
                break
            now = monotonic()
            if now >= look_at:
                if self._closed or window.ready():
                    break
                look_at = now + LINGER
        if self._closed:  # just now, by another thread, which may not have seen our last ones
            self._let_go(window)

    def _wait(self) -> None:
        """Wait until half of them are done, but not long; then until the next can be had."""
        window = self._window
        bell = Bell()
        try:
            if len(window) > 1:
                window.hang_up(bell, "half")
                if window.oldest()._listen(bell, monotonic() + LINGER) or window.ready():
                    return
                window.take_down(bell)
            window.hang_up(bell, self._wish())
            if not window.oldest()._listen(bell, self._limit()):
                raise self._overdue()
        finally:
            window.take_down(bell)

    def _wish(self) -> Wish:
        return "next" if self._held is LATER else "any"

    # -- the end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """End it, and cancel what is under way; not the replies of `as_completed`. Any thread."""
        self._closed = True
        self._source = self._next = None
        side = self._side
        if side is not None:
            side.stop()
        self._let_go(self._window)
        self._window.close()

    async def aclose(self) -> None:
        """Do so, and wait for the end of the task that reads an async iterable."""
        self.close()
        if self._side is not None:
            await self._side.ended()

    def __del__(self) -> None:
        """Close."""
        if hasattr(self, "_side"):  # else it was never made
            self.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        await self.aclose()


class _Responses(Flow[R]):
    """Sends queries, and hands out their responses."""

    def _outcome(self, reply: Reply[R]) -> R:
        return reply.get()

    def _limit(self) -> float | None:
        # Queries have their deadlines, and know whether they were started: they shall say so.
        return None if len(self._window) else self._until

    def _overdue(self) -> BaseException:
        text = f"no more queries came within the {self._timeout:g} s for the whole"
        return QueryTimeout(text, timeout=self._timeout)

    def _let_go(self, window: Window) -> None:
        for reply in window.replies():
            reply.cancel()


class _Settled(Flow["Reply[R]"]):
    """Takes replies, and hands them out as they are settled."""

    _window: AsDone

    def __init__(self, replies: Source[Reply[R]], timeout: float | None) -> None:
        super().__init__(replies, AsDone(), lambda reply, _: reply, lambda: maxsize, timeout)

    def _outcome(self, reply: Reply[R]) -> Reply[R]:
        return reply

    def _limit(self) -> float | None:
        return self._until

    def _overdue(self) -> BaseException:
        left = len(self._window)
        return TimeoutError(f"{left} of the replies were not settled after {self._timeout:g} s")

    def _let_go(self, window: Window) -> None:
        self._window.leave()


def imap(
    queries: Source[Query[R]], send: Send, width: Callable[[], int],
    look_ahead: int | None = None, timeout: float | None = None,
) -> Flow[R]:  # fmt: skip
    """Return the responses in the order of the queries.

    Args:
        queries: What to ask.
        send: Asks a query, with its timeout.
        width: Says for how many workers to look ahead.
        look_ahead: How many may be under way; None for `LOOK_AHEAD` for each worker.
        timeout: Seconds for the whole.
    """
    return _Responses(queries, InOrder(), send, _bound(look_ahead, width), timeout)


def imap_unordered(
    queries: Source[Query[R]], send: Send, width: Callable[[], int],
    look_ahead: int | None = None, timeout: float | None = None,
) -> Flow[R]:  # fmt: skip
    """Return the responses as they are there; see `imap`."""
    return _Responses(queries, AsDone(), send, _bound(look_ahead, width), timeout)


def responses(flow: Flow[R]) -> list[R]:
    """Return all that a flow gives; quicker than ``list``, since it need not be prompt."""
    collected: list[R] = []
    with flow:
        while flow._advance():
            collected += [reply.get() for reply in flow._window.pop_all()]
    return collected


def as_completed(replies: Source[Reply[R]], timeout: float | None = None) -> Flow[Reply[R]]:
    """Give replies back as they are settled, in whatever way; their errors are not raised.

    For ``for`` and for ``async for``. The replies stay yours: none is cancelled when this ends
    early. One that is given several times is given back once.

    Args:
        replies: What to wait for; all are taken at once, so there must be an end to them. Those of
            an async iterable are waited for as they come.
        timeout: Seconds for the whole.

    Raises:
        TimeoutError: If they are not all settled after `timeout` seconds (raised by the iteration).
    """
    if isinstance(replies, Iterable):
        replies = dict.fromkeys(replies)
    return _Settled(replies, timeout)


def _bound(look_ahead: int | None, width: Callable[[], int]) -> Callable[[], int]:
    if look_ahead is None:
        return lambda: LOOK_AHEAD * max(1, width())
    if isinstance(look_ahead, bool) or not isinstance(look_ahead, int):
        raise TypeError(f"look_ahead must be an int, not {type(look_ahead).__name__}")
    if look_ahead < 1:
        raise ValueError(f"look_ahead must be at least 1, not {look_ahead}")
    return lambda: look_ahead
