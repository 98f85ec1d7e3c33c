"""What does it cost to reach JavaScript through a worker, one call after another and pipelined?"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pykka

from actors import CallFunction, DefaultWorker, Query, Worker
from benchmarks._harness import Measure, Report, duration, interleave, main, per_call
from benchmarks._peers import JSActors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = "function add(a, b) { return a + b; }"
CALL = CallFunction("add", (1, 2))
PIPELINED = 1000


@dataclass(frozen=True)
class Echo(Query[int]):
    """Asks for its number back."""

    number: int


class EchoWorker(Worker[None, Echo]):
    """A worker without JavaScript: what the mailbox and the replies cost by themselves."""

    def init_runtime(self, options: None) -> None:
        """Need nothing."""

    def handle_query(self, runtime: None, query: Echo) -> int:
        """Answer."""
        return query.number


class StockActor(pykka.ThreadingActor):
    """A plain Pykka actor around a runtime, or around nothing."""

    def __init__(self, javascript: bool) -> None:
        super().__init__()
        self._javascript = javascript
        self._add: Callable[..., Any] = lambda _a, b: b

    def on_start(self) -> None:
        """Make the runtime on the actor's own thread."""
        if self._javascript:
            engine = JSActors()
            engine.run(SOURCE)
            self._add = engine.function("add")

    def on_receive(self, message: tuple[int, int]) -> object:
        """Answer."""
        return self._add(*message)


@dataclass(frozen=True)
class Contender:
    """One way to reach another thread.

    Attributes:
        ask: One call, waited for.
        send: Starts a call; what it returns waits for the result. None where that is no use.
    """

    ask: Callable[[], Any]
    send: Callable[[], Callable[[], Any]] | None


@contextlib.contextmanager
def contenders() -> Iterator[dict[str, Contender]]:
    """Start all of them; stop them in the end."""
    with contextlib.ExitStack() as stack:
        found: dict[str, Contender] = {}
        worker = stack.enter_context(DefaultWorker.spawn())
        worker.evaluate(SOURCE)
        found["**worker, JavaScript**"] = Contender(
            lambda: worker.ask(CALL), lambda: worker.send(CALL).get
        )
        echo = stack.enter_context(EchoWorker.spawn())
        found["**worker, no JavaScript**"] = Contender(
            lambda: echo.ask(Echo(3)), lambda: echo.send(Echo(3)).get
        )
        for title, javascript in (("JavaScript", True), ("no JavaScript", False)):
            actor = StockActor.start(javascript)
            stack.callback(actor.stop)
            found[f"stock Pykka actor, {title}"] = Contender(
                lambda actor=actor: actor.ask((1, 2)),  # type: ignore[misc]
                lambda actor=actor: actor.ask((1, 2), block=False).get,  # type: ignore[misc]
            )
        found["ThreadPoolExecutor(1), JavaScript"] = _executor(stack)
        ping = stack.enter_context(echoing_thread())
        found["two threads and two SimpleQueues (floor)"] = Contender(ping, None)
        engine = JSActors()
        stack.callback(engine.close)
        engine.run(SOURCE)
        add = engine.function("add")
        found["the runtime alone, same thread"] = Contender(lambda: add(1, 2), None)
        yield found


def _executor(stack: contextlib.ExitStack) -> Contender:
    local = threading.local()

    def start() -> None:
        local.engine = JSActors()
        local.engine.run(SOURCE)
        local.add = local.engine.function("add")

    def call() -> object:
        value: object = local.add(1, 2)
        return value

    executor = stack.enter_context(ThreadPoolExecutor(1, initializer=start))
    stack.callback(lambda: executor.submit(lambda: local.engine.close()).result())
    return Contender(lambda: executor.submit(call).result(), lambda: executor.submit(call).result)


@contextlib.contextmanager
def echoing_thread() -> Iterator[Callable[[], object]]:
    """Run a thread that sends back what it gets: what two switches of threads cost."""
    there: SimpleQueue[object] = SimpleQueue()
    back: SimpleQueue[object] = SimpleQueue()

    def serve() -> None:
        while (item := there.get()) is not None:
            back.put(item)

    def ping() -> object:
        there.put(1)
        return back.get()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield ping
    there.put(None)
    thread.join()


def pipelined(send: Callable[[], Callable[[], Any]], count: int) -> Measure:
    """Return a measure of one call among many that are sent before the first is waited for."""

    def measure() -> float:
        begin = time.perf_counter()
        waits = [send() for _ in range(count)]
        for wait in waits:
            wait()
        return (time.perf_counter() - begin) / count

    measure()
    return measure


def benchmark(quick: bool) -> Report:
    """Measure round trips and pipelines."""
    rounds = 3 if quick else 40
    with contenders() as found:
        one = {name: per_call(each.ask, seconds=0.01) for name, each in found.items()}
        trips = interleave(one, rounds)
        many = {n: pipelined(c.send, PIPELINED) for n, c in found.items() if c.send is not None}
        # Most rounds of a flow are slower by a third: the system's choice of who runs when.
        flows = interleave(many, 5 * rounds)
    report = Report("worker", __doc__ or "", ["way", "ask, wait", "pipelined, each"])
    for name in found:
        trip = f"{duration(trips[name].best)} ({duration(trips[name].median)})"
        flow = flows.get(name)
        cell = "-" if flow is None else f"{duration(flow.best)} ({duration(flow.median)})"
        report.rows.append([name, trip, cell])
        report.data[name.strip("*")] = {
            "ask": {"best": trips[name].best, "median": trips[name].median},
            "pipelined": None if flow is None else {"best": flow.best, "median": flow.median},
        }
    report.notes = [
        f"Wall time of `add(1, 2)`, best round (median round); pipelined: {PIPELINED} calls are "
        "sent before the first reply is waited for.",
        "Nobody listens to the traces; deadlines, exactly-once replies and accounting are on, as "
        "always. The floor is what two threads need to pass a token there and back by queues of "
        "the standard library. An ask may be below it: who puts into such a queue keeps the GIL, "
        "and the thread that it wakes has to wait for that (`actors/_bell.py`).",
    ]
    return report


if __name__ == "__main__":
    main(benchmark)
