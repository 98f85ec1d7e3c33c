"""A storm over a pool of workers: ``python -m tests.chaos [--queries N] [--seconds S] ...``.

Threads and an asyncio loop send queries of which some do harm in every way there is, and a saboteur
disturbs the pool from outside. A ledger books what became of each. In the end a report is printed;
the exit status is 1 if anything happened that must never happen.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import sys
import time
from pathlib import Path

from benchmarks._machine import describe
from runtimes import QuickJSRuntime

from ._report import Report
from ._scenes import Progress, close_at_once, give_up, storm
from ._silence import Silence

STALLED = 120.0
"""Seconds without any progress after which the program shows where its threads are, and ends."""

PUBLISHED = Path(__file__).parents[2] / "docs" / "reliability-report.txt"


def main() -> int:
    """Play the scenes; return the exit status."""
    options = _options()
    with Silence() as silence:
        reports = _play(options, _progress(silence))
        said = [line for line in silence.heard().splitlines() if line]
        reports[-1].verdict.add("printed", said)
        faulthandler.cancel_dump_traceback_later()
    texts = [report.text() for report in reports]
    print("\n\n".join(["", *texts]))
    if options.json is not None:
        data = [report.data() for report in reports]
        options.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if options.publish:
        PUBLISHED.write_text(f"{_machine()}\n\n{texts[-1]}\n", encoding="utf-8")
    return 0 if all(report.good for report in reports) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--queries", type=int, default=1_000_000, help="at least so many")
    parser.add_argument("--seconds", type=float, default=1200.0, help="and at least so long")
    parser.add_argument("--acts", type=int, default=5, help="in so many pools of different kinds")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--publish", action="store_true", help=f"write {PUBLISHED.name} of docs")
    return parser.parse_args()


def _play(options: argparse.Namespace, progress: Progress) -> list[Report]:
    """Play all scenes; return their reports, that of the whole storm at the end."""
    seed, workers, acts = options.seed, options.workers, options.acts
    # What is made once for the process, such as compiled code and the C library's arenas, is made
    # by this first one; its report is of no interest. The first checkpoint is among that: it loads
    # the engine that allocates on demand, whose compiled code stays an open file.
    with QuickJSRuntime() as runtime:
        runtime.snapshot()
    storm(seed, workers, 0, min(1.0, options.seconds / 4), progress, "warm-up", patience=0.0)
    ends = [give_up(seed, workers, progress), close_at_once(seed, workers, progress)]
    queries, seconds = options.queries // acts, options.seconds / acts
    storms = [storm(seed + act, workers, queries, seconds, progress) for act in range(acts)]
    return [*ends, Report.total(storms)]


def _machine() -> str:
    return "\n".join(f"{name}: {value}" for name, value in describe().items())


def _progress(silence: Silence) -> Progress:
    console = silence.console
    shown = [time.monotonic()]
    last = [""]

    def progress(line: str) -> None:
        if line != last[0]:
            last[0] = line
            faulthandler.dump_traceback_later(STALLED, exit=True, file=console)
        if console.isatty():
            console.write(f"\r{line}   ")
            console.flush()
        elif time.monotonic() - shown[0] > 30:
            shown[0] = time.monotonic()
            console.write(f"{line}\n")

    return progress


if __name__ == "__main__":
    sys.exit(main())
