"""Checkpoints as bytes: out of one process, into another, and what is wrong with them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import (
    Checkpoint,
    LoadModule,
    WorkerStartError,
)
from actors.testing import (
    EchoWorker,
)
from runtimes import (
    Module,
    Snapshot,
    SnapshotMismatch,
    StaleHandle,
)

if TYPE_CHECKING:
    from .conftest import Engine

Closing: TypeAlias = Callable[[Any], Any]
ROOT = Path(__file__).parents[2]


def started(engine: Engine, closing: Closing, **more: Any) -> Any:
    """A worker that counts: ``call_function("count")``."""
    worker = closing(engine.worker.spawn(**more))
    worker.evaluate(engine.dialect.definitions)
    return worker


@pytest.fixture(scope="module")
def good() -> Checkpoint:
    """One of an `EchoWorker` that has counted to 2."""
    with EchoWorker.spawn(name="good") as worker:
        worker.load_module(Module("a.js", "define"))
        worker.evaluate("define")
        worker.call_function("count")
        worker.call_function("count")
        return worker.checkpoint()


def test_bytes_hold_all_of_it(good: Checkpoint) -> None:
    read = Checkpoint.from_bytes(memoryview(good.to_bytes()))
    for name in ("worker", "worker_type", "generation", "answered", "taken_at", "state"):
        assert getattr(read, name) == getattr(good, name)
    assert read.snapshot == good.snapshot
    assert good.snapshot.trusted
    assert not read.snapshot.trusted
    assert Checkpoint.from_bytes(good.to_bytes(), trusted=True).snapshot.trusted


def test_it_can_be_pickled(good: Checkpoint) -> None:
    read = pickle.loads(pickle.dumps(good))
    assert read.snapshot == good.snapshot
    assert not read.snapshot.trusted


@given(st.data())
def test_damaged_bytes_are_refused(good: Checkpoint, data: st.DataObject) -> None:
    whole = good.to_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = data.draw(
        st.sampled_from(
            [whole[:at], whole + b"\0", whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]]
        )
    )
    with pytest.raises(SnapshotMismatch):
        Checkpoint.from_bytes(damaged)


@given(st.binary())
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SnapshotMismatch):
        Checkpoint.from_bytes(data)


def test_what_is_no_bytes_is_refused() -> None:
    bad: Any
    for bad in ("x", 5, None):
        with pytest.raises(TypeError, match="bytes-like"):
            Checkpoint.from_bytes(bad)


def test_a_checkpoint_and_a_snapshot_are_told_apart(good: Checkpoint) -> None:
    with pytest.raises(SnapshotMismatch, match=r"they are a snapshot: Snapshot\.from_bytes"):
        Checkpoint.from_bytes(good.snapshot.to_bytes())
    with pytest.raises(SnapshotMismatch, match=r"they are a checkpoint: Checkpoint\.from_bytes"):
        Snapshot.from_bytes(good.to_bytes())


def test_a_large_checkpoint_is_read_if_the_limit_allows_it(good: Checkpoint) -> None:
    large = replace(good, snapshot=replace(good.snapshot, content=bytes((256 << 20) + 1)))
    data = large.to_bytes()
    with pytest.raises(SnapshotMismatch, match=f"bytes, more than {256 << 20}"):
        Checkpoint.from_bytes(data)
    size = large.snapshot.size_bytes
    assert Checkpoint.from_bytes(data, limit_bytes=size).snapshot.size_bytes == size
    assert Checkpoint.from_bytes(data, limit_bytes=None).snapshot.size_bytes == size


VALUES = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
)


@given(VALUES)
def test_a_forged_state_fails_the_start_and_nothing_else(good: Checkpoint, state: Any) -> None:
    forged = replace(good, state=msgspec.msgpack.encode(state))
    with pytest.raises(WorkerStartError) as caught:
        EchoWorker.spawn(checkpoint=Checkpoint.from_bytes(forged.to_bytes()))
    assert isinstance(caught.value.__cause__, SnapshotMismatch)


@pytest.mark.parametrize(
    "forged",
    [
        {"order": ["gone.js"], "sources": {}, "loads": [], "ids": {}},
        {"order": [], "sources": {}, "loads": [["a.js", False, []]], "ids": {}},
        {"order": ["a.js"], "sources": {"b.js": ""}, "loads": [["b.js", True, []]], "ids": {}},
    ],
)
def test_a_state_that_names_what_is_not_there_fails_the_start(
    good: Checkpoint, forged: Any
) -> None:
    with pytest.raises(WorkerStartError) as caught:
        EchoWorker.spawn(checkpoint=replace(good, state=msgspec.msgpack.encode(forged)))
    assert isinstance(caught.value.__cause__, SnapshotMismatch)


def test_ids_that_are_forged_are_stale(good: Checkpoint, closing: Closing) -> None:
    forged = {"order": ["a.js"], "sources": {}, "loads": [], "ids": {"good": 99, "x": -1}}
    state = msgspec.msgpack.encode(forged)
    worker = closing(EchoWorker.spawn(checkpoint=replace(good, state=state)))
    module = worker.ask(LoadModule(Module("a.js", "define")))
    for number in (1, 50, -1):
        with pytest.raises(StaleHandle):
            worker.call_function("count", module=replace(module, worker="good", number=number))


PROGRAM = """
import sys
from actors import Checkpoint, DefaultWorker
from actors.testing import EchoWorker

if __name__ == "__main__":
    checkpoint = Checkpoint.from_bytes(sys.stdin.buffer.read())
    kind = {"echo": EchoWorker, "quickjs": DefaultWorker}[checkpoint.snapshot.engine]
    with kind.spawn(name="elsewhere", checkpoint=checkpoint) as worker:
        print(worker.call_function("count", module="a.js"), worker.call_function("count"))
"""


def test_a_checkpoint_is_made_into_a_worker_in_another_process(
    engine: Engine, closing: Closing
) -> None:
    worker = started(engine, closing)
    module = worker.load_module(Module("a.js", engine.dialect.module))
    for _ in range(3):
        worker.call_function("count", module=module)
    worker.call_function("count")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=worker.checkpoint(10).to_bytes(),
        capture_output=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.stdout.split() == [b"4", b"2"]
