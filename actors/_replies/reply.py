"""Replies: where the response to one query will be."""

from __future__ import annotations

import threading
from contextvars import Context, copy_context
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar, cast

from actors._bell import Bell
from actors._replies.current import current
from actors._replies.fresh import fresh
from actors._replies.in_loop import InLoop, running_loop
from actors._replies.response import Response
from actors._replies.waiting import listen, wait_for_asked, wait_for_reply
from actors._threads import report_unraisable
from actors.errors import QueryCancelled, QueryTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

    from actors._mailboxes.lanes import FlowKey
    from actors._replies.addressee import Addressee
    from actors.query import Query

T = TypeVar("T")

_next_id = count(1).__next__
_adding = threading.RLock()  # held for an append only; reentrant, since a finaliser may come in


class Reply(Generic[T]):
    """Where the response to one query will be, for any number of threads and tasks that want it.

    It is settled exactly once, by whoever comes first: the response, an error, the deadline,
    `cancel` or the end of the worker. Later attempts do nothing. Everybody who asks gets the same
    response; of an error everybody gets an instance of their own.

    Thread-safe, and may be awaited in asyncio, where it does not block the loop.
    """

    # It is also what travels through the mailbox: one object for each query instead of two saves
    # 0.2 us. `_query` is unset by whoever settles it: deleting an attribute succeeds once only, in
    # one step, which makes it the claim; and it lets go of the query's data.
    __slots__ = (
        "__weakref__",
        "_addressee",
        "_attempts",
        "_context",
        "_deadline",
        "_done",
        "_error",
        "_flow",
        "_id",
        "_kind",
        "_parent",
        "_query",
        "_sent_at",
        "_started",
        "_trace",
        "_traceback",
        "_value",
        "_waiters",
    )

    _query: Query[T]
    _value: T
    _error: BaseException | None
    _traceback: TracebackType | None
    _context: Context
    _waiters: list[Any] | None
    _tell: ClassVar[bool] = False
    _is_awaited: ClassVar[bool] = False  # whether its sender does nothing but wait for it

    def __init__(
        self,
        query: Query[T],
        addressee: Addressee,
        sent_at: float,
        deadline: float | None,
        flow: FlowKey | None = None,
    ) -> None:
        """Made by the handle that sends the query; not by you."""
        self._query = query
        self._kind = type(query)
        self._addressee = addressee
        self._sent_at = sent_at
        self._deadline = deadline
        self._context = copy_context()
        self._attempts = 0
        self._flow = flow
        self._started = False
        self._done = False
        self._error = None
        self._waiters = None
        self._id = number = _next_id()
        parent = current.get()
        if parent is None:
            self._trace = number
            self._parent = 0
        else:
            self._trace = parent._trace
            self._parent = parent._id

    def __repr__(self) -> str:
        """Say how it stands."""
        if not self._done:
            state = "running" if self._started else "queued"
        else:
            state = "ok" if self._error is None else type(self._error).__name__
        return f"<Reply {self._id} from {self._addressee.name}: {state}>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            "a reply cannot leave its process: send what it gives, by get() or response()"
        )

    # -- for whoever sent the query -------------------------------------------------------------

    def get(self, timeout: float | None = None) -> T:
        """Wait for the response and return it.

        Args:
            timeout: Seconds to wait; None waits as long as it takes. It only ends the waiting: the
                query goes on, and `get` may be called again.

        Raises:
            TimeoutError: If it is not settled after `timeout` seconds.
            QueryTimeout: If the deadline that the query was sent with has passed.
            QueryCancelled: If it was cancelled.
            AskCycle: If called in a handler and the wait could never end.
            ActorsError: If the worker cannot answer; see its subclasses.
            Exception: What the handler or the runtime raised.
        """
        if not self._done:
            wait_for_reply(self, timeout)
        if self._error is not None:
            raise fresh(self._error, self._traceback, self._note())
        return self._value

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait as `get` does, and return what it would raise, or None.

        Raises:
            TimeoutError: If it is not settled after `timeout` seconds.
        """
        if not self._done:
            wait_for_reply(self, timeout)
        if self._error is None:
            return None
        return fresh(self._error, self._traceback, self._note())

    def response(self, timeout: float | None = None) -> Response[T]:
        """Wait as `get` does, and return response or error as a value.

        Raises:
            TimeoutError: If it is not settled after `timeout` seconds.
        """
        error = self.exception(timeout)
        return Response(self._value) if error is None else Response(None, error)

    def done(self) -> bool:
        """Return whether it is settled, in whatever way."""
        return self._done

    def cancelled(self) -> bool:
        """Return whether it was settled by `cancel`."""
        return self._done and isinstance(self._error, QueryCancelled)

    def cancel(self) -> bool:
        """Cancel the query: if it is queued it is removed, if it runs it is stopped.

        No other query is disturbed. A run is stopped in the background; this does not wait for it.
        One that cannot be stopped, as when a host function blocks, costs the worker its thread
        after `Supervision.stuck_grace`, and with it its state.

        Returns:
            Whether this call settled the reply; False if it was settled already.
        """
        error = QueryCancelled("the query was cancelled")
        # Nothing is called from here until it is done: Ctrl-C comes in when something is called,
        # and what is claimed and not settled would never be settled by anybody.
        try:
            del self._query
        except AttributeError:
            return False
        error.may_have_run = self._started
        self._error, self._traceback, self._done = error, None, True
        try:
            self._wake_waiters()
        except BaseException:  # a signal's: perhaps before its first line
            self._wake_waiters()
            raise
        finally:
            self._addressee.withdrawn(self)
        return True

    def add_done_callback(self, callback: Callable[[Reply[T]], object]) -> None:
        """Call `callback` with this reply once it is settled; at once if it is.

        Added on a thread that runs an asyncio loop, it is called by that loop, as with an asyncio
        future, unless the loop is closed by then. Else it runs on the thread that settles the
        reply, which is most often the worker's, so it must be short; what it raises there is
        reported by ``threading.excepthook`` and harms nobody.
        """
        loop = running_loop()
        self._notify(callback if loop is None else InLoop(loop, callback))

    def remove_done_callback(self, callback: Callable[[Reply[T]], object]) -> int:
        """Call `callback` no more; return how often it had been added and was not called yet."""
        removed = 0
        for waiter in tuple(self._waiters or ()):
            if (waiter.callback if type(waiter) is InLoop else waiter) == callback:
                removed += self._forget(waiter)
        return removed

    def __await__(self) -> Generator[Any, None, T]:
        """Wait in asyncio without blocking the loop. Any number of tasks, in any loops, may do so.

        If the task is cancelled, so is the query, unless another task or thread waits for it too:
        then it goes on for them.
        """
        if not self._done:
            from actors._replies.awaiting import wait_in_loop

            yield from wait_in_loop(self)
        return self.get()

    # -- for the worker's side ------------------------------------------------------------------

    def _settle(self, value: T) -> bool:
        settled = self._settle_quietly(value)
        if settled and self._waiters is not None:
            self._wake_waiters()
        return settled

    def _settle_quietly(self, value: T) -> bool:
        """Settle it, but leave it to the caller to wake the waiters."""
        try:
            del self._query
        except AttributeError:
            return False
        self._value = value
        self._done = True  # before looking at the waiters: see `_add_waiter`
        return True

    def _fail(self, error: BaseException, traceback: TracebackType | None = None) -> bool:
        try:  # without a call until it is done, as in `cancel`
            del self._query
        except AttributeError:
            return False
        self._error, self._traceback, self._done = error, traceback, True
        if self._waiters is not None:
            self._wake_waiters()
        return True

    def _claim(self) -> bool:
        """Take the right to settle it, which only one gets."""
        try:
            del self._query
        except AttributeError:
            return False
        return True

    def _close(self, error: BaseException, traceback: TracebackType | None = None) -> None:
        """Settle it, once it is claimed, with an error."""
        self._close_quietly(error, traceback)
        if self._waiters is not None:
            self._wake_waiters()

    def _close_quietly(self, error: BaseException, traceback: TracebackType | None = None) -> None:
        """Do so, but leave it to the caller to wake the waiters: no foreign code runs here."""
        self._error = error
        self._traceback = traceback
        self._done = True

    def _expire(self) -> bool:
        """Settle it because its deadline has passed."""
        # Claimed first: a worker that could still read the query has set `_started` before.
        if not self._claim():
            return False
        try:
            self._close(self._timeout())
        except BaseException:  # a signal's handler has raised it
            self._close(self._timeout())
            raise
        return True

    def _timeout(self) -> QueryTimeout:
        deadline = self._deadline
        seconds = 0.0 if deadline is None else round(deadline - self._sent_at, 6)
        ran, what = 0.0, "was removed from the queue"
        if self._started:
            # If it was run before, and is queued again, this is the start of something else.
            ran = (deadline or 0.0) - max(self._sent_at, self._addressee.run_started)
            ran = min(seconds, max(0.0, round(ran, 6)))
            what = "was stopped while it ran"
        message = f"the query {what} when its {seconds:g} s were over"
        return QueryTimeout(message, timeout=seconds, may_have_run=self._started, run_time=ran)

    def _wait(self) -> T:
        """Wait for the response of a reply that is nobody else's, and return it."""
        return self.get()

    def _note(self) -> str:
        return f"[in worker {self._addressee.name}]"

    def _add_waiter(self, waiter: Any) -> None:
        with _adding:  # made only when needed: most of many replies are done when they are read
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)

    def _notify(self, waiter: Any) -> None:
        """Wake a bell, or call a function, once it is settled; at once if it is."""
        self._add_waiter(waiter)
        if self._done:
            self._wake_waiters()

    def _forget(self, waiter: Any) -> bool:
        """Do not; return whether it had still been there."""
        try:
            cast("list[Any]", self._waiters).remove(waiter)
        except ValueError:  # it was woken just now
            return False
        return True

    def _wake_waiters(self, *, hand_over: bool = False) -> None:
        # Each entry is popped by exactly one thread: by the one that settles, or by one that adds
        # itself and finds it settled already.
        waiters, waiter = self._waiters or [], None
        try:
            while waiters:
                try:
                    waiter = waiters[0]
                    waiter = waiters.pop(0)
                except IndexError:
                    return
                self._wake(waiter, hand_over)
                waiter = None
        except BaseException:  # a signal's, or the thread is to die
            if type(waiter) is Bell:  # it is out, and perhaps was not rung yet
                waiter.ring_again()
            elif waiter is not None:
                self._wake(waiter)
            self._wake_waiters()
            raise

    def _wake(self, waiter: Any, hand_over: bool = False) -> None:
        if type(waiter) is not Bell:
            try:
                waiter(self)
            except BaseException as error:  # must not keep the others from being woken
                report_unraisable(error)
            return
        if hand_over:
            waiter.hand_over()
        else:
            waiter.ring()

    def _listen(self, bell: Bell, limit: float | None) -> bool:
        return listen(self, bell, limit)


class Asked(Reply[T]):
    """The reply to an `ask`: nobody has it but who waits for it, and does nothing else."""

    __slots__ = ()
    _is_awaited: ClassVar[bool] = True

    def _wait(self) -> T:
        """Do as `get` does, 0.3 us sooner."""
        if not self._done:
            wait_for_asked(self)
        if self._error is not None:
            raise fresh(self._error, self._traceback, self._note())
        return self._value


class Untold(Reply[T]):
    """The reply to a `tell`, which nobody has: an error goes to the worker's failure hook."""

    __slots__ = ()
    _tell: ClassVar[bool] = True


def after_fork() -> None:
    """Make the lock anew: in the child of a fork its holder may be gone."""
    global _adding
    _adding = threading.RLock()
