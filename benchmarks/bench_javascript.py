"""How fast does JavaScript itself run, compared with the same engine without a sandbox?"""

from __future__ import annotations

import gc
import statistics
import time
from typing import TYPE_CHECKING

from benchmarks._harness import (
    HERE,
    Measure,
    Report,
    Sample,
    duration,
    geometric_mean,
    interleave,
    main,
)
from benchmarks._peers import NATIVE, OURS, Engine, available

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAMS = HERE / "programs"
START = "globalThis.sum = run(); 0"
START_ASYNC = "run().then((value) => { globalThis.sum = value; }); 0"
SAMPLE_SECONDS = 0.04


def starter(source: str) -> str:
    """Return what runs a loaded program once and leaves its checksum in ``sum``."""
    return START_ASYNC if "async function run(" in source else START


def measure_of(engine: Engine, start: str, repeats: int) -> Measure:
    """Return a measure of one run of the loaded program, in seconds of CPU time.

    V8 compiles and collects on threads of its own, so there the whole process is counted.
    """
    clock = time.process_time if getattr(engine, "own_threads", False) else time.thread_time

    def measure() -> float:
        begin = clock()
        for _ in range(repeats):
            engine.run(start)
        return (clock() - begin) / repeats

    return measure


def checksum(engine: Engine, source: str) -> str:
    """Load the program, run it once and return what it found."""
    engine.run(source)
    engine.run(starter(source))
    return str(engine.run("String(sum)"))


def run_program(
    program: Path, makers: dict[str, Callable[[], Engine]], rounds: int
) -> dict[str, Sample]:
    """Run one program in turns on every engine that finds the same checksum as most.

    Raises:
        SystemExit: Ours does not.
    """
    source = program.read_text(encoding="utf-8")
    engines = {name: make() for name, make in makers.items()}
    try:
        sums = {name: checksum(engine, source) for name, engine in engines.items()}
        usual = statistics.mode(sums.values())
        if sums[OURS] != usual:
            raise SystemExit(f"{program.name}: we disagree with the others: {sums}")
        start = starter(source)
        base = measure_of(engines.get(NATIVE, engines[OURS]), start, 1)()
        repeats = max(1, min(25, round(SAMPLE_SECONDS / base)))
        gc.collect()
        right = {name: engine for name, engine in engines.items() if sums[name] == usual}
        return interleave({n: measure_of(e, start, repeats) for n, e in right.items()}, rounds)
    finally:
        for engine in engines.values():
            engine.close()


def ratio_text(ratio: float | None) -> str:
    """Show a ratio with two significant digits at least."""
    if ratio is None:
        return "wrong"
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def benchmark(quick: bool) -> Report:
    """Measure all programs on all engines."""
    makers = available()
    base = NATIVE if NATIVE in makers else OURS
    others = [name for name in makers if name != base]
    report = Report("javascript", __doc__ or "", ["program", base, *others])
    ratios: dict[str, list[float]] = {name: [] for name in others}
    for program in sorted(PROGRAMS.glob("*.js")):
        samples = run_program(program, makers, 3 if quick else 9)
        reference = samples[base].median
        found = {name: seen.median / reference for name, seen in samples.items()}
        for name in others:
            if name in found:
                ratios[name].append(found[name])
        cells = [ratio_text(found.get(name)) for name in others]
        report.rows.append([program.stem, duration(reference), *cells])
        report.data[program.stem] = {name: list(s.values) for name, s in samples.items()}
    means = {name: geometric_mean(values) for name, values in ratios.items()}
    report.rows.append(["**geometric mean**", "1.00", *(f"**{means[n]:.2f}**" for n in others)])
    report.data["geometric mean"] = means
    report.notes = [
        f"CPU time of one run: milliseconds for {base}, the others relative to it (below 1 is "
        "faster); median of the interleaved rounds. The programs are in benchmarks/programs. "
        "`wrong`: the engine's checksum is not that of all the others.",
        "quickjs-ng and quickjs-rs interpret, as we do; mini-racer and jsrun are V8 with its "
        "compiler, all its threads counted.",
    ]
    return report


if __name__ == "__main__":
    main(benchmark)
