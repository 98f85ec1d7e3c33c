"""Asyncio: replies, workers and pools in coroutines; the loop is never blocked."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from actors import (
    CallFunction,
    DefaultWorker,
    DefaultWorkerOptions,
    PoolClosed,
    QueryCancelled,
    Reply,
    Worker,
    WorkerHandle,
    WorkerPool,
    WorkerStartError,
)
from actors.testing import Do, Gate, PythonWorker, workers_left
from runtimes import Module

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Handle: TypeAlias = WorkerHandle[Any]
Pool: TypeAlias = WorkerPool[Any, Any]


def say(value: Any) -> Do[Any]:
    return Do(lambda worker: value)


async def until(held: Callable[[], bool]) -> None:
    """Let the loop run until something is so."""
    while not held():
        await asyncio.sleep(0)


async def wait_for(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


# -- replies are taken by what asyncio has --------------------------------------------------------


def test_asyncio_wait_takes_replies_as_they_are(pool: Pool, gate: Gate) -> None:
    async def main() -> None:
        slow, quick = pool.send(Do(gate.hold)), pool.send(say(1))
        done, pending = await asyncio.wait(
            [slow, quick],  # type: ignore[type-var]
            return_when=asyncio.FIRST_COMPLETED,
        )
        assert (done, pending) == ({quick}, {slow})
        assert not slow._waiters
        gate.open()
        done, pending = await asyncio.wait([slow, quick])  # type: ignore[type-var]
        assert (done, pending) == ({slow, quick}, set())

    asyncio.run(main())


def test_gather_as_completed_and_wait_for_take_them(pool: Pool) -> None:
    async def main() -> None:
        assert await asyncio.gather(*(pool.send(say(i)) for i in range(9))) == list(range(9))
        replies = [pool.send(say(i)) for i in range(9)]
        assert {await each for each in asyncio.as_completed(replies)} == set(range(9))
        assert await asyncio.wait_for(pool.send(say(1)), 10) == 1
        assert await asyncio.shield(pool.send(say(1))) == 1
        assert await asyncio.ensure_future(pool.send(say(1))) == 1
        async with asyncio.TaskGroup() as group:
            task = group.create_task(wait_for(pool.send(say(1))))
        assert task.result() == 1

    asyncio.run(main())


def test_a_task_is_made_of_a_reply_by_ensure_future(pool: Pool) -> None:
    async def main() -> None:
        reply = pool.send(say(1))
        with pytest.raises(TypeError, match="coroutine"):
            await asyncio.create_task(reply)  # type: ignore[arg-type]
        assert await asyncio.ensure_future(reply) == 1

    asyncio.run(main())


def test_a_timeout_cancels_the_query_and_no_neighbour(worker: Handle, gate: Gate) -> None:
    async def main() -> None:
        running, slow, neighbour = (worker.send(Do(gate.hold)) for _ in range(3))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await slow
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(worker.send(Do(gate.hold)), 0.01)
        assert slow.cancelled()
        assert worker.backlog == 1
        gate.open()
        assert await asyncio.gather(running, neighbour) == ["held", "held"]

    asyncio.run(main())


# -- several who wait for one ---------------------------------------------------------------------


def test_one_of_several_tasks_may_be_cancelled_and_the_others_go_on(
    worker: Handle, gate: Gate
) -> None:
    async def main() -> None:
        reply = worker.send(Do(gate.hold))
        tasks = [asyncio.ensure_future(reply) for _ in range(3)]
        await until(lambda: len(reply._waiters or ()) == 3)
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        assert not reply.done()
        gate.open()
        assert await asyncio.gather(*tasks[1:]) == ["held", "held"]

    asyncio.run(main())


def test_the_query_is_cancelled_with_the_last_of_them(worker: Handle, gate: Gate) -> None:
    async def main() -> None:
        worker.send(Do(gate.hold))
        reply = worker.send(say(1))
        reply.add_done_callback(lambda _: None)  # does not wait for it
        tasks = [asyncio.ensure_future(reply) for _ in range(2)]
        await until(lambda: len(reply._waiters or ()) == 3)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert reply.cancelled()

    asyncio.run(main())


def test_a_thread_that_waits_is_not_disturbed_by_a_task(worker: Handle, gate: Gate) -> None:
    async def main() -> None:
        reply = worker.send(Do(gate.hold))
        got: list[str] = []
        thread = threading.Thread(target=lambda: got.append(reply.get(10)))
        thread.start()
        task = asyncio.ensure_future(reply)
        await until(lambda: len(reply._waiters or ()) == 2)
        task.cancel()
        await asyncio.wait([task])
        gate.open()
        thread.join(10)
        assert got == ["held"]

    asyncio.run(main())


def test_loops_on_several_threads_may_await_the_same_reply(worker: Handle, gate: Gate) -> None:
    reply = worker.send(Do(gate.hold))
    got: list[str] = []
    threads = [
        threading.Thread(target=lambda: got.append(asyncio.run(wait_for(reply)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    gate.open()
    for thread in threads:
        thread.join(10)
    assert got == ["held"] * 4


# -- callbacks ------------------------------------------------------------------------------------


def test_a_callback_added_in_a_loop_is_called_in_that_loop(worker: Handle, gate: Gate) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        called: asyncio.Future[Any] = loop.create_future()
        reply = worker.send(Do(gate.hold))
        reply.add_done_callback(lambda r: called.set_result((r, threading.get_ident())))
        gate.open()
        assert await called == (reply, threading.get_ident())
        again: asyncio.Future[Any] = loop.create_future()
        reply.add_done_callback(again.set_result)
        assert not again.done()  # not from within, as with asyncio's futures
        assert await again is reply

    asyncio.run(main())


def test_a_callback_can_be_removed(worker: Handle, gate: Gate) -> None:
    called: list[Any] = []
    reply = worker.send(Do(gate.hold))

    async def main() -> None:
        reply.add_done_callback(called.append)
        reply.add_done_callback(called.append)
        assert reply.remove_done_callback(called.append) == 2

    asyncio.run(main())
    reply.add_done_callback(called.append)
    assert reply.remove_done_callback(called.append) == 1
    assert reply.remove_done_callback(called.append) == 0
    gate.open()
    assert reply.get(10) == "held"
    assert not called


def test_a_loop_that_was_closed_meanwhile_does_no_harm(
    worker: Handle, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    reply = worker.send(Do(gate.hold))

    async def main() -> None:
        reply.add_done_callback(lambda _: None)

    asyncio.run(main())
    gate.open()
    assert reply.get(10) == "held"
    assert worker.ask(say(1)) == 1
    assert not reported


# -- workers and pools ----------------------------------------------------------------------------


class Slow(Worker[Gate, Do[Any]]):
    """A worker that starts when its gate is opened."""

    def init_runtime(self, options: Gate) -> None:
        options.hold()

    def handle_query(self, runtime: None, query: Do[Any]) -> Any:
        return query.function(self)


class Broken(Slow):
    """A worker that cannot be started."""

    def init_runtime(self, options: Gate) -> None:
        raise OSError("no such file")


def test_a_worker_is_spawned_and_closed_without_blocking_the_loop(gate: Gate) -> None:
    async def main() -> None:
        starting = asyncio.ensure_future(Slow.spawn_async(gate, name="slow"))
        await until(gate.reached.is_set)
        assert not starting.done()
        gate.open()
        async with await starting as worker:
            assert worker.name == "slow"
            assert await worker.send(say(1)) == 1
        assert worker.state == "stopped"

    asyncio.run(main())


def test_a_pool_is_started_and_closed_without_blocking_the_loop(gate: Gate) -> None:
    async def main() -> None:
        starting = asyncio.ensure_future(WorkerPool.start_async(Slow, 2, gate))
        await until(gate.reached.is_set)
        gate.open()
        async with await starting as pool:
            assert await pool.send(say(1)) == 1
        with pytest.raises(PoolClosed):
            pool.send(say(1))

    asyncio.run(main())


def test_what_a_worker_hands_out_is_of_its_own_class() -> None:
    async def main() -> None:
        async with await DefaultWorker.spawn_async() as worker:
            assert await asyncio.to_thread(worker.evaluate, "6 * 7") == 42

    asyncio.run(main())


def test_a_start_that_fails_says_why(gate: Gate) -> None:
    async def main() -> None:
        with pytest.raises(WorkerStartError) as caught:
            await Broken.spawn_async(gate)
        assert isinstance(caught.value.__cause__, OSError)
        with pytest.raises(WorkerStartError):
            await WorkerPool.start_async(Broken, 2, gate)
        with pytest.raises(ValueError, match="at least one"):
            await WorkerPool.start_async(Slow, 0, gate)

    asyncio.run(main())


@pytest.mark.parametrize("many", [False, True], ids=["worker", "pool"])
def test_a_cancelled_start_leaves_nothing_behind(gate: Gate, many: bool) -> None:
    async def start() -> None:
        await (WorkerPool.start_async(Slow, 2, gate) if many else Slow.spawn_async(gate))

    async def main() -> None:
        starting = asyncio.ensure_future(start())
        await until(gate.reached.is_set)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    asyncio.run(main())
    gate.open()
    for thread in threading.enumerate():
        if thread.name == "jsactors-errand":
            thread.join(10)
    assert not workers_left()


def test_what_is_queued_runs_before_a_pool_is_closed(gate: Gate) -> None:
    async def main() -> None:
        pool = await WorkerPool.start_async(PythonWorker, 1)
        held, queued = pool.send(Do(gate.hold)), pool.send(say(1))
        closing = asyncio.ensure_future(pool.aclose())
        await until(lambda: pool.is_empty())
        gate.open()
        await closing
        assert (held.get(0), queued.get(0)) == ("held", 1)

    asyncio.run(main())


def test_to_cancel_the_closing_is_to_stop_hard(gate: Gate) -> None:
    async def main() -> None:
        worker = await PythonWorker.spawn_async()
        worker.send(Do(gate.hold))
        queued = worker.send(say(1))
        closing = asyncio.ensure_future(worker.aclose(drain=None))
        await until(lambda: not worker.is_alive())
        assert not queued.done()
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert queued.done()
        gate.open()
        assert await worker.join_async(10)

    asyncio.run(main())


def test_an_exception_that_passes_closes_at_once(gate: Gate) -> None:
    async def main() -> None:
        worker = await PythonWorker.spawn_async()
        worker.send(Do(gate.hold))
        queued = worker.send(say(1))
        await until(gate.reached.is_set)
        asyncio.get_running_loop().call_soon(gate.open)
        with pytest.raises(LookupError):
            async with worker:
                raise LookupError
        assert queued.exception(0) is not None

    asyncio.run(main())


def test_joining_waits_no_longer_than_it_may(worker: Handle) -> None:
    async def main() -> None:
        assert not await worker.join_async(0)
        assert not await worker.join_async(0.01)
        joining = asyncio.ensure_future(worker.join_async())
        await asyncio.sleep(0)
        joining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await joining
        worker.shutdown()
        assert await worker.join_async()

    asyncio.run(main())


def test_hooks_that_are_coroutines_are_refused_at_the_spawn() -> None:
    class Async(PythonWorker):
        async def handle_query(self, runtime: None, query: Do[Any]) -> Any:
            return query

    with pytest.raises(TypeError, match=r"Async\.handle_query is async"):
        Async.spawn()
    with pytest.raises(TypeError, match=r"Async\.handle_query is async"):
        WorkerPool(Async, 1)


def test_a_reply_that_nobody_has_is_not_kept_by_a_loop(worker: Handle) -> None:
    async def main() -> weakref.ref[Reply[Any]]:
        reply = worker.send(say(1))
        assert await reply == 1
        return weakref.ref(reply)

    seen = asyncio.run(main())
    worker.ask(say(2))
    assert seen() is None


# -- all at once ----------------------------------------------------------------------------------

ECHO = Module("echo.js", "export const echo = (name, n) => name + ':' + n;")
EACH = 300


def test_a_loop_and_ten_threads_use_the_same_pool_at_once() -> None:
    options = DefaultWorkerOptions(modules=[ECHO])
    outcomes: Counter[str] = Counter()
    failures: list[BaseException] = []

    def query(name: str, n: int) -> CallFunction[Any]:
        return CallFunction("echo", [name, n], module="echo.js")

    def count(name: str, answers: list[str]) -> None:
        assert answers == [f"{name}:{n}" for n in range(len(answers))]
        outcomes[name] = len(answers)

    def in_thread(pool: Pool, name: str) -> None:
        try:
            if name == "map":
                count(name, pool.map(query(name, n) for n in range(EACH)))
            elif name.startswith("send"):
                replies = [pool.send(query(name, n)) for n in range(EACH)]
                count(name, [reply.get(30) for reply in replies])
            else:
                count(name, [pool.ask(query(name, n), 30) for n in range(EACH)])
        except BaseException as error:
            failures.append(error)

    async def await_all(pool: Pool, name: str) -> None:
        count(name, await asyncio.gather(*(pool.send(query(name, n)) for n in range(EACH))))

    async def flow(pool: Pool, name: str) -> None:
        count(name, [answer async for answer in pool.imap(query(name, n) for n in range(EACH))])

    async def cancel_some(pool: Pool, name: str) -> None:
        for n in range(EACH):
            reply = pool.send(query(name, n))
            task = asyncio.ensure_future(reply)
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            error = reply.exception()
            assert isinstance(error, QueryCancelled) or reply.get() == f"{name}:{n}"
            outcomes[name] += 1

    async def main() -> None:
        async with await WorkerPool.start_async(DefaultWorker, 2, options) as pool:
            names = ["map", *(f"send {i}" for i in range(4)), *(f"ask {i}" for i in range(5))]
            threads = [threading.Thread(target=in_thread, args=(pool, name)) for name in names]
            for thread in threads:
                thread.start()
            await asyncio.gather(
                await_all(pool, "gather"), flow(pool, "flow"), cancel_some(pool, "cancel")
            )
            for thread in threads:
                await asyncio.to_thread(thread.join)
            assert not failures
            assert outcomes == dict.fromkeys([*names, "gather", "flow", "cancel"], EACH)

    asyncio.run(main())
