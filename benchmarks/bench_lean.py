"""What do prebound functions, batches and caller-runs save, with and without a busy thread?"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actors import CallFunction, DefaultWorker, MailboxOptions
from benchmarks._harness import Measure, Report, duration, interleave, main, per_call
from benchmarks._peers import QuickJSNG
from benchmarks.bench_gil import busy_thread, rate
from benchmarks.bench_worker import StockActor, echoing_thread
from runtimes import QuickJSRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = "function add(a, b) { return a + b; }"
CALL = CallFunction("add", (1, 2))
BATCHES = (1, 10, 50, 1000)


@dataclass(frozen=True)
class Way:
    """One way to call `add(1, 2)`.

    Attributes:
        call: Does so.
        calls: How many calls that is.
    """

    call: Callable[[], Any]
    calls: int = 1


@contextlib.contextmanager
def ways() -> Iterator[dict[str, Way]]:
    """Start all of them; stop them in the end."""
    with contextlib.ExitStack() as stack:
        found: dict[str, Way] = {}
        runtime = stack.enter_context(QuickJSRuntime())
        runtime.evaluate(SOURCE)
        by_name, bound = runtime.call_function, runtime.function("add")
        found["**runtime**, by name"] = Way(lambda: by_name("add", (1, 2)))
        found["**runtime**, prebound"] = Way(lambda: bound(1, 2))
        for count in BATCHES:
            found[f"**runtime**, batch of {count}"] = _batch(bound.call_many, count)
        worker = stack.enter_context(DefaultWorker.spawn())
        worker.evaluate(SOURCE)
        add = worker.function("add")
        found["**worker**, ask"] = Way(lambda: worker.ask(CALL))
        found["**worker**, prebound"] = Way(lambda: add(1, 2))
        for count in BATCHES:
            found[f"**worker**, batch of {count}"] = _batch(add.call_many, count)
        lender = stack.enter_context(DefaultWorker.spawn(mailbox=MailboxOptions(caller_runs=True)))
        lender.evaluate(SOURCE)
        lent = lender.function("add")
        found["**worker**, caller-runs, ask"] = Way(lambda: lender.ask(CALL))
        found["**worker**, caller-runs, prebound"] = Way(lambda: lent(1, 2))
        found.update(_peers(stack))
        yield found


def _batch(call_many: Callable[[Any], Any], count: int) -> Way:
    args_list = [(1, 2)] * count
    return Way(lambda: call_many(args_list), count)


def _share(way: Way) -> Measure:
    """Measure one call's share, in rounds so short that some are not disturbed."""
    measure = per_call(way.call, seconds=0.005)
    return lambda: measure() / way.calls


def _peers(stack: contextlib.ExitStack) -> dict[str, Way]:
    actor = StockActor.start(True)
    stack.callback(actor.stop)
    executor = stack.enter_context(ThreadPoolExecutor(1))
    engine = executor.submit(_engine).result()
    stack.callback(lambda: executor.submit(engine.close).result())
    ping = stack.enter_context(echoing_thread())
    native = QuickJSNG()
    stack.callback(native.close)
    native.run(SOURCE)
    return {
        "stock Pykka actor around the runtime": Way(lambda: actor.ask((1, 2))),
        "ThreadPoolExecutor(1) around the runtime": Way(
            lambda: executor.submit(engine.call_function, "add", (1, 2)).result()
        ),
        "two threads and two SimpleQueues (floor)": Way(ping),
        "quickjs-ng + orjson, same thread": Way(_native(native)),
    }


def _native(engine: QuickJSNG) -> Callable[[], Any]:
    add = engine.function("add")
    return lambda: add(1, 2)


def _engine() -> QuickJSRuntime:
    runtime = QuickJSRuntime()
    runtime.evaluate(SOURCE)
    return runtime


def benchmark(quick: bool) -> Report:
    """Measure every way, alone and beside a busy thread."""
    with ways() as found:
        alone = interleave({n: _share(w) for n, w in found.items()}, 3 if quick else 60)
        seconds = 0.1 if quick else 0.25
        longer = {name: rate(w.call, w.calls, seconds) for name, w in found.items()}
        with busy_thread():
            beside = interleave(longer, 1 if quick else 5)
    report = Report("lean", __doc__ or "", ["way", "alone, each call", "beside a busy thread"])
    for name in found:
        best, median = alone[name].best, alone[name].median
        busy = beside[name].median
        report.rows.append([name, f"{duration(best)} ({duration(median)})", duration(busy)])
        report.data[name.replace("**", "")] = {"best": best, "median": median, "busy": busy}
    report.notes = [
        "Wall time of one `add(1, 2)`, in a batch its share; best round (median round), beside the "
        "busy thread the median round. One call after the other, from one thread.",
        "The busy thread runs pure Python, and is asked for the GIL after 5 ms only. Each of our "
        "calls gives the GIL up while JavaScript runs, and each switch of threads does: a batch "
        "does so once for all its calls, caller-runs once a call instead of three times.",
    ]
    return report


if __name__ == "__main__":
    main(benchmark)
