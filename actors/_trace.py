"""How trace events are made: one short function for each thing that can happen."""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal

from actors import _structlog, tracing
from actors._replies.current import current
from actors._threads import report_unraisable
from actors.errors import QueryCancelled, QueryDropped, QueryTimeout, WorkerDied, WorkerStopped
from actors.tracing import (
    CHECKPOINT_FAILED,
    CHECKPOINT_TAKEN,
    CONSOLE_LINE,
    DEAD_LETTER,
    POOL_CLOSED,
    POOL_STARTED,
    QUERY_DONE,
    SUPERVISOR_RESTARTED,
    WORKER_ABANDONED,
    WORKER_READY,
    WORKER_RENEWED,
    WORKER_RESTARTED,
    WORKER_STARTED,
    WORKER_STOPPED,
    EventName,
    Outcome,
    TraceEvent,
    listening,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors._lives.address import Address
    from actors._lives.cell import Cell
    from actors._lives.home import Home
    from actors._lives.keeping import Kept
    from actors._replies.reply import Reply
    from actors.checkpoints import Checkpoint
    from runtimes import ConsoleEvent

_LEVELS: Final[Mapping[str, str]] = {
    CHECKPOINT_FAILED: "warning",
    CHECKPOINT_TAKEN: "debug",
    WORKER_STARTED: "debug",
    WORKER_RESTARTED: "warning",
    WORKER_ABANDONED: "error",
    QUERY_DONE: "debug",
    SUPERVISOR_RESTARTED: "warning",
    DEAD_LETTER: "warning",
}


_salt = int.from_bytes(os.urandom(8), "big")


def _emit(name: EventName, fields: dict[str, Any], level: str | None = None) -> None:
    level = level or _LEVELS.get(name, "info")
    for subscriber in tracing._subscribers:
        try:
            subscriber(TraceEvent(name, level, fields))
        except Exception as error:
            report_unraisable(error)
    structlog = _structlog.configured()
    if structlog is not None:
        try:
            getattr(structlog.get_logger("actors"), level)(name, **fields)
        except Exception as error:
            report_unraisable(error)


def _about(cell: Address) -> dict[str, Any]:
    fields: dict[str, Any] = {"worker": cell.name}
    if cell.pool is not None:
        fields["pool"] = cell.pool
    return fields


def ids(reply: Reply[Any]) -> dict[str, Any]:
    """Return a query's ids in the form of W3C trace context: 16 bytes a trace, 8 a query."""
    found = {
        "trace_id": f"{_salt:016x}{reply._trace:016x}",
        "query_id": _span(reply._id),
    }
    if reply._parent:
        found["parent_id"] = _span(reply._parent)
    return found


def _span(number: int) -> str:
    return f"{(number + _salt) & 0xFFFF_FFFF_FFFF_FFFF:016x}"


def bind(cell: Cell, reply: Reply[Any]) -> None:
    """Bind worker and ids in the query's own context, for every line that is logged in it."""
    structlog = _structlog.configured()
    if structlog is not None:
        structlog.contextvars.bind_contextvars(**_about(cell), **ids(reply))


def _origin(cell: Home, kept: Kept | None) -> dict[str, Any]:
    """Return what an incarnation is made from: of a checkpoint, if there is one."""
    if kept is None:
        snapshot = getattr(cell.options, "snapshot", None)
        return {"resumed": "nothing" if snapshot is None else "snapshot"}
    age, lost = round(kept.checkpoint.age, 6), cell.answered - kept.answered
    return {"resumed": "checkpoint", "checkpoint_age": age, "queries_lost": lost}


def worker_started(cell: Cell) -> None:
    """An incarnation begins; its runtime is to be made."""
    if listening():
        _emit(WORKER_STARTED, {**_about(cell), **_origin(cell, cell.keeper.outlook())})


def worker_ready(cell: Home, generation: int) -> None:
    """An incarnation takes queries."""
    if listening():
        worker = cell.worker
        origin = _origin(cell, None if worker is None else worker._resumed)
        _emit(WORKER_READY, {**_about(cell), "generation": generation, **origin})


def worker_restarted(cell: Cell, reason: str, error: BaseException | None) -> None:
    """A worker was lost and is made anew."""
    if listening():
        about = {**_about(cell), "generation": cell.generation, "reason": reason}
        about |= {"error": None if error is None else repr(error)}
        _emit(WORKER_RESTARTED, {**about, **_origin(cell, cell.keeper.outlook())})


def supervisor_restarted(name: str, reason: str, error: BaseException | None) -> None:
    """A supervisor below another gave up or was halted, and its children are made anew."""
    if listening():
        about = {"supervisor": name, "reason": reason}
        _emit(SUPERVISOR_RESTARTED, {**about, "error": None if error is None else repr(error)})


def worker_renewed(cell: Home, error: BaseException | None) -> None:
    """An heir takes over from a worker that goes on to close, or did not get ready."""
    if listening():
        about = {**_about(cell), "generation": cell.generation}
        about |= _origin(cell, cell.keeper.outlook())
        _emit(WORKER_RENEWED, about if error is None else {**about, "error": repr(error)})


def checkpoint_taken(cell: Home, checkpoint: Checkpoint, reason: str, seconds: float) -> None:
    """A checkpoint was taken of a worker, which goes on."""
    if listening():
        about = {**_about(cell), "generation": cell.generation, "reason": reason}
        figures = {"bytes": checkpoint.size_bytes, "run_time": round(seconds, 6)}
        _emit(CHECKPOINT_TAKEN, {**about, **figures})


def checkpoint_failed(
    cell: Home, step: Literal["take", "restore"], error: BaseException, *, gives_up: bool = False
) -> None:
    """A checkpoint could not be taken, or no worker be made of it."""
    if listening():
        about = {**_about(cell), "generation": cell.generation, "step": step}
        _emit(CHECKPOINT_FAILED, {**about, "gives_up": gives_up, "error": repr(error)})


def worker_abandoned(cell: Home) -> None:
    """A thread did not come back and was given up."""
    if listening():
        _emit(WORKER_ABANDONED, {**_about(cell), "abandoned": len(cell.abandoned)})


def worker_stopped(cell: Cell) -> None:
    """A worker is gone for good."""
    if listening():
        error = cell.failure
        about = {**_about(cell), "generation": cell.generation}
        _emit(WORKER_STOPPED, about if error is None else {**about, "error": repr(error)})


def pool_started(name: str, size: int) -> None:
    """All workers of a pool are ready."""
    if listening():
        _emit(POOL_STARTED, {"pool": name, "size": size})


def pool_closed(name: str, error: BaseException | None) -> None:
    """A pool is closed."""
    if listening():
        _emit(POOL_CLOSED, {"pool": name, **({} if error is None else {"error": repr(error)})})


def outcome_of(error: BaseException | None, without: Outcome = "ok") -> Outcome:
    """Return the word for how a query ended; `without` an error."""
    if error is None:
        return without
    if isinstance(error, QueryCancelled):
        return "cancelled"
    if isinstance(error, QueryTimeout):
        return "timeout"
    if isinstance(error, WorkerStopped):
        return "stopped"
    if isinstance(error, QueryDropped):
        return "dropped"
    return "died" if isinstance(error, WorkerDied) else "error"


def query_done(cell: Cell, reply: Reply[Any], started: float) -> None:
    """A query was run; emitted in its own context."""
    # If it is not done, somebody else is settling it in this very moment: most often a cancel.
    outcome = outcome_of(reply._error, "ok" if reply._done else "cancelled")
    _query_event(cell, reply, outcome, started, monotonic())


def query_left(cell: Address, reply: Reply[Any], outcome: Outcome) -> None:
    """A query left without having been run to its end."""
    if listening():
        now = monotonic()
        started = cell.run_started if reply._started else now
        reply._context.copy().run(_query_event, cell, reply, outcome, started, now)
        if reply._tell and not reply._started:
            dead_letter(cell, reply, outcome, reply._error)


def dead_letter(cell: Address, reply: Reply[Any], reason: str, error: BaseException | None) -> None:
    """A query came too late, or one whose response nobody awaits will never be run."""
    if listening():
        about = {**_about(cell), **ids(reply), "query": reply._kind.__name__, "reason": reason}
        _emit(DEAD_LETTER, about if error is None else {**about, "error": repr(error)})


def _query_event(
    cell: Address, reply: Reply[Any], outcome: Outcome, started: float, ended: float
) -> None:
    fields = {
        **_about(cell),
        **ids(reply),
        "query": reply._kind.__name__,
        "outcome": outcome,
        "queue_time": round(started - reply._sent_at, 6),
        "run_time": round(ended - started, 6),
    }
    if reply._deadline is not None:
        fields["timeout"] = round(reply._deadline - reply._sent_at, 6)
    if outcome not in ("ok", "cancelled") and reply._done:
        fields["error"] = repr(reply._error)
    _emit(QUERY_DONE, fields)


def console_line(cell: Cell, event: ConsoleEvent) -> None:
    """A script said something."""
    if not listening():
        return
    running = current.get()
    fields = {**_about(cell), "text": event.text}
    if running is not None and running._id:  # else a hook of the worker's, between two queries
        fields.update(ids(running))
    if event.filename is not None:
        fields.update(filename=event.filename, line=event.line, column=event.column)
    level = {"log": "info", "warn": "warning"}.get(event.level, event.level)
    _emit(CONSOLE_LINE, {**fields, "console_level": event.level}, level)
