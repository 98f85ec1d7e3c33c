"""How long from starting Python to the first result of a script, imports included?"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks import _processes
from benchmarks._harness import Measure, Report, Sample, duration, interleave, main
from benchmarks._peers import OURS, available

CACHE = "JSACTORS_CACHE_DIR"

RUNTIME = "import runtimes\nprint(runtimes.QuickJSRuntime().evaluate('6 * 7'), flush=True)"
WORKER = """
import actors
with actors.DefaultWorker.spawn() as worker:
    print(worker.evaluate('6 * 7'), flush=True)
"""
PEERS = {
    "quickjs-ng": "import quickjs\nprint(quickjs.Context().eval('6 * 7'), flush=True)",
    "quickjs-rs": "import quickjs_rs\nwith quickjs_rs.Runtime() as r, r.new_context() as c: "
    "print(c.eval('6 * 7'), flush=True)",
    "mini-racer": "import py_mini_racer\n"
    "print(py_mini_racer.MiniRacer().eval('6 * 7'), flush=True)",
    "jsrun": "import jsrun\nprint(jsrun.Runtime().eval('6 * 7'), flush=True)",
}

Cache: TypeAlias = Callable[[], AbstractContextManager[dict[str, str]]]


@contextlib.contextmanager
def as_it_is() -> Iterator[dict[str, str]]:
    """The user's own cache, filled by the first run."""
    yield {}


@contextlib.contextmanager
def empty() -> Iterator[dict[str, str]]:
    """A cache with nothing in it: the guest is compiled and stored."""
    with tempfile.TemporaryDirectory(prefix="jsactors-cache-") as folder:
        yield {CACHE: f"{folder}/cache"}


@contextlib.contextmanager
def none() -> Iterator[dict[str, str]]:
    """No cache: the guest is compiled in memory."""
    yield {CACHE: ""}


@dataclass(frozen=True)
class Way:
    """A program, and the cache that it finds.

    Attributes:
        script: The program; its first line is the result.
        cache: Makes the environment's part that names the cache.
        slow: Whether it compiles the guest, so that fewer rounds must do.
    """

    script: str
    cache: Cache = as_it_is
    slow: bool = False

    def measure(self) -> float:
        """Return the seconds until the result."""
        with self.cache() as more:
            seconds, line = _processes.first_line(self.script, _processes.environment(**more))
        if line != b"42":
            raise SystemExit(f"6 * 7 is {line!r}")
        return seconds


BARE = "bare Python"
OURS_RUNTIME, OURS_WORKER = f"**{OURS}, a runtime**", f"**{OURS}, a worker**"


def ways() -> dict[str, Way]:
    """Return all that is compared."""
    peers = available()
    return {
        OURS_RUNTIME: Way(RUNTIME),
        OURS_WORKER: Way(WORKER),
        "- `import runtimes` alone": Way("import runtimes\nprint(42, flush=True)"),
        "- `import actors` alone": Way("import actors\nprint(42, flush=True)"),
        "- `import wasmtime` alone": Way("import wasmtime\nprint(42, flush=True)"),
        "- a runtime, the cache empty": Way(RUNTIME, empty, slow=True),
        "- a runtime, no cache to be had": Way(RUNTIME, none, slow=True),
        **{name: Way(script) for name, script in PEERS.items() if name in peers},
        BARE: Way("print(42, flush=True)"),
    }


def benchmark(quick: bool) -> Report:
    """Start processes in turns, and read their first lines."""
    found = ways()
    for way in found.values():
        way.measure()  # what is kept on disk shall be there
    quickly: dict[str, Measure] = {n: w.measure for n, w in found.items() if not w.slow}
    slowly: dict[str, Measure] = {n: w.measure for n, w in found.items() if w.slow}
    samples = interleave(quickly, 3 if quick else 31) | interleave(slowly, 1 if quick else 5)
    bare = samples[BARE]
    columns = ["way", "first result", "beyond bare Python"]
    report = Report("start", __doc__ or "", columns)
    for name in found:
        report.rows.append([name, _cell(samples[name]), duration(samples[name].best - bare.best)])
        report.data[name.strip("*- ").replace("`", "")] = {
            "best": samples[name].best,
            "median": samples[name].median,
        }
    report.rows[-1][2:] = ["-"]  # type: ignore[index]
    report.notes = [
        "Wall time, best round (median round), from starting the interpreter to the first line "
        "that it prints. All have their bytecode, and ours the compiled guest, unless the line "
        "says something else: `the cache empty` is the first start on a machine, and `no cache to "
        "be had` is every start where none can be written (or `JSACTORS_CACHE_DIR` is empty).",
    ]
    return report


def _cell(sample: Sample) -> str:
    return f"{duration(sample.best)} ({duration(sample.median)})"


if __name__ == "__main__":
    main(benchmark)
