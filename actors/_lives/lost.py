"""What becomes of those who wait for a worker that was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors._replies.fresh import fresh
from actors.errors import WorkerDied, WorkerStartError, WorkerStopped
from runtimes import JSRuntimeError

if TYPE_CHECKING:
    from actors._lives.address import Address
    from actors._lives.cell import Cell
    from actors._replies.reply import Reply

MAX_RUNS = 3
"""How often an idempotent query is run at most: it may be what kills the workers."""


def settle_lost(cell: Cell, message: Reply[Any], error: BaseException | None) -> bool:
    """Settle, or queue again, a query whose worker was lost under it.

    Returns:
        Whether it is queued again. Then it is somebody else's, and may be done at any moment.
    """
    try:
        query = message._query
    except AttributeError:
        return False
    message._attempts += 1
    if query.idempotent and message._attempts < MAX_RUNS and not cell.mailbox.stopped:
        message._context = message._context.copy()  # a given-up thread may still be in the old one
        cell.run_again(message)
        return True
    what = "lost its runtime" if isinstance(error, JSRuntimeError) else "died"
    died = WorkerDied(
        f"worker {cell.name} {what} while it ran {type(query).__name__}: {error!r}",
        worker=cell.name,
        may_have_run=True,
    )
    died.__cause__ = None if error is None else fresh(error, error.__traceback__)
    message._fail(died)
    return False


def start_failure(cell: Cell, error: BaseException | None) -> WorkerStartError:
    """Return what `spawn` raises because of `error`."""
    failure = WorkerStartError(f"worker {cell.name} did not start: {error}", worker=cell.name)
    failure.__cause__ = error
    return failure


def end_of(cell: Address, *, may_have_run: bool) -> BaseException:
    """Return what those get who were waiting when the worker was stopped."""
    if cell.closed_by is not None and not may_have_run:
        return fresh(cell.closed_by)
    text = f"worker {cell.name} was stopped before it answered"
    stopped = WorkerStopped(text, worker=cell.name, may_have_run=may_have_run)
    stopped.__cause__ = None if cell.closed_by is None else fresh(cell.closed_by)
    return stopped
