"""The mailbox: order, removal, bounds, the control lane, closing, hand-over."""

from __future__ import annotations

import sys
import threading
from collections import Counter, deque
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors import MailboxFull, Query, Reply
from actors._mailboxes.lanes import flow_key
from actors._mailboxes.mailbox import Mailbox
from actors.mailbox import MailboxOptions

from .waiting import until

if TYPE_CHECKING:
    from actors._bell import Bell


class Nobody:
    """An addressee that does nothing."""

    name = "nobody"
    halt_at = float("inf")

    def withdrawn(self, reply: Reply[Any]) -> None:
        """Not asked here."""

    def about_to_wait(self, other: Reply[Any], bell: Bell) -> bool:
        return False

    def waited(self) -> None:
        """Not asked here."""


def message(timeout: float | None = None, tenant: Any = None, priority: int = 0) -> Reply[Any]:
    now = monotonic()
    deadline = None if timeout is None else now + timeout
    return Reply(Query(), Nobody(), now, deadline, flow_key(priority, tenant))


def attached(**options: Any) -> Mailbox:
    mailbox = Mailbox(MailboxOptions(**options))
    mailbox.attach()
    return mailbox


CAPACITY, SHARE = 8, 3


class MailboxMachine(RuleBasedStateMachine):
    """Compares a mailbox with a list for each priority and tenant."""

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = attached(capacity=CAPACITY, tenant_capacity=SHARE)
        self.model: dict[tuple[int, Any], deque[Reply[Any]]] = {}
        self.gone: list[Reply[Any]] = []
        self.calls: list[int] = []
        self.issued = 0
        self.closed = False

    def all(self) -> list[Reply[Any]]:
        return [each for queue in self.model.values() for each in queue]

    def queue_of(self, each: Reply[Any]) -> deque[Reply[Any]]:
        return self.model.setdefault(each._flow or (0, None), deque())

    @rule(
        timeout=st.sampled_from([None, 5.0, 50.0]),
        tenant=st.sampled_from([None, None, "a", "b"]),
        priority=st.sampled_from([0, 0, 0, 1, -1]),
    )
    def put(self, timeout: float | None, tenant: str | None, priority: int) -> None:
        new = message(timeout, tenant, priority)
        shares = Counter(each._flow[1] for each in self.all() if each._flow)
        if self.closed:
            assert not self.mailbox.put(new)
        elif len(self.all()) >= CAPACITY:
            with pytest.raises(MailboxFull) as full:
                self.mailbox.put(new)
            assert (full.value.capacity, full.value.tenant) == (CAPACITY, None)
        elif tenant is not None and shares[tenant] >= SHARE:
            with pytest.raises(MailboxFull) as full:
                self.mailbox.put(new)
            assert (full.value.capacity, full.value.tenant) == (SHARE, tenant)
        else:
            assert self.mailbox.put(new)
            self.queue_of(new).append(new)

    @precondition(lambda self: self.all())
    @rule()
    def take(self) -> None:
        taken = self.mailbox.take(timeout=0)
        assert taken is not None
        highest = max((each._flow or (0, None))[0] for each in self.all())
        assert (taken._flow or (0, None))[0] == highest
        assert taken is self.queue_of(taken).popleft()
        self.gone.append(taken)
        assert len(self.calls) == self.issued

    @precondition(lambda self: not self.all())
    @rule()
    def take_from_an_empty_one(self) -> None:
        if self.closed:
            assert self.mailbox.take() is None
        else:
            with pytest.raises(TimeoutError):
                self.mailbox.take(timeout=0)
        assert len(self.calls) == self.issued

    @precondition(lambda self: self.gone)
    @rule()
    def put_back(self) -> None:
        back = self.gone.pop()
        self.mailbox.put_back(back)
        self.queue_of(back).appendleft(back)

    @precondition(lambda self: self.all())
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(self.all()))
        assert self.mailbox.remove(chosen)
        assert not self.mailbox.remove(chosen)
        self.queue_of(chosen).remove(chosen)

    @rule()
    def expire(self) -> None:
        now = monotonic() + 10.0
        expired, following = self.mailbox.overdue(now)
        due = [each for each in self.all() if each._deadline is not None and each._deadline <= now]
        assert set(expired) == set(due)
        for each in due:
            self.queue_of(each).remove(each)
        left = [each._deadline for each in self.all() if each._deadline is not None]
        assert following == min(left, default=float("inf"))

    @rule()
    def control(self) -> None:
        self.mailbox.control(lambda: self.calls.append(1))
        self.issued += 1

    @rule()
    def drain(self) -> None:
        assert set(self.mailbox.drain()) == set(self.all())
        self.model.clear()

    @rule()
    def close(self) -> None:
        self.mailbox.close()
        self.closed = True

    @invariant()
    def it_is_as_long_as_the_model(self) -> None:
        assert len(self.mailbox) == len(self.all())
        assert self.mailbox.needs_drain == (len(self.all()) >= CAPACITY)


MailboxMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestMailbox = MailboxMachine.TestCase


def test_a_reader_sleeps_until_something_comes() -> None:
    mailbox = Mailbox()
    taken: list[Any] = []

    def read() -> None:
        mailbox.attach()
        taken.append(mailbox.take())

    reader = threading.Thread(target=read)
    reader.start()
    new = message()
    mailbox.put(new)
    reader.join(10)
    assert taken == [new]


def test_a_reader_that_was_given_up_in_its_sleep_wakes_and_leaves() -> None:
    mailbox = Mailbox()
    sleeps = threading.Event()
    taken: list[Any] = []

    def read() -> None:
        mailbox.attach()
        sleeps.set()
        taken.append(mailbox.take())

    reader = threading.Thread(target=read)
    reader.start()
    assert sleeps.wait(10)
    mailbox.attach()
    new = message()
    mailbox.put(new)
    reader.join(10)
    assert taken == [None] or taken == [new]  # it may have been on its way, and will give it back
    assert not reader.is_alive()


def test_a_sleeping_reader_hears_the_control_lane() -> None:
    mailbox = Mailbox()
    heard = threading.Event()

    def read() -> None:
        mailbox.attach()
        mailbox.take()

    reader = threading.Thread(target=read)
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


@pytest.mark.parametrize("options", [{}, {"capacity": 50, "overflow": "block"}, {"shed": True}])
@pytest.mark.parametrize("tenants", [(None,), (None, "a", "b")])
def test_nothing_is_lost_or_doubled_between_many_senders_and_changing_readers(
    options: dict[str, Any], tenants: tuple[Any, ...]
) -> None:
    mailbox = attached(**options)
    senders, each = 4, 1500
    seen: list[Reply[Any]] = []

    def send() -> None:
        for number in range(each):
            assert mailbox.put(message(tenant=tenants[number % len(tenants)]))

    def read() -> None:
        mailbox.attach()
        for _ in range(each):
            taken = mailbox.take(timeout=20)
            assert taken is not None
            seen.append(taken)
            assert len(mailbox) <= options.get("capacity", sys.maxsize)

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


def test_a_blocked_sender_goes_on_when_there_is_room_in_the_order_of_coming() -> None:
    mailbox = attached(capacity=1, overflow="block")
    first, second, third = message(), message(), message()
    mailbox.put(first)
    senders = [threading.Thread(target=mailbox.put, args=[each]) for each in (second, third)]
    for number, sender in enumerate(senders, 1):
        sender.start()
        until(lambda number=number: len(mailbox._blocked) == number)
    assert mailbox.take() is first
    senders[0].join(10)
    assert senders[1].is_alive()
    assert mailbox.remove(second)
    senders[1].join(10)
    assert mailbox.take() is third


def test_a_blocked_sender_goes_on_when_what_is_queued_has_expired() -> None:
    mailbox = attached(capacity=1, overflow="block")
    mailbox.put(message(timeout=5))
    late = message()
    sender = threading.Thread(target=mailbox.put, args=[late])
    sender.start()
    until(lambda: len(mailbox._blocked) == 1)
    assert len(mailbox.overdue(monotonic() + 10)[0]) == 1
    sender.join(10)
    assert mailbox.take() is late


def test_a_sender_whose_tenant_has_no_room_does_not_hold_up_the_others() -> None:
    mailbox = attached(tenant_capacity=1, overflow="block")
    mailbox.put(message(tenant="a"))
    sender = threading.Thread(target=mailbox.put, args=[message(tenant="a")])
    sender.start()
    until(lambda: len(mailbox._blocked) == 1)
    assert mailbox.put(message(tenant="b"))
    assert mailbox.put(message())
    for _ in range(4):
        assert mailbox.take(timeout=10) is not None
    sender.join(10)
    assert not sender.is_alive()


def test_a_sender_waits_no_longer_than_its_own_deadline() -> None:
    mailbox = attached(capacity=1, overflow="block", block_timeout=60)
    mailbox.put(message())
    with pytest.raises(MailboxFull):
        mailbox.put(message(timeout=0.02))
    assert len(mailbox) == 1
    assert not mailbox._blocked


def test_closing_refuses_blocked_senders() -> None:
    mailbox = attached(capacity=1, overflow="block")
    mailbox.put(message())
    accepted: list[bool] = []
    sender = threading.Thread(target=lambda: accepted.append(mailbox.put(message())))
    sender.start()
    until(lambda: len(mailbox._blocked) == 1)
    mailbox.close()
    sender.join(10)
    assert accepted == [False]


def test_it_is_drained_when_half_of_the_high_water_is_left() -> None:
    mailbox = attached(high_water=4)
    for _ in range(4):
        mailbox.put(message())
    assert mailbox.needs_drain
    assert not mailbox.wait_until_drained(timeout=0)
    heard: list[bool] = []
    waiter = threading.Thread(target=lambda: heard.append(mailbox.wait_until_drained(20)))
    waiter.start()
    until(lambda: bool(mailbox._drainers))
    mailbox.take()
    assert waiter.is_alive()
    mailbox.take()
    waiter.join(10)
    assert heard == [True]
    assert mailbox.wait_until_drained(timeout=0)
    mailbox.take()
    assert not mailbox._attention  # nothing is left that makes the reader slower
