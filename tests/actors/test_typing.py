"""What a type checker makes of handles: an ask is of the type that its query names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")

ROOT = Path(__file__).parents[2]

GOOD = """
from dataclasses import dataclass
from typing import Any, assert_type

from actors import (
    CallFunction, DefaultWorker, DefaultWorkerHandle, DefaultWorkerOptions, Eval, GetValue,
    LoadModule, ModuleId, Query, Reply, Worker, WorkerHandle, WorkerPool, as_completed,
)
from runtimes import Module, Runtime


class Price: ...


@dataclass(frozen=True)
class Options:
    path: str = ""


@dataclass(frozen=True)
class Quote(Query[Price]):
    item: str


@dataclass(frozen=True)
class Count(Query[int]):
    pass


class Pricing(Worker[Options, Quote | Count]):
    def init_runtime(self, options: Options) -> Runtime:
        assert_type(self.options, Options)
        raise NotImplementedError

    def handle_query(self, runtime: Runtime, query: Quote | Count) -> Price | int:
        match query:
            case Quote(item):
                assert_type(item, str)
                return Price()
            case Count():
                return 1


async def use() -> None:
    pricing = Pricing.spawn(Options())
    assert_type(pricing, WorkerHandle[Quote | Count])
    assert_type(pricing.ask(Quote("tea")), Price)
    assert_type(pricing.send(Quote("tea")), Reply[Price])
    assert_type(pricing.send(Count()).get(), int)
    assert_type(await pricing.send(Count()), int)
    with WorkerPool(Pricing, size=2, options=Options()) as pool:
        assert_type(pool.ask(Quote("tea")), Price)
        assert_type(pool.map([Count(), Count()]), list[int])
        assert_type(list(pool.imap([Count()])), list[int])
        assert_type([each async for each in pool.imap_unordered([Quote("tea")])], list[Price])
        assert_type(next(as_completed([pool.send(Count())])), Reply[int])
        assert_type(pool.next_worker(), WorkerHandle[Quote | Count])
        assert_type(pool.options, Options)
    assert_type(await Pricing.spawn_async(Options()), WorkerHandle[Quote | Count])
    assert_type(await DefaultWorker.spawn_async(), DefaultWorkerHandle)
    async with await WorkerPool.start_async(Pricing, 2, Options()) as pool:
        assert_type(pool, WorkerPool[Options, WorkerHandle[Quote | Count]])
    worker = DefaultWorker.spawn()
    assert_type(worker, DefaultWorkerHandle)
    assert_type(worker.evaluate("1"), Any)
    assert_type(worker.evaluate("1", returns=int), int)
    assert_type(worker.call_function("f", [1], returns=str), str)
    assert_type(worker.load_module(Module("a", "")), ModuleId)
    assert_type(worker.ask(Eval("1")), Any)
    assert_type(worker.ask(Eval("1", returns=int)), int)
    assert_type(worker.ask(CallFunction("f", returns=bytes)), bytes)
    assert_type(worker.ask(GetValue("f")), Any)
    assert_type(worker.ask(LoadModule(Module("a", ""))), ModuleId)
    with worker as same, WorkerPool(DefaultWorker, 2) as workers:
        assert_type(same, DefaultWorkerHandle)
        assert_type(workers.next_worker(), DefaultWorkerHandle)
        assert_type(workers[0].evaluate("1", returns=float), float)
        assert_type(workers.options, DefaultWorkerOptions)
    assert_type(WorkerPool.eval_in_thread("1", returns=int), int)
"""

BAD = """
from actors import DefaultWorker, DefaultWorkerOptions, Eval, WorkerPool
from dataclasses import dataclass

worker = DefaultWorker.spawn()
text: str = worker.ask(Eval("1", returns=int))  # wrong response
worker.ask("1")  # no query
DefaultWorker.spawn("options")  # wrong options
WorkerPool(int, size=1)  # no worker
"""


def check(tmp_path: Path, program: str) -> list[str]:
    file = tmp_path / "program.py"
    file.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(file)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=ROOT,
    )
    ours = [line for line in done.stdout.splitlines() if line.startswith(str(file))]
    return [line.partition(": ")[2] for line in ours]


@pytest.mark.timeout(300)
def test_asks_are_of_the_type_that_their_query_names(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD) == []


@pytest.mark.timeout(300)
def test_slips_are_found(tmp_path: Path) -> None:
    errors = [line for line in check(tmp_path, BAD) if line.startswith("error")]
    assert len(errors) == 4
