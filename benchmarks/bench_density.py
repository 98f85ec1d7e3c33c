"""How much memory does one more runtime, or worker, take, when there are thousands of them?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks import _memory
from benchmarks._harness import HERE, Report, duration, main
from benchmarks._peers import ENGINES, OURS, available

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WORKERS = "jsactors, workers"
PYTHON_WORKERS = "jsactors, workers without JavaScript"
THREADS = "bare threads"
SOURCE = "function add(a, b) { return a + b; } add(1, 2)"
STACK_BYTES = 4 * 1024 * 1024
STEPS = (40, 200, 1000, 5000)
FEW = {"quickjs-rs": 1000, "mini-racer": 200, "jsrun": 40}
"""More would take minutes, or the machine's memory; what each takes does not depend on it."""

Steps: TypeAlias = "dict[str, dict[str, float]]"
"""For each number of engines, as text: what each of them takes, and the seconds to make one."""


def maker(name: str) -> Callable[[], Any]:
    """Return what makes one engine, or worker."""
    if name == WORKERS:
        from actors import DefaultWorker

        return DefaultWorker.spawn
    if name == PYTHON_WORKERS:
        from actors.testing import PythonWorker

        return PythonWorker.spawn
    if name == THREADS:
        return waiting_thread
    return ENGINES[name]


def waiting_thread() -> threading.Thread:
    """Start a thread that waits for ever, with as much stack as a worker's."""
    threading.stack_size(STACK_BYTES)
    held = threading.Lock()
    held.acquire()
    thread = threading.Thread(target=held.acquire, daemon=True)
    thread.start()
    return thread


def _do_nothing() -> object:
    from actors.testing import Do

    return Do(id)


def use(name: str, made: Any) -> None:
    """Let one have its first call."""
    if name == WORKERS:
        made.evaluate(SOURCE)
    elif name == PYTHON_WORKERS:
        made.ask(_do_nothing())
    elif name != THREADS:
        made.run(SOURCE)


def grow(name: str, steps: Sequence[int], *, used: bool) -> dict[str, Any]:
    """Make more and more of them in this process, and look at it after so many."""
    make = maker(name)
    first = [make() for _ in range(3)]
    for made in first:
        use(name, made)
    kept, found, seconds = list(first), {}, 0.0
    before = _memory.footprint()
    for step in steps:
        done = len(kept) - len(first)
        begin = time.perf_counter()
        try:
            for _ in range(step - done):
                kept.append(make())
                if used:
                    use(name, kept[-1])
        except Exception as error:  # whatever the limit of this engine on this machine is
            return {"steps": found, "ended": len(kept), "error": f"{error}"[:500]}
        seconds = (time.perf_counter() - begin) / (step - done)
        growth = _memory.footprint().each(before, step)
        found[str(step)] = {**asdict(growth), "seconds": seconds}
    return {"steps": found}


def in_a_process(name: str, steps: Sequence[int], *, used: bool) -> dict[str, Any]:
    """Do `grow` in a process of its own."""
    task = json.dumps({"name": name, "steps": list(steps), "used": used})
    command = [sys.executable, "-m", "benchmarks.bench_density", "--one", task]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, check=False, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        print(f"{name}: {done.stderr[-500:]}", file=sys.stderr)
        return {"steps": {}, "error": f"ended with {done.returncode}"}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def benchmark(quick: bool) -> Report:
    """Measure each engine in processes of its own: idle ones, and ones that had a call."""
    columns = [
        "engine",
        "idle, each",
        "used, each",
        "mappings",
        "threads",
        "make one",
        "and use it",
    ]
    report = Report("density", __doc__ or "", columns)
    if not _memory.can_be_measured():
        report.notes = ["Not measured: this system has no /proc/self/smaps_rollup."]
        return report
    steps = (20, 50) if quick else STEPS
    for name in [WORKERS, PYTHON_WORKERS, THREADS, *available()]:
        own = [step for step in steps if step <= FEW.get(name, steps[-1])]
        idle = in_a_process(name, own, used=False)
        used = in_a_process(name, own, used=True)
        report.data[name] = {"idle": idle, "used": used}
        for step in own if quick else own[-2:] if name not in FEW else own[-1:]:
            _add_row(report, name, step, idle, used)
    report.notes = [
        "Growth of the process's private memory for each of so many, all alive at once, each kind "
        "in processes of its own. `used`: after one small call each.",
        "`mappings` and `threads` are what each adds to the process: the kernel allows 65,530 "
        "mappings by default (`vm.max_map_count`), and that is what ends the number of workers in "
        "one process.",
        "A worker is a runtime, a thread, and what `actors` keeps for it; the lines of workers "
        "without JavaScript and of bare threads, which have as much stack, show the parts.",
        "Of quickjs-rs there are 1,000 at most, of mini-racer 200 and of jsrun 40.",
    ]
    return report


def _add_row(
    report: Report, name: str, step: int, idle: Mapping[str, Any], used: Mapping[str, Any]
) -> None:
    fresh, worn = idle["steps"].get(str(step)), used["steps"].get(str(step))
    title = f"{name}, {step:,}"
    cells = ["-"] * 6
    if fresh is not None:
        cells[0] = f"{fresh['private'] / 1024:,.0f} KB"
        cells[2] = f"{fresh['mappings']:.1f}"
        cells[3] = f"{fresh['threads']:.1f}"
        cells[4] = duration(fresh["seconds"])
    if worn is not None:
        cells[1] = f"{worn['private'] / 1024:,.0f} KB"
        cells[5] = duration(worn["seconds"])
    ours = name in (OURS, WORKERS, PYTHON_WORKERS)
    report.rows.append([f"**{title}**" if ours else title, *cells])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(grow(**json.loads(sys.argv[2]))), flush=True)
        os._exit(0)  # the engines are left as they are: stopping them is not measured
    main(benchmark)
