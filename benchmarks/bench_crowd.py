"""How quickly does a worker answer among thousands, and how long takes a new one?"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from actors import CallFunction, DefaultWorker, DefaultWorkerOptions, Supervision
from benchmarks._harness import Report, duration, main
from runtimes import TimeoutExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SOURCE = "function add(a, b) { return a + b; }"
CALL = CallFunction("add", (1, 2))
DEAF = "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })"
"""Does not look at the clock, so it is stopped hard, by which the worker loses its engine."""

COUNTS = (1, 10, 100, 1000, 4000)
MANY_RESTARTS = Supervision(intensity=1_000_000, backoff=0.0)
NO_GRACE = DefaultWorkerOptions(timeout=0.1, hard_stop_grace=0.0)


def percentiles(ask: Callable[[int], object], count: int, asks: int) -> tuple[float, float]:
    """Return median and 99th percentile of single asks, of another one each time."""
    seconds = []
    for number in range(asks):
        begin = time.perf_counter()
        ask(number * 7919 % count)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds), statistics.quantiles(seconds, n=100)[-1]


@contextlib.contextmanager
def echoes(count: int) -> Iterator[Callable[[int], object]]:
    """Run threads that send back what they get: the floor."""
    pairs: list[tuple[SimpleQueue[object], SimpleQueue[object]]] = []

    def serve(there: SimpleQueue[object], back: SimpleQueue[object]) -> None:
        while (item := there.get()) is not None:
            back.put(item)

    def ask(number: int) -> object:
        there, back = pairs[number]
        there.put(1)
        return back.get()

    threads = []
    for _ in range(count):
        pairs.append((SimpleQueue(), SimpleQueue()))
        thread = threading.Thread(target=serve, args=pairs[-1], daemon=True)
        thread.start()
        threads.append(thread)
    yield ask
    for there, _back in pairs:
        there.put(None)
    for thread in threads:
        thread.join()


def one_more() -> float:
    """Return the seconds from `spawn` to the first result."""
    begin = time.perf_counter()
    worker = DefaultWorker.spawn()
    worker.evaluate("6 * 7")
    seconds = time.perf_counter() - begin
    worker.shutdown()
    worker.join()
    return seconds


def restarts(count: int) -> list[float]:
    """Return the seconds from the end of a query that broke the runtime to the next answer."""
    seconds = []
    with DefaultWorker.spawn(NO_GRACE, supervision=MANY_RESTARTS) as worker:
        for _ in range(count):
            with contextlib.suppress(TimeoutExceeded):
                worker.evaluate(DEAF)
            begin = time.perf_counter()
            worker.evaluate("6 * 7")
            seconds.append(time.perf_counter() - begin)
        if worker.stats().generation != count + 1:
            raise SystemExit("the worker was not restarted each time")
    return seconds


def look(count: int, asks: int, rounds: int) -> dict[str, float]:
    """Measure among `count` workers."""
    with contextlib.ExitStack() as stack:
        workers: Sequence[Any] = [stack.enter_context(DefaultWorker.spawn()) for _ in range(count)]
        for worker in workers:
            worker.evaluate(SOURCE)
        turns = [percentiles(lambda k: workers[k].ask(CALL), count, asks) for _ in range(rounds)]
        made = [one_more() for _ in range(3 * rounds)]
        again = restarts(3 * rounds)
    with echoes(count) as ask:
        floors = [percentiles(ask, count, asks) for _ in range(rounds)]
    return {
        "ask p50": min(middle for middle, _ in turns),
        "ask p99": min(late for _, late in turns),
        "floor p50": min(middle for middle, _ in floors),
        "floor p99": min(late for _, late in floors),
        "spawn": statistics.median(made),
        "restart": statistics.median(again),
    }


HEADS = {
    "ask p50": "ask, median",
    "ask p99": "99th percentile",
    "floor p50": "bare threads, median",
    "floor p99": "their 99th",
    "spawn": "one more, first result",
    "restart": "lost, next result",
}


def benchmark(quick: bool) -> Report:
    """Measure among more and more workers."""
    report = Report("crowd", __doc__ or "", ["workers", *HEADS.values()])
    for count in COUNTS[:3] if quick else COUNTS:
        found = look(count, 500 if quick else 4000, 2 if quick else 5)
        report.data[str(count)] = found
        report.rows.append([f"{count:,}", *(duration(found[name]) for name in HEADS)])
    report.notes = [
        "Wall time of `add(1, 2)`, each time by another of so many workers, all of which have "
        "their own thread and their own engine; best of the rounds. `bare threads`: as many "
        "threads that send back a token by two queues.",
        "`one more`: from `spawn()` to the first result. `lost`: from the moment in which the "
        "caller hears that a query was stopped hard, and with it the engine lost, to the next "
        "result of the same worker, which has a new engine then; both are medians.",
    ]
    return report


if __name__ == "__main__":
    main(benchmark)
