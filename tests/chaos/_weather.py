"""What a storm looks like from outside: traces of workers, and what the process holds."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from actors.tracing import (
    CHECKPOINT_TAKEN,
    QUERY_DONE,
    WORKER_ABANDONED,
    WORKER_READY,
    WORKER_RENEWED,
    WORKER_RESTARTED,
    TraceEvent,
    subscribe,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

ALLOWED_MORE = {"threads": 0, "native threads": 0, "descriptors": 0, "mappings": 160}
"""By how much each may have grown in the end. A leak shows in each of hundreds of restarts; the C
library keeps some arenas and stacks of threads for later, and the engine its slots: 64, each with a
mapping or two once it was used."""


@dataclass(frozen=True)
class Holdings:
    """What the process holds at a moment."""

    rss_bytes: int
    threads: int
    native_threads: int
    mappings: int
    descriptors: int
    objects: int

    @classmethod
    def now(cls) -> Holdings:
        """Collect garbage, and count."""
        for _ in range(3):
            gc.collect()
        status = dict(
            line.split(":", 1)
            for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        )
        return cls(
            rss_bytes=int(status["VmRSS"].split()[0]) * 1024,
            threads=threading.active_count(),
            native_threads=int(status["Threads"]),
            mappings=len(Path("/proc/self/maps").read_bytes().splitlines()),
            descriptors=len(os.listdir("/proc/self/fd")),
            objects=len(gc.get_objects()),
        )

    def grown(self, since: Holdings) -> dict[str, int]:
        """What has grown since then by more than it may: name to by how much."""
        then, now = asdict(since), asdict(self)
        more = {
            name: now[name.replace(" ", "_")] - then[name.replace(" ", "_")]
            for name in ALLOWED_MORE
        }
        return {name: by for name, by in more.items() if by > ALLOWED_MORE[name]}


def holdings_after(before: Holdings, patience: float) -> tuple[Holdings, list[str]]:
    """Count again when the last threads have gone; return what was found and what has grown."""
    until = time.monotonic() + patience
    while True:
        now = Holdings.now()
        grown = [f"{name} by {by}" for name, by in now.grown(before).items()]
        if not grown:
            return now, []
        if time.monotonic() > until:
            names = sorted(thread.name for thread in threading.enumerate())
            return now, [*grown, f"threads: {', '.join(names)}"]
        time.sleep(0.05)


class Witness:
    """Follows the trace events while it is entered: restarts, outages, queries that left.

    An outage of a worker is from the first event that tells of its loss until it is ready again.

    Attributes:
        restarts: How many, by reason.
        renewals: Workers replaced without an outage.
        checkpoints: Checkpoints that were taken.
        outcomes: How queries left.
        left: How many of them left, those sent to all workers at once not counted.
        outages: Seconds, one by one.
        longest_queue_time: Seconds.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, TraceEvent]] = deque()
        self._down: dict[str, float] = {}
        self._end: Callable[[], None] | None = None
        self.restarts: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.outages: list[float] = []
        self.longest_queue_time = 0.0
        self.renewals = 0
        self.checkpoints = 0
        self.left = 0

    def __enter__(self) -> Self:
        self._end = subscribe(self._add)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._end is not None:
            self._end()
        self.fold()

    def _add(self, event: TraceEvent) -> None:
        self._seen.append((time.monotonic(), event))

    def fold(self) -> None:
        """Work off what was seen; on one thread only."""
        while self._seen:
            at, event = self._seen.popleft()
            if event.name == QUERY_DONE:
                self.outcomes[event.fields["outcome"]] += 1
                self.left += event.fields["query"] != "TaskForAll"
                waited = event.fields["queue_time"]
                self.longest_queue_time = max(self.longest_queue_time, waited)
            elif event.name in (WORKER_ABANDONED, WORKER_RESTARTED):
                self._down.setdefault(event.fields["worker"], at)
                if event.name == WORKER_RESTARTED:
                    self.restarts[event.fields["reason"]] += 1
            elif event.name == CHECKPOINT_TAKEN:
                self.checkpoints += 1
            elif event.name == WORKER_RENEWED:
                self.renewals += 1
            elif event.name == WORKER_READY and event.fields["worker"] in self._down:
                self.outages.append(at - self._down.pop(event.fields["worker"]))
