"""After a pool is closed nothing of it is left: threads, mappings, descriptors, memory, entries."""

from __future__ import annotations

import gc
import sys
import threading
import warnings
from typing import Any

import pykka
import pytest

from actors import DefaultWorker, Eval, WorkerPool
from actors._lives import custody, registry
from actors._trees import supervisor
from actors.testing import Do, PythonWorker

from ._programs import run

MEASURE = """
import gc, tracemalloc
from pathlib import Path
import pykka
from runtimes.quickjs import _instance, _watchdog

ADD = CallFunction("f", [1, [2, "three", {"four": b"5"}]], module="m")
OPTIONS = DefaultWorkerOptions(modules=[Module("m", "export const f = (...all) => all")])

def cycle():
    with WorkerPool(DefaultWorker, size=2, options=OPTIONS) as pool:
        replies = [pool.send(ADD, timeout=20) for _ in range(6)]
        pool.map([ADD] * 6)
        assert isinstance(pool.send(Eval("for (;;) {}"), timeout=0.002).exception(), QueryTimeout)
        for reply in replies: reply.get()

def rss():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

def maps(): return len(Path("/proc/self/maps").read_text().splitlines())
def files(): return len(os.listdir("/proc/self/fd"))

def until_alone():
    '''Wait for the threads that end by themselves after a moment.'''
    until = time.monotonic() + 10
    while threading.active_count() > 1 and time.monotonic() < until: time.sleep(0.01)
    return [thread.name for thread in threading.enumerate()]
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_two_hundred_pools_leave_no_thread_mapping_descriptor_or_memory() -> None:
    done = run(
        MEASURE
        + """
for _ in range(60): cycle()
gc.collect()
before = rss(), maps(), files()
for _ in range(200): cycle()
gc.collect()
after = rss(), maps(), files()
print(until_alone())
print(after[0] - before[0] < 2 * 1024 * 1024 or after[0] - before[0])
# The engine's slots are mapped one by one, when they are first used; a leak would be 200 at least.
print(after[1] - before[1] <= 40 or after[1] - before[1], after[2] - before[2])
print(len(_instance._live), _watchdog.current()._listed, _watchdog.current()._known)
print(pykka.ActorRegistry.get_all())
""",
        timeout=50,
    )
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == ["['MainThread']", "True", "True 0", "0 set() set()", "[]"]


def test_no_python_object_is_left_for_each_pool() -> None:
    done = run(
        MEASURE
        + """
for _ in range(10): cycle()
gc.collect()
tracemalloc.start()
for _ in range(3): cycle()
gc.collect()
before, objects = tracemalloc.get_traced_memory()[0], len(gc.get_objects())
for _ in range(20): cycle()
gc.collect()
grown = tracemalloc.get_traced_memory()[0] - before
print(grown < 20 * 1000 or grown, len(gc.get_objects()) - objects < 40)
"""
    )
    assert (done.code, done.out, done.err) == (0, "True True\n", "")


def test_the_registries_forget_a_pool_that_is_closed() -> None:
    gc.collect()
    cells = len(registry.every_cell())
    groups = len(supervisor._groups)
    custodies = len(custody._all)
    with WorkerPool(PythonWorker, size=3) as pool:
        pool.ask(Do(lambda w: 1))
        assert len(registry.every_cell()) == cells + 3
    del pool
    gc.collect()
    assert len(registry.every_cell()) == cells
    assert len(supervisor._groups) == groups
    assert len(custody._all) == custodies
    assert pykka.ActorRegistry.get_all() == []


def threads_named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


def forget(things: list[Any]) -> None:
    things.clear()
    gc.collect()


def test_a_forgotten_worker_answers_what_is_queued_and_ends_with_a_warning() -> None:
    worker = PythonWorker.spawn(name="forgotten")
    replies = [worker.send(Do(lambda w, i=i: i)) for i in range(50)]
    (thread,) = threads_named("forgotten")
    with pytest.warns(ResourceWarning, match="unclosed worker forgotten"):
        del worker
    assert [reply.get(10) for reply in replies] == list(range(50))
    thread.join(10)
    assert not thread.is_alive()


ROUTERS: dict[str, Any] = {
    "round_robin": "round_robin",
    "random": "random",
    "a callable": lambda query, handles: handles[0],
}


@pytest.mark.parametrize("router", ROUTERS)
def test_a_forgotten_pool_likewise(router: str) -> None:
    pool = WorkerPool(PythonWorker, size=2, name="forgotten", router=ROUTERS[router])
    replies = [pool.send(Do(lambda w, i=i: i)) for i in range(50)]
    threads = threads_named("forgotten")
    forgotten = [pool]
    del pool
    with pytest.warns(ResourceWarning, match="unclosed pool forgotten"):
        forget(forgotten)
    assert [reply.get(10) for reply in replies] == list(range(50))
    for thread in threads:
        thread.join(10)
    assert not threads_named("forgotten")


def test_a_pool_stays_open_as_long_as_somebody_has_one_of_its_workers() -> None:
    workers = [WorkerPool(PythonWorker, size=2)[1]]
    gc.collect()
    assert workers[0].ask(Do(lambda w: 1)) == 1
    with pytest.warns(ResourceWarning, match="unclosed pool"):
        forget(workers)
    for thread in threads_named("PythonWorker-pool"):
        thread.join(10)


def test_what_was_closed_is_dropped_without_a_word() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        worker = PythonWorker.spawn()
        worker.close()
        pool = WorkerPool(PythonWorker, size=1)
        pool.shutdown()
        pool.join()
        del worker, pool
        gc.collect()
    assert caught == []


def test_a_finaliser_that_forgets_inside_of_our_locks_blocks_nobody() -> None:
    """The last reference goes while this thread holds the locks that a shutdown would take."""
    worker = PythonWorker.spawn()
    cell = worker._cell
    taken, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with cell.lock:
            taken.set()
            let_go.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(20)
    with pytest.warns(ResourceWarning):
        del worker  # would wait for the holder, if it took the lock
    let_go.set()
    holder.join()
    assert cell.finished.wait(10)


def test_a_worker_with_an_engine_ends_its_threads_within_a_moment() -> None:
    with DefaultWorker.spawn() as worker:
        worker.ask(Eval("1"))
        assert threads_named("jsactors-watchdog")
    for thread in threads_named("jsactors"):
        thread.join(10)
    assert not threads_named("jsactors")
