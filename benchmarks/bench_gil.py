"""What does a busy pure-Python thread in the same process do to calls?"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks._harness import Report, duration, interleave, main
from benchmarks._peers import JSActors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = """
function add(a, b) { return a + b; }
function addAll(pairs) { return pairs.map(([a, b]) => a + b); }
function spin(n) { let s = 0; for (let i = 0; i < n; i++) s = (s + i * i) % 1000003; return s; }
"""
BATCH = 500


@contextmanager
def busy_thread() -> Iterator[None]:
    """Keep one thread busy in pure Python."""
    stopping = threading.Event()

    def spin() -> None:
        number = 0
        while not stopping.is_set():
            for _ in range(1000):
                number = (number * 31 + 7) % 1000003

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def rate(function: Callable[[], Any], units: int, seconds: float) -> Callable[[], float]:
    """Return a measure: seconds per unit of work, over a given time."""

    def measure() -> float:
        count = 0
        begin = time.perf_counter()
        while (passed := time.perf_counter() - begin) < seconds:
            function()
            count += units
        return passed / count

    return measure


def benchmark(quick: bool) -> Report:
    """Measure calls of three sizes, alone and beside a busy thread."""
    engine = JSActors()
    engine.run(SOURCE)
    add, add_all, spin = (engine.function(name) for name in ("add", "addAll", "spin"))
    pairs = [(i, i + 1) for i in range(BATCH)]
    seconds = 0.1 if quick else 0.5
    measures = {
        "add(1, 2), one by one": rate(lambda: add(1, 2), 1, seconds),
        f"{BATCH} additions in one call, each": rate(lambda: add_all(pairs), BATCH, seconds),
        "5 ms of JavaScript": rate(lambda: spin(90_000), 1, seconds),
    }
    rounds = 3 if quick else 7
    alone = interleave(measures, rounds)
    with busy_thread():
        beside = interleave(measures, rounds)
    engine.close()
    report = Report("gil", __doc__ or "", ["work", "alone", "beside a busy thread", "slower by"])
    for name in measures:
        before, after = alone[name].median, beside[name].median
        report.rows.append([name, duration(before), duration(after), f"{after / before:.1f}x"])
        report.data[name] = {"alone": before, "beside": after}
    report.notes = [
        "Wall time, median round. A call gives the GIL up while JavaScript runs and must win it "
        f"back; a thread that holds it is asked only after {sys.getswitchinterval() * 1e3:g} ms "
        "(sys.getswitchinterval). What helps: fewer and coarser calls, as the second and third "
        "lines show.",
    ]
    return report


if __name__ == "__main__":
    main(benchmark)
