"""Do two workers do twice the work of one?"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from actors import CallFunction, DefaultWorker, WorkerPool
from benchmarks._harness import HERE, Measure, Report, duration, interleave, main
from benchmarks._peers import JSActors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SOURCE = """
function spin(n) { let s = 0; for (let i = 0; i < n; i++) s = (s + i * i) % 1000003; return s; }
"""
SIZES = (1, 2)
CHILD = "--child"


@dataclass(frozen=True)
class Thread:
    """What the kernel says a thread did so far, in seconds; Linux only."""

    running: float
    ready: float

    @classmethod
    def read(cls, number: int) -> Thread:
        """Read one thread of this process."""
        text = Path(f"/proc/self/task/{number}/schedstat").read_text(encoding="ascii")
        running, ready, _ = text.split()
        return cls(int(running) / 1e9, int(ready) / 1e9)


class Crew:
    """A pool with the threads that serve it."""

    def __init__(self, size: int, stack: ExitStack) -> None:
        before = set(threading.enumerate())
        self.pool = stack.enter_context(WorkerPool(DefaultWorker, size=size))
        for worker in self.pool:
            worker.evaluate(SOURCE)
        started = [thread for thread in threading.enumerate() if thread not in before]
        self.threads = [thread.native_id for thread in started if thread.native_id]
        self.blocked: list[float] = []

    def work(self, calls: int, size: int) -> Callable[[], float]:
        """Return a measure: seconds for all calls; it notes the share of time spent blocked."""
        queries = [CallFunction("spin", (size,))] * calls

        def measure() -> float:
            before = self._read()
            begin = time.perf_counter()
            self.pool.map(queries)
            seconds = time.perf_counter() - begin
            if before:
                self._note(before, self._read(), seconds)
            return seconds

        return measure

    def _read(self) -> list[Thread]:
        if not Path("/proc/self/schedstat").exists():
            return []
        return [Thread.read(number) for number in self.threads]

    def _note(self, before: Sequence[Thread], after: Sequence[Thread], seconds: float) -> None:
        for old, new in zip(before, after, strict=True):
            running, ready = new.running - old.running, new.ready - old.ready
            if running > seconds / 10:  # the supervisor's thread sleeps, and is not meant
                self.blocked.append(max(0.0, 1 - (running + ready) / seconds))


class Processes:
    """The same work in two processes that share nothing: what the machine can give at most."""

    def __init__(self, stack: ExitStack) -> None:
        self._children = []
        for _ in SIZES:
            command = [sys.executable, "-m", "benchmarks.bench_scaling", CHILD]
            pipe = subprocess.PIPE
            child = subprocess.Popen(command, cwd=HERE.parent, stdin=pipe, stdout=pipe, text=True)
            stack.callback(child.wait)
            stack.callback(cast("IO[str]", child.stdin).close)
            self._children.append((cast("IO[str]", child.stdin), cast("IO[str]", child.stdout)))
        self._await(self._children)

    def work(self, calls: int, size: int, number: int) -> Measure:
        """Return a measure: seconds for all calls in so many of the processes."""
        children = self._children[:number]

        def measure() -> float:
            begin = time.perf_counter()
            for tasks, _ in children:
                tasks.write(f"{calls // number} {size}\n")
                tasks.flush()
            self._await(children)
            return time.perf_counter() - begin

        return measure

    def _await(self, children: Sequence[tuple[IO[str], IO[str]]]) -> None:
        for _, answers in children:
            answers.readline()


def serve() -> None:
    """Be one of the two processes: do as many calls as each line says."""
    engine = JSActors()
    engine.run(SOURCE)
    spin = engine.function("spin")
    print("ready", flush=True)
    for line in sys.stdin:
        calls, size = map(int, line.split())
        for _ in range(calls):
            spin(size)
        print("done", flush=True)


def benchmark(quick: bool) -> Report:
    """Measure the same work on one worker and on two, for short and for long calls."""
    report = Report(
        "scaling",
        __doc__ or "",
        ["work", "one worker", "two workers", "speed-up", "of two processes", "blocked"],
    )
    loads = {"400 calls of 0.4 ms": (400, 9_000), "40 calls of 4 ms": (40, 90_000)}
    for title, (calls, size) in loads.items():
        with ExitStack() as stack:
            crews = {number: Crew(number, stack) for number in SIZES}
            processes = Processes(stack)
            measures = {f"workers {n}": crew.work(calls, size) for n, crew in crews.items()}
            measures |= {f"processes {n}": processes.work(calls, size, n) for n in SIZES}
            for measure in measures.values():
                measure()
            for crew in crews.values():
                crew.blocked.clear()
            samples = interleave(measures, 3 if quick else 25)
        one, two = samples["workers 1"].best, samples["workers 2"].best
        ceiling = samples["processes 1"].best / samples["processes 2"].best
        share = statistics.median(crews[2].blocked) if crews[2].blocked else None
        shown = "-" if share is None else f"{share:.1%}"
        times = [duration(one), duration(two), f"{one / two:.2f}x", f"{ceiling:.2f}x"]
        report.rows.append([title, *times, shown])
        report.data[title] = {name: sample.values for name, sample in samples.items()}
        report.data[f"{title}: blocked"] = share
    report.notes = [
        f"Wall time of the best round, on {os.cpu_count()} cores. `of two processes` is the "
        "speed-up of two processes that share nothing over one, in the same rounds: what the "
        "machine, and what else runs on it, leaves to be had. `blocked` is the share of time in "
        "which one of two workers neither ran nor waited for a core (/proc schedstat, median): it "
        "waited for the GIL, for the mailbox, or at the end for the other.",
    ]
    return report


if __name__ == "__main__":
    if sys.argv[1:] == [CHILD]:
        serve()
    else:
        main(benchmark)
