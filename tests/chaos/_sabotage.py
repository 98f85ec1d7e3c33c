"""The saboteur: disturbs the pool from outside, at random, while others use it."""

from __future__ import annotations

import ctypes
import gc
import random
import sys
from typing import TYPE_CHECKING

from actors.testing import kill_supervisor, kill_worker

from ._stage import Killed, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

SWITCH_INTERVALS = (0.000_01, 0.000_1, 0.001, 0.005, 0.02)


def kill_thread(ident: int) -> None:
    """Have `Killed` raised in a thread, wherever it is."""
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    raise_in(ctypes.c_ulong(ident), ctypes.py_object(Killed))


class Saboteur:
    """Does one harmful thing after another, some tens of them a second, until the stage is over."""

    def __init__(self, stage: Stage, seed: object) -> None:
        self.stage = stage
        self.chance = random.Random(repr(seed))
        self._size = len(stage.pool)
        self.deeds: dict[Callable[[], None], float] = {
            self.kill_a_victim: 30,
            self.kill_between_queries: 5,
            self.resize: 2,
            self.kill_a_supervisor: 1,
            self.release: 3,
            self.collect_garbage: 3,
            self.switch_threads_otherwise: 3,
            self.look_around: 10,
        }

    def run(self) -> None:
        """Do harm until the stage is over."""
        deeds, weights = list(self.deeds), list(self.deeds.values())
        interval = sys.getswitchinterval()
        try:
            while not self.stage.over.wait(self.chance.expovariate(50)):
                deed = self.chance.choices(deeds, weights)[0]
                self.stage.ledger.count(f"sabotage: {deed.__name__.replace('_', ' ')}")
                deed()
        finally:
            sys.setswitchinterval(interval)

    # -- deeds --------------------------------------------------------------------------------

    def kill_a_victim(self) -> None:
        """Kill a worker's thread under the query that it runs."""
        victim = self.stage.victims.next()
        if victim is not None:
            kill_thread(victim)

    def kill_between_queries(self) -> None:
        """Kill a worker's thread while it runs no query."""
        if workers := list(self.stage.pool):
            kill_worker(self.chance.choice(workers))

    def kill_a_supervisor(self) -> None:
        """Let a supervisor crash; one below another takes its workers along."""
        kill_supervisor(self.chance.choice(self.stage.supervised))

    def resize(self) -> None:
        """Have more workers, or fewer."""
        size = self.chance.randint(1, self._size + 2)
        more = self.chance.choice((None, size + 2))
        self.stage.pool.resize(size, more)

    def release(self) -> None:
        """Let go the threads that hang, which by then were given up."""
        self.stage.release()

    def collect_garbage(self) -> None:
        """Have finalisers run here, at an unusual moment."""
        gc.collect()

    def switch_threads_otherwise(self) -> None:
        """Change how often Python's threads take turns."""
        sys.setswitchinterval(self.chance.choice(SWITCH_INTERVALS))

    def look_around(self) -> None:
        """Read what a program may show of a pool."""
        pool = self.stage.pool
        for worker in pool:
            repr((worker, worker.state, worker.backlog, worker.abandoned, worker.generation))
        repr((pool, pool.is_empty(), len(pool), pool.backlog, pool.stats()))
        for worker in pool:
            worker.wait_until_drained(0.001)
