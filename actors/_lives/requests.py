"""Checkpoints that somebody asks for, by the control lane."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors._checks import check_seconds
from actors._lives.life import Leave
from actors._lives.lost import settle_lost
from actors._replies.current import current
from actors._replies.reply import Reply
from actors._timers import timers
from actors.checkpoints import Checkpoint
from actors.errors import AskCycle, CheckpointError
from actors.query import Query

if TYPE_CHECKING:
    from actors._lives.cell import Cell
    from actors.watching import WorkerDown


@dataclass(frozen=True, slots=True)
class TakeCheckpoint(Query[Checkpoint]):
    """What the reply is one to. It is never queued with the others."""


def request_checkpoint(cell: Cell, timeout: float | None) -> Reply[Checkpoint]:
    """Have a checkpoint taken between two queries, before what is queued; return the reply.

    A worker that is being restarted takes it when it is ready again. If it is gone for good, the
    reply says so.
    """
    check_seconds("timeout", timeout)
    if cell.runs_here():
        text = f"worker {cell.name} would wait for its own checkpoint"
        raise AskCycle(text, workers=(cell.name,))
    now, caller = monotonic(), current.get()
    deadline = None if caller is None else caller._deadline
    if timeout is not None:
        deadline = now + timeout if deadline is None else min(deadline, now + timeout)
    reply: Reply[Checkpoint] = Reply(TakeCheckpoint(), cell, now, deadline)

    def gone(down: WorkerDown) -> None:
        if down.final:
            reply._fail(cell.closed_error())

    unwatch = cell.watchers.add(gone)
    reply._notify(lambda _: unwatch())
    if deadline is not None:
        timer = timers.call_at(deadline, lambda: _expire(reply))
        reply._notify(lambda _: timer.cancel())
    cell.mailbox.control(lambda: _take(cell, reply))
    return reply


def _expire(reply: Reply[Any]) -> None:
    reply._expire()


def _take(cell: Cell, reply: Reply[Checkpoint]) -> None:
    """Called on the mailbox's reader's thread, between two queries."""
    if reply._done:
        return
    try:
        checkpoint = cell.keeper.take("request")
    except Leave as leave:
        if leave.kind == "abandoned":  # for whoever reads the mailbox now
            cell.mailbox.control(lambda: _take(cell, reply))
        else:
            settle_lost(cell, reply, leave.error)
        raise
    except CheckpointError as error:
        reply._fail(error)
    except BaseException as error:
        settle_lost(cell, reply, error)
        raise
    else:
        reply._settle(checkpoint)
    finally:
        cell.look_again()
