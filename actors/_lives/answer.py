"""How a worker answers one query."""

from __future__ import annotations

from contextvars import Context
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors import _trace
from actors._lives.life import Leave
from actors._lives.lost import settle_lost
from actors._lives.signals import came_by_signal
from actors._replies.current import current
from actors._threads import report_unraisable
from actors.errors import QueryCancelled
from actors.tracing import listening
from runtimes import (
    BrokenRuntimeError,
    ClosedRuntimeError,
    JSRuntimeError,
    LimitError,
    RunCancelled,
    TimeoutExceeded,
)

if TYPE_CHECKING:
    from types import TracebackType

    from actors._lives.cell import Cell
    from actors._replies.reply import Reply
    from actors.worker import Worker

NO_CONTEXT = Context()


def answer(worker: Worker[Any, Any], cell: Cell, runtime: Any, message: Reply[Any]) -> None:
    """Run one query and settle its reply.

    Raises:
        Leave: The incarnation cannot go on, or has been given up.
    """
    now = monotonic()
    deadline = message._deadline
    if deadline is not None and deadline <= now:
        message._expire()
    cell.run_started = now
    worker._running.append(message)  # from here on it may be stopped, or we may be given up
    if cell.worker is not worker:  # given up in between: whoever took over answers it
        worker._running.clear()
        cell.mailbox.put_back(message)
        raise Leave("abandoned")
    if cell.hard:  # told after the append, we are seen; told before it, we see it here
        cell.refuse(message, may_have_run=message._started)
    message._started = True
    try:
        query = message._query
    except AttributeError:  # settled already: cancelled, or its deadline has passed
        give_back(cell, worker)
        _trace.query_left(cell, message, _trace.outcome_of(message._error, "cancelled"))
        return
    limit = worker.stuck_after
    if limit is not None and now + limit < cell.watch.at:
        cell.watch.arm(now + limit + worker.stop_grace + cell.policy.stuck_grace)
    if deadline is not None or worker._deadline_is_set:
        set_deadline(worker, runtime, deadline)
    traced = listening()
    leave = None
    try:
        value = message._context.run(worker._run, worker, runtime, query, message, traced)
    except BaseException as error:
        give_back(cell, worker)
        leave = settle_error(cell, worker, runtime, message, error)
    else:
        give_back(cell, worker)
        if worker._hides_errors and not runtime.usable:
            leave = Leave("replace")
        message._settle_quietly(value)
    cell.answered = answered = cell.answered + 1
    if leave is not None and leave.runs_again:
        raise leave
    try:
        if traced:
            message._context.run(_trace.query_done, cell, message, now)
    finally:
        if message._done:
            message._context = NO_CONTEXT  # what the sender had bound is not kept by the reply
            # Last: who waits goes on at once, and finds all that was to be noted.
            if message._waiters is not None:
                message._wake_waiters(hand_over=cell.mailbox.would_wait())
    if leave is not None:
        raise leave
    if answered >= cell.renew_at:
        cell.look_at_age(runtime)


def set_deadline(worker: Worker[Any, Any], runtime: Any, deadline: float | None) -> None:
    """Tell the runtime until when the run may last, if it wants to know."""
    if worker._has_deadline:
        runtime.deadline = deadline
        worker._deadline_is_set = deadline is not None


def run(
    worker: Worker[Any, Any], runtime: Any, query: Any, message: Reply[Any], traced: bool
) -> Any:
    """Run the handler, inside the query's own context. There are other ways: see `hooks`."""
    current.set(message)
    if traced:
        _trace.bind(worker._cell, message)
    return worker.handle_query(runtime, query)


def enter(worker: Worker[Any, Any], message: Reply[Any], traced: bool) -> None:
    """What `run` does first; it is written out there, for a call costs 0.05 us."""
    current.set(message)
    if traced:
        _trace.bind(worker._cell, message)


def give_back(cell: Cell, worker: Worker[Any, Any]) -> None:
    """Take the running query out of its place, which is the right to settle it and to go on.

    Raises:
        Leave: We were given up.
    """
    try:
        worker._running.pop()
    except IndexError:
        # Somebody else holds it: either for a moment, to stop the run, or for good.
        with cell.lock:
            if cell.worker is worker:
                worker._running.pop()
                return
        raise Leave("abandoned") from None


def settle_error(
    cell: Cell, worker: Worker[Any, Any], runtime: Any, message: Reply[Any], error: BaseException
) -> Leave | None:
    """Settle the reply of a query whose handler raised; return how this ends, if it does."""
    if worker._lent and (isinstance(error, KeyboardInterrupt) or came_by_signal(error)):
        raise error  # the thread that asked is interrupted, not the worker: see `lending`
    if not isinstance(error, Exception):
        return Leave("died", error, runs_again=settle_lost(cell, message, error))
    if isinstance(error, RunCancelled | QueryCancelled) and cell.halt_at <= monotonic():
        # It was stopped because its worker is to be restarted.
        return Leave("halted", error, runs_again=settle_lost(cell, message, error))
    if worker._watches_usable:
        lost = not runtime.usable
    else:
        lost = isinstance(error, JSRuntimeError) and not error.runtime_usable
    if lost and isinstance(error, BrokenRuntimeError | ClosedRuntimeError):
        return Leave("broken", error, runs_again=settle_lost(cell, message, error))
    traceback = without_our_frames(error.__traceback__)
    failure: BaseException = error
    if isinstance(error, TimeoutExceeded) and is_over(message):
        failure = message._timeout()
        failure.__cause__ = error
    if message._tell:
        tell_failed(worker, failure, traceback)
    if failure is error:
        error.__traceback__ = None  # the handler may raise this very instance again and again
    message._fail(failure, traceback)
    if not lost:
        return None
    spent = isinstance(error, LimitError | RunCancelled)
    return Leave("replace" if spent else "broken", error)


def see_to(
    cell: Cell, worker: Worker[Any, Any], message: Reply[Any] | None, error: BaseException
) -> None:
    """See to the last query of a loop that has ended, if that was not by its own will.

    A thread that is told to die may be so a line before the handler, or a line after it.
    """
    if message is None or isinstance(error, Leave):
        return
    with cell.lock:  # whoever borrows it for a moment has it back
        if cell.worker is not worker:
            return
        worker._running.clear()
    if message._done:
        message._wake_waiters()
    elif message._started:
        cell.settle_silent(message, error)
    else:
        cell.run_again(message)


def is_over(message: Reply[Any]) -> bool:
    """Return whether the query's own deadline has passed."""
    return message._deadline is not None and monotonic() >= message._deadline


def without_our_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Cut what says nothing to the sender, and would keep the reply alive: `answer` and `run`."""
    for _ in range(2):
        if traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
    return traceback


def tell_failed(
    worker: Worker[Any, Any], error: BaseException, traceback: TracebackType | None
) -> None:
    """Let the worker hear of a query that failed and that nobody waits for."""
    try:
        worker.on_failure(type(error), error, traceback)
    except Exception as failure:
        report_unraisable(failure)
