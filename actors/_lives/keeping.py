"""What a worker keeps to resume from: its last checkpoint, and when the next one is due."""

from __future__ import annotations

import time
from math import inf
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import msgspec

from actors import _trace
from actors._lives.life import Leave
from actors._lives.mistakes import refuse_no_snapshot
from actors._timers import Timer, timers
from actors.checkpoints import Checkpoint
from actors.errors import CheckpointError

if TYPE_CHECKING:
    from actors._lives.home import Home
    from actors.query import Query
    from actors.worker import Worker

MOST_TRIES = 2
"""How many starts from one checkpoint may fail in a row before the next is made without it."""

Reason: TypeAlias = Literal["policy", "request", "renewal"]
"""Why a checkpoint is taken."""


class Kept(NamedTuple):
    """A checkpoint, and what had happened in this process when it was taken."""

    checkpoint: Checkpoint
    answered: int
    set_up: tuple[Query[Any], ...]


class Keeper:
    """Takes checkpoints of a worker, and keeps the last one for its next incarnation.

    It belongs to the cell: so does the checkpoint, which no other worker is started from. A worker
    *resumes* if its policy asks for checkpoints, or if it was made of one. Any other starts clean,
    whatever checkpoints were taken of it, and nothing is kept here.

    Attributes:
        resumes: Whether it does.
        at: When the cell has answered so many queries, `look` is to be called.
    """

    __slots__ = ("_cell", "_count_at", "_kept", "_seen", "_timer", "_tries", "at", "resumes")

    def __init__(self, cell: Home, checkpoint: Checkpoint | None) -> None:
        """Begin with what the worker is made of, if it is made of a checkpoint."""
        self.resumes = checkpoint is not None or cell.policy.takes_checkpoints
        self.at: float = inf
        self._cell = cell
        self._kept = None if checkpoint is None else Kept(checkpoint, 0, ())
        self._tries = 0
        self._count_at: float = inf  # when so many were answered, one is due
        self._seen = 0  # how many were answered when the last one was taken, or the start
        self._timer: Timer | None = None

    # -- what to start from -----------------------------------------------------------------------

    def outlook(self) -> Kept | None:
        """Return what the next start is to be made from, if from a checkpoint."""
        return self._kept if self._tries < MOST_TRIES else None

    @property
    def last(self) -> Checkpoint | None:
        """The one that is kept."""
        kept = self._kept
        return None if kept is None else kept.checkpoint

    def to_resume(self) -> Kept | None:
        """Return what to start from now, if from a checkpoint. It counts as a try."""
        kept = self.outlook()
        if kept is not None:
            self._tries += 1
        return kept

    def spare(self) -> None:
        """Do not count the last try: it came to its end, and was halted for others' sake."""
        self._tries = 0

    def begin(self, worker: Worker[Any, Any]) -> None:
        """Plan the next, since the worker is ready. The worker's thread."""
        self._tries = 0
        if worker._resumed is not self._kept:  # it could not be used, and this is another life
            self._kept = None
        self._plan()

    def pause(self) -> None:
        """Plan nothing until the next incarnation is ready."""
        self.at = self._count_at = inf
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def end(self) -> None:
        """Keep no newer one; the last stays, for whoever wants to know."""
        self.pause()
        self.resumes = False

    # -- when one is due: the worker's thread, between two queries -------------------------------

    def look(self) -> None:
        """See whether one is due by the count; if there is a first query to save, wait for it."""
        if self._cell.answered >= self._count_at:
            self._take_due()
            return
        seconds = self._cell.policy.checkpoint_every_seconds
        self.at = self._count_at
        worker = self._cell.worker
        if seconds is not None and worker is not None:
            self._timer = timers.call_later(seconds, lambda: self._ask(worker))

    def _plan(self) -> None:
        policy, answered = self._cell.policy, self._cell.answered
        self.pause()
        self._seen = answered
        if policy.checkpoint_every_queries is not None:
            self._count_at = answered + policy.checkpoint_every_queries
        # The clock runs from the next query on: a worker that does nothing is left alone.
        waits = policy.checkpoint_every_seconds is not None
        self.at = min(self._count_at, answered + 1 if waits else inf)

    def _ask(self, worker: Worker[Any, Any]) -> None:
        self._cell.mailbox.control(lambda: self._on_time(worker))

    def _on_time(self, worker: Worker[Any, Any]) -> None:
        cell = self._cell
        if cell.worker is worker and cell.up and cell.answered > self._seen:
            self._take_due()
            cell.look_again()

    def _take_due(self) -> None:
        try:
            self.take("policy")
        except CheckpointError:  # which the trace tells; the next one may succeed
            self._plan()

    # -- taking one: the worker's thread, between two queries -------------------------------

    def take(self, why: Reason) -> Checkpoint:
        """Take a checkpoint, and keep it if the worker resumes.

        Raises:
            CheckpointError: It could not be taken; the worker goes on.
            Leave: The incarnation cannot go on, or has been given up.
        """
        cell = self._cell
        worker = cell.worker
        if worker is None or worker._thread_id != get_ident():
            raise Leave("abandoned")
        cell.mailbox.settle_account()
        began, runtime, set_up = monotonic(), worker._runtime, cell.setup()
        if worker._deadline_is_set:  # that of the last query
            runtime.deadline = None
            worker._deadline_is_set = False
        try:
            checkpoint = _taken(worker, runtime)
        except Exception as error:
            _trace.checkpoint_failed(cell, "take", error)
            if cell.worker is not worker:
                raise Leave("abandoned") from error
            if worker._watches_usable and not runtime.usable:
                raise Leave("broken", error) from error
            if isinstance(error, CheckpointError):
                raise
            text = f"no checkpoint could be taken of worker {cell.name}: {error}"
            raise CheckpointError(text, worker=cell.name) from error
        with cell.lock:
            if cell.worker is not worker:
                raise Leave("abandoned")
            if self.resumes:
                self._kept = Kept(checkpoint, cell.answered, set_up)
                self._plan()
        _trace.checkpoint_taken(cell, checkpoint, why, monotonic() - began)
        return checkpoint


def _taken(worker: Worker[Any, Any], runtime: Any) -> Checkpoint:
    cell = worker._cell
    refuse_no_snapshot(worker, runtime)
    state = msgspec.msgpack.encode(worker.save_state(runtime))  # first: it may change the runtime
    return Checkpoint(
        snapshot=runtime.snapshot(),
        state=state,
        worker=cell.name,
        worker_type=type(worker).__qualname__,
        generation=cell.generation,
        answered=cell.answered,
        taken_at=time.time(),
    )
