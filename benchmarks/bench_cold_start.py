"""How long does it take to have a new isolated runtime, use it once and drop it?"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks._harness import HERE, Measure, Report, Sample, duration, interleave, main, per_call
from benchmarks._peers import OURS, Engine, JSActors, available, opened
from benchmarks._processes import environment
from runtimes import RuntimeOptions

if TYPE_CHECKING:
    from collections.abc import Callable

ON_DEMAND = f"{OURS}, on demand"
"""What a runtime costs that finds no slot free."""

SCRIPTS = {
    OURS: "from runtimes.quickjs import QuickJSRuntime as R\nprint(R().evaluate('6 * 7'))",
    "quickjs-ng": "import quickjs\nprint(quickjs.Context().eval('6 * 7'))",
    "quickjs-rs": "import quickjs_rs\nwith quickjs_rs.Runtime() as r, r.new_context() as c: "
    "print(c.eval('6 * 7'))",
    "mini-racer": "import py_mini_racer\nprint(py_mini_racer.MiniRacer().eval('6 * 7'))",
    "jsrun": "import jsrun\nprint(jsrun.Runtime().eval('6 * 7'))",
    "bare Python": "print(6 * 7)",
}


def new_runtime(make: Callable[[], Engine]) -> Callable[[], None]:
    """Return a function that makes an engine, takes one result from it, and drops it."""

    def once() -> None:
        with opened(make) as engine:
            if engine.run("6 * 7") != 42:
                raise SystemExit("6 * 7 is not 42")

    return once


def new_process(script: str) -> Measure:
    """Return a measure from starting Python to its end, with one result on the way."""
    env = environment()

    def measure() -> float:
        begin = time.perf_counter()
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, cwd=HERE.parent, env=env, capture_output=True, check=True)
        seconds = time.perf_counter() - begin
        if done.stdout.strip() != b"42":
            raise SystemExit(f"6 * 7 is {done.stdout!r}")
        return seconds

    return measure


def benchmark(quick: bool) -> Report:
    """Measure new runtimes within a process, and new processes."""
    makers = available()
    makers[ON_DEMAND] = lambda: JSActors(RuntimeOptions(allocation="on_demand"))
    seconds = 0.02 if quick else 0.1
    inside = interleave(
        {name: per_call(new_runtime(make), seconds=seconds) for name, make in makers.items()},
        3 if quick else 15,
    )
    scripts = {name: text for name, text in SCRIPTS.items() if name in makers or " " in name}
    for script in scripts.values():  # what is cached on disk shall be there
        new_process(script)()
    outside = interleave(
        {name: new_process(script) for name, script in scripts.items()}, 3 if quick else 15
    )
    report = Report(
        "cold_start", __doc__ or "", ["engine", "new runtime, one result, drop", "whole process"]
    )
    for name in dict.fromkeys((OURS, ON_DEMAND, *scripts)):
        title = f"**{name}**" if name in (OURS, ON_DEMAND) else name
        report.rows.append([title, _cell(inside.get(name)), _cell(outside.get(name))])
    report.data = {
        "runtime": {name: {"best": s.best, "median": s.median} for name, s in inside.items()},
        "process": {name: {"best": s.best, "median": s.median} for name, s in outside.items()},
    }
    report.notes = [
        "Wall time, best round (median round). `whole process`: from starting Python to its exit, "
        "compiled artefacts cached, imports included.",
    ]
    return report


def _cell(sample: Sample | None) -> str:
    return "-" if sample is None else f"{duration(sample.best)} ({duration(sample.median)})"


if __name__ == "__main__":
    main(benchmark)
