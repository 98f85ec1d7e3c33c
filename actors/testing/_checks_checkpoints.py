"""Checks of worker types that have checkpoints."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from actors._lives.requests import request_checkpoint
from actors.checkpoints import Checkpoint
from actors.testing._bench import PATIENT, Bench, Checks
from actors.testing._events import EventLog
from actors.testing._gate import kill_worker
from runtimes.testing import expect_equal, expect_true

if TYPE_CHECKING:
    from actors.handle import WorkerHandle
    from actors.query import Query

CHECKPOINTS = Checks()

EACH = replace(PATIENT, checkpoint_every_queries=1)
"""A checkpoint after each query."""


def _count(bench: Bench, handle: WorkerHandle[Any], times: int = 1) -> int:
    for _ in range(times):
        last: int = bench.get(handle.send(_counting(bench)))
    return last


def _counting(bench: Bench) -> Query[int]:
    return cast("Query[int]", bench.specimen.counting)


@CHECKPOINTS.needing("counting")
def a_worker_made_of_a_checkpoint_goes_on_from_there(bench: Bench) -> None:
    """A checkpoint has the state of its moment, and the worker that it was taken of goes on."""
    handle = bench.spawn()
    then = _count(bench, handle, 3)
    checkpoint = handle.checkpoint(bench.patience)
    expect_equal(_count(bench, handle), then + 1, "the count of the worker that goes on")
    twins = [bench.spawn(checkpoint=checkpoint) for _ in range(2)]
    for twin in twins:
        expect_equal(_count(bench, twin, 2), then + 2, "the count of one made of the checkpoint")
    expect_equal(_count(bench, handle), then + 2, "the count of the worker that goes on")
    for twin in twins:
        bench.expect_answers(twin)


@CHECKPOINTS.needing("counting")
def a_checkpoint_survives_as_bytes(bench: Bench) -> None:
    """What was written as bytes and read again is as good."""
    handle = bench.spawn()
    then = _count(bench, handle, 2)
    checkpoint = handle.checkpoint(bench.patience)
    read = Checkpoint.from_bytes(checkpoint.to_bytes())
    expect_equal(read.load_state(), checkpoint.load_state(), "what the worker type adds")
    expect_equal(_count(bench, bench.spawn(checkpoint=read)), then + 1, "the count")


@CHECKPOINTS.needing("counting")
def a_checkpoint_does_not_wait_for_what_is_queued(bench: Bench) -> None:
    """It is taken before what was queued first, and changes nothing of that."""
    handle = bench.spawn()
    then = _count(bench, handle)
    gate = bench.hold(handle)
    queued = [handle.send(_counting(bench)) for _ in range(5)]
    asked = request_checkpoint(handle._cell, bench.patience)
    gate.open()
    answers = [bench.get(reply) for reply in queued]
    expect_equal(answers, [then + 1 + i for i in range(5)], "the counts of what was queued")
    made = bench.spawn(checkpoint=bench.get(asked))
    expect_equal(_count(bench, made), then + 1, "the count of one made of the checkpoint")


@CHECKPOINTS.needing("counting")
def a_lost_worker_resumes_from_its_last_checkpoint(bench: Bench) -> None:
    """With a checkpoint after each query nothing is lost but the query that ran."""
    with EventLog() as log:
        handle = bench.spawn(supervision=EACH)
        then = _count(bench, handle, 3)
        for _ in range(2):
            kill_worker(handle)
            expect_equal(_count(bench, handle), then + 1, "the count after a restart")
            then += 1
        bench.expect_answers(handle)
    ready = [event.fields for event in log.named("worker.ready", worker=handle.name)]
    told = [fields["resumed"] for fields in ready]
    expect_equal(told[1:], ["checkpoint"] * 2, "what the trace says of the restarts")
    for fields in ready[1:]:
        expect_true(fields["queries_lost"] <= 1, "no more was lost than what ran")


@CHECKPOINTS.needing("counting")
def a_worker_made_of_a_checkpoint_is_restarted_from_it(bench: Bench) -> None:
    """As long as there is no newer one, and however often it is lost."""
    handle = bench.spawn()
    then = _count(bench, handle, 2)
    made = bench.spawn(checkpoint=handle.checkpoint(bench.patience))
    for _ in range(2):
        expect_equal(_count(bench, made), then + 1, "the count")
        kill_worker(made)
    expect_equal(_count(bench, made), then + 1, "the count")
