"""The stops of the tour."""

import hashlib
import os
import platform
import tempfile
import threading
import time
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from actors import (
    CallFunction,
    DefaultWorker,
    DefaultWorkerOptions,
    Eval,
    Query,
    Response,
    WorkerPool,
)
from actors.demo._orders import write_orders
from actors.demo._screen import heading, row, say
from actors.tracing import TraceEvent, subscribe
from runtimes import Module

_BATCH = 200
"""Orders in one query: some milliseconds of work, beside which the crossing costs nothing."""

_ROUNDS = 3
"""Timed runs of each kind, taken in turns, so that a busy moment does not hit one kind only."""

_RUN_TIMEOUT = 0.5

_ATTACKS = {
    "an endless loop": "for (;;) {}",
    "a memory bomb": "const hoard = []; for (;;) hoard.push(new Uint8Array(1e6))",
    "a builtin that never ends": "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })",
}


class Tour:
    """Check a file of orders with JavaScript, on one worker and on several, and break some."""

    def __init__(self, orders: int, workers: int) -> None:
        rules = files("actors.demo").joinpath("orders.js").read_text(encoding="utf-8")
        self._options = DefaultWorkerOptions(
            modules=[Module("orders.js", rules)], timeout=_RUN_TIMEOUT
        )
        self._count = orders
        self._workers = workers
        self._queries: list[CallFunction[Any]] = []
        self._planted: dict[int, str] = {}

    def run(self) -> int:
        """Take the whole tour; return 0 if everything came out as promised."""
        say(
            f"jsactors {version('jsactors')}, Python {platform.python_version()} on "
            f"{platform.system()} {platform.machine()}, {usable_cores()} cores."
        )
        stops = (self._make_file, self._race, self._break_workers, self._trace)
        kept = [stop() for stop in stops]
        heading("That was the tour" if all(kept) else "Something went wrong: see above")
        if all(kept):
            say("Next: README.md, then examples/ and docs/tutorial.md.")
        return 0 if all(kept) else 1

    # -- the stops ------------------------------------------------------------------------------

    def _make_file(self) -> bool:
        heading("1. A file of orders")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "orders.jsonl")
            self._planted = write_orders(path, self._count)
            lines = path.read_text(encoding="utf-8").splitlines()
        say(
            f"{len(lines):,} orders, one JSON text a line. {len(self._planted)} of them break a "
            "rule; we know which, the workers do not. The first one:"
        )
        row(lines[0][:70] + "...")
        self._queries = [
            CallFunction("check", [start + 1, lines[start : start + _BATCH]], module="orders.js")
            for start in range(0, len(lines), _BATCH)
        ]
        say(
            "The rules are a JavaScript module: check digits of bank accounts and articles, "
            f"dates, addresses, sums. {len(self._queries)} queries of up to {_BATCH} orders."
        )
        return True

    def _race(self) -> bool:
        heading(f"2. One worker, then {self._workers}")
        pools = {
            size: WorkerPool(DefaultWorker, size=size, options=self._options, name=f"pool-{size}")
            for size in (1, self._workers)
        }
        workers: dict[int, list[float]] = {size: [] for size in pools}
        machine: dict[int, list[float]] = {size: [] for size in pools}
        right = True
        with pools[1], pools[self._workers]:
            for _ in range(_ROUNDS):
                for size, pool in pools.items():
                    start = time.perf_counter()
                    results = pool.map(self._queries)
                    workers[size].append(time.perf_counter() - start)
                    right &= self._judge(results)
                    machine[size].append(_hash_in_threads(size))
        for size, taken in workers.items():
            label = "1 worker" if size == 1 else f"{size} workers"
            each = ", ".join(f"{seconds:.2f}" for seconds in taken)
            row(label, f"{each} s; at best {self._count / min(taken):,.0f} orders/s")
        row("speed-up", f"{_gain(workers):.2f} times")
        row("what the machine had left", f"{_gain(machine):.2f} times (threads that only hash)")
        row("found", "exactly the orders that break a rule" if right else "WRONG FAULTS")
        return right

    def _break_workers(self) -> bool:
        heading("3. The same file, and three scripts that break things in the middle of it")
        work: list[Query[Any]] = list(self._queries)
        for part, source in enumerate(_ATTACKS.values(), 1):
            work.insert(len(work) * part // (len(_ATTACKS) + 1), Eval(source))
        with WorkerPool(DefaultWorker, self._workers, self._options, name="attacked") as pool:
            start = time.perf_counter()
            replies = [pool.send(query) for query in work]
            responses = [reply.response() for reply in replies]
            seconds = time.perf_counter() - start
            generations = [worker.generation for worker in pool]
        fates: dict[str, Response[Any]] = {}
        results: list[Any] = []
        for query, response in zip(work, responses, strict=True):
            if isinstance(query, Eval):
                fates[query.source] = response
            elif response.ok:
                results.append(response.value)
        for label, source in _ATTACKS.items():
            row(label, _short(fates[source].error))
        row("workers started anew", str(sum(generations) - len(generations)))
        row("queries answered", f"{len(results)} of {len(self._queries)}, in {seconds:.2f} s")
        right = self._judge(results)
        checked = sum(result["checked"] for result in results)
        row("orders checked", f"{checked:,} of {self._count:,}, each once")
        row("found", "the same faults as before" if right else "OTHER FAULTS")
        return right and all(not fate.ok for fate in fates.values())

    def _trace(self) -> bool:
        heading("4. What one query leaves in the trace")
        seen: list[TraceEvent] = []
        unsubscribe = subscribe(seen.append)
        try:
            with DefaultWorker.spawn(self._options, name="traced") as worker:
                worker.evaluate("console.log('1 + 2 is', 1 + 2)")
        finally:
            unsubscribe()
        for event in seen:
            row(event.name)
            say(" ".join(f"{name}={value}" for name, value in event.fields.items()), indent=6)
        return any(event.name == "query.done" for event in seen)

    def _judge(self, results: list[Any]) -> bool:
        """Whether these results cover the file once and name the faults that we planted."""
        found = {number: rules for result in results for number, rules in result["bad"]}
        covered = sum(result["checked"] for result in results) == self._count
        return covered and found == {number: [rule] for number, rule in self._planted.items()}


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gain(seconds: dict[int, list[float]]) -> float:
    """How many times as fast several were as one, each taken at its best."""
    return min(seconds[1]) / min(seconds[max(seconds)])


def _hash_in_threads(count: int) -> float:
    """Time a fixed amount of native work in so many threads.

    Its speed-up is what the machine can give at this moment: other programs want its cores as well.
    """
    block = bytes(1 << 20)

    def work() -> None:
        for _ in range(240 // count):
            hashlib.sha256(block).digest()

    threads = [threading.Thread(target=work) for _ in range(count)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def _short(error: BaseException | None) -> str:
    if error is None:
        return "NOT STOPPED"
    return f"{type(error).__name__}: {error}"
