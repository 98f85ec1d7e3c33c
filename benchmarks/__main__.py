"""Run the benchmarks: all, or those named; each in a process of its own.

``python -m benchmarks [--quick] [--publish] [NAME ...]``, where a name is such as ``call`` for
``bench_call.py``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks import _plots, _summary
from benchmarks._harness import HERE


def main() -> int:
    """Run them in the order of their names; the exit status is 1 if one failed."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--quick", action="store_true", help="few short rounds, rough figures")
    parser.add_argument("--publish", action="store_true", help="write results/ and the document")
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f"no benchmark called {', '.join(sorted(unknown))}")
    flags = ["--quick"] * options.quick + ["--publish"] * options.publish
    failed = []
    for name in options.names or known:
        print(f"\n=== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.bench_{name}", *flags]
        if subprocess.run(command, cwd=HERE.parent, check=False).returncode:
            failed.append(name)
    if options.publish:
        _summary.publish()
        _plots.publish()
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
