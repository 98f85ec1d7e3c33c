"""Make, use and drop runtimes on several threads; say by how much the process has grown.

    python -m benchmarks.cycles [COUNT]

The tests run a few hundred; by itself it runs 20,000, one in fifty of them with 3 MB of data, and
fails if the process is 2 MB larger after it, or if one mapping of a guest's image is left over.
"""

from __future__ import annotations

import argparse
import gc
import sys
import threading
import time
from pathlib import Path

from runtimes import QuickJSRuntime, RuntimeOptions

MOST_GROWTH = 2 << 20
PAGE = 4096
KINDS = {"in slots": RuntimeOptions(), "on demand": RuntimeOptions(allocation="on_demand")}


def resident_bytes() -> int:
    """How much memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def mappings() -> int:
    """How many mappings of compiled guests and of their images this process has."""
    return Path("/proc/self/maps").read_text().count(".cwasm")


def _cycle(number: int, options: RuntimeOptions) -> None:
    with QuickJSRuntime(options) as runtime:
        if runtime.evaluate("6 * 7") != 42:
            raise SystemExit("6 * 7 is not 42")
        if number % 50 == 0:
            runtime.evaluate("globalThis.kept = new Uint8Array(3e6).fill(1); 0")


def _spread(total: int, threads: int, options: RuntimeOptions) -> None:
    workers = [
        threading.Thread(target=lambda: [_cycle(n, options) for n in range(total // threads)])
        for _ in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def run(
    total: int, threads: int, warm_up: int, options: RuntimeOptions | None = None
) -> dict[str, float]:
    """Return how many bytes and mappings the process has grown by, and the seconds it took."""
    options = options or RuntimeOptions()
    for runtime in [QuickJSRuntime(options) for _ in range(threads)]:  # slots for all at once
        runtime.close()
    _spread(warm_up, threads, options)
    gc.collect()
    bytes_before, maps_before = resident_bytes(), mappings()
    begin = time.perf_counter()
    _spread(total, threads, options)
    seconds = time.perf_counter() - begin
    gc.collect()
    return {
        "rss_bytes": resident_bytes() - bytes_before,
        "maps": mappings() - maps_before,
        "seconds": seconds,
    }


def main() -> int:
    """Run from the command line; the exit status is 1 if something was left behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=20_000)
    count = parser.parse_args().count
    failed = False
    for name, options in KINDS.items():
        found = run(count, threads=4, warm_up=400, options=options)
        print(
            f"{count} runtimes, {name}, on 4 threads in {found['seconds']:.1f} s: "
            f"{found['rss_bytes'] / 1024:+.0f} KB, {found['maps']:+.0f} mappings"
        )
        failed |= found["rss_bytes"] >= MOST_GROWTH or found["maps"] != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
