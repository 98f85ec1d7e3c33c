"""Replies: settled once, read by anybody, awaited without blocking."""

from __future__ import annotations

import asyncio
import gc
import threading
import traceback
import weakref
from typing import Any, TypeAlias

import pytest

from actors import QueryCancelled, Reply, Response, WorkerHandle
from actors.testing import Do, Gate

Handle: TypeAlias = WorkerHandle[Any]


class Odd(Exception):
    """Cannot be made from its own args."""

    def __init__(self, left: int, right: int) -> None:
        super().__init__(f"{left} and {right}")
        self.pair = (left, right)


def fail(error: BaseException) -> Do[Any]:
    def function(worker: object) -> None:
        raise error

    return Do(function)


def test_a_reply_gives_the_response_as_often_as_it_is_asked(worker: Handle) -> None:
    reply = worker.send(Do(lambda w: [1, 2]))
    assert reply.get() == [1, 2]
    assert reply.get() is reply.get()
    assert reply.done()
    assert not reply.cancelled()
    assert reply.exception() is None
    assert reply.response() == Response([1, 2])


def test_a_reply_raises_what_the_handler_raised(worker: Handle) -> None:
    reply = worker.send(fail(LookupError("gone")))
    with pytest.raises(LookupError, match="gone") as caught:
        reply.get()
    assert worker.name in caught.value.__notes__[0]
    assert isinstance(reply.exception(), LookupError)
    assert not reply.response().ok
    with pytest.raises(LookupError):
        reply.response().unwrap()


def test_the_traceback_shows_the_handler_and_the_getter(worker: Handle) -> None:
    reply = worker.send(fail(LookupError("gone")))
    with pytest.raises(LookupError) as caught:
        reply.get()
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames[0].startswith("test_the_traceback")
    assert frames[-1] == "function"
    assert "answer" not in frames


@pytest.mark.parametrize(
    "error", [ValueError("x"), Odd(1, 2), OSError(2, "no such file", "name"), KeyError("k")]
)
def test_every_getter_gets_an_instance_of_its_own(worker: Handle, error: BaseException) -> None:
    reply = worker.send(fail(error))
    first, second = reply.exception(), reply.exception()
    assert first is not second
    assert error not in (first, second)
    assert type(first) is type(second) is type(error)
    assert first.args == error.args
    assert str(first) == str(error)
    assert first.__dict__.get("pair") == error.__dict__.get("pair")
    assert getattr(first, "errno", None) == getattr(error, "errno", None)
    assert len(second.__notes__) == 1
    assert not hasattr(error, "__notes__")


def test_causes_come_along(worker: Handle) -> None:
    def function(w: Any) -> Any:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error

    error = worker.send(Do(function)).exception()
    assert isinstance(error.__cause__, KeyError)


def test_get_stops_waiting_and_cancels_nothing(worker: Handle, gate: Gate) -> None:
    reply = worker.send(Do(gate.hold))
    gate.reached.wait(10)
    with pytest.raises(TimeoutError, match="goes on"):
        reply.get(timeout=0)
    with pytest.raises(TimeoutError):
        reply.get(timeout=0.01)
    gate.open()
    assert reply.get(timeout=10) == "held"


def test_many_threads_may_wait_for_one_reply(worker: Handle, gate: Gate) -> None:
    reply = worker.send(Do(gate.hold))
    results = []
    threads = [threading.Thread(target=lambda: results.append(reply.get(20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.open()
    for thread in threads:
        thread.join(20)
    assert results == ["held"] * 8


def test_callbacks_are_called_once_with_the_reply(worker: Handle, gate: Gate) -> None:
    called: list[Reply[Any]] = []
    done = threading.Event()
    reply = worker.send(Do(gate.hold))
    reply.add_done_callback(called.append)
    reply.add_done_callback(lambda r: done.set())
    assert not called
    gate.open()
    assert done.wait(10)
    reply.add_done_callback(called.append)
    assert called == [reply, reply]


def test_a_callback_that_raises_harms_nobody(
    worker: Handle, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    done = threading.Event()
    reply = worker.send(Do(gate.hold))
    reply.add_done_callback(lambda r: 1 / 0)
    reply.add_done_callback(lambda r: done.set())
    gate.open()
    assert done.wait(10)
    assert reply.get() == "held"
    assert worker.ask(Do(lambda w: 1)) == 1
    assert [report.exc_type for report in reported] == [ZeroDivisionError]


def test_a_queued_query_is_cancelled_by_removing_it(worker: Handle, gate: Gate) -> None:
    ran = []
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    reply = worker.send(Do(ran.append))
    neighbour = worker.send(Do(lambda w: "neighbour"))
    assert worker.backlog == 2
    assert reply.cancel()
    assert worker.backlog == 1
    assert reply.cancelled()
    assert not reply.cancel()
    with pytest.raises(QueryCancelled) as caught:
        reply.get()
    assert not caught.value.may_have_run
    gate.open()
    assert neighbour.get(10) == "neighbour"
    assert not ran


def test_a_settled_reply_cannot_be_cancelled(worker: Handle) -> None:
    reply = worker.send(Do(lambda w: 1))
    assert reply.get() == 1
    assert not reply.cancel()
    assert reply.get() == 1


def test_awaiting_does_not_block_the_loop(worker: Handle, gate: Gate) -> None:
    async def main() -> tuple[str, int]:
        ticks = 0
        reply = worker.send(Do(gate.hold))
        waiting = asyncio.ensure_future(_await(reply))
        while not gate.reached.is_set():
            ticks += 1
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        gate.open()
        return await waiting, ticks

    held, _ = asyncio.run(main())
    assert held == "held"


async def _await(reply: Any) -> Any:
    return await reply


def test_many_replies_are_awaited_at_once(worker: Handle) -> None:
    async def main() -> Any:
        return await asyncio.gather(*[_await(worker.send(Do(lambda w, i=i: i))) for i in range(50)])

    assert asyncio.run(main()) == list(range(50))


def test_awaiting_raises_what_the_handler_raised(worker: Handle) -> None:
    async def main() -> Any:
        await worker.send(fail(LookupError("gone")))

    with pytest.raises(LookupError, match="gone"):
        asyncio.run(main())


def test_cancelling_the_task_cancels_the_query(worker: Handle, gate: Gate) -> None:
    async def main() -> Any:
        worker.send(Do(gate.hold))
        reply = worker.send(Do(lambda w: 1))
        task = asyncio.ensure_future(_await(reply))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return reply

    reply = asyncio.run(main())
    assert reply.cancelled()


def test_a_reply_that_outlives_its_loop_does_no_harm(worker: Handle, gate: Gate) -> None:
    async def main() -> Any:
        reply = worker.send(Do(gate.hold))
        waiting = asyncio.ensure_future(_await(reply))
        await asyncio.sleep(0)
        assert not waiting.done()
        return reply

    reply = asyncio.run(main())
    gate.open()
    assert reply.exception(10) is None or reply.cancelled()
    assert worker.ask(Do(lambda w: 1)) == 1


def test_a_settled_reply_lets_go_of_the_query_and_its_context(worker: Handle) -> None:
    class Data:
        pass

    data = Data()
    seen = weakref.ref(data)
    reply = worker.send(Do(lambda w, data=data: None))
    reply.get()
    worker.ask(Do(lambda w: None))
    del data
    gc.collect()
    assert seen() is None
    assert reply.done()


def test_it_says_how_it_stands(worker: Handle, gate: Gate) -> None:
    reply = worker.send(Do(gate.hold))
    gate.reached.wait(10)
    queued = worker.send(Do(lambda w: 1))
    assert "running" in repr(reply)
    assert "queued" in repr(queued)
    gate.open()
    queued.get(10)
    assert "ok" in repr(queued)
