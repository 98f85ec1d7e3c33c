"""Flows: the responses to many queries, in their order or as they come, sync and async."""

from __future__ import annotations

import asyncio
import gc
import threading
from dataclasses import dataclass, field
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import (
    AskCycle,
    Flow,
    MailboxFull,
    PoolClosed,
    Query,
    QueryTimeout,
    Reply,
    WorkerPool,
    as_completed,
)
from actors._replies import flow as flows
from actors._replies.window import AsDone, InOrder, Window
from actors.testing import Do, Gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors._bell import Bell

Pool = WorkerPool[Any, Any]


def say(value: Any) -> Do[Any]:
    return Do(lambda worker: value)


def fail(worker: object) -> None:
    raise LookupError("no such thing")


# -- in order ---------------------------------------------------------------------------------


def test_imap_gives_responses_in_the_order_of_the_queries(pool: Pool) -> None:
    assert list(pool.imap(say(i) for i in range(500))) == list(range(500))
    assert list(pool.imap([])) == []


def test_imap_takes_from_an_endless_iterable_no_more_than_it_may(pool: Pool) -> None:
    taken = count()
    with pool.imap((say(next(taken)) for _ in count()), look_ahead=5) as responses:
        assert list(islice(responses, 20)) == list(range(20))
    assert next(taken) <= 20 + 5


def test_nothing_is_asked_before_the_first_response_is_wanted(pool: Pool) -> None:
    taken: list[int] = []

    def queries() -> Iterator[Do[Any]]:
        taken.append(1)
        yield say(1)

    responses = pool.imap(queries())
    assert not taken
    assert next(responses) == 1


def test_a_worker_maps_too(worker: Any) -> None:
    assert worker.map(say(i) for i in range(100)) == list(range(100))
    assert next(worker.imap([say(1)])) == 1


def test_the_first_error_in_order_ends_it_and_cancels_the_rest(pool: Pool, gate: Gate) -> None:
    sent = Sent(pool)
    queries = [say(1), Do(fail), *[Do(gate.hold)] * 20]
    responses = flows.imap(queries, sent, lambda: 3)
    assert next(responses) == 1
    with pytest.raises(LookupError, match="no such thing"):
        next(responses)
    assert list(responses) == []
    assert [reply.cancelled() for reply in sent.replies[2:]] == [True] * 20


def test_an_iterable_that_raises_cancels_what_is_under_way(pool: Pool, gate: Gate) -> None:
    sent = Sent(pool)

    def queries() -> Iterator[Do[Any]]:
        yield Do(gate.hold)
        yield Do(gate.hold)
        raise OSError("no more lines")

    with pytest.raises(OSError, match="no more lines"):
        next(flows.imap(queries(), sent, lambda: 3))
    assert [reply.cancelled() for reply in sent.replies] == [True, True]


def test_a_flow_that_is_dropped_cancels_what_is_under_way(pool: Pool, gate: Gate) -> None:
    sent = Sent(pool)
    for response in flows.imap([say(1), *[Do(gate.hold)] * 9], sent, lambda: 3):
        assert response == 1
        break
    del response
    gc.collect()
    assert [reply.done() for reply in sent.replies] == [True] * 10


def test_a_flow_that_was_closed_gives_no_more(pool: Pool) -> None:
    responses = pool.imap([say(1), say(2)])
    assert next(responses) == 1
    responses.close()
    responses.close()
    assert list(responses) == []


@pytest.mark.parametrize("kind", ["imap", "imap_unordered", "as_completed"])
def test_another_thread_may_close_it_and_the_reader_is_woken(
    pool: Pool, gate: Gate, kind: str
) -> None:
    if kind == "as_completed":
        flow: Flow[Any] = as_completed([pool.send(Do(gate.hold))])
    else:
        flow = getattr(pool, kind)([Do(gate.hold)] * 3)
    read: list[Any] = []
    reader = threading.Thread(target=lambda: read.append(list(flow)))
    reader.start()
    assert gate.reached.wait(10)
    flow.close()
    reader.join(10)
    assert read == [[]]


@pytest.mark.parametrize("window", [InOrder(), AsDone()], ids=["in order", "as done"])
def test_who_begins_to_wait_for_a_closed_window_is_woken(window: Window) -> None:
    rung: list[Any] = []
    window.close()
    window.hang_up(rung.append, "next")
    assert rung


def test_a_second_reader_is_refused(pool: Pool) -> None:
    responses: Flow[Any]

    def queries() -> Iterator[Do[Any]]:
        yield say(1)
        next(responses)

    responses = pool.imap(queries())
    with pytest.raises(RuntimeError, match="somebody else reads"):
        next(responses)


def test_the_timeout_is_for_the_whole(pool: Pool, gate: Gate) -> None:
    responses = pool.imap([say(1), *[Do(gate.hold)] * 6], timeout=0.1)
    assert next(responses) == 1
    with pytest.raises(QueryTimeout):
        list(responses)
    with pytest.raises(QueryTimeout):
        list(pool.imap((say(i) for i in count()), timeout=0.05))


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_look_ahead_below_one_is_refused(pool: Pool, wrong: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        pool.imap([], look_ahead=wrong)


def test_what_is_no_iterable_or_no_query_is_refused(pool: Pool) -> None:
    with pytest.raises(TypeError, match="iterable"):
        pool.imap(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no Query"):
        next(pool.imap([1]))  # type: ignore[list-item]
    with pytest.raises(TypeError, match="look_ahead"):
        pool.imap([], look_ahead=True)


def test_a_closed_pool_says_so(pool: Pool) -> None:
    pool.close()
    with pytest.raises(PoolClosed):
        next(pool.imap([say(1)]))


def test_a_handler_that_would_wait_for_itself_is_told(worker: Any) -> None:
    def map_here(w: object) -> list[int]:
        return worker.map([say(1), say(2)])

    def any_here(w: object) -> list[int]:
        replies = [worker.send(say(1)), worker.send(say(2))]
        return [reply.get() for reply in as_completed(replies)]

    for handler in (map_here, any_here):
        with pytest.raises(AskCycle):
            worker.ask(Do(handler), timeout=10)


# -- as they are done ---------------------------------------------------------------------------


def test_imap_unordered_does_not_wait_for_the_slow_one(pool: Pool, gate: Gate) -> None:
    responses = pool.imap_unordered([Do(gate.hold), *[say(i) for i in range(20)]])
    assert sorted(islice(responses, 20)) == list(range(20))
    gate.open()
    assert list(responses) == ["held"]


def test_imap_unordered_ends_with_the_first_error(pool: Pool, gate: Gate) -> None:
    sent = Sent(pool)
    with pytest.raises(LookupError):
        list(flows.imap_unordered([Do(gate.hold), Do(fail), Do(gate.hold)], sent, lambda: 3))
    assert [reply.cancelled() for reply in sent.replies] == [True, False, True]


def test_a_full_mailbox_does_not_fail_what_filled_it() -> None:
    desk = Desk(capacity=2)
    flow = flows.imap_unordered([Query[int]()] * 9, desk.send, lambda: 1)
    assert list(flow) == list(range(9))
    assert desk.refused > 0


def test_a_mailbox_that_others_filled_is_said_to_be_full() -> None:
    desk = Desk(capacity=0)
    with pytest.raises(MailboxFull):
        list(flows.imap([Query[int]()], desk.send, lambda: 1))


# -- replies that somebody else asked for -------------------------------------------------------


def test_as_completed_gives_replies_as_they_are_settled(pool: Pool, gate: Gate) -> None:
    slow, bad, good = pool.send(Do(gate.hold)), pool.send(Do(fail)), pool.send(say(1))
    replies = as_completed([slow, bad, good, good])
    first = {next(replies), next(replies)}
    assert first == {bad, good}
    assert isinstance(bad.exception(), LookupError)
    gate.open()
    assert list(replies) == [slow]
    assert list(as_completed([])) == []


def test_as_completed_leaves_alone_what_it_did_not_ask(pool: Pool, gate: Gate) -> None:
    slow, quick = pool.send(Do(gate.hold)), pool.send(say(1))
    for reply in as_completed([slow, quick]):
        assert reply is quick
        break
    assert not slow.done()
    assert not slow._waiters
    gate.open()
    assert slow.get(10) == "held"


def test_as_completed_waits_no_longer_than_it_may(pool: Pool, gate: Gate) -> None:
    slow = pool.send(Do(gate.hold))
    with pytest.raises(TimeoutError, match="1 of the replies"):
        list(as_completed([slow], timeout=0.01))
    assert not slow.done()


# -- against the obvious model --------------------------------------------------------------------


class Sent:
    """Sends to a pool, and keeps the replies."""

    def __init__(self, pool: Pool) -> None:
        self.replies: list[Reply[Any]] = []
        self._pool = pool

    def __call__(self, query: Query[Any], timeout: float | None) -> Reply[Any]:
        self.replies.append(self._pool.send(query, timeout))
        return self.replies[-1]


class OnDesk(Reply[int]):
    """A reply that is settled, or another one of its desk, when somebody waits for it."""

    __slots__ = ()

    def _listen(self, bell: Bell, limit: float | None) -> bool:
        self._addressee.settle_one()  # type: ignore[attr-defined]
        return True


@dataclass(eq=False)
class Desk:
    """Answers queries with their number, in an order that it is told, and keeps the books."""

    capacity: int | None = None
    errors: frozenset[int] = frozenset()
    choices: Iterator[int] = field(default_factory=lambda: iter(()))
    name: str = "desk"
    sent: list[OnDesk] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    refused: int = 0
    handed_out: int = 0
    most: int = 0

    def send(self, query: Query[int], timeout: float | None) -> Reply[int]:
        if self.capacity is not None and len(self.waiting) >= self.capacity:
            self.refused += 1
            raise MailboxFull("full", capacity=self.capacity)
        self.waiting.append(len(self.sent))
        self.sent.append(OnDesk(query, self, 0.0, None))
        self.most = max(self.most, len(self.sent) - self.handed_out)
        return self.sent[-1]

    def settle_one(self) -> None:
        if self.waiting:
            number = self.waiting.pop(next(self.choices, 0) % len(self.waiting))
            self.settled.append(number)
            if number in self.errors:
                self.sent[number]._fail(KeyError(number))
            else:
                self.sent[number]._settle(number)

    def withdrawn(self, reply: Reply[Any]) -> None:
        self.waiting.remove(self.sent.index(reply))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Case:
    """What happens in one run."""

    queries: int
    look_ahead: int
    in_order: bool
    capacity: int | None
    errors: frozenset[int]
    choices: list[int]
    stop_after: int

    def begin(self) -> tuple[Desk, Flow[int]]:
        desk = Desk(self.capacity, self.errors, iter(self.choices))
        make = flows.imap if self.in_order else flows.imap_unordered
        queries = (Query[int]() for _ in range(self.queries))
        return desk, make(queries, desk.send, lambda: 1, self.look_ahead)


CASES = st.builds(
    Case,
    queries=st.integers(0, 40),
    look_ahead=st.integers(1, 12),
    in_order=st.booleans(),
    capacity=st.none() | st.integers(1, 6),
    errors=st.frozensets(st.integers(0, 60), max_size=2),
    choices=st.lists(st.integers(0, 20), max_size=60),
    stop_after=st.integers(0, 50),
)


@given(CASES)
def test_a_flow_does_what_the_model_says(case: Case) -> None:
    desk, flow = case.begin()
    given_out: list[int] = []
    error = None
    try:
        for number in flow:
            given_out.append(number)
            desk.handed_out += 1
            if len(given_out) > case.stop_after:
                break
    except KeyError as raised:
        error = raised
    flow.close()
    check(case, desk, given_out, error)


@given(CASES)
def test_a_flow_in_asyncio_does_what_the_model_says(case: Case) -> None:
    desk, flow = case.begin()
    given_out: list[int] = []

    async def read() -> KeyError | None:
        try:
            async for number in flow:
                given_out.append(number)
                desk.handed_out += 1
                if len(given_out) > case.stop_after:
                    break
        except KeyError as raised:
            return raised
        return None

    async def main() -> KeyError | None:
        reading = asyncio.ensure_future(read())
        while not reading.done():
            desk.settle_one()
            await asyncio.sleep(0)
        await flow.aclose()
        return reading.result()

    error = asyncio.run(main())
    check(case, desk, given_out, error)


def check(case: Case, desk: Desk, given_out: list[int], error: KeyError | None) -> None:
    """Compare with the order in which the desk settled what it was asked."""
    order = range(case.queries) if case.in_order else desk.settled
    expected: list[int] = []
    expected_error = None
    for number in order:
        if number in case.errors:
            expected_error = number
            break
        expected.append(number)
        if len(expected) > case.stop_after:
            break
    assert given_out == expected
    assert (None if error is None else error.args[0]) == expected_error
    assert desk.most <= case.look_ahead
    assert len(desk.sent) <= case.queries
    assert not desk.waiting
    assert all(reply.done() for reply in desk.sent)
    if error is None and len(given_out) <= case.stop_after:
        assert len(desk.sent) == case.queries
