"""How long does one call of a JavaScript function take, with arguments and result?"""

from __future__ import annotations

import math
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks._harness import Measure, Report, Sample, duration, interleave, main, per_call
from benchmarks._peers import NATIVE, OURS, QuickJSNG, available, has

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SOURCE = "function add(a, b) { return a + b; } function echo(value) { return value; }"


def kilobyte() -> dict[str, Any]:
    """Return nested records of about 1 KB as JSON."""
    items = [
        {
            "sku": f"A-{i:04}",
            "count": i,
            "price": i * 1.25,
            "tags": ["new", "sale"],
            "ok": i % 2 == 0,
        }
        for i in range(12)
    ]
    return {"order": 1234, "customer": {"name": "Ada Lovelace", "zip": "10115"}, "items": items}


def megabyte() -> list[dict[str, Any]]:
    """Return mixed records of about 1 MB as JSON."""
    return [{**kilobyte(), "id": i, "note": "größer " * 8} for i in range(900)]


def payloads() -> dict[str, tuple[str, tuple[Any, ...]]]:
    """Return what is measured: heading to function and arguments."""
    return {
        "add(1, 2)": ("add", (1, 2)),
        "echo, 1 KB nested": ("echo", (kilobyte(),)),
        "echo, 1 MB mixed": ("echo", (megabyte(),)),
        "echo, 1 MB bytes": ("echo", (bytes(range(256)) * 4096,)),
    }


def callers(stack: ExitStack) -> dict[str, Callable[[str], Callable[..., Any]]]:
    """Open every engine; return name to how it makes a Python callable of a function's name."""
    found: dict[str, Callable[[str], Callable[..., Any]]] = {}
    for name, make in available().items():
        engine = make()
        stack.callback(engine.close)
        engine.run(SOURCE)
        if isinstance(engine, QuickJSNG):
            found[f"{NATIVE}, no coder"] = engine.function_plain
            if has("orjson"):
                found[f"{NATIVE} + orjson"] = engine.function
            found[f"{NATIVE} + json"] = engine.function_json
        else:
            found[name] = engine.function
    return found


def guarded(measure: Measure) -> Measure:
    """Let a peer fail, as one does now and then with values that it took before: not a number."""

    def careful() -> float:
        try:
            return measure()
        except Exception:
            return math.nan

    return careful


def measures(
    makers: Mapping[str, Callable[[str], Callable[..., Any]]],
    function: str,
    arguments: tuple[Any, ...],
    seconds: float,
) -> dict[str, Measure]:
    """Return measures of those engines that give the right answer."""
    expected = arguments[0] if function == "echo" else sum(arguments)
    found = {}
    for name, make in makers.items():
        call = make(function)
        try:
            if call(*arguments) != expected:
                continue
            measure = per_call(partial(call, *arguments), seconds=seconds)
        except Exception:  # a peer that cannot carry such a value, or not each time: a dash
            if name == OURS:
                raise
            continue
        found[name] = measure if name == OURS else guarded(measure)
    return found


def benchmark(quick: bool) -> Report:
    """Measure every engine on every payload, interleaved."""
    samples: dict[str, dict[str, Sample]] = {}
    with ExitStack() as stack:
        makers = callers(stack)
        for title, (function, arguments) in payloads().items():
            each = measures(makers, function, arguments, 0.01 if quick else 0.04)
            samples[title] = interleave(each, 3 if quick else 15)
        names = list(makers)
    report = Report("call", __doc__ or "", ["engine", *samples])
    for name in names:
        cells = [_cell(seen.get(name)) for seen in samples.values()]
        report.rows.append([f"**{name}**" if name == OURS else name, *cells])
    report.data = {
        title: {n: {"best": s.best, "median": s.median} for n, s in seen.items() if s.complete}
        for title, seen in samples.items()
    }
    report.notes = [
        "Wall time of one call in its own thread, best round (median round), interleaved. "
        "A dash: the engine does not give the same value back; `fails`: not every time.",
        "jsactors runs with everything on: 30 s deadline, memory and result limits, hard stop. "
        "quickjs-ng is the same engine without a sandbox; mini-racer and jsrun are V8.",
    ]
    return report


def _cell(sample: Sample | None) -> str:
    if sample is None:
        return "-"
    if not sample.complete:
        return "fails"
    return f"{duration(sample.best)} ({duration(sample.median)})"


if __name__ == "__main__":
    main(benchmark)
