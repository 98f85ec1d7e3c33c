"""Workers that resume, in trees and in pools: each from its own last checkpoint."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from actors import (
    DefaultWorkerOptions,
    Eval,
    PoolClosed,
    Supervision,
    Supervisor,
    WorkerPool,
    WorkerSpec,
)
from actors.testing import EchoWorker, EventLog, Gate, kill_worker
from runtimes import Module, Snapshot
from runtimes.testing import EchoRuntime

from .resuming import COUNT, EACH, PATIENT, Closing, count, counting, resumed
from .waiting import until

if TYPE_CHECKING:
    from .conftest import Engine


class Held(EchoWorker):
    """Waits at gates before it restores."""

    gates: ClassVar[deque[Gate]] = deque()

    def save_state(self, runtime: Any) -> Any:
        return super().save_state(runtime)

    def restore_runtime(self, options: Any, snapshot: Snapshot, state: Any) -> Any:
        if Held.gates:
            Held.gates.popleft().hold()
        return super().restore_runtime(options, snapshot, state)


def test_who_is_halted_again_and_again_before_it_is_ready_keeps_its_checkpoint(
    closing: Closing, make_gate: Any
) -> None:
    specs = [
        WorkerSpec(EchoWorker, name="first"),
        WorkerSpec(Held, name="held", supervision=EACH),
    ]
    tree = closing(Supervisor(specs, strategy="one_for_all", supervision=PATIENT))
    tree["held"].ask(Eval("define"))
    assert count(tree["held"], 2) == 2
    gates = [make_gate() for _ in range(3)]
    Held.gates.extend(gates)
    kill_worker(tree["first"])
    for gate in gates:
        assert gate.reached.wait(20)
        kill_worker(tree["first"])
        until(lambda: tree["held"]._cell.halting)
        gate.open()
    assert count(tree["held"]) == 3


def test_those_who_are_restarted_with_another_resume_from_their_own(
    closing: Closing, log: EventLog
) -> None:
    specs = [WorkerSpec(EchoWorker, name=name, supervision=EACH) for name in ("a", "b")]
    tree = closing(Supervisor(specs, strategy="one_for_all", supervision=PATIENT, name="tree"))
    for number, name in enumerate(("a", "b"), 1):
        tree[name].ask(Eval("define"))
        count(tree[name], number)
    kill_worker(tree["b"])
    log.wait_for("worker.ready", times=4)
    assert count(tree["a"]) == 2
    assert count(tree["b"]) == 3


def test_a_tree_starts_a_worker_of_a_checkpoint(closing: Closing) -> None:
    worker = counting(closing)
    count(worker, 2)
    spec = WorkerSpec(EchoWorker, name="made", checkpoint=worker.checkpoint())
    tree = closing(Supervisor([spec], supervision=PATIENT))
    assert count(tree["made"]) == 3
    kill_worker(tree["made"])
    assert count(tree["made"]) == 3


def test_a_limit_of_memory_above_does_not_go_with_a_checkpoint_below(closing: Closing) -> None:
    checkpoint = counting(closing).checkpoint()
    spec = WorkerSpec(EchoWorker, name="made", checkpoint=checkpoint)
    with pytest.raises(ValueError, match="renew_above_bytes"):
        Supervisor([spec], supervision=Supervision(renew_above_bytes=1 << 20))


def test_each_worker_of_a_pool_has_its_own_and_new_ones_start_from_the_options(
    closing: Closing, log: EventLog
) -> None:
    with EchoRuntime() as runtime:
        runtime.evaluate("define")
        runtime.call_function("count")
        options = DefaultWorkerOptions(snapshot=runtime.snapshot())
    pool = closing(WorkerPool(EchoWorker, 2, options, supervision=EACH, name="pool"))
    assert count(pool[0], 3) == 4
    assert count(pool[1]) == 2
    kill_worker(pool[0])
    kill_worker(pool[1])
    assert count(pool[0]) == 5
    assert count(pool[1]) == 3
    pool.resize(3)
    log.wait_for("worker.ready", times=5)
    assert count(pool[2]) == 2
    assert resumed(log, pool[2]) == ["snapshot"]


def test_a_pool_whose_modules_were_loaded_once_knows_them_in_every_worker(
    engine: Engine, closing: Closing, log: EventLog
) -> None:
    library = Module("lib.js", engine.dialect.module)
    with closing(engine.worker.spawn()) as first:
        first.load_module(library)
        snapshot = first.checkpoint(10).snapshot
    options = DefaultWorkerOptions(snapshot=snapshot)
    pool = closing(WorkerPool(engine.worker, 2, options, supervision=PATIENT, name="pool"))
    for worker in pool:
        assert worker.call_function("count", module="lib.js") == 1
        module = worker.load_module(library)
        assert module.number == 0
        assert worker.call_function("count", module=module) == 2
        kill_worker(worker)
        assert worker.call_function("count", module=module) == 1
    assert {e.fields["resumed"] for e in log.named("worker.ready") if "pool" in e.fields} == {
        "snapshot"
    }


def test_what_all_workers_run_at_their_start_is_not_run_again_on_a_checkpoint(
    closing: Closing,
) -> None:
    pool = closing(WorkerPool(EchoWorker, 2, supervision=EACH))
    pool.run_on_all(Eval("define"), also_later=True)
    pool.run_on_all(COUNT, also_later=True)
    for worker in pool:
        assert count(worker) == 2
        kill_worker(worker)
        assert count(worker) == 3


def test_a_checkpoint_in_a_pool_can_be_asked_for(closing: Closing) -> None:
    pool = closing(WorkerPool(EchoWorker, 2))
    pool[1].evaluate("define")
    assert pool[1].checkpoint().worker == pool[1].name
    pool.close()
    with pytest.raises(PoolClosed):
        pool[0].checkpoint()
