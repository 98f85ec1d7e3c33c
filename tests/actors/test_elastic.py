"""Pools that grow and shrink, and workers that are renewed before they are missed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from actors import DefaultWorker, Eval, Supervision, Worker, WorkerPool
from actors.testing import Do, EventLog, Gate, PythonWorker

if TYPE_CHECKING:
    from collections.abc import Callable


def name_of(worker: Worker[Any, Any]) -> str:
    return worker.name


def generation_of(worker: Worker[Any, Any]) -> int:
    return worker.generation


def test_a_pool_grows_while_queries_wait_and_all_are_busy(
    closing: Callable[[Any], Any], make_gate: Callable[[], Gate]
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1, max_size=3))
    gates = [make_gate() for _ in range(3)]
    for gate in gates:
        pool.send(Do(gate.hold))
        assert gate.reached.wait(10)  # so there was a worker for it
    assert len(pool) == 3
    waiting = pool.send(Do(name_of))
    assert len(pool) == 3
    assert pool.backlog == 1
    gates[0].open()
    assert waiting.get(10)


def test_workers_beyond_the_size_are_let_go_when_they_were_idle_long_enough(
    closing: Callable[[Any], Any], make_gate: Callable[[], Gate], log: EventLog
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1, max_size=3, idle_timeout=0.05))
    gates = [make_gate() for _ in range(3)]
    for gate in gates:
        pool.send(Do(gate.hold))
        assert gate.reached.wait(10)
    for gate in gates:
        gate.open()
    log.wait_for("worker.stopped", times=2)
    assert len(pool) == 1
    assert pool.ask(Do(name_of), 10) == pool[0].name


def test_a_pool_follows_resize(closing: Callable[[Any], Any], log: EventLog) -> None:
    pool = closing(WorkerPool(PythonWorker, 2))
    pool.resize(4)
    log.wait_for("worker.ready", times=4)
    pool.resize(1)
    log.wait_for("worker.stopped", times=3)
    assert len(pool) == 1
    assert pool.ask(Do(name_of), 10) == pool[0].name


def test_a_worker_that_is_let_go_answers_first_what_is_queued_at_it(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    pool = closing(WorkerPool(PythonWorker, 2))
    busy = pool[1]
    busy.send(Do(gate.hold))
    assert gate.reached.wait(10)
    queued = [busy.send(Do(name_of)) for _ in range(5)]
    pool.resize(1)
    assert len(pool) == 1
    gate.open()
    assert {reply.get(10) for reply in queued} == {busy.name}
    assert busy.join(10)


@pytest.mark.parametrize(("size", "most"), [(0, None), (2, 1), (-1, 4)])
def test_sizes_that_make_no_sense_are_refused(
    size: int, most: int | None, pool: WorkerPool[Any, Any]
) -> None:
    with pytest.raises(ValueError, match="size"):
        WorkerPool(PythonWorker, size, max_size=most)
    with pytest.raises(ValueError, match="size"):
        pool.resize(size, most)


def test_a_pool_that_grew_closes_with_all_its_workers(make_gate: Callable[[], Gate]) -> None:
    with WorkerPool(PythonWorker, 1, max_size=4) as pool:
        gates = [make_gate() for _ in range(4)]
        for gate in gates:
            pool.send(Do(gate.hold))
            assert gate.reached.wait(10)
        queued = [pool.send(Do(name_of)) for _ in range(20)]
        for gate in gates:
            gate.open()
    assert all(reply.get(0) for reply in queued)


def test_a_worker_that_cannot_start_does_not_hurt_a_pool_that_would_grow(
    closing: Callable[[Any], Any], make_gate: Callable[[], Gate], log: EventLog
) -> None:
    may_start = threading.Semaphore(1)

    class Scarce(PythonWorker):
        def on_start(self) -> None:
            if not may_start.acquire(blocking=False):
                raise OSError("no licence left")

    pool = closing(WorkerPool(Scarce, 1, max_size=2))
    gate = make_gate()
    pool.send(Do(gate.hold))
    waiting = pool.send(Do(name_of))
    log.wait_for("worker.stopped")
    gate.open()
    assert waiting.get(10) == pool[0].name
    assert len(pool) == 1


# -- renewal ---------------------------------------------------------------------------------------


def test_a_worker_is_renewed_after_so_many_queries_and_nothing_waits_or_is_lost(
    closing: Callable[[Any], Any], log: EventLog
) -> None:
    policy = Supervision(renew_after_queries=10)
    worker = closing(PythonWorker.spawn(supervision=policy))
    assert worker.ask(Do(generation_of)) == 1
    replies = [worker.send(Do(generation_of)) for _ in range(200)]
    seen = [reply.get(10) for reply in replies]
    assert seen == sorted(seen)
    while worker.ask(Do(generation_of)) == 1:
        pass
    assert log.wait_for("worker.renewed")
    assert not log.named("worker.restarted")


def test_the_old_one_works_on_while_its_heir_gets_ready(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    starts: list[int] = []

    class Slow(PythonWorker):
        def on_start(self) -> None:
            starts.append(len(starts))
            if len(starts) == 2:
                gate.hold()

    worker = closing(Slow.spawn(supervision=Supervision(renew_after_queries=1)))
    worker.ask(Do(name_of))
    assert gate.reached.wait(10)
    assert [worker.ask(Do(generation_of), 10) for _ in range(5)] == [1] * 5
    gate.open()
    while worker.ask(Do(generation_of), 10) == 1:
        pass


def test_an_heir_that_does_not_get_ready_leaves_the_old_one_in_place(
    closing: Callable[[Any], Any], log: EventLog
) -> None:
    starts: list[int] = []

    class OnlyOnce(PythonWorker):
        def on_start(self) -> None:
            starts.append(1)
            if len(starts) > 1:
                raise OSError("not again")

    worker = closing(OnlyOnce.spawn(supervision=Supervision(renew_after_queries=3)))
    for _ in range(3):
        worker.ask(Do(name_of))
    (event,) = log.wait_for("worker.renewed")[:1]
    assert "not again" in event.fields["error"]
    assert worker.ask(Do(generation_of), 10) == 1


def test_a_worker_is_renewed_when_it_is_old(closing: Callable[[Any], Any], log: EventLog) -> None:
    worker = closing(PythonWorker.spawn(supervision=Supervision(renew_after=0.05)))
    log.wait_for("worker.renewed", times=2)
    assert worker.ask(Do(generation_of), 10) >= 3


def test_a_worker_is_renewed_when_its_memory_has_grown(
    closing: Callable[[Any], Any], log: EventLog
) -> None:
    policy = Supervision(renew_above_bytes=4_000_000)
    worker = closing(DefaultWorker.spawn(supervision=policy))
    worker.ask(Eval("var keep = []"))
    while not log.named("worker.renewed"):
        worker.ask(Eval("globalThis.keep?.push(new Uint8Array(500_000)); 1"), 10)
    while worker.generation < 2:
        worker.ask(Eval("1"), 10)
    assert worker.ask(Eval("typeof keep"), 10) == "undefined"


def test_a_worker_that_is_closed_while_its_heir_starts_leaves_nothing_behind(gate: Gate) -> None:
    starts: list[int] = []

    class Slow(PythonWorker):
        def on_start(self) -> None:
            starts.append(1)
            if len(starts) > 1:
                gate.hold()

    with Slow.spawn(supervision=Supervision(renew_after_queries=1)) as worker:
        worker.ask(Do(name_of))
        assert gate.reached.wait(10)
        gate.open()
    assert worker.state == "stopped"


def test_a_crash_while_the_heir_starts_is_a_restart_like_any(
    closing: Callable[[Any], Any], make_gate: Callable[[], Gate], log: EventLog
) -> None:
    gate = make_gate()
    starts: list[int] = []

    class Slow(PythonWorker):
        def on_start(self) -> None:
            starts.append(1)
            if len(starts) == 2:
                gate.hold()

    def exit_now(worker: object) -> None:
        raise SystemExit

    worker = closing(Slow.spawn(supervision=Supervision(renew_after_queries=1)))
    worker.ask(Do(name_of))
    assert gate.reached.wait(10)
    assert worker.send(Do(exit_now)).exception(10) is not None
    assert worker.ask(Do(generation_of), 10) == 2
    gate.open()
    assert worker.ask(Do(generation_of), 10) >= 2
