"""What does each feature cost a message: those that are always on, and those to be asked for?"""

from __future__ import annotations

import contextlib
import gc
import statistics
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actors import MailboxOptions, Query, Reply, Worker, WorkerPool, tracing
from benchmarks._cuts import ALL, ASKING, CUTS, swapped
from benchmarks._harness import Measure, Report, Sample, duration, interleave, main

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

BUDGET = 0.3e-6
"""Seconds that a feature which is always on may add to a message."""

MESSAGES = 1000
ASKS = 300
EVERYTHING = "everything, nothing asked for"


@dataclass(frozen=True)
class Echo(Query[int]):
    """Asks for its number back."""

    number: int


@dataclass(frozen=True)
class Hold(Query[None]):
    """Keeps the worker, until it is let go.

    Attributes:
        gate: Set to let it go.
    """

    gate: threading.Event


@dataclass(frozen=True)
class Clock(Query[float]):
    """Asks for the seconds that the worker's thread has computed so far."""


class Plain(Worker[None, Echo | Hold | Clock]):
    """A worker without JavaScript, for which a message is nothing but overhead."""

    def init_runtime(self, options: None) -> None:
        """Need nothing."""

    def handle_query(self, runtime: None, query: Echo | Hold | Clock) -> Any:
        """Answer."""
        if type(query) is Echo:
            return query.number
        if type(query) is Clock:
            return time.thread_time()
        assert isinstance(query, Hold)
        query.gate.wait(20)
        return None


class Hooked(Plain):
    """One that overrides the hooks around a query."""

    def before_query(self, query: Any) -> None:
        """Do nothing."""

    def after_query(self, query: Any, response: Any, error: BaseException | None) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Way:
    """A way to send messages.

    Attributes:
        send: Sends a message.
        setting: Entered while it is measured.
    """

    send: Callable[[Query[Any]], Reply[Any]]
    setting: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext

    def measure(self) -> float:
        """Return the CPU seconds of one message."""
        with self.setting():
            self._round(100)  # the interpreter adapts itself to the code that it runs
            return self._round(MESSAGES)

    def _round(self, count: int) -> float:
        """Send while the worker is held, then let it answer, then look at the replies.

        The two threads never run at the same time, so that they do not disturb each other; each
        tells its own CPU time.
        """
        gate = threading.Event()
        query, numbers = Echo(3), range(count)
        send = self.send
        send(Hold(gate))
        before = send(Clock())
        begin = time.thread_time()
        replies = [send(query) for _ in numbers]
        sending = time.thread_time() - begin
        after = send(Clock())
        gate.set()
        answering = after.get() - before.get()
        begin = time.thread_time()
        for reply in replies:
            reply.get()
        return (sending + answering + time.thread_time() - begin) / count

    def measure_asks(self) -> float:
        """Return the CPU seconds that one message costs its sender who waits for each response."""
        with self.setting():
            self._asks(50)
            return self._asks(ASKS)

    def _asks(self, count: int) -> float:
        query, send = Echo(3), self.send
        begin = time.thread_time()
        for _ in range(count):
            send(query).get()
        return (time.thread_time() - begin) / count


@contextlib.contextmanager
def _listener() -> Any:
    end = tracing.subscribe(lambda event: None)
    yield
    end()


def ways(stack: contextlib.ExitStack) -> dict[str, Way]:
    """Start workers, and return a way for each feature that one may ask for."""
    worker = stack.enter_context(Plain.spawn())
    bounded = stack.enter_context(Plain.spawn(mailbox=MailboxOptions(capacity=1_000_000)))
    shedding = stack.enter_context(Plain.spawn(mailbox=MailboxOptions(shed=True)))
    hooked = stack.enter_context(Hooked.spawn())
    pool = stack.enter_context(WorkerPool(Plain, 1))
    # A mailbox in which there ever was a tenant or a priority goes on with lanes.
    ranked = stack.enter_context(Plain.spawn())
    # Each by a lambda, for that costs something too.
    return {
        EVERYTHING: Way(lambda query: worker.send(query)),
        "a deadline": Way(lambda query: worker.send(query, 60.0)),
        "a tenant": Way(lambda query: ranked.send(query, tenant="a")),
        "a priority": Way(lambda query: ranked.send(query, priority=1)),
        "a mailbox with a bound": Way(lambda query: bounded.send(query)),
        "shedding by deadline": Way(lambda query: shedding.send(query, 60.0)),
        "hooks around the query": Way(lambda query: hooked.send(query)),
        "a pool instead of a worker": Way(lambda query: pool.send(query)),
        "a subscriber to the traces": Way(lambda query: worker.send(query), _listener),
    }


def difference(more: Sample, less: Sample) -> tuple[float, float, float]:
    """Return median and quartiles of the difference in each round."""
    pairs = [a - b for a, b in zip(more.values, less.values, strict=True)]
    low, middle, high = statistics.quantiles(pairs, n=4)
    return middle, low, high


def _row(
    report: Report, name: str, more: Sample, less: Sample, budget: float | None = None
) -> None:
    middle, low, high = difference(more, less)
    spread = f"{middle * 1e6:.2f} us ({low * 1e6:.2f} to {high * 1e6:.2f})"
    ratio = statistics.median(a / b for a, b in zip(more.values, less.values, strict=True))
    within = "-" if budget is None else ("yes" if middle <= budget else "**no**")
    report.rows.append([name, spread, f"{ratio:.2f}", within])
    report.data[name] = {"adds": middle, "from": low, "to": high, "ratio": ratio}


def benchmark(quick: bool) -> Report:
    """Measure every feature against the same message without it, in turns."""
    rounds = 7 if quick else 101
    gc.disable()  # else one way pays for the garbage of another
    with contextlib.ExitStack() as stack:
        found = ways(stack)
        plain = found[EVERYTHING]
        measures: dict[str, Measure] = {name: way.measure for name, way in found.items()}
        for cut in (*CUTS, ALL):
            codes = cut.codes()
            without = Way(plain.send, lambda codes=codes: swapped(codes))
            measures[f"without {cut.feature}"] = without.measure
        codes = ASKING.codes()
        unguarded = Way(plain.send, lambda: swapped(codes))
        measures["asked"] = plain.measure_asks
        measures["asked without"] = unguarded.measure_asks
        samples = interleave(measures, rounds)
    gc.enable()
    base, asked, bare = (samples[name] for name in (EVERYTHING, "asked", "asked without"))
    columns = ["feature", "adds to a message", "ratio", f"within {duration(BUDGET)}"]
    report = Report("features", __doc__ or "", columns)
    for cut in CUTS:
        _row(report, f"always on: {cut.feature}", base, samples[f"without {cut.feature}"], BUDGET)
    _row(report, "always on: all of these", base, samples[f"without {ALL.feature}"])
    _row(report, f"when waiting: {ASKING.feature}", asked, bare, BUDGET)
    for name in found:
        if name != EVERYTHING:
            _row(report, f"asked for: {name}", samples[name], base)
    report.data[EVERYTHING] = {"best": base.best, "median": base.median}
    report.notes = [
        f"CPU time of one message to a worker without JavaScript, sender and worker together: "
        f"{duration(base.best)} at best ({duration(base.median)} in the median). Differences are "
        "medians over the rounds (with quartiles); each round measures all in turns.",
        "A feature that is always on is cut out of the shipped code while the program runs, line "
        "by line (`benchmarks/_cuts.py`), so both sides are the same worker on the same thread.",
        "The worker is held until all is sent, so its thread and the sender's never compete; what "
        "it costs to wake a thread is in the table of the workers. The line `when waiting` is the "
        f"sender's part of a real round trip ({duration(asked.best)}).",
    ]
    return report


if __name__ == "__main__":
    main(benchmark)
