"""The little that all benchmarks share: interleaved rounds, statistics, reports.

A *measure* is a callable that does one measurement and returns seconds per operation. Measures that
are to be compared run in turns, forwards and backwards, so that a machine that slows down or gets
busy slows all of them; the best of the rounds is what is compared, the median shows how steady it
was.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import _machine

Measure = Callable[[], float]

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
DOCUMENT = HERE.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds per operation, one value a round."""

    values: tuple[float, ...]

    @property
    def complete(self) -> bool:
        """Whether every round gave a number."""
        return not any(math.isnan(value) for value in self.values)

    @property
    def best(self) -> float:
        """The least disturbed round."""
        return min(self.values)

    @property
    def median(self) -> float:
        """The usual round."""
        return statistics.median(self.values)


def per_call(
    function: Callable[[], object],
    *,
    seconds: float = 0.02,
    clock: Callable[[], float] = time.perf_counter,
) -> Measure:
    """Make a measure of one call, from as many calls as fill about `seconds`.

    Args:
        function: What to measure; it is called once before anything is measured.
        seconds: How long one measurement lasts.
        clock: `time.perf_counter`, or `time.thread_time` for work of this thread only.
    """
    function()
    started = time.perf_counter()
    function()
    count = max(1, int(seconds / max(time.perf_counter() - started, 1e-7)))

    def measure() -> float:
        rounds = range(count)
        begin = clock()
        for _ in rounds:
            function()
        return (clock() - begin) / count

    return measure


def interleave(measures: Mapping[str, Measure], rounds: int) -> dict[str, Sample]:
    """Run all measures once a round, every second round in the opposite order."""
    values: dict[str, list[float]] = {name: [] for name in measures}
    order = list(measures)
    for number in range(rounds):
        for name in order if number % 2 == 0 else reversed(order):
            values[name].append(measures[name]())
    return {name: Sample(tuple(seen)) for name, seen in values.items()}


def geometric_mean(ratios: Iterable[float]) -> float:
    """Return the geometric mean of positive numbers."""
    return math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))


def duration(seconds: float | None) -> str:
    """Show seconds with three significant digits in a fitting unit; None as a dash."""
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


@dataclass(slots=True)
class Report:
    """What one benchmark found: a table for people and data for programs.

    Attributes:
        name: The benchmark's name; the file of results and the place in the document have it.
        question: What it answers, one sentence.
        columns: Headings of the table.
        rows: Its lines.
        notes: How it was measured, and what to keep in mind; one paragraph each.
        data: The figures, in seconds, ratios and bytes.
    """

    name: str
    question: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    data: dict[str, object] = field(default_factory=dict)

    def table(self) -> str:
        """Return the table as Markdown, its columns aligned."""
        lines = [list(self.columns), *map(list, self.rows)]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.columns))]
        ruler = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
        return "\n".join(
            "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
            for line in (lines[0], ruler, *lines[1:])
        )

    def show(self) -> None:
        """Print everything."""
        print(f"\n{self.question}\n\n{self.table()}\n")
        for note in self.notes:
            print(f"- {note}")
        for key, value in _machine.describe().items():
            print(f"{key}: {value}")
        sys.stdout.flush()

    def publish(self) -> None:
        """Write the result file, and the table into the document between its markers."""
        where = _machine.describe()
        RESULTS.mkdir(exist_ok=True)
        content = {
            "name": self.name,
            "question": self.question,
            **where,
            "data": _rounded(self.data),
        }
        text = json.dumps(content, indent=1) + "\n"
        (RESULTS / f"{self.name}.json").write_text(text, encoding="utf-8")
        load = f"Measured {where['date']}, at a load of {where['load']}."
        notes = "".join(f"- {note}\n" for note in (*self.notes, load))
        replace_in_document(self.name, f"{self.table()}\n\n{notes}")
        facts = "".join(
            f"- {key}: {where[key]}\n" for key in ("date", "machine", "python", "packages")
        )
        replace_in_document("machine", f"The last run was on:\n\n{facts}")


def _rounded(value: object) -> object:
    """Round all numbers to four significant digits: more is noise, and grows the repository."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value


def replace_in_document(name: str, text: str) -> None:
    """Put `text` between the two markers of that name in the document."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    document = DOCUMENT.read_text(encoding="utf-8")
    if begin not in document or end not in document:
        raise SystemExit(f"{DOCUMENT} has no place for {name!r}: add {begin} and {end}")
    before, rest = document.split(begin, 1)
    after = rest.split(end, 1)[1]
    DOCUMENT.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")


def main(benchmark: Callable[[bool], Report]) -> None:
    """Run one benchmark from the command line.

    Args:
        benchmark: Given whether to be quick, measures and returns its report.
    """
    parser = argparse.ArgumentParser(description=sys.modules[benchmark.__module__].__doc__)
    parser.add_argument("--quick", action="store_true", help="few short rounds, rough figures")
    parser.add_argument(
        "--publish", action="store_true", help="write results/ and the table in docs/benchmarks.md"
    )
    options = parser.parse_args()
    report = benchmark(options.quick)
    report.show()
    if options.publish:
        report.publish()
