"""How does a worker compare with piscina, Node's pool of threads, and with stock Pykka?"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from actors import DefaultWorker
from benchmarks._harness import Measure, Report, Sample, duration, interleave, main, per_call
from benchmarks._node import Missing, Piscina, version
from benchmarks.bench_worker import CALL, PIPELINED, SOURCE, StockActor, pipelined

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = "**worker of jsactors**"
STOCK = "stock Pykka actor around the same runtime"
ASKED = 500


def measures(stack: contextlib.ExitStack) -> tuple[dict[str, Measure], dict[str, Measure]]:
    """Start our worker and the stock actor; return measures of round trips and of pipelines."""
    worker = stack.enter_context(DefaultWorker.spawn())
    worker.evaluate(SOURCE)
    actor = StockActor.start(True)
    stack.callback(actor.stop)
    trips = {
        OURS: per_call(lambda: worker.ask(CALL), seconds=0.01),
        STOCK: per_call(lambda: actor.ask((1, 2)), seconds=0.01),
    }
    flows = {
        OURS: pipelined(lambda: worker.send(CALL).get, PIPELINED),
        STOCK: pipelined(lambda: actor.ask((1, 2), block=False).get, PIPELINED),
    }
    return trips, flows


def add_piscina(
    stack: contextlib.ExitStack, trips: dict[str, Measure], flows: dict[str, Measure]
) -> str:
    """Add piscina's measures, if it is to be had; return a note that says what was measured."""
    try:
        node = stack.enter_context(Piscina())
    except Missing as error:
        trips["piscina"] = lambda: float("nan")
        return f"piscina was not measured: {error}."

    def round_of(what: str, count: int) -> Callable[[], float]:
        return lambda: node.seconds(what, count)

    one, wide = "piscina, one thread", "piscina, one thread, 1000 tasks at a time"
    trips[one] = round_of("ask", ASKED)
    flows[one] = round_of("pipeline", PIPELINED)
    flows[wide] = round_of("wide", PIPELINED)
    return (
        f"piscina {version()} on Node {node.node} with one thread, driven over a pipe, which is "
        "not in the time: a line starts a round and Node's own clock measures it. As it comes, it "
        "hands a thread one task at a time; `concurrentTasksPerWorker` lets it hand over more."
    )


def benchmark(quick: bool) -> Report:
    """Measure round trips and pipelines, all in turns."""
    rounds = 3 if quick else 40
    with contextlib.ExitStack() as stack:
        asks, pipelines = measures(stack)
        note = add_piscina(stack, asks, pipelines)
        trips = interleave(asks, rounds)
        flows = interleave(pipelines, rounds)
    report = Report("piscina", __doc__ or "", ["way", "ask, wait", "pipelined, each"])
    for name in dict.fromkeys([*trips, *flows]):
        trip, flow = trips.get(name), flows.get(name)
        report.rows.append([name, _cell(trip), _cell(flow)])
        report.data[name.strip("*")] = {"ask": _figures(trip), "pipelined": _figures(flow)}
    report.notes = [
        f"Wall time of `add(1, 2)`, best round (median round), interleaved; pipelined: {PIPELINED} "
        "are sent before the first is waited for.",
        note,
    ]
    return report


def _cell(sample: Sample | None) -> str:
    if sample is None or not sample.complete:
        return "-"
    return f"{duration(sample.best)} ({duration(sample.median)})"


def _figures(sample: Sample | None) -> dict[str, float] | None:
    if sample is None or not sample.complete:
        return None
    return {"best": sample.best, "median": sample.median}


if __name__ == "__main__":
    main(benchmark)
