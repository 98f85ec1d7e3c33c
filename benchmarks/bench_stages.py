"""Where does the time of one ask go?"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from actors import CallFunction, DefaultWorker
from benchmarks._harness import Report, duration, main, per_call
from benchmarks.bench_worker import echoing_thread
from runtimes import encode_args
from runtimes.quickjs._raw_selftest import _Probe

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = "function add(a, b) { return a + b; }"
CALL = CallFunction("add", (1, 2))
clock = time.perf_counter

STAGES = (
    ("the query is encoded and put into the mailbox", "asking thread"),
    ("the worker's thread wakes up and takes it", "a switch of threads"),
    ("the handler finds its function, fills the guest's input", "worker's thread"),
    ("inside of the guest: arguments, JavaScript, result", "worker's thread"),
    ("the run is closed, and the result decoded", "worker's thread"),
    ("the reply is settled, and the asking thread wakes up", "a switch of threads"),
)


class Traced(DefaultWorker):
    """A `DefaultWorker` that notes when it is where."""

    def init_runtime(self, options: Any) -> Any:
        """Make the runtime, and put a clock on both sides of the border."""
        self.marks: list[float] = []
        runtime = super().init_runtime(options)
        runtime.evaluate(SOURCE)
        runtime.call_function("add", (1, 2))
        exports = runtime._guest._exports
        for name, call in exports.items():
            exports[name] = self.with_clock(call)
        runtime._guest.leanly.clear()  # they know the exports as they were
        return runtime

    def with_clock(self, call: Callable[..., int]) -> Callable[..., int]:
        """Note when the guest is entered and left."""

        def timed(*numbers: int) -> int:
            entered = clock()
            packed = call(*numbers)
            self.marks += (entered, clock())
            return packed

        return timed

    def handle_query(self, runtime: Any, query: Any) -> Any:
        """Note when it begins and ends."""
        self.marks = marks = [clock()]
        value = super().handle_query(runtime, query)
        marks.append(clock())
        return value


def stages(count: int) -> list[list[float]]:
    """Ask so many times; return the seconds of each stage, one list a stage."""
    found: list[list[float]] = [[] for _ in STAGES]
    seen: list[Traced] = []

    class Seen(Traced):
        def on_start(self) -> None:
            seen.append(self)

    with Seen.spawn() as handle:
        for _ in range(count):
            begin = clock()
            reply = handle.send(CALL)
            sent = clock()
            reply.get()
            end = clock()
            taken, entered, left, done = seen[0].marks
            moments = (begin, sent, taken, entered, left, done, end)
            for stage, since, until in zip(found, moments, moments[1:], strict=False):
                stage.append(until - since)
    return found


def benchmark(quick: bool) -> Report:
    """Trace asks, and measure by themselves the parts that can be."""
    count, rounds = (2000, 2) if quick else (20_000, 5)
    runs = [stages(count) for _ in range(rounds)]
    middles = [[statistics.median(stage) for stage in run] for run in runs]
    best = min(middles, key=sum)
    whole = sum(best)
    with DefaultWorker.spawn() as plain:
        plain.evaluate(SOURCE)
        untraced = min(per_call(lambda: plain.ask(CALL))() for _ in range(5 * rounds))
    with echoing_thread() as ping:
        floor = min(per_call(ping)() for _ in range(5 * rounds))
    crossing = _Probe().instance.caller("mix", 2)
    parts = {
        "encoding the arguments": per_call(lambda: encode_args((1, 2)))(),
        "entering and leaving a guest that does nothing": per_call(lambda: crossing(1, 2))(),
        "two threads that pass a token by two queues": floor,
    }
    report = Report("stages", __doc__ or "", ["stage", "takes", "of the whole", "where"])
    for (name, where), seconds in zip(STAGES, best, strict=True):
        report.rows.append([name, duration(seconds), f"{seconds / whole:.0%}", where])
        report.data[name] = seconds
    report.rows.append(["**all of it**", duration(whole), "100%", ""])
    for name, seconds in parts.items():
        report.rows.append([f"for comparison: {name}", duration(seconds), "", ""])
        report.data[f"for comparison: {name}"] = seconds
    report.data["whole"], report.data["untraced"] = whole, untraced
    report.notes = [
        f"Wall time of `ask(CallFunction('add', (1, 2)))`, medians over {count:,} asks, of the "
        f"best of {rounds} rounds. Seven looks at the clock are in it; without them an ask takes "
        f"{duration(untraced)} at best.",
        "A wake-up can begin before `send` has returned: then the first stage holds a part of the "
        "second. The lines for comparison are measured by themselves, best round.",
    ]
    return report


if __name__ == "__main__":
    main(benchmark)
