"""What do the built-in stop checks cost, and what would wasmtime's epochs cost instead?"""

from __future__ import annotations

import gc
import random
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks._harness import Report, Sample, geometric_mean, interleave, main
from benchmarks._peers import JSActors
from benchmarks.bench_javascript import PROGRAMS, measure_of, starter
from runtimes import RuntimeOptions
from runtimes.quickjs.guest import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runtimes.quickjs._pooling import Allocation

SHIPPED, EPOCHS, UNCHECKED = "checks (shipped)", "checks and epochs", "neither"
SAMPLE_SECONDS = 0.04


def unchecked_guest() -> bytes:
    """Build the guest without the stop checks, or take it from the user's cache."""
    folder = Path(tempfile.mkdtemp())

    class Unchecked(build.Guest):
        name = "guest-unchecked"
        wasm = folder / "guest.wasm"
        stamp = folder / "guest.json"

        def _insert_stop_checks(self, work: Path) -> None:
            shutil.copyfile(work / "linked.wasm", work / "stoppable.wasm")

    guest = Unchecked()
    try:
        if not guest.take_from_cache():
            print("building the guest without stop checks (about a minute)", flush=True)
            guest.build()
        content: bytes = guest.wasm.read_bytes()
    except build.BuildError as error:
        tools = " ".join(f"'{each}'" for each in build.REQUIREMENTS)
        print(f"skipped: it builds a guest of its own, which needs: pip install {tools}\n{error}")
        raise SystemExit(0) from None
    else:
        return content
    finally:
        shutil.rmtree(folder)


@contextmanager
def shipped_guest_replaced(wasm: bytes) -> Iterator[None]:
    """Let new runtimes use another guest. It reaches into the loader: nobody else needs that."""
    from runtimes.quickjs import _engine

    kinds: tuple[Allocation, ...] = ("pooled", "on_demand")
    shipped = {("check", kind): _engine.load_guest("check", kind) for kind in kinds}
    others = {("check", kind): _engine.load_module(wasm, "check", kind) for kind in kinds}
    known: dict[Any, Any] = _engine._guests
    assert shipped.keys() <= known.keys(), "the loader keeps its guests elsewhere"
    known.update(others)
    try:
        yield
    finally:
        known.update(shipped)


def interval(ratios: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return a 95 % bootstrap interval of the geometric mean over programs of the median round."""
    chance = random.Random(1)
    means = sorted(
        geometric_mean(
            sorted(chance.choices(rounds, k=len(rounds)))[len(rounds) // 2] for rounds in ratios
        )
        for _ in range(1000)
    )
    return means[25], means[974]


def run_program(program: Path, wasm: bytes, rounds: int) -> dict[str, Sample]:
    """Run one program on the three guests in turns."""
    engines = {SHIPPED: JSActors(), EPOCHS: JSActors(RuntimeOptions(hard_stop="epoch"))}
    with shipped_guest_replaced(wasm):
        engines[UNCHECKED] = JSActors()
    source = program.read_text(encoding="utf-8")
    start = starter(source)
    for engine in engines.values():
        engine.run(source)
        engine.run(start)
    base = measure_of(engines[SHIPPED], start, 1)()
    repeats = max(1, min(25, round(SAMPLE_SECONDS / base)))
    gc.collect()
    samples = interleave({n: measure_of(e, start, repeats) for n, e in engines.items()}, rounds)
    for engine in engines.values():
        engine.close()
    return samples


def benchmark(quick: bool) -> Report:
    """Measure all programs with and without checks."""
    wasm = unchecked_guest()
    rounds = 3 if quick else 20
    ratios: dict[str, list[list[float]]] = {SHIPPED: [], EPOCHS: []}
    report = Report("hard_stop", __doc__ or "", ["guest", "time", "95 % interval", "worst program"])
    worst: dict[str, tuple[float, str]] = {SHIPPED: (0, ""), EPOCHS: (0, "")}
    for program in sorted(PROGRAMS.glob("*.js")):
        samples = run_program(program, wasm, rounds)
        for name, seen in ratios.items():
            pairs = zip(samples[name].values, samples[UNCHECKED].values, strict=True)
            seen.append([checked / plain for checked, plain in pairs])
            median = sorted(seen[-1])[rounds // 2]
            worst[name] = max(worst[name], (median, program.stem))
        report.data[program.stem] = {name: list(s.values) for name, s in samples.items()}
    report.rows.append([UNCHECKED, "1.000", "", ""])
    for name, seen in ratios.items():
        mean = geometric_mean(sorted(rounds_)[len(rounds_) // 2] for rounds_ in seen)
        low, high = interval(seen)
        ratio, where = worst[name]
        title = f"**{name}**" if name == SHIPPED else name
        report.rows.append(
            [title, f"{mean:.3f}", f"{low:.3f} - {high:.3f}", f"{where} {ratio:.2f}"]
        )
        report.data[name] = {"mean": mean, "interval": [low, high]}
    report.notes = [
        f"CPU time relative to a guest built without stop checks: geometric mean over the programs "
        f"of the median of {rounds} interleaved rounds, with a bootstrap interval over the rounds.",
    ]
    return report


if __name__ == "__main__":
    main(benchmark)
