"""Caller-runs under a storm: queries in order, one at a time, each with exactly one reply."""

from __future__ import annotations

import random
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from actors import ActorsError, MailboxOptions, Query, Reply, Supervision, Worker, WorkerHandle
from actors.testing import kill_worker
from runtimes import RunCancelled

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = 100


@dataclass(frozen=True)
class Step(Query[int]):
    sender: int
    number: int
    act: str


@dataclass
class Log:
    """What the handlers saw."""

    ran: list[tuple[int, int]] = field(default_factory=list)
    inside: int = 0
    overlapped: bool = False
    threads: set[int] = field(default_factory=set)


class Engine:
    """A runtime that belongs to one thread at a time and knows it."""

    usable = True

    def __init__(self, log: Log) -> None:
        self.log = log
        self.owner = threading.get_ident()
        self.cancelled = threading.Event()

    def move_here(self) -> None:
        self.owner = threading.get_ident()

    def cancel(self) -> None:
        self.cancelled.set()

    def close(self) -> None:
        self.usable = False


class Stepper(Worker[Log, Step]):
    def init_runtime(self, options: Log) -> Engine:
        return Engine(options)

    def handle_query(self, runtime: Engine, query: Step) -> int:
        log = runtime.log
        log.inside += 1
        log.overlapped |= log.inside != 1 or runtime.owner != threading.get_ident()
        log.threads.add(threading.get_ident())
        runtime.cancelled.clear()
        log.ran.append((query.sender, query.number))
        try:
            if query.act == "spin" and runtime.cancelled.wait(0.05):
                raise RunCancelled("stopped")
            if query.act == "fail":
                raise LookupError("on purpose")
            if query.act == "break":
                runtime.usable = False
            return query.number
        finally:
            log.inside -= 1


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def sender(worker: WorkerHandle[Step], number: int, seed: int, outcomes: dict[Any, Any]) -> None:
    """Ask, send, cancel and let time out; note what became of each."""
    chance = random.Random(seed * 1000 + number)
    sent: list[tuple[int, Reply[int]]] = []
    for step in range(STEPS):
        act = chance.choices(["plain", "fail", "break", "spin"], [60, 10, 2, 3])[0]
        query = Step(number, step, act)
        way = chance.choices(["ask", "brief", "send", "cancel", "tell"], [60, 8, 20, 8, 4])[0]
        try:
            if way in ("ask", "brief"):
                outcomes[number, step] = worker.ask(query, 0.001 if way == "brief" else None)
            elif way == "tell":
                worker.tell(query)
            else:
                sent.append((step, worker.send(query)))
                if way == "cancel":
                    sent[-1][1].cancel()
        except (ActorsError, LookupError, RunCancelled) as error:
            outcomes[number, step] = error
    for step, reply in sent:
        outcomes[number, step] = reply.exception(20) or reply.get(0)


@pytest.mark.parametrize("stopping", ["killed", "closed", "left alone"])
@pytest.mark.parametrize("seed", range(3))
def test_order_and_replies_survive_a_storm(seed: int, stopping: str) -> None:
    log, outcomes = Log(), dict[Any, Any]()
    patient = Supervision(intensity=10_000, backoff=0.0)
    worker = Stepper.spawn(log, supervision=patient, mailbox=MailboxOptions(caller_runs=True))
    threads = [
        threading.Thread(target=sender, args=(worker, n, seed, outcomes), daemon=True)
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    chance, pause = random.Random(seed), threading.Event()
    if stopping == "killed":
        while any(thread.is_alive() for thread in threads):
            pause.wait(chance.random() * 0.01)
            kill_worker(worker)
    elif stopping == "closed":
        pause.wait(0.05 + chance.random() * 0.05)
        worker.shutdown(chance.choice([0, None]))
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    worker.close(20)

    assert not log.overlapped
    if stopping == "left alone":  # else it may hardly ever have been idle
        assert log.threads & {thread.ident for thread in threads}
    assert len(set(log.ran)) == len(log.ran)
    for number in range(6):
        steps = [step for who, step in log.ran if who == number]
        assert steps == sorted(steps)
    for (number, step), outcome in outcomes.items():
        assert isinstance(outcome, Exception) or outcome == step
        if not isinstance(outcome, Exception):
            assert (number, step) in log.ran
