"""Copy the figures that the README shows out of ``docs/benchmarks.md``.

``python -m benchmarks.readme_table``, after a run with ``--publish``. Nothing is measured or
rounded here: a cell of the README is a cell of that page.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- begin: figures -->", "<!-- end: figures -->"

Cell = tuple[str, str, str]
"""A benchmark's name, a row's first cell (or how it begins, and a star), a column's heading."""

ROWS: tuple[tuple[str, Cell, str, Cell], ...] = (
    (
        "A call with two numbers",
        ("call", "jsactors", "add(1, 2)"),
        "quickjs-ng + orjson",
        ("call", "quickjs-ng + orjson", "add(1, 2)"),
    ),
    (
        "1 KB of nested values, there and back",
        ("call", "jsactors", "echo, 1 KB nested"),
        "quickjs-ng + orjson",
        ("call", "quickjs-ng + orjson", "echo, 1 KB nested"),
    ),
    (
        "A query to a worker, and its response",
        ("worker", "worker, JavaScript", "ask, wait"),
        "the same in a thread pool",
        ("worker", "ThreadPoolExecutor(1), JavaScript", "ask, wait"),
    ),
    (
        "The same, many under way",
        ("worker", "worker, JavaScript", "pipelined, each"),
        "the same in a thread pool",
        ("worker", "ThreadPoolExecutor(1), JavaScript", "pipelined, each"),
    ),
    (
        "A call in a batch of 50",
        ("lean", "runtime**, batch of 50", "alone, each call"),
        "quickjs-ng + orjson, one by one",
        ("lean", "quickjs-ng + orjson, same thread", "alone, each call"),
    ),
    (
        "A query that the asking thread answers",
        ("lean", "worker**, caller-runs, ask", "alone, each call"),
        "two threads that pass a token",
        ("lean", "two threads and two SimpleQueues (floor)", "alone, each call"),
    ),
    (
        "Two workers, speed-up over one",
        ("scaling", "40 calls of *", "speed-up"),
        "two processes that share nothing",
        ("scaling", "40 calls of *", "of two processes"),
    ),
    (
        "A new engine, one result, drop",
        ("cold_start", "jsactors", "new runtime, one result, drop"),
        "quickjs-ng",
        ("cold_start", "quickjs-ng", "new runtime, one result, drop"),
    ),
    (
        "The same from a snapshot of 1 MB",
        ("snapshot", "1 MB", "restore"),
        "loading its modules anew",
        ("snapshot", "1 MB", "load anew"),
    ),
    (
        "Memory of one more engine, of a thousand",
        ("density", "jsactors, 1,000", "used, each"),
        "quickjs-ng",
        ("density", "quickjs-ng, 1,000", "used, each"),
    ),
    (
        "JavaScript itself, time for the same 21 programs",
        ("javascript", "geometric mean", "jsactors"),
        "quickjs-ng",
        ("javascript", "geometric mean", "quickjs-ng"),
    ),
    (
        "... and V8, which compiles",
        ("javascript", "geometric mean", "jsactors"),
        "mini-racer",
        ("javascript", "geometric mean", "mini-racer"),
    ),
)


def table(document: str) -> str:
    """Return the README's table.

    Raises:
        LookupError: The document has no such cell.
    """
    lines = ["| | jsactors | beside it, in the same run |", "| --- | ---: | --- |"]
    for label, ours, peer, theirs in ROWS:
        lines.append(f"| {label} | {_cell(document, ours)} | {peer}: {_cell(document, theirs)} |")
    return "\n".join(lines)


def _cell(document: str, wanted: Cell) -> str:
    name, row, column = wanted
    found = re.search(f"<!-- begin: {name} -->(.*?)<!-- end: {name} -->", document, re.DOTALL)
    if found is None:
        raise LookupError(f"docs/benchmarks.md has no place for {name}")
    rows = [_cells(line) for line in found[1].splitlines() if line.startswith("|")]
    if not rows or column not in rows[0]:
        raise LookupError(f"docs/benchmarks.md has no {column!r} in {name}")
    at = rows[0].index(column)
    for cells in rows[2:]:
        if cells[0] == row or (row.endswith("*") and cells[0].startswith(row[:-1])):
            return cells[at]
    raise LookupError(f"docs/benchmarks.md has no {row!r} in {name}")


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip("| ").split("|")]


def main() -> None:
    """Write the table into the README, between its markers."""
    readme = README.read_text(encoding="utf-8")
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    figures = table(DOCUMENT.read_text(encoding="utf-8"))
    README.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
