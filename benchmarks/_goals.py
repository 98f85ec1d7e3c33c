"""The goals of the project, and what the last published runs say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks._harness import duration
from benchmarks._peers import NATIVE, OURS

HEAD = "| measure | goal | measured | met | beside it |\n| :--- | ---: | ---: | :--- | :--- |\n"
WORKERS = "jsactors, workers"
MISSING = "-"

Data = dict[str, Any]
Load = Callable[[str], Data]


@dataclass(frozen=True)
class Goal:
    """One line.

    Attributes:
        measure: What is measured.
        benchmark: The result file it is in.
        find: Takes the number out of the file's data.
        limit: What it should be at most, or at least if `more_is_better`.
        show: How numbers of this kind are shown.
        peer: What stands beside it: a name, and where its number is in the same data.
        more_is_better: Whether `limit` is the least.
    """

    measure: str
    benchmark: str
    find: Callable[[Data], float]
    limit: float
    show: Callable[[float], str] = duration
    peer: tuple[str, Callable[[Data], float]] | None = None
    more_is_better: bool = False

    def line(self, load: Load) -> str:
        """Return the table's line; what was never measured is a dash."""
        value, beside = MISSING, MISSING
        met = MISSING
        try:
            data = load(self.benchmark)
            number = self.find(data)
            value = self.show(number)
            met = "yes" if self._is_met(number) else "**no**"
            if self.peer is not None:
                beside = f"{self.peer[0]} {self.show(self.peer[1](data))}"
        except (OSError, KeyError, TypeError):  # not measured here, or a peer that is missing
            pass
        sign = "≥" if self.more_is_better else "≤"
        return f"| {self.measure} | {sign} {self.show(self.limit)} | {value} | {met} | {beside} |\n"

    def _is_met(self, number: float) -> bool:
        return number >= self.limit if self.more_is_better else number <= self.limit


def ratio(number: float) -> str:
    """Show a ratio."""
    return f"{number:.3g}"


def times(number: float) -> str:
    """Show a speed-up."""
    return f"{number:.2f}x"


def kilobytes(number: float) -> str:
    """Show a size."""
    return f"{number / 1024:,.0f} KB"


def call(title: str, engine: str = OURS) -> Callable[[Data], float]:
    """Find the best round of a call."""
    return lambda data: float(data[title][engine]["best"])


def native(title: str) -> tuple[str, Callable[[Data], float]]:
    """Find the same of the native engine with the quickest coder."""
    return f"native {NATIVE} with orjson", call(title, f"{NATIVE} + orjson")


def worker(way: str, kind: str) -> Callable[[Data], float]:
    """Find the best round of a way to reach another thread."""
    return lambda data: float(data[way][kind]["best"])


def new_runtime(name: str) -> Callable[[Data], float]:
    """Find the best round of making, using and dropping a runtime."""
    return lambda data: float(data["runtime"][name]["best"])


def used(name: str) -> Callable[[Data], float]:
    """Find the private memory of one of a thousand, each after its first call."""
    return lambda data: float(data[name]["used"]["steps"]["1000"]["private"])


def speed_up(kind: str) -> Callable[[Data], float]:
    """Find the speed-up of two over one, for the work that gains most of the second core."""

    def find(data: Data) -> float:
        works = [found for found in data.values() if isinstance(found, dict)]
        return max(min(found[f"{kind} 1"]) / min(found[f"{kind} 2"]) for found in works)

    return find


ASK, FLOOR = "worker, JavaScript", "two threads and two SimpleQueues (floor)"
POOL = "ThreadPoolExecutor(1), JavaScript"

GOALS = (
    Goal("a call with small arguments", "call", call("add(1, 2)"), 2.2e-6,
         peer=native("add(1, 2)")),
    Goal("1 KB of nested values, there and back", "call", call("echo, 1 KB nested"), 14e-6,
         peer=native("echo, 1 KB nested")),
    Goal("1 MB of mixed values, there and back", "call", call("echo, 1 MB mixed"), 18e-3,
         peer=native("echo, 1 MB mixed")),
    Goal("a worker asked and waited for", "worker", worker(ASK, "ask"), 19e-6,
         peer=("two threads that pass a token", worker(FLOOR, "ask"))),
    Goal("the same, pipelined", "worker", worker(ASK, "pipelined"), 4.5e-6,
         peer=("a thread pool", worker(POOL, "pipelined"))),
    Goal("a new runtime, its first result, and gone", "cold_start", new_runtime(OURS), 45e-6,
         peer=(f"native {NATIVE}", new_runtime(NATIVE))),
    Goal("the same, without the pool of memories", "cold_start",
         new_runtime(f"{OURS}, on demand"), 110e-6,
         peer=(f"native {NATIVE}", new_runtime(NATIVE))),
    Goal("private memory of a worker, one of 1,000, after its first call", "density",
         used(WORKERS), 120 * 1024, kilobytes, (f"a native {NATIVE} alone", used(NATIVE))),
    Goal("two workers, speed-up over one", "scaling", speed_up("workers"), 1.9, times,
         ("two processes", speed_up("processes")), more_is_better=True),
    Goal(f"time that JavaScript takes, native {NATIVE} being 1", "javascript",
         lambda data: float(data["geometric mean"][OURS]), 1.05, ratio,
         ("quickjs-rs", lambda data: float(data["geometric mean"]["quickjs-rs"]))),
    Goal("time with the hard stop, without being 1", "hard_stop",
         lambda data: float(data["checks (shipped)"]["mean"]), 1.02, ratio,
         ("with wasmtime's epochs", lambda data: float(data["checks and epochs"]["mean"]))),
)  # fmt: skip


def table(load: Load) -> str:
    """Return the table.

    Args:
        load: Returns the data of a benchmark's result file, or raises OSError.
    """
    return HEAD + "".join(goal.line(load) for goal in GOALS)
