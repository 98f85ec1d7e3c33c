"""Those who send: each kind of sender is one way to use a pool."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from actors import (
    MailboxFull,
    PoolClosed,
    Query,
    QueryShed,
    QueryTimeout,
    Reply,
    RestartLimitExceeded,
    WorkerDied,
    WorkerHandle,
    WorkerPool,
    WorkerStopped,
    as_completed,
)
from runtimes import TimeoutExceeded

from ._faults import Kind, any_kind, working_kind
from ._ledger import IDEMPOTENT, UNSEEN, WATCHED, says_not_run
from ._stage import Fault, Stage, Task, TaskAgain, TaskForAll, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


MAYBE_REFUSED = (MailboxFull, QueryShed, PoolClosed, RestartLimitExceeded, WorkerStopped)
"""What an ask raises if its query was not accepted; in the end of a pool also if it was."""


@dataclass(slots=True)
class Sent:
    """A query that was accepted, and how it was sent."""

    number: int
    kind: Kind
    timeout: float | None
    reply: Reply[int]
    cancelled: bool = False

    def cancel(self) -> None:
        """Cancel it; first noted, then done."""
        self.cancelled = True
        self.reply.cancel()


class Sender:
    """What all senders have: a stage, chance, and the way to book what comes back."""

    def __init__(self, stage: Stage, seed: object) -> None:
        self.stage = stage
        self.ledger = stage.ledger
        self.chance = random.Random(repr(seed))

    def draw(self, flags: int = 0, kind: Kind | None = None) -> tuple[Task, float | None]:
        """Make a query, and choose a deadline for it."""
        chance = self.chance
        kind = kind or any_kind(chance)
        if chance.random() < 0.3:
            number = self.ledger.sent(flags | IDEMPOTENT, kind.name)
            return TaskAgain(number, kind), chance.choice(kind.timeouts)
        number = self.ledger.sent(flags, kind.name)
        return Task(number, kind), chance.choice(kind.timeouts)

    def flow(self) -> dict[str, Any]:
        """Choose tenant and priority, most often none."""
        if not self.stage.setting.flows or self.chance.random() < 0.7:
            return {}
        return {
            "tenant": self.chance.choice((None, "a", "b", "c")),
            "priority": self.chance.choice((0, 0, 0, 1, -1)),
        }

    def where(self) -> WorkerPool[Any, Any] | WorkerHandle[Any]:
        """Choose the pool or, now and then, one of its workers."""
        pool = self.stage.pool
        return pool if self.chance.random() < 0.9 else self.chance.choice([*pool] or [pool])

    def send(self, flags: int = 0, kind: Kind | None = None) -> Sent | None:
        """Send one; None if it was refused."""
        task, timeout = self.draw(flags, kind)
        where = self.where()
        try:
            reply = where.send(task, timeout, **self.flow())
        except Exception as error:
            self.refused(task.number, where, error)
            return None
        self.ledger.accepted(task.number)
        return Sent(task.number, task.kind, timeout, reply)

    def refused(self, number: int, where: object, error: Exception) -> None:
        """Book a query that was not accepted, and whether that may be."""
        self.ledger.refused(number, error)
        if isinstance(where, WorkerHandle) and isinstance(error, WorkerStopped):
            return  # the pool has let that worker go
        if self.stage.ending and isinstance(error, self.stage.ending):
            self.stage.over.set()
        elif not isinstance(error, self.stage.excuses):
            self.ledger.remark("disturbed", f"query {number} was refused: {error!r}")

    def settle(self, sent: Sent) -> None:
        """Wait for a reply and book what it says, twice the same."""
        try:
            error = sent.reply.exception(self.stage.lost_after)
        except TimeoutError:
            return  # it stays open in the ledger: lost
        if error is None:
            value, again = sent.reply.get(), sent.reply.get()
            self.ledger.answered(sent.number, value, answer(sent.number))
            if again != value:
                self.ledger.remark("duplicated reply", f"query {sent.number}: {value!r}, {again!r}")
            return
        self.failed(sent.number, sent.kind, sent.timeout, error, sent.cancelled)
        if type(sent.reply.exception()) is not type(error):
            self.ledger.remark(
                "duplicated reply", f"query {sent.number} changed its error {error!r}"
            )

    def failed(
        self,
        number: int,
        kind: Kind,
        timeout: float | None,
        error: BaseException,
        cancelled: bool = False,
    ) -> None:
        """Book an error, and whether such a query can have it."""
        expected = kind.permits(error, timeout, cancelled) or isinstance(error, self.stage.excuses)
        self.ledger.failed(number, error, expected, kind.name)

    def run(self) -> None:
        """Send until the stage is over."""
        while not self.stage.over.is_set():
            self.turn()

    def turn(self) -> None:
        """Send some, and settle them sooner or later."""
        raise NotImplementedError


class Asker(Sender):
    """Asks, one query after the other."""

    def turn(self) -> None:
        task, timeout = self.draw()
        where = self.where()
        try:
            value = where.ask(task, timeout, **self.flow())
        except Exception as error:
            if isinstance(error, MAYBE_REFUSED) and says_not_run(error):
                if self.stage.ending:  # then an ask does not tell whether it was accepted
                    self.ledger.hidden(1, unsure=1)
                self.refused(task.number, where, error)
                return
            self.ledger.accepted(task.number)
            self.failed(task.number, task.kind, timeout, error)
        else:
            self.ledger.accepted(task.number)
            self.ledger.answered(task.number, value, answer(task.number))


class Pipeliner(Sender):
    """Sends many before it looks at the first, and cancels some: queued, running or done."""

    def turn(self) -> None:
        chance = self.chance
        under_way: deque[Sent] = deque()
        for _ in range(chance.choice((1, 3, 10, 30, 100))):
            sent = self.send()
            if sent is not None:
                under_way.append(sent)
                if chance.random() < 0.05:
                    chance.choice(under_way).cancel()
        while under_way:
            self.settle(under_way.popleft())
            if under_way and chance.random() < 0.02:
                under_way[-1].cancel()


class CallbackUser(Sender):
    """Has a callback called for each; some callbacks raise."""

    def turn(self) -> None:
        under_way = []
        for _ in range(20):
            sent = self.send(WATCHED)
            if sent is not None:
                sent.reply.add_done_callback(self._callback(sent.number))
                under_way.append(sent)
        for sent in under_way:
            self.settle(sent)

    def _callback(self, number: int) -> Any:
        raises = self.chance.random() < 0.01

        def callback(reply: Reply[int]) -> None:
            self.ledger.called(number)
            if not reply.done():
                self.ledger.remark("duplicated reply", f"query {number} called back before its end")
            if raises:
                raise Fault("a callback that raises")

        return callback


class Teller(Sender):
    """Tells, and hears of nothing; waits for one query now and then, to let others come."""

    def turn(self) -> None:
        for _ in range(10):
            task, timeout = self.draw(UNSEEN)
            where = self.where()
            try:
                where.tell(task, timeout, **self.flow())
            except Exception as error:
                self.refused(task.number, where, error)
            else:
                self.ledger.accepted(task.number)
        sent = self.send()
        if sent is not None:
            self.settle(sent)


class Mapper(Sender):
    """Maps queries over the pool; one that fails ends the map, and then the rest is unseen."""

    def turn(self) -> None:
        drawn: list[Task] = []
        pool = self.stage.pool
        way = self.chance.choice((pool.map, pool.imap, pool.imap_unordered))
        count = self.chance.choice((1, 10, 200))
        wanted = count if self.chance.random() < 0.8 else count // 2
        try:
            values = list(islice(way(self._queries(drawn, count)), wanted))
        except Exception as error:
            self._ended(drawn, error)
            return
        right = [answer(task.number) for task in drawn]
        if way != pool.imap_unordered and values != right[:wanted]:
            self.ledger.remark("wrong", f"a map gave {values} for {right[:wanted]}")
        self._book(drawn, values)

    def _queries(self, drawn: list[Task], count: int) -> Iterator[Query[int]]:
        spoiled = self.chance.random() < 0.3
        for _ in range(count):
            kind = any_kind(self.chance) if spoiled else working_kind(self.chance)
            task, _ = self.draw(kind=kind)
            drawn.append(task)
            self.ledger.accepted(task.number)
            yield task

    def _book(self, drawn: list[Task], values: list[int]) -> None:
        """Book what a map gave, and that nobody sees the rest."""
        open_numbers = {task.number for task in drawn}
        for value in values:
            number = (value - 1) // 3
            self.ledger.answered(number, value, answer(number))
            if number not in open_numbers:
                self.ledger.remark("wrong", f"a map gave {value}, twice or for another query")
            open_numbers.discard(number)
        self._unseen(open_numbers)

    def _ended(self, drawn: list[Task], error: Exception) -> None:
        self.ledger.count(f"maps ended by {type(error).__name__}")
        if isinstance(error, (MailboxFull, QueryShed)):
            self.ledger.hidden(-1, unsure=0)  # the last one was not accepted after all
        else:  # a closed pool may have refused all that were still to come
            self.ledger.hidden(0, unsure=len(drawn) if self.stage.ending else 1)
        self._unseen({task.number for task in drawn})
        if self.stage.ending and isinstance(error, self.stage.ending):
            self.stage.over.set()

    def _unseen(self, numbers: set[int]) -> None:
        for number in numbers:
            self.ledger.unseen(number)


class Herald(Sender):
    """Sends one query to all workers at once, and takes all responses or the first."""

    def turn(self) -> None:
        number = self.ledger.sent(IDEMPOTENT | UNSEEN, "to all workers")
        self.ledger.count("sent to all workers")
        task = TaskForAll(number, working_kind(self.chance))
        pool = self.stage.pool
        try:
            if self.chance.random() < 0.5:
                values = [pool.first(task).get(self.stage.lost_after)]
            else:
                values = [reply.get(self.stage.lost_after) for reply in pool.broadcast(task)]
        except TimeoutError as error:
            if not isinstance(error, (QueryTimeout, TimeoutExceeded)):
                self.ledger.remark("lost", f"query {number}, sent to all, was never settled")
        except Exception as error:
            if self.stage.ending and isinstance(error, self.stage.ending):
                self.stage.over.set()
            elif not isinstance(error, (WorkerDied, WorkerStopped, *self.stage.excuses)):
                self.ledger.remark("disturbed", f"query {number}, sent to all: {error!r}")
        else:
            for value in values:
                if value != answer(number):
                    self.ledger.remark("wrong", f"query {number}, sent to all, got {value!r}")
        self._collect()

    def _collect(self) -> None:
        """Take replies as they are done."""
        sent = [one for _ in range(10) if (one := self.send()) is not None]
        by_reply = {id(each.reply): each for each in sent}
        for reply in as_completed(each.reply for each in sent):
            if not reply.done():
                self.ledger.remark("duplicated reply", "a reply was completed that is not done")
            self.settle(by_reply.pop(id(reply)))
        for each in by_reply.values():
            self.ledger.remark("lost", f"query {each.number} was never completed")


class LoopUser(Mapper):
    """An asyncio loop: awaits, gathers, waits for a short time only, cancels tasks."""

    def run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        while not self.stage.over.is_set():
            sent = [one for _ in range(30) if (one := self.send(WATCHED)) is not None]
            for each in sent:
                each.reply.add_done_callback(self._callback(each.number))
            tasks = [asyncio.ensure_future(self._wait(each)) for each in sent]
            for each, task in zip(sent, tasks, strict=True):
                if self.chance.random() < 0.05:
                    each.cancelled = True
                    if self.chance.random() < 0.5:
                        await asyncio.sleep(0)
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self._settle_all, sent)
            await self._map()

    async def _map(self) -> None:
        drawn: list[Task] = []
        wanted = self.chance.choice((5, 20, 20))
        values: list[int] = []
        try:
            async with asyncio.timeout(self.chance.choice((None, 0.01))):
                async for value in self.stage.pool.imap_unordered(self._queries(drawn, 20)):
                    values.append(value)
                    if len(values) == wanted:
                        break
        except Exception as error:
            self._ended(drawn, error)
        else:
            self._book(drawn, values)

    def _callback(self, number: int) -> Callable[[Reply[int]], None]:
        return lambda reply: self.ledger.called(number)

    async def _wait(self, sent: Sent) -> int:
        if self.chance.random() < 0.9:
            return await sent.reply
        sent.cancelled = True  # by wait_for, if it comes to that
        patience = self.chance.choice((0.0, 0.001, 0.01, 0.1))
        return await asyncio.wait_for(_awaiting(sent.reply), patience)

    def _settle_all(self, sent: list[Sent]) -> None:
        for each in sent:
            if each.cancelled:
                each.cancel()  # its task may have been cancelled before it ran at all
            self.settle(each)


async def _awaiting(reply: Reply[int]) -> int:
    return await reply


SENDERS: tuple[type[Sender], ...] = (
    Asker,
    Pipeliner,
    Pipeliner,
    CallbackUser,
    Teller,
    Mapper,
    Herald,
    LoopUser,
)
