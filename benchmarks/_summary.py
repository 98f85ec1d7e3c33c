"""The tables at the top of the document, made from the result files of all benchmarks."""

from __future__ import annotations

import json
from typing import Any

from benchmarks import _goals
from benchmarks._harness import RESULTS, duration, replace_in_document
from benchmarks._peers import NATIVE, OURS

HEAD = "| question | answer | to compare |\n| :------- | -----: | :--------- |\n"


def publish() -> None:
    """Write the table between its markers; leave out what was never measured."""
    lines = []
    for line in (
        _calls,
        _javascript,
        _hard_stop,
        _workers,
        _piscina,
        _features,
        _cold_start,
        _density,
    ):
        try:
            lines += line()
        except (OSError, KeyError):  # not measured here, or a peer that is missing
            continue
    cells = (f"| {question} | **{answer}** | {other} |\n" for question, answer, other in lines)
    replace_in_document("summary", HEAD + "".join(cells))
    replace_in_document("goals", _goals.table(_data))


def _data(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    data: dict[str, Any] = content["data"]
    return data


def _calls() -> list[tuple[str, str, str]]:
    lines = []
    for title, found in _data("call").items():
        other = found.get(f"{NATIVE} + orjson")
        shown = "-" if other is None else f"native {NATIVE} with orjson {duration(other['best'])}"
        lines.append((f"a call: {title}", duration(found[OURS]["best"]), shown))
    return lines


def _javascript() -> list[tuple[str, str, str]]:
    means = _data("javascript")["geometric mean"]
    others = ", ".join(f"{name} {mean:.2f}" for name, mean in means.items() if name != OURS)
    question = f"time that JavaScript takes, native {NATIVE} being 1"
    return [(question, f"{means[OURS]:.2f}", others)]


def _hard_stop() -> list[tuple[str, str, str]]:
    data = _data("hard_stop")
    low, high = data["checks (shipped)"]["interval"]
    answer = f"{data['checks (shipped)']['mean']:.3f} ({low:.3f} - {high:.3f})"
    epochs = f"with wasmtime's epochs on top {data['checks and epochs']['mean']:.3f}"
    return [("time with the hard stop built in, without being 1", answer, epochs)]


def _workers() -> list[tuple[str, str, str]]:
    data = _data("worker")
    ours, stock = data["worker, JavaScript"], data["stock Pykka actor, JavaScript"]
    floor = data["two threads and two SimpleQueues (floor)"]["ask"]["best"]
    return [
        (
            "a worker asked and waited for",
            duration(ours["ask"]["best"]),
            f"stock Pykka {duration(stock['ask']['best'])}, "
            f"a bare ping-pong of two threads {duration(floor)}",
        ),
        (
            "the same, pipelined",
            duration(ours["pipelined"]["best"]),
            f"stock Pykka {duration(stock['pipelined']['best'])}",
        ),
    ]


def _piscina() -> list[tuple[str, str, str]]:
    data = _data("piscina")
    ours, node = data["worker of jsactors"], data["piscina, one thread"]
    wide = data["piscina, one thread, 1000 tasks at a time"]
    return [
        (
            "a worker asked and waited for, beside Node",
            duration(ours["ask"]["best"]),
            f"piscina {duration(node['ask']['best'])}",
        ),
        (
            "the same, pipelined",
            duration(ours["pipelined"]["best"]),
            f"piscina {duration(wide['pipelined']['best'])}",
        ),
    ]


def _features() -> list[tuple[str, str, str]]:
    always = {k: v["adds"] for k, v in _data("features").items() if k.startswith("always on: ")}
    together = always.pop("always on: all of these")
    dearest = max(always, key=lambda name: always[name])
    what = dearest.removeprefix("always on: ")
    question = "the dearest of the features that are always on"
    return [(question, duration(always[dearest]), f"{what}; all of them {duration(together)}")]


def _cold_start() -> list[tuple[str, str, str]]:
    found = _data("cold_start")["runtime"]
    others = ", ".join(f"{n} {duration(s['best'])}" for n, s in found.items() if n != OURS)
    question = "a new runtime, its first result, and gone"
    return [(question, duration(found[OURS]["best"]), others)]


def _density() -> list[tuple[str, str, str]]:
    found = {name: list(each["used"]["steps"].values()) for name, each in _data("density").items()}
    shown = {name: f"{s[-1]['private'] / 1024:,.0f} KB" for name, s in found.items() if s}
    ours = shown.pop(OURS)
    others = ", ".join(f"{name} {size}" for name, size in shown.items())
    return [("private memory of one more runtime among thousands", ours, others)]
