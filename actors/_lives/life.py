"""The life of an incarnation on its thread: start, serve, end."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from actors import _trace
from actors._lives.resuming import make_runtime
from actors._replies.fresh import fresh
from actors._threads import report_unraisable, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._lives.cell import Cell
    from actors._trees.guardian import ExitKind
    from actors.worker import Worker


class Leave(BaseException):
    """Ends a worker's loop from within; no Exception, so that handlers and loops let it pass."""

    def __init__(
        self, kind: ExitKind, error: BaseException | None = None, *, runs_again: bool = False
    ) -> None:
        """Say how the incarnation ends, and why, and whether its query is queued again."""
        super().__init__(kind)
        self.kind: ExitKind = kind
        self.error = error
        self.runs_again = runs_again


def live(cell: Cell, worker: Worker[Any, Any]) -> None:
    """What a worker's thread does: one incarnation after the other, while the thread is sound."""
    leave = Leave("died")
    heir: Worker[Any, Any] | None = worker
    try:
        while heir is not None:
            worker = heir
            leave = live_once(cell, worker)
            if leave.kind == "replace":
                _trace.worker_restarted(cell, leave.kind, leave.error)
            elif leave.kind == "renewed" and cell.worker is worker:  # no heir did it
                _trace.worker_renewed(cell, None)
            else:
                break
            cell.watchers.lost(leave.kind, leave.error)
            heir = cell.succeed(worker)
    except BaseException as error:
        leave = Leave("died", error)
    finally:
        cell.exited(worker, leave.kind, leave.error)


def live_once(cell: Cell, worker: Worker[Any, Any]) -> Leave:
    """One incarnation, and the end of what it holds: queries not answered, and what it owns."""
    leave = Leave("died")
    try:
        leave = begin_and_end(cell, worker)
    finally:
        worker._put_back()
        worker._owned.close(leave.kind)
    return leave


def begin_and_end(cell: Cell, worker: Worker[Any, Any]) -> Leave:
    """One incarnation: its hooks, its runtime, its loop."""
    _trace.worker_started(cell)
    try:
        worker.on_start()
    except BaseException as error:
        return Leave("not_started", error)
    try:
        runtime = make_runtime(cell, worker)
    except BaseException as error:
        leave = Leave("not_started", error)
    else:
        worker._has(runtime)
        try:
            leave = serve(cell, worker, runtime)
            cell.ends(worker, leave.kind)
        finally:
            worker._has(None)
            at_the_end(lambda: worker.close_runtime(runtime))
    at_the_end(worker.on_stop)
    return leave


def serve(cell: Cell, worker: Worker[Any, Any], runtime: object) -> Leave:
    """Answer queries until there is a reason not to; return it."""
    done: list[object] = [] if worker._resumed is None else [*worker._resumed.set_up]
    try:
        set_up(cell, worker, runtime, done)
        if not cell.ready(worker):
            return Leave("abandoned")
        set_up(cell, worker, runtime, done)  # what came while an heir waited for its turn
    except BaseException as error:
        return Leave("not_started", error)
    try:
        worker.serve(runtime)
    except Leave as leave:
        if leave.kind == "renewed":
            cell.hand_over(worker)
        return leave
    except BaseException as error:
        return Leave("died", error)
    finally:
        worker.actor_stopped.set()
    if cell.mailbox.closed:
        return Leave("stopped")
    return Leave("normal", RuntimeError("serve() returned"))


def set_up(cell: Cell, worker: Worker[Any, Any], runtime: object, done: list[object]) -> None:
    """Run what every worker of the pool is to run at its start, and note what was done."""
    while True:
        queries = [query for query in cell.setup() if not any(query is each for each in done)]
        if not queries:
            return
        for query in queries:
            worker.handle_query(runtime, query)
            done.append(query)


def at_the_end(hook: Callable[[], None]) -> None:
    """Call a hook whose failure changes nothing any more."""
    try:
        hook()
    except Exception as error:
        report_unraisable(error)


def wait_for_start(cell: Cell, until: float | None) -> None:
    """Wait until the first incarnation is ready, but not beyond the instant `until`.

    Raises:
        WorkerStartError: It did not get ready.
    """
    if not wait_for(cell.settled_start.wait, None if until is None else until - monotonic()):
        cell.start_overdue(cell.worker)
    if cell.failure is not None and cell.generation == 0:
        raise fresh(cell.failure)
