"""Rules about answers: one for each query, in order, to whoever asked, errors too."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from actors.query import Query
from actors.testing._bench import Bench, Checks
from actors.testing._events import EventLog
from runtimes.testing import expect_equal, expect_raises, expect_true

if TYPE_CHECKING:
    from actors._replies.reply import Reply

ANSWERS = Checks()
MANY = 40


@dataclass(frozen=True)
class Foreign(Query[None]):
    """A query that no worker type names."""


def _note(order: list[int], number: int, reply: object) -> None:
    order.append(number)


def _count(settled: Counter[int], number: int, reply: object) -> None:
    settled[number] += 1


@ANSWERS.needing()
def a_query_gets_its_response(bench: Bench) -> None:
    """Each query gets the response that belongs to it, however often it is asked."""
    handle = bench.spawn()
    bench.expect_answers(handle)
    bench.expect_answers(handle)


@ANSWERS.needing()
def every_query_is_answered_exactly_once(bench: Bench) -> None:
    """Every query that was accepted is answered, and traced as done, exactly once."""
    queries = [query for query, _ in bench.answers(MANY)]
    if bench.specimen.failing is not None:
        queries[::4] = [bench.specimen.failing] * len(queries[::4])
    settled: Counter[int] = Counter()
    with EventLog() as log:
        handle = bench.spawn()
        replies = [handle.send(query) for query in queries]
        for number, reply in enumerate(replies):
            reply.add_done_callback(partial(_count, settled, number))
        for reply in replies:
            bench.settled(reply)
        bench.stop(handle, drain=bench.patience)
    done = Counter(
        event.fields["query_id"] for event in log.named("query.done", worker=handle.name)
    )
    expect_equal(settled, Counter(range(MANY)), "how often each reply was settled")
    expect_equal(len(done), MANY, "the number of queries that were traced as done")
    expect_equal(max(done.values()), 1, "how often a query was traced as done")


@ANSWERS.needing()
def queries_are_run_in_the_order_in_which_they_were_sent(bench: Bench) -> None:
    """What one sender sends is answered in that order."""
    handle = bench.spawn()
    gate = bench.hold(handle)
    order: list[int] = []
    replies: list[Reply[Any]] = []
    for number, (query, _) in enumerate(bench.answers(MANY)):
        reply = handle.send(query)
        reply.add_done_callback(partial(_note, order, number))
        replies.append(reply)
    gate.open()
    for reply in replies:
        bench.settled(reply)
    bench.stop(handle, drain=bench.patience)  # the last callback may still be under way
    expect_equal(order, list(range(MANY)), "the order of the answers")


@ANSWERS.needing()
def many_threads_may_ask_at_once(bench: Bench) -> None:
    """Four threads that ask at the same time all get their own responses."""
    handle = bench.spawn()

    def ask() -> None:
        for query, response in bench.answers(10):
            expect_equal(handle.ask(query, bench.patience), response, f"the answer to {query!r}")

    bench.on_threads(*[ask] * 4)


@ANSWERS.needing()
def a_reply_may_be_awaited(bench: Bench) -> None:
    """In asyncio, a reply is awaited like any other awaitable."""
    handle = bench.spawn()

    async def ask_all() -> None:
        pairs = bench.answers(MANY)
        replies = [handle.send(query, bench.patience) for query, _ in pairs]
        for reply, (query, response) in zip(replies, pairs, strict=True):
            expect_equal(await reply, response, f"the answer to {query!r}")

    bench.on_threads(lambda: asyncio.run(ask_all()))


@ANSWERS.needing("failing")
def an_error_reaches_the_sender_and_the_worker_goes_on(bench: Bench) -> None:
    """What goes wrong under a query is raised where it was sent, and disturbs no other query."""
    handle = bench.spawn()
    failing: Any = bench.specimen.failing
    before, reply, after = (
        [handle.send(query) for query, _ in bench.specimen.answers],
        handle.send(failing),
        [handle.send(query) for query, _ in bench.specimen.answers],
    )
    error = bench.error(reply, bench.specimen.error)
    expect_true(
        any(handle.name in note for note in getattr(error, "__notes__", ())),
        "the error names the worker",
    )
    for replies in before, after:
        for each, (query, response) in zip(replies, bench.specimen.answers, strict=True):
            expect_equal(bench.get(each), response, f"the answer to {query!r}")


@ANSWERS.needing("failing")
def every_getter_of_an_error_gets_one_of_its_own(bench: Bench) -> None:
    """Who reads a failed reply twice gets two exceptions, so that tracebacks do not mix."""
    reply = bench.spawn().send(bench.specimen.failing)  # type: ignore[arg-type]
    first = bench.error(reply, bench.specimen.error)
    second = bench.error(reply, bench.specimen.error)
    expect_true(first is not second, "the two are not the same instance")


@ANSWERS.needing()
def what_is_told_is_run(bench: Bench) -> None:
    """A query that is told is run, in its turn, though nobody waits for it."""
    with EventLog() as log:
        handle = bench.spawn()
        for query, _ in bench.answers(3):
            handle.tell(query)
        bench.expect_answers(handle)
        bench.stop(handle, drain=bench.patience)
    done = log.named("query.done", worker=handle.name, outcome="ok")
    expect_equal(len(done), 3 + len(bench.specimen.answers), "the number of queries that were run")


@ANSWERS.needing("failing")
def what_is_told_may_fail(bench: Bench) -> None:
    """A query that is told and fails does the worker no harm."""
    handle = bench.spawn()
    handle.tell(bench.specimen.failing)  # type: ignore[arg-type]
    bench.expect_answers(handle)
    expect_equal(handle.generation, 1, "the generation")


@ANSWERS.needing()
def what_was_posted_is_received_in_order(bench: Bench) -> None:
    """`receive` gives the responses to what was posted, errors as values, the oldest first."""
    handle = bench.spawn()
    failing = bench.specimen.failing
    for query, _ in bench.specimen.answers:
        handle.post(query)
    if failing is not None:
        handle.post(failing)
    for query, response in bench.specimen.answers:
        received = handle.receive(bench.patience)
        expect_equal(received.unwrap(), response, f"what was received for {query!r}")
    if failing is not None:
        got = handle.receive(bench.patience).error
        expect_true(isinstance(got, bench.specimen.error), f"the error is received, but {got!r}")
    expect_raises(LookupError, handle.receive)
    expect_true(handle.try_receive() is None, "there is nothing more")


@ANSWERS.needing()
def a_query_that_it_does_not_name_is_refused(bench: Bench) -> None:
    """A query of a type that the class does not name is a TypeError where it is sent."""
    handle = bench.spawn()
    if Query not in handle._cell.worker_class.query_types():
        expect_raises(TypeError, handle.send, Foreign())
    expect_raises(TypeError, handle.send, "no query")
    bench.expect_answers(handle)
