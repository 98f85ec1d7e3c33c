"""How workers and pools stand, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors._trees.guardian import State


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """One worker, at one moment.

    Attributes:
        name: The worker's name.
        state: As `WorkerHandle.state`.
        generation: How often it was started.
        queued: Queries that wait for this very worker.
        running: Seconds since the running query was begun, or None if none runs.
        answered: Queries that it has run, in all generations, whatever came of them.
        abandoned: Given-up threads that are still alive.
    """

    name: str
    state: State
    generation: int
    queued: int
    running: float | None
    answered: int
    abandoned: int


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool, at one moment. The numbers are taken one after the other while it goes on working.

    Attributes:
        workers: Its workers, one by one.
        queued: Queries that wait for whichever worker is free first.
        answered: Queries that its workers have run, those that are gone included.
    """

    workers: tuple[WorkerStats, ...]
    queued: int
    answered: int

    @property
    def size(self) -> int:
        """How many workers there are."""
        return len(self.workers)

    @property
    def busy(self) -> int:
        """How many workers run a query."""
        return sum(worker.running is not None for worker in self.workers)
