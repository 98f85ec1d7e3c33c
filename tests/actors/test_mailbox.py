"""The mailbox: order, removal, bounds, the control lane, closing, hand-over."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors import MailboxFull, Query, Reply
from actors._mailbox import Mailbox


class Nobody:
    """An addressee that does nothing."""

    name = "nobody"

    def withdrawn(self, reply: Reply[Any]) -> None:
        """Not asked here."""

    def about_to_wait(self, other: Reply[Any], bell: threading.Lock) -> bool:
        return False

    def waited(self) -> None:
        """Not asked here."""


def message(timeout: float | None = None) -> Reply[Any]:
    now = monotonic()
    return Reply(Query(), Nobody(), now, None if timeout is None else now + timeout)


def attached(capacity: int | None = None) -> Mailbox:
    mailbox = Mailbox(capacity)
    mailbox.attach()
    return mailbox


class MailboxMachine(RuleBasedStateMachine):
    """Compares a mailbox with a list."""

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = attached(capacity=8)
        self.model: deque[Reply[Any]] = deque()
        self.gone: list[Reply[Any]] = []
        self.calls: list[int] = []
        self.issued = 0
        self.closed = False

    @rule(timeout=st.sampled_from([None, 5.0, 50.0]))
    def put(self, timeout: float | None) -> None:
        new = message(timeout)
        if len(self.model) >= 8:
            with pytest.raises(MailboxFull):
                self.mailbox.put(new)
        else:
            accepted = self.mailbox.put(new)
            assert accepted is not self.closed
            if accepted:
                self.model.append(new)

    @precondition(lambda self: self.model)
    @rule()
    def take(self) -> None:
        taken = self.mailbox.take(timeout=0)
        assert taken is self.model.popleft()
        self.gone.append(taken)
        assert len(self.calls) == self.issued

    @precondition(lambda self: not self.model)
    @rule()
    def take_from_an_empty_one(self) -> None:
        if self.closed:
            assert self.mailbox.take() is None
        else:
            with pytest.raises(TimeoutError):
                self.mailbox.take(timeout=0)
        assert len(self.calls) == self.issued

    @precondition(lambda self: self.gone and len(self.model) < 8)
    @rule()
    def put_back(self) -> None:
        back = self.gone.pop()
        self.mailbox.put_back(back)
        self.model.appendleft(back)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(list(self.model)))
        assert self.mailbox.remove(chosen)
        assert not self.mailbox.remove(chosen)
        self.model.remove(chosen)

    @rule()
    def expire(self) -> None:
        now = monotonic() + 10.0
        expired, following = self.mailbox.overdue(now)
        due = [each for each in self.model if each._deadline is not None and each._deadline <= now]
        assert expired == due
        for each in due:
            self.model.remove(each)
        left = [each._deadline for each in self.model if each._deadline is not None]
        assert following == min(left, default=float("inf"))

    @rule()
    def control(self) -> None:
        self.mailbox.control(lambda: self.calls.append(1))
        self.issued += 1

    @rule()
    def close(self) -> None:
        self.mailbox.close()
        self.closed = True

    @invariant()
    def it_is_as_long_as_the_model(self) -> None:
        assert len(self.mailbox) == len(self.model)


MailboxMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestMailbox = MailboxMachine.TestCase


def test_a_reader_sleeps_until_something_comes() -> None:
    mailbox = attached()
    taken: list[Any] = []
    reader = threading.Thread(target=lambda: taken.append(mailbox.take()))
    reader.start()
    new = message()
    mailbox.put(new)
    reader.join(10)
    assert taken == [new]


def test_a_sleeping_reader_hears_the_control_lane() -> None:
    mailbox = attached()
    heard = threading.Event()
    reader = threading.Thread(target=mailbox.take)
    reader.start()
    mailbox.control(heard.set)
    assert heard.wait(10)
    mailbox.stop()
    reader.join(10)
    assert not reader.is_alive()


def test_a_stop_overtakes_what_is_queued() -> None:
    mailbox = attached()
    mailbox.put(message())
    mailbox.stop()
    assert mailbox.take() is None
    assert len(mailbox.drain()) == 1


def test_closing_lets_take_what_is_queued() -> None:
    mailbox = attached()
    mailbox.put(message())
    mailbox.close()
    assert not mailbox.put(message())
    assert mailbox.take() is not None
    assert mailbox.take() is None


def test_a_bell_that_a_dead_reader_left_swallows_no_ring() -> None:
    mailbox = attached()
    mailbox._sleepers.append(mailbox._bell)  # as if the reader had died in its sleep
    mailbox.attach()
    taken: list[Any] = []
    reader = threading.Thread(target=lambda: taken.append(mailbox.take(timeout=10)))
    reader.start()
    mailbox.put(message())
    reader.join(20)
    assert len(taken) == 1


def test_nothing_is_lost_or_doubled_between_many_senders_and_changing_readers() -> None:
    mailbox = attached()
    senders, each = 4, 2000
    seen: list[Reply[Any]] = []

    def send() -> None:
        for _ in range(each):
            assert mailbox.put(message())

    def read() -> None:
        mailbox.attach()
        for _ in range(each):
            taken = mailbox.take(timeout=20)
            assert taken is not None
            seen.append(taken)

    threads = [threading.Thread(target=send) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for _ in range(senders):  # one reader after the other, as with restarts
        reader = threading.Thread(target=read)
        reader.start()
        reader.join(30)
    for thread in threads:
        thread.join(30)
    assert len(seen) == len(set(map(id, seen))) == senders * each
    assert len(mailbox) == 0
