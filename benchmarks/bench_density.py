"""How much memory does one more runtime, or worker, take?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks._harness import HERE, Report, main
from benchmarks._peers import ENGINES, OURS, available

COUNT = 40
WORKERS = "worker of jsactors"


def private_bytes() -> int:
    """Return the private memory of this process (Linux)."""
    text = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    fields = (line.split() for line in text.splitlines() if line.startswith("Private_"))
    return sum(int(words[1]) * 1024 for words in fields)


def grow(name: str, count: int) -> float:
    """Return the bytes that each of `count` more engines takes after its first call."""
    if name == WORKERS:
        from actors import DefaultWorker

        def make() -> object:
            worker = DefaultWorker.spawn()
            worker.evaluate("function add(a, b) { return a + b; } add(1, 2)")
            return worker
    else:
        engine = ENGINES[name]

        def make() -> object:
            made = engine()
            made.run("function add(a, b) { return a + b; } add(1, 2)")
            return made

    kept = [make() for _ in range(3)]
    before = private_bytes()
    kept += [make() for _ in range(count)]
    return (private_bytes() - before) / count


def benchmark(quick: bool) -> Report:
    """Measure each engine in a process of its own."""
    report = Report("density", __doc__ or "", ["engine", "private memory each"])
    if not Path("/proc/self/smaps_rollup").exists():
        report.notes = ["Not measured: this system has no /proc/self/smaps_rollup."]
        return report
    count = 10 if quick else COUNT
    for name in [WORKERS, *available()]:
        command = [sys.executable, "-m", "benchmarks.bench_density", "--one", name, str(count)]
        done = subprocess.run(command, cwd=HERE.parent, capture_output=True, check=False, text=True)
        words = [
            line.split("=")[1] for line in done.stdout.splitlines() if line.startswith("each=")
        ]
        size = float(words[0]) if words else None
        title = f"**{name}**" if name in (OURS, WORKERS) else name
        report.rows.append([title, "-" if size is None else f"{size / 1024:,.0f} KB"])
        report.data[name] = size
    report.notes = [
        f"Growth of the process's private memory per engine over {count} engines, each after one "
        "small call, each kind in a process of its own.",
    ]
    return report


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(f"each={grow(sys.argv[2], int(sys.argv[3]))}", flush=True)
        # The engines are left to the end of the process: stopping them is not measured.
        sys.stdout.flush()
        import os

        os._exit(0)
    main(benchmark)
