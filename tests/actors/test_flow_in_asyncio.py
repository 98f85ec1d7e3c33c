"""Many queries at once in asyncio: `async for` over what `imap` and its kin give."""

from __future__ import annotations

import asyncio
import gc
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from actors import (
    Flow,
    Query,
    QueryTimeout,
    Reply,
    WorkerPool,
    as_completed,
)
from actors._replies import flow as flows
from actors.testing import Do, Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

Pool = WorkerPool[Any, Any]


def say(value: Any) -> Do[Any]:
    return Do(lambda worker: value)


class Sent:
    """Sends to a pool, and keeps the replies."""

    def __init__(self, pool: Pool) -> None:
        self.replies: list[Reply[Any]] = []
        self._pool = pool

    def __call__(self, query: Query[Any], timeout: float | None) -> Reply[Any]:
        self.replies.append(self._pool.send(query, timeout))
        return self.replies[-1]


def test_async_for_goes_over_them_too(pool: Pool) -> None:
    async def main() -> None:
        queries = [say(i) for i in range(300)]
        assert [r async for r in pool.imap(queries)] == list(range(300))
        assert sorted([r async for r in pool.imap_unordered(queries)]) == list(range(300))
        replies = [pool.send(query) for query in queries]
        assert {reply async for reply in as_completed(replies)} == set(replies)

    asyncio.run(main())


def test_the_loop_is_free_while_a_flow_waits(pool: Pool, gate: Gate) -> None:
    async def main() -> list[str]:
        asyncio.get_running_loop().call_later(0, gate.open)
        return [response async for response in pool.imap([Do(gate.hold)] * 4)]

    assert asyncio.run(main()) == ["held"] * 4


def test_a_flow_that_never_has_to_wait_lets_others_run(pool: Pool) -> None:
    async def main() -> int:
        seen = 0
        over = asyncio.Event()
        asyncio.get_running_loop().call_soon(over.set)
        async for _ in as_completed(_answered(pool)):
            seen += 1
            if over.is_set():
                break
        return seen

    assert asyncio.run(main()) > 0


def _answered(pool: Pool) -> Iterator[Reply[int]]:
    reply = pool.send(say(1))
    reply.get()
    for _ in range(2000):
        yield pool.send(say(1))


def test_a_response_is_handed_out_while_the_next_query_is_still_to_come(pool: Pool) -> None:
    async def main() -> list[int]:
        received: asyncio.Queue[int] = asyncio.Queue()

        async def queries() -> AsyncIterator[Do[Any]]:
            yield say(0)
            for _ in range(5):
                yield say(await received.get() + 1)

        responses = []
        async with pool.imap(queries()) as flow:
            async for response in flow:
                responses.append(response)
                received.put_nowait(response)
        return responses

    assert asyncio.run(main()) == list(range(6))


def test_an_async_iterable_is_read_in_bounds_and_closed(pool: Pool) -> None:
    read: list[int] = []
    closed = []

    async def queries() -> AsyncIterator[Do[Any]]:
        try:
            for i in count():
                read.append(i)
                yield say(i)
        finally:
            closed.append(True)

    async def main() -> None:
        async with pool.imap(queries(), look_ahead=4) as flow:
            responses = [await anext(flow) for _ in range(10)]
        assert responses == list(range(10))
        assert len(read) <= 10 + 4 + 4 + 1
        assert closed == [True]

    asyncio.run(main())


def test_a_dropped_flow_ends_the_task_that_reads(pool: Pool, gate: Gate) -> None:
    sent = Sent(pool)

    async def queries() -> AsyncIterator[Do[Any]]:
        yield say(1)
        for _ in count():
            yield Do(gate.hold)

    async def main() -> None:
        async for response in flows.imap(queries(), sent, lambda: 2, look_ahead=4):
            assert response == 1
            break
        gc.collect()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)
        assert all(reply.done() for reply in sent.replies)

    asyncio.run(main())


def test_an_async_iterable_that_raises_cancels_what_is_under_way(pool: Pool, gate: Gate) -> None:
    sent = Sent(pool)

    async def queries() -> AsyncIterator[Do[Any]]:
        yield Do(gate.hold)
        raise OSError("no more lines")

    async def main() -> None:
        with pytest.raises(OSError, match="no more lines"):
            [r async for r in flows.imap(queries(), sent, lambda: 3)]

    asyncio.run(main())
    assert all(reply.cancelled() for reply in sent.replies)


def test_the_timeout_also_ends_the_waiting_for_a_query(pool: Pool) -> None:
    async def queries() -> AsyncIterator[Do[Any]]:
        yield say(1)
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        flow = pool.imap(queries(), timeout=0.05)
        assert await anext(flow) == 1
        with pytest.raises(QueryTimeout, match="no more queries"):
            await anext(flow)
        await flow.aclose()

    asyncio.run(main())


def test_cancelling_the_task_that_reads_cancels_the_queries(pool: Pool, gate: Gate) -> None:
    sent = Sent(pool)

    async def main() -> None:
        flow = flows.imap_unordered([Do(gate.hold)] * 10, sent, lambda: 3)
        reading = asyncio.ensure_future(anext(flow))
        while not gate.reached.is_set():
            await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(main())
    assert all(reply.cancelled() for reply in sent.replies)


def test_an_async_iterable_is_not_for_a_plain_for(pool: Pool) -> None:
    async def queries() -> AsyncIterator[Do[Any]]:
        yield say(1)

    with pytest.raises(TypeError, match="async for"):
        next(pool.imap(queries()))


def test_a_flow_can_be_what_the_next_one_reads(pool: Pool) -> None:
    def twice() -> Flow[Any]:
        return pool.imap(say(value * 2) for value in pool.imap(say(i) for i in range(50)))

    async def doubled() -> AsyncIterator[Do[Any]]:
        async for value in pool.imap(say(i) for i in range(50)):
            yield say(value * 2)

    async def main() -> list[int]:
        return [value async for value in pool.imap(doubled())]

    assert list(twice()) == asyncio.run(main()) == [i * 2 for i in range(50)]
