"""Senders that wait: for room in a full mailbox, and until little enough is queued."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from actors import (
    ActorsError,
    AskCycle,
    MailboxFull,
    MailboxOptions,
    QueryCancelled,
    WorkerStopped,
)
from actors.testing import Do, Gate, PythonWorker

from .senders import Handle, Sender, Spawn, note, occupied
from .waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def spawn(closing: Callable[[Any], Any]) -> Spawn:
    """Spawn a worker whose mailbox has these options."""
    return lambda **options: closing(PythonWorker.spawn(mailbox=MailboxOptions(**options)))


def blocked(worker: Handle, senders: int = 1) -> None:
    """Wait until that many senders wait for room."""
    until(lambda: len(worker._cell.mailbox._blocked) == senders)


# -- senders that wait for room -------------------------------------------------------------------


def test_a_sender_waits_until_there_is_room(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(capacity=1, overflow="block")
    occupied(worker, gate)
    worker.tell(Do(id))
    sender = Sender(lambda: worker.ask(Do(lambda _: "answered")))
    blocked(worker)
    gate.open()
    assert sender.outcome() == "answered"


def test_a_sender_waits_no_longer_than_it_may(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(capacity=1, overflow="block", block_timeout=0.01)
    occupied(worker, gate)
    worker.tell(Do(id))
    with pytest.raises(MailboxFull):
        worker.send(Do(id))
    assert worker.backlog == 1


def test_a_sender_that_waits_hears_of_the_end(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(capacity=1, overflow="block")
    occupied(worker, gate)
    worker.tell(Do(id))
    sender = Sender(lambda: worker.send(Do(id)))
    blocked(worker)
    worker.shutdown()
    with pytest.raises(WorkerStopped):
        sender.outcome()


def test_a_worker_does_not_wait_for_room_at_itself(spawn: Spawn) -> None:
    worker = spawn(capacity=1, overflow="block")

    def overfill(_: object) -> None:
        worker.tell(Do(id))
        worker.tell(Do(id))

    with pytest.raises(MailboxFull, match="never be room while this handler waits"):
        worker.ask(Do(overfill), timeout=10)


def test_two_workers_do_not_wait_for_room_at_each_other(spawn: Spawn, make_gate: Any) -> None:
    left, right = (spawn(capacity=1, overflow="block") for _ in range(2))
    gates = make_gate(), make_gate()

    def send_to(other: Handle, gate: Gate) -> Callable[[object], object]:
        def run(_: object) -> str:
            gate.hold()
            other.tell(Do(id))
            return "sent"

        return run

    replies = [left.send(Do(send_to(right, gates[0]))), right.send(Do(send_to(left, gates[1])))]
    for worker, gate in zip((left, right), gates, strict=True):
        assert gate.reached.wait(10)
        worker.tell(Do(id))
    for gate in gates:
        gate.open()
    outcomes = [each.response(10) for each in replies]
    assert sorted(type(each.error) for each in outcomes if not each.ok) == [MailboxFull]


def test_a_handler_that_waits_for_room_ends_when_its_query_is_cancelled(
    spawn: Spawn, worker: Handle, gate: Gate
) -> None:
    full = spawn(capacity=1, overflow="block")
    occupied(full, gate)
    full.tell(Do(id))
    errors: list[BaseException] = []

    def send(_: object) -> None:
        try:
            full.tell(Do(id))
        except ActorsError as error:
            errors.append(error)
            raise

    reply = worker.send(Do(send))
    blocked(full)
    assert reply.cancel()
    assert worker.ask(Do(lambda _: "goes on"), timeout=10) == "goes on"
    assert [type(error) for error in errors] == [QueryCancelled]
    assert full.backlog == 1


def test_a_thread_with_a_running_loop_never_waits_for_room(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(capacity=1, overflow="block")
    occupied(worker, gate)
    worker.tell(Do(id))

    async def send() -> None:
        worker.tell(Do(id))

    with pytest.raises(MailboxFull, match="runs an asyncio loop"):
        asyncio.run(send())


def test_many_senders_and_a_small_mailbox_lose_nothing(spawn: Spawn) -> None:
    worker = spawn(capacity=3, overflow="block")
    seen: list[int] = []

    def send(number: int) -> None:
        for each in range(100):
            worker.tell(note(seen, number * 100 + each), tenant=number % 3)

    senders = [Sender(lambda number=number: send(number)) for number in range(6)]
    for sender in senders:
        sender.outcome()
    worker.close()
    assert sorted(seen) == list(range(600))


# -- back-pressure --------------------------------------------------------------------------------


def test_a_sender_may_look_whether_it_had_better_wait(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(high_water=2)
    assert worker.wait_until_drained(timeout=0)
    occupied(worker, gate)
    worker.tell(Do(id))
    assert not worker.needs_drain
    worker.tell(Do(id))
    assert worker.needs_drain
    assert not worker.wait_until_drained(timeout=0.01)
    waiting = Sender(lambda: worker.wait_until_drained(20))
    gate.open()
    assert waiting.outcome()


def test_a_worker_that_is_stopped_is_drained(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(high_water=1)
    occupied(worker, gate)
    worker.tell(Do(id))
    waiting = Sender(lambda: worker.wait_until_drained(20))
    worker.shutdown(0)
    assert waiting.outcome()


def test_a_loop_goes_on_while_a_task_waits(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(high_water=2)
    occupied(worker, gate)
    worker.tell(Do(id))
    worker.tell(Do(id))

    async def wait() -> bool:
        waiting = asyncio.create_task(worker.drained())
        await asyncio.sleep(0)
        done_before = waiting.done()
        gate.open()
        await asyncio.wait_for(waiting, 10)
        await worker.drained()  # at once
        return done_before

    assert not asyncio.run(wait())


def test_a_task_that_waits_may_be_cancelled(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(high_water=1)
    occupied(worker, gate)
    worker.tell(Do(id))

    async def wait() -> None:
        await asyncio.wait_for(worker.drained(), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(wait())
    assert not worker._cell.mailbox._drainers


def test_a_worker_does_not_wait_for_itself_to_be_drained(spawn: Spawn) -> None:
    worker = spawn(high_water=1)
    with pytest.raises(AskCycle):
        worker.ask(Do(lambda _: worker.wait_until_drained()), timeout=10)
