"""Shared memory through workers: queries, options, pools, restarts."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from actors import (
    CallFunction,
    CheckpointError,
    DefaultWorker,
    DefaultWorkerOptions,
    Eval,
    GetValue,
    WorkerPool,
)
from actors.testing import EchoWorker
from runtimes import ConversionError, SharedBuffer, TimeoutExceeded, _pages

pytestmark = pytest.mark.skipif(not _pages.SUPPORTED, reason="Linux only")

Closing: TypeAlias = Callable[[Any], Any]
HARD = "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })"
ADD = "(b, n) => { for (let i = 0; i < n; i++) Atomics.add(new Int32Array(b), 0, 1); return b }"


def options(**more: Any) -> DefaultWorkerOptions:
    return DefaultWorkerOptions(allocation="on_demand", **more)


def maps(buffer: SharedBuffer) -> int:
    """How often its memory is mapped in this process, the view of Python's included."""
    file = str(os.fstat(buffer._pages.fd).st_ino)
    with open("/proc/self/maps") as lines:
        return sum("jsactors-shared" in line and line.split()[4] == file for line in lines)


def test_a_query_carries_it_and_its_response_is_the_same_object(closing: Closing) -> None:
    worker = closing(DefaultWorker.spawn(options()))
    worker.evaluate(f"var add = {ADD}; 0")
    buffer = SharedBuffer(4)
    assert worker.call_function("add", [buffer, 3]) is buffer
    assert worker.ask(CallFunction("add", [buffer, 4])) is buffer
    assert buffer.view.cast("i")[0] == 7


def test_a_query_that_waits_keeps_it_alive(closing: Closing) -> None:
    worker = closing(DefaultWorker.spawn(options()))
    worker.evaluate("var keep = (b) => { globalThis.kept = b; new Uint8Array(b)[0] = 5; return 0 }")
    reply = worker.send(CallFunction("keep", [SharedBuffer(4)]))
    gc.collect()
    reply.get(timeout=30)
    assert worker.ask(GetValue("kept")).view[0] == 5


def test_the_workers_of_a_pool_count_exactly_together() -> None:
    buffer = SharedBuffer(4)
    source = "for (let i = 0; i < 20000; i++) Atomics.add(new Int32Array(hits), 0, 1); 0"
    with WorkerPool(DefaultWorker, size=4, options=options(globals={"hits": buffer})) as pool:
        pool.map([Eval(source)] * 8)
    assert buffer.view.cast("i")[0] == 160_000


def test_a_restarted_worker_has_what_its_options_hold(closing: Closing) -> None:
    buffer = SharedBuffer(4)
    own = options(globals={"b": buffer}, timeout=0.05, hard_stop_grace=0)
    worker = closing(DefaultWorker.spawn(own))
    worker.evaluate("new Uint8Array(b)[1] = 8; 0")
    with pytest.raises(TimeoutExceeded):
        worker.evaluate(HARD)
    assert worker.evaluate("new Uint8Array(b)[1]") == 8
    assert worker.evaluate("b") is buffer
    assert maps(buffer) == 2


def test_nothing_is_mapped_after_a_pool_is_closed() -> None:
    buffer = SharedBuffer(100_000)
    with WorkerPool(DefaultWorker, size=3, options=options(globals={"b": buffer})) as pool:
        assert pool.ask(Eval("b")) is buffer
        assert maps(buffer) == 4
    assert maps(buffer) == 1


def test_a_worker_of_pooled_memory_refuses_it(closing: Closing) -> None:
    worker = closing(DefaultWorker.spawn())
    worker.evaluate("var same = (x) => x; 0")
    with pytest.raises(ConversionError, match="allocation='on_demand'"):
        worker.call_function("same", [SharedBuffer(1)])
    assert worker.call_function("same", [1]) == 1


def test_a_worker_without_an_engine_gets_it_too(closing: Closing) -> None:
    worker = closing(EchoWorker.spawn())
    worker.evaluate("define")
    buffer = SharedBuffer(1)
    assert worker.call_function("same", [buffer]) is buffer
    assert worker.call_function("same", [[buffer]]) == [buffer]


def test_a_worker_that_holds_a_buffer_has_no_checkpoints_until_it_drops_it(
    closing: Closing,
) -> None:
    worker = closing(DefaultWorker.spawn(options(globals={"shared": SharedBuffer(8)})))
    with pytest.raises(CheckpointError, match="holds a SharedBuffer cannot be captured"):
        worker.checkpoint()
    worker.evaluate("delete globalThis.shared; 0")
    assert worker.checkpoint().answered == 1
