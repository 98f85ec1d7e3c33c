"""What do checkpoints cost while all is well, and what do they save when a worker is lost?"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from actors import CallFunction, Checkpoint, DefaultWorker, DefaultWorkerOptions, Supervision
from actors.testing import kill_worker
from benchmarks._harness import Measure, Report, Sample, duration, interleave, main, per_call
from runtimes import Module

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import DefaultWorkerHandle

LIBRARY = Module(
    "library.js",
    """
    const rows = [];  // about a megabyte, made as a library makes its tables when it is loaded
    for (let i = 0; i < 6000; i++) rows.push({ id: i, name: "row " + i, sum: i * 3 });
    let n = 0;
    export const count = () => ++n + rows[n % rows.length].sum * 0;
    """,
)
COUNT = CallFunction("count", module="library.js")
PATIENT = Supervision(intensity=1_000_000_000, backoff=0.0)
BATCH = 1000


def per_query(worker: DefaultWorkerHandle) -> Measure:
    """Return a measure of one query among many."""

    def measure() -> float:
        begin = time.perf_counter()
        for _ in range(BATCH):
            worker.ask(COUNT)
        return (time.perf_counter() - begin) / BATCH

    return measure


def after_death(worker: DefaultWorkerHandle) -> Measure:
    """Return a measure from a worker's death to the first answer of the next incarnation."""

    def measure() -> float:
        worker.ask(COUNT)
        worker.ping()
        begin = time.perf_counter()
        kill_worker(worker)
        worker.ask(COUNT)
        return time.perf_counter() - begin

    return measure


def spawned(
    options: DefaultWorkerOptions, supervision: Supervision = PATIENT
) -> DefaultWorkerHandle:
    """Spawn a worker that knows the library."""
    worker = DefaultWorker.spawn(options, supervision=supervision)
    worker.load_module(LIBRARY)
    worker.ask(COUNT)
    return worker


def benchmark(quick: bool) -> Report:
    """Measure queries with and without checkpoints, and restarts from nothing and from either."""
    rounds = 3 if quick else 15
    plain = DefaultWorkerOptions()
    with spawned(plain) as first:
        checkpoint = first.checkpoint()
    warm = replace(plain, snapshot=checkpoint.snapshot)
    policies = {
        "no checkpoints": PATIENT,
        "every 1,000 queries": replace(PATIENT, checkpoint_every_queries=1000),
        "every 100 queries": replace(PATIENT, checkpoint_every_queries=100),
        "every 10 queries": replace(PATIENT, checkpoint_every_queries=10),
        "every second": replace(PATIENT, checkpoint_every_seconds=1.0),
    }
    workers = {name: spawned(plain, policy) for name, policy in policies.items()}
    costs = interleave({name: per_query(each) for name, each in workers.items()}, rounds)
    origins = {
        "from nothing: its module is run again": spawned(plain),
        "from the options' snapshot": spawned(warm),
        "from its last checkpoint": spawned(plain, policies["every 100 queries"]),
    }
    origins["from its last checkpoint"].checkpoint()
    restarts = interleave({name: after_death(each) for name, each in origins.items()}, rounds)
    steps = _steps(checkpoint, origins["from the options' snapshot"], quick)
    single = interleave(steps, rounds)
    for worker in (*workers.values(), *origins.values()):
        worker.close()
    return _report(checkpoint, costs, restarts, single)


def _steps(checkpoint: Checkpoint, worker: DefaultWorkerHandle, quick: bool) -> dict[str, Measure]:
    data = checkpoint.to_bytes()
    steps: dict[str, Callable[[], object]] = {
        "`handle.checkpoint()`": worker.checkpoint,
        "`checkpoint.to_bytes()`": checkpoint.to_bytes,
        "`Checkpoint.from_bytes()`": lambda: Checkpoint.from_bytes(data),
    }
    seconds = 0.02 if quick else 0.1
    return {name: per_call(step, seconds=seconds) for name, step in steps.items()}


def _report(
    checkpoint: Checkpoint,
    costs: dict[str, Sample],
    restarts: dict[str, Sample],
    single: dict[str, Sample],
) -> Report:
    report = Report("checkpoint", __doc__ or "", ["what", "best (median)", "ratio"])
    parts = {"a query": costs, "death to first answer": restarts, "": single}
    for part, samples in parts.items():
        base = next(iter(samples.values())).best
        for name, sample in samples.items():
            title = f"{part}, {name}" if part else name
            ratio = f"{sample.best / base:.2f}" if part else "-"
            shown = f"{duration(sample.best)} ({duration(sample.median)})"
            report.rows.append([title, shown, ratio])
        report.data[part or "steps"] = {
            name: {"best": s.best, "median": s.median} for name, s in samples.items()
        }
    held, packed = checkpoint.size_bytes, len(checkpoint.to_bytes())
    report.data["bytes"] = {"held": held, "packed": packed}
    report.notes = [
        f"A worker whose script holds about 1 MB; its checkpoint holds {held:,} bytes, and is "
        f"{packed:,} as bytes. Wall time, sequential asks; ratios are to the first line of a kind.",
    ]
    return report


if __name__ == "__main__":
    main(benchmark)
