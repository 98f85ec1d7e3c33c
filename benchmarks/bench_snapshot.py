"""What does it cost to capture a runtime, and to go on from there instead of loading anew?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks._harness import Measure, Report, Sample, duration, interleave, main, per_call
from runtimes import Module, QuickJSRuntime, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

MB = 1_000_000
HEAPS = {"0": 0, "0.1 MB": MB // 10, "1 MB": MB, "10 MB": 10 * MB}
RECORD_BYTES = 290
"""Of heap, that one record of the module below takes."""


def module(heap_bytes: int) -> Module:
    """Return a module that fills a heap with some code and many records while it loads."""
    records = heap_bytes // RECORD_BYTES
    functions = "".join(f"export function f{i}(x) {{ return x * {i} + 1; }}\n" for i in range(20))
    return Module(
        "shop.js",
        f"{functions}export const items = [];\nfor (let i = 0; i < {records}; i++)\n"
        "  items.push({ id: i, name: 'item ' + i, price: i * 1.25, tags: ['a' + i, 'b'] });\n"
        "export const first = () => items.length;",
    )


def load_anew(heap: Module) -> None:
    """What a snapshot saves: a new runtime that loads its modules."""
    with QuickJSRuntime() as runtime:
        runtime.call_function("first", module=runtime.load_module(heap))


def restore(snapshot: Snapshot) -> None:
    """Make a runtime from a snapshot, take a result, drop it."""
    with QuickJSRuntime.from_snapshot(snapshot) as runtime:
        runtime.call_function("first", module=runtime.module("shop.js"))


def restore_bytes(data: bytes, *, trusted: bool) -> None:
    """The same from bytes."""
    restore(Snapshot.from_bytes(data, trusted=trusted))


def measures(runtime: QuickJSRuntime, heap: Module, seconds: float) -> dict[str, Measure]:
    """Return what is measured for one heap."""
    snapshot = runtime.snapshot()
    data = snapshot.to_bytes()
    actions: dict[str, Callable[[], object]] = {
        "snapshot": runtime.snapshot,
        "to_bytes": snapshot.to_bytes,
        "from_bytes": partial(Snapshot.from_bytes, data),
        "restore": partial(restore, snapshot),
        "restore_bytes": partial(restore_bytes, data, trusted=True),
        "restore_foreign": partial(restore_bytes, data, trusted=False),
        "anew": partial(load_anew, heap),
    }
    return {name: per_call(action, seconds=seconds) for name, action in actions.items()}


def benchmark(quick: bool) -> Report:
    """Measure heaps of several sizes."""
    rounds, seconds = (3, 0.01) if quick else (15, 0.05)
    report = Report(
        "snapshot",
        __doc__ or "",
        [
            "heap",
            "`snapshot()`",
            "`to_bytes()`",
            "bytes",
            "`from_bytes()`",
            "restore",
            "from bytes, restore",
            "load anew",
            "anew / restore",
        ],
    )
    for name, size in HEAPS.items():
        heap = module(size)
        with QuickJSRuntime() as runtime:
            runtime.load_module(heap)
            found = interleave(measures(runtime, heap, seconds), rounds)
            snapshot = runtime.snapshot()
        add_row(report, name, found, snapshot)
    report.notes = [
        "Wall time, best round (the median is in the results). `restore`, `from bytes, restore` "
        "and `load anew` include a call of an exported function and the runtime's end. "
        "`anew / restore` is the ratio of the medians. Bytes are taken as trusted; those that are "
        "not cost the same to restore, and run a third slower afterwards.",
    ]
    return report


def add_row(report: Report, name: str, found: dict[str, Sample], snapshot: Snapshot) -> None:
    """Write one heap's figures down."""
    size = len(snapshot.to_bytes())
    ratio = found["anew"].median / found["restore"].median
    cells = [duration(found[key].best) for key in ("snapshot", "to_bytes")]
    cells.append(f"{size / 1000:.0f} KB")
    keys = ("from_bytes", "restore", "restore_bytes", "anew")
    cells += [duration(found[key].best) for key in keys]
    report.rows.append([name, *cells, f"{ratio:.1f}"])
    report.data[name] = {
        "seconds": {key: {"best": s.best, "median": s.median} for key, s in found.items()},
        "size_bytes": snapshot.size_bytes,
        "bytes": size,
        "anew_over_restore": ratio,
    }


if __name__ == "__main__":
    main(benchmark)
