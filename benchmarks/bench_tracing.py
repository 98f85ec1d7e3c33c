"""What does tracing cost a message, when nobody listens and when somebody does?"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from actors import CallFunction, DefaultWorker, tracing
from benchmarks._harness import Measure, Report, Sample, duration, interleave, main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

SOURCE = "function add(a, b) { return a + b; }"
CALL = CallFunction("add", (1, 2))


@contextmanager
def nobody() -> Iterator[None]:
    """Leave all as it is."""
    yield


@contextmanager
def subscriber() -> Iterator[None]:
    """Listen with a callable that keeps the last event."""
    last: list[Any] = [None]
    unsubscribe = tracing.subscribe(lambda event: last.__setitem__(0, event))
    try:
        yield
    finally:
        unsubscribe()


@contextmanager
def structured_log() -> Iterator[None]:
    """Have structlog render JSON lines into nothing."""

    class Nowhere:
        def msg(self, message: str) -> None:
            """Drop it."""

        log = debug = info = warning = error = msg

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: Nowhere(),
    )
    try:
        yield
    finally:
        structlog.reset_defaults()


LISTENERS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "nobody": nobody,
    "a subscribed callable": subscriber,
    "structlog, JSON lines to nowhere": structured_log,
}


def under(listener: str, work: Callable[[], None], count: int) -> Measure:
    """Return a measure of one of `count` messages of `work`, while that listener listens."""

    def measure() -> float:
        with LISTENERS[listener]():
            begin = time.perf_counter()
            work()
            return (time.perf_counter() - begin) / count

    return measure


def samples(count: int, rounds: int) -> tuple[dict[str, Sample], dict[str, Sample]]:
    """Measure asks and pipelines under each kind of listener."""
    with DefaultWorker.spawn() as worker:
        worker.evaluate(SOURCE)

        def ask() -> None:
            for _ in range(count):
                worker.ask(CALL)

        def pipeline() -> None:
            for reply in [worker.send(CALL) for _ in range(count)]:
                reply.get()

        asks = interleave({name: under(name, ask, count) for name in LISTENERS}, rounds)
        flows = interleave({name: under(name, pipeline, count) for name in LISTENERS}, rounds)
    return asks, flows


def benchmark(quick: bool) -> Report:
    """Measure what each kind of listener adds to a message."""
    asks, flows = samples(300, 3) if quick else samples(1000, 25)
    report = Report("tracing", __doc__ or "", ["who listens", "ask, wait", "pipelined", "more"])
    base = flows["nobody"].best
    for name in LISTENERS:
        ask, flow = asks[name], flows[name]
        more = "-" if name == "nobody" else duration(flow.best - base)
        cells = [f"{duration(each.best)} ({duration(each.median)})" for each in (ask, flow)]
        report.rows.append([name, *cells, more])
        report.data[name] = {
            "ask": {"best": ask.best, "median": ask.median},
            "pipelined": {"best": flow.best, "median": flow.median},
        }
    report.notes = [
        "Wall time a message, best round (median round); `more` is what the listener adds to a "
        "pipelined one. structlog renders JSON with time stamps and drops the lines.",
    ]
    return report


if __name__ == "__main__":
    main(benchmark)
