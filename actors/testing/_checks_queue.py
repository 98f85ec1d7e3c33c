"""Rules about what is queued or runs: deadlines, cancelling, restarts, deaths."""

from __future__ import annotations

from typing import Any

from actors.errors import QueryCancelled, QueryTimeout, WorkerDied
from actors.testing._bench import Bench, Checks
from actors.testing._gate import kill_worker
from runtimes.testing import expect_equal, expect_true

QUEUE = Checks()


@QUEUE.needing()
def a_deadline_removes_a_queued_query(bench: Bench) -> None:
    """A queued query whose deadline passes is removed, and surely was not run."""
    handle = bench.spawn()
    query, response = bench.specimen.answers[0]
    gate = bench.hold(handle)
    late, other = handle.send(query, timeout=0.01), handle.send(query)
    error = bench.error(late, QueryTimeout)
    expect_true(not error.may_have_run, "the error says that it was not run")
    bench.until(lambda: handle.backlog == 1, "only the other one is queued")
    gate.open()
    expect_equal(bench.get(other), response, "the answer to the other query")


@QUEUE.needing()
def a_queued_query_can_be_cancelled(bench: Bench) -> None:
    """Cancelling a queued query removes it, and disturbs neither neighbour."""
    handle = bench.spawn()
    query, response = bench.specimen.answers[0]
    gate = bench.hold(handle)
    before, cancelled, after = handle.send(query), handle.send(query), handle.send(query)
    expect_true(cancelled.cancel(), "it could be cancelled")
    expect_true(not cancelled.cancel(), "it cannot be cancelled again")
    expect_equal(handle.backlog, 2, "the number of queries that are still queued")
    gate.open()
    error = bench.error(cancelled, QueryCancelled)
    expect_true(not error.may_have_run, "the error says that it was not run")
    expect_equal(bench.get(before), response, "the answer to the query before")
    expect_equal(bench.get(after), response, "the answer to the query after")


@QUEUE.needing()
def giving_up_waiting_cancels_nothing(bench: Bench) -> None:
    """`get(timeout)` only stops waiting: the query is still answered."""
    handle = bench.spawn()
    query, response = bench.specimen.answers[0]
    gate = bench.hold(handle)
    reply = handle.send(query)
    try:
        reply.get(0.001)
    except TimeoutError:
        expect_true(not reply.done(), "the reply is not settled by that")
    gate.open()
    expect_equal(bench.get(reply), response, "the answer")


@QUEUE.needing("endless")
def a_deadline_stops_a_run(bench: Bench) -> None:
    """A run whose deadline passes is stopped, and the worker goes on."""
    handle = bench.spawn()
    endless: Any = bench.specimen.endless
    error = bench.error(handle.send(endless, timeout=0.05), QueryTimeout)
    expect_true(error.may_have_run, "the error says that it may have run")
    bench.expect_answers(handle)


@QUEUE.needing("endless")
def a_run_can_be_cancelled(bench: Bench) -> None:
    """Cancelling a query that runs stops it; what is queued behind it is answered."""
    handle = bench.spawn()
    endless: Any = bench.specimen.endless
    query, response = bench.specimen.answers[0]
    running = handle.send(endless)
    queued = handle.send(query)
    bench.until(lambda: running._started, "the query is run")
    expect_true(running.cancel(), "it could be cancelled")
    error = bench.error(running, QueryCancelled)
    expect_true(error.may_have_run, "the error says that it may have run")
    expect_equal(bench.get(queued), response, "the answer to the query behind")


@QUEUE.needing()
def a_restart_keeps_the_handle_the_name_and_the_queue(bench: Bench) -> None:
    """A worker whose thread dies is restarted in place, and runs what was queued."""
    handle = bench.spawn()
    name = handle.name
    bench.expect_answers(handle)
    gate = bench.hold(handle)
    kill_worker(handle)
    pairs = bench.answers(5)
    replies = [handle.send(query) for query, _ in pairs]
    gate.open()
    for reply, (query, response) in zip(replies, pairs, strict=True):
        expect_equal(bench.get(reply), response, f"the answer after the restart to {query!r}")
    expect_equal(handle.name, name, "the name")
    expect_equal(handle.generation, 2, "the generation")
    expect_equal(handle.state, "ready", "the state")


@QUEUE.needing()
def each_restart_counts_as_a_generation(bench: Bench) -> None:
    """The generation is 1 after the start, and one more after each restart."""
    handle = bench.spawn()
    for generation in range(1, 4):
        bench.expect_answers(handle)
        expect_equal(handle.generation, generation, "the generation")
        kill_worker(handle)
    bench.expect_answers(handle)


@QUEUE.needing("deadly")
def a_death_under_a_query_is_told_to_its_sender(bench: Bench) -> None:
    """Who sent the query under which a worker died gets `WorkerDied`; the others are answered."""
    handle = bench.spawn()
    deadly: Any = bench.specimen.deadly
    query, response = bench.specimen.answers[0]
    lost, queued = handle.send(deadly), handle.send(query)
    error = bench.error(lost, WorkerDied)
    expect_equal(error.worker, handle.name, "the worker that the error names")
    expect_true(error.may_have_run, "the error says that the query may have run")
    expect_equal(bench.get(queued), response, "the answer to the query behind")
    expect_equal(handle.generation, 2, "the generation")
