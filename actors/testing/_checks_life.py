"""Rules about a worker's life: its start, its end, and that nothing stays behind."""

from __future__ import annotations

import os
import threading
from typing import Any

from actors.errors import WorkerStartError, WorkerStopped
from actors.testing._bench import Bench, Checks
from actors.testing._events import EventLog
from actors.testing._gate import kill_worker
from actors.testing._leaks import workers_left
from runtimes.testing import expect_equal, expect_raises, expect_true, fail

LIFE = Checks()
SHARED_THREADS = "jsactors"
"""How the names of threads begin that all workers of the process share."""


@LIFE.needing()
def a_new_worker_is_ready(bench: Bench) -> None:
    """What `spawn` gives is ready, of the first generation, has the name, and nothing queued."""
    handle = bench.spawn(name="a worker under test")
    expect_equal(handle.name, "a worker under test", "the name")
    expect_equal(handle.state, "ready", "the state")
    expect_equal(handle.generation, 1, "the generation")
    expect_equal(handle.backlog, 0, "the backlog")
    expect_true(handle.is_alive(), "it is alive")


@LIFE.needing("failing_spawn")
def a_start_that_fails_is_a_typed_error(bench: Bench) -> None:
    """A start that fails is a `WorkerStartError` with its cause, and leaves no worker behind."""
    before = workers_left()
    spawn: Any = bench.specimen.failing_spawn
    error = expect_raises(WorkerStartError, spawn)
    expect_true(error.__cause__ is not None, "the cause is chained")
    expect_equal(workers_left(), before, "the list of workers")


@LIFE.needing()
def stopping_is_prompt_and_may_be_repeated(bench: Bench) -> None:
    """A worker at rest stops at once, and stopping it again does nothing."""
    handle = bench.spawn()
    bench.expect_answers(handle)
    bench.stop(handle)
    bench.stop(handle)
    bench.stop(handle, drain=None)
    expect_equal(handle.state, "stopped", "the state")
    expect_true(not handle.is_alive(), "it is not alive")


@LIFE.needing()
def leaving_a_with_block_stops_it(bench: Bench) -> None:
    """A handle is a context manager that stops the worker."""
    handle = bench.spawn()

    def use() -> None:
        with handle as entered:
            expect_true(entered is handle, "entering gives the handle itself")
            bench.expect_answers(handle)

    bench.on_threads(use)
    expect_equal(handle.state, "stopped", "the state")


@LIFE.needing()
def a_drain_runs_what_is_queued(bench: Bench) -> None:
    """A shutdown with time to drain answers what was queued before it."""
    handle = bench.spawn()
    gate = bench.hold(handle)
    pairs = bench.answers(5)
    replies = [handle.send(query) for query, _ in pairs]
    handle.shutdown(None)
    gate.open()
    for reply, (query, response) in zip(replies, pairs, strict=True):
        expect_equal(bench.get(reply), response, f"the answer to {query!r}")
    bench.stop(handle, drain=None)


@LIFE.needing()
def a_hard_stop_refuses_what_is_queued(bench: Bench) -> None:
    """A shutdown without time answers what is queued with `WorkerStopped`, and runs none of it."""
    handle = bench.spawn()
    gate = bench.hold(handle)
    replies = [handle.send(query) for query, _ in bench.answers(5)]
    handle.shutdown(0)
    for reply in replies:
        error = bench.error(reply, WorkerStopped)
        expect_true(not error.may_have_run, "the error says that it was not run")
    gate.open()
    bench.stop(handle)


@LIFE.needing("endless")
def a_hard_stop_ends_a_run(bench: Bench) -> None:
    """A shutdown without time stops what runs, whose sender gets `WorkerStopped`."""
    handle = bench.spawn()
    endless: Any = bench.specimen.endless
    running = handle.send(endless)
    bench.until(lambda: running._started, "the query is run")
    bench.stop(handle)
    error = bench.error(running, WorkerStopped)
    expect_true(error.may_have_run, "the error says that it may have run")


@LIFE.needing()
def a_query_that_comes_too_late_is_refused(bench: Bench) -> None:
    """What is sent after the shutdown is `WorkerStopped` at once, whichever verb is used."""
    handle = bench.spawn()
    query, _ = bench.specimen.answers[0]
    bench.stop(handle)
    for send in (handle.ask, handle.send, handle.tell, handle.post):
        error = expect_raises(WorkerStopped, send, query)
        expect_true(not error.may_have_run, "the error says that it was not run")


@LIFE.needing()
def the_trace_tells_the_whole_life(bench: Bench) -> None:
    """Start, readiness, restart and end are traced once each, and each query with its times."""
    with EventLog() as log:
        handle = bench.spawn()
        bench.expect_answers(handle)
        kill_worker(handle)
        bench.expect_answers(handle)
        bench.stop(handle, drain=bench.patience)
    name = handle.name
    for event, times in {"started": 2, "ready": 2, "restarted": 1, "stopped": 1}.items():
        found = len(log.named(f"worker.{event}", worker=name))
        expect_equal(found, times, f"the number of events worker.{event}")
    for done in log.named("query.done", worker=name):
        fields = done.fields
        expect_equal(fields["outcome"], "ok", "the outcome of a query that was answered")
        expect_true(min(fields["queue_time"], fields["run_time"]) >= 0, "times are not negative")


@LIFE.needing()
def its_runtime_is_closed_with_it(bench: Bench) -> None:
    """A runtime that says whether it is usable is so no more after a restart, and after the end."""
    handle = bench.spawn()
    runtimes = [_runtime_of(handle)]
    kill_worker(handle)
    bench.expect_answers(handle)
    runtimes.append(_runtime_of(handle))
    bench.stop(handle)
    for runtime in runtimes:
        expect_true(not getattr(runtime, "usable", False), "the runtime was closed")


def _runtime_of(handle: Any) -> object:
    return handle._cell.worker._runtime


@LIFE.needing()
def nothing_is_left_behind(bench: Bench) -> None:
    """After the end no worker, thread or open file is left that was not there before."""
    _live_a_life(bench)  # what is made once for the process is made now
    workers, threads, files = workers_left(), set(threading.enumerate()), _open_files()
    for _ in range(2):
        _live_a_life(bench)
    expect_equal(workers_left(), workers, "the list of workers")
    expect_true(_open_files() <= files, f"no more than {files} files are open: {_open_files()}")
    for thread in set(threading.enumerate()) - threads:
        if not thread.name.startswith(SHARED_THREADS):
            thread.join(bench.patience)
            if thread.is_alive():
                fail(f"the thread {thread.name} is left")


def _live_a_life(bench: Bench) -> None:
    handle = bench.spawn()
    bench.expect_answers(handle)
    kill_worker(handle)
    bench.expect_answers(handle)
    bench.stop(handle)
    expect_equal(handle.abandoned, 0, "the number of threads that were given up")


def _open_files() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:  # a system that does not tell
        return 0
