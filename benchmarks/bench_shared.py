"""What does shared memory save over sending bytes?"""

from __future__ import annotations

import array
import multiprocessing
import time
from contextlib import ExitStack
from multiprocessing.shared_memory import SharedMemory
from typing import TYPE_CHECKING, Any, cast

from actors import CallFunction, DefaultWorker, DefaultWorkerHandle, DefaultWorkerOptions
from benchmarks._harness import Measure, Report, Sample, duration, interleave, main
from runtimes import SharedBuffer

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

VALUE = 1.5
NUMBERS = 12_500_000
"""Of eight bytes each: 100 MB."""
SHARED, SENT, PROCESSES, NUMPY = (
    "workers, SharedBuffer",
    "workers, bytes sent",
    "processes with NumPy, multiprocessing.shared_memory",
    "NumPy alone",
)
SOURCE = """
function add(numbers) {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i];
  return sum;
}
function view(bytes) { return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8); }
function sumShared(begin, end) { return add(new Float64Array(data, begin * 8, end - begin)); }
function sumSent(bytes) { return add(view(bytes)); }
function lastShared(buffer) { return new Float64Array(buffer)[buffer.byteLength / 8 - 1]; }
function lastSent(bytes) { return view(bytes)[bytes.length / 8 - 1]; }
"""

Parts = list[tuple[int, int]]


class Crew:
    """Two workers, to whom the numbers are shared or sent."""

    def __init__(self, data: bytes, stack: ExitStack) -> None:
        self.data = memoryview(data)
        self.buffer, self.handed = SharedBuffer(len(data)), SharedBuffer(len(data))
        self.buffer.view[:] = self.handed.view[:] = data
        options = DefaultWorkerOptions(
            allocation="on_demand", memory_limit_bytes=None, globals={"data": self.buffer}
        )
        self.workers: list[DefaultWorkerHandle] = []
        for _ in range(2):
            worker = stack.enter_context(DefaultWorker.spawn(options))
            worker.evaluate(SOURCE)
            self.workers.append(worker)

    def sum_shared(self, parts: Parts) -> float:
        """Let each worker look at its part."""
        return self._sum("sumShared", [list(part) for part in parts])

    def sum_sent(self, parts: Parts) -> float:
        """Send each worker its part."""
        return self._sum("sumSent", [[self.data[a * 8 : b * 8]] for a, b in parts])

    def _sum(self, function: str, args: list[list[Any]]) -> float:
        crew = self.workers[: len(args)]
        replies = [w.send(CallFunction(function, a)) for w, a in zip(crew, args, strict=True)]
        return float(sum(reply.get(timeout=120) for reply in replies))


class Processes:
    """Two processes with NumPy, who see the numbers in shared memory of theirs."""

    def __init__(self, data: bytes, stack: ExitStack) -> None:
        self.memory = SharedMemory(create=True, size=len(data))
        stack.callback(self.memory.unlink)
        stack.callback(self.memory.close)
        cast("memoryview", self.memory.buf)[: len(data)] = data
        context = multiprocessing.get_context("spawn")
        self.pipes: list[Connection] = []
        for _ in range(2):
            ours, theirs = context.Pipe()
            child = context.Process(target=serve, args=(self.memory.name, theirs), daemon=True)
            child.start()
            stack.callback(child.join)
            stack.callback(ours.close)
            ours.recv()
            self.pipes.append(ours)

    def sum(self, parts: Parts) -> float:
        """Let each process look at its part."""
        pipes = self.pipes[: len(parts)]
        for pipe, part in zip(pipes, parts, strict=True):
            pipe.send(part)
        return float(sum(pipe.recv() for pipe in pipes))


def serve(name: str, pipe: Connection) -> None:
    """Be one of the processes: sum what is asked for."""
    import numpy as np

    memory = SharedMemory(name)
    numbers = np.frombuffer(cast("memoryview", memory.buf), dtype=np.float64)
    pipe.send("ready")
    try:
        while True:
            begin, end = pipe.recv()
            pipe.send(float(numbers[begin:end].sum()))
    except (EOFError, OSError):
        del numbers
        memory.close()


def seconds_of(work: Callable[[], float], expected: float) -> Measure:
    """Return a measure of one go, whose answer must be right."""

    def measure() -> float:
        begin = time.perf_counter()
        found = work()
        taken = time.perf_counter() - begin
        if found != expected:
            raise SystemExit(f"{found} is not {expected}")
        return taken

    return measure


def contenders(data: bytes, count: int, stack: ExitStack) -> dict[tuple[str, str], Measure]:
    """Return what is measured, by contender and column."""
    whole, halves = [(0, count)], [(0, count // 2), (count // 2, count)]
    crew = Crew(data, stack)
    one, total = crew.workers[0], VALUE * count
    goes: dict[tuple[str, str], tuple[Callable[[], float], float]] = {
        (SHARED, "over"): (lambda: float(one.call_function("lastShared", [crew.handed])), VALUE),
        (SHARED, "one"): (lambda: crew.sum_shared(whole), total),
        (SHARED, "two"): (lambda: crew.sum_shared(halves), total),
        (SENT, "over"): (lambda: float(one.call_function("lastSent", [crew.data])), VALUE),
        (SENT, "one"): (lambda: crew.sum_sent(whole), total),
        (SENT, "two"): (lambda: crew.sum_sent(halves), total),
    }
    try:
        import numpy as np
    except ImportError:
        print("left out: numpy is not installed")
    else:
        processes = Processes(data, stack)
        numbers = np.frombuffer(data, dtype=np.float64)
        goes[PROCESSES, "over"] = (lambda: processes.sum([(count - 1, count)]), VALUE)
        goes[PROCESSES, "one"] = (lambda: processes.sum(whole), total)
        goes[PROCESSES, "two"] = (lambda: processes.sum(halves), total)
        goes[NUMPY, "one"] = (lambda: float(numbers.sum()), total)
    return {name: seconds_of(*go) for name, go in goes.items()}


def benchmark(quick: bool) -> Report:
    """Measure one look at the last number, and the sum by one and by two."""
    count = NUMBERS // 10 if quick else NUMBERS
    data = (array.array("d", [VALUE]) * count).tobytes()
    size = f"{len(data) // 1_000_000} MB"
    columns = [size, "hand over, look at one number", "sum, by one", "sum, by two"]
    report = Report("shared", __doc__ or "", columns)
    with ExitStack() as stack:
        measures = contenders(data, count, stack)
        for measure in measures.values():
            measure()
        named = {" | ".join(name): measure for name, measure in measures.items()}
        samples = interleave(named, 3 if quick else 5)
    for name in (SHARED, SENT, PROCESSES, NUMPY):
        found = [samples.get(f"{name} | {column}") for column in ("over", "one", "two")]
        if any(found):
            report.rows.append([name, *map(_shown, found)])
    report.data = {name: list(sample.values) for name, sample in samples.items()}
    report.notes = [
        "Best round, in brackets the median: wall time from asking to the answer. Workers are "
        "asked through their mailboxes, processes through pipes. Workers get another buffer handed "
        "over each time; what they sum, and what processes see, stays mapped.",
        "JavaScript is interpreted, NumPy adds with the processor's vectors: the sums show what "
        "sharing saves beside the work, and how two divide it, not how to add fast.",
    ]
    return report


def _shown(sample: Sample | None) -> str:
    if sample is None:
        return "-"
    return f"{duration(sample.best)} ({duration(sample.median)})"


if __name__ == "__main__":
    main(benchmark)
