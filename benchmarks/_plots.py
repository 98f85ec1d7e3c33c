"""Plots of the result files, for the documentation: latency and density over the number of workers.

Drawn by matplotlib, which the extra ``bench`` brings. The files are the same for the same results
(no dates, no random ids), and their colours can be read on a light and on a dark page.
"""

from __future__ import annotations

import json
from itertools import cycle
from typing import TYPE_CHECKING, Any

from benchmarks._harness import HERE, RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

FOLDER = HERE.parent / "docs" / "plots"

GREY = "#70777f"  # text and axes: a contrast of 4.5 on white; no grey has that on a dark page too
COLOURS = (
    "#d9534f", "#3d8fd1", "#3a9d5d", "#b5801f", "#8f6fd1", "#7a8a00", "#c45a9b", "#2f9e9e",
)  # fmt: skip
MARKS = "osD^vXPp"
STYLE: Mapping[str, Any] = {
    "svg.hashsalt": "jsactors",
    "svg.fonttype": "none",  # text stays text: smaller files, and readable diffs
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.grid": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

_TITLES: Mapping[str, str] = {"jsactors": "jsactors, a runtime"}
"""Of lines whose names in the results say too little beside the others."""

Line = tuple[str, "Sequence[float]", "Sequence[float]"]
"""Its name, and the points' x and y."""


def publish() -> None:
    """Draw every plot whose results are there."""
    for name, draw in (("density", _density), ("crowd", _crowd)):
        path = RESULTS / f"{name}.json"
        if path.exists():
            draw(json.loads(path.read_text(encoding="utf-8"))["data"])


def _density(data: Mapping[str, Any]) -> None:
    lines = []
    for name, found in data.items():
        steps = found["used"]["steps"] if found else {}
        if steps:
            sizes = [each["private"] / 1024 for each in steps.values()]
            lines.append((_TITLES.get(name, name), [int(step) for step in steps], sizes))
    _draw("density", lines, "alive at once in one process", "private memory of each, KB")


def _crowd(data: Mapping[str, Any]) -> None:
    counts = [int(count) for count in data]

    def line(title: str, key: str, unit: float) -> Line:
        return title, counts, [found[key] * unit for found in data.values()]

    asks = [
        line("worker, 99th percentile", "ask p99", 1e6),
        line("worker, median", "ask p50", 1e6),
        line("bare threads, 99th percentile", "floor p99", 1e6),
        line("bare threads, median", "floor p50", 1e6),
    ]
    _draw("latency", asks, "workers in the process", "one ask and its response, µs")
    made = [
        line("a new worker, first result", "spawn", 1e3),
        line("a worker that lost its engine, next result", "restart", 1e3),
    ]
    _draw("creation", made, "workers in the process", "until the result, ms", from_zero=True)


def _draw(
    name: str, lines: Iterable[Line], across: str, up: str, *, from_zero: bool = False
) -> None:
    """Write ``docs/plots/NAME.svg``; the number of workers goes up by factors, and so does y."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    lines = list(lines)
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(7.2, 4.4), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for (title, xs, ys), colour, mark in zip(lines, cycle(COLOURS), cycle(MARKS), strict=False):
            axes.plot(xs, ys, label=title, color=colour, marker=mark, markersize=5, linewidth=1.6)
        axes.set_xscale("log")
        if from_zero:
            axes.set_ylim(bottom=0)
        else:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        plain = FuncFormatter(lambda value, _at: f"{value:,.6g}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(plain)
            axis.set_minor_locator(NullLocator())
        axes.set_xticks(sorted({x for _title, xs, _ys in lines for x in xs}))
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"{name}.svg"
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
    _tidy(path)


def _tidy(path: Path) -> None:
    """Take the spaces off the ends of lines, which reviews would stumble over."""
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")
