"""The backlog of a pool: several readers, idle ones, and no query that nobody wakes for."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import pytest

from actors import MailboxOptions, Query, QueryShed, Reply
from actors._lives.life import Leave
from actors._mailboxes.backlog import Backlog
from actors._mailboxes.lanes import flow_key
from actors._mailboxes.mailbox import Mailbox

from .waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actors._bell import Bell
    from actors._lives.cell import Cell


class Somebody:
    """Where queries are sent to."""

    name = "somebody"
    halt_at = inf

    def __init__(self) -> None:
        self.watch = self
        self.at = inf
        self.armed: list[float] = []

    def arm(self, when: float) -> None:
        self.armed.append(when)
        self.at = when

    def withdrawn(self, reply: Reply[Any]) -> None:
        """Not asked here."""

    def about_to_wait(self, other: Reply[Any], bell: Bell) -> bool:
        return False

    def waited(self) -> None:
        """Not asked here."""


def message(tenant: Any = None, timeout: float | None = None) -> Reply[Any]:
    now = monotonic()
    deadline = None if timeout is None else now + timeout
    return Reply(Query(), Somebody(), now, deadline, flow_key(0, tenant))


class Reader:
    """A mailbox with a thread that takes, and notes what."""

    def __init__(self, backlog: Backlog, work: Callable[[Reply[Any]], object] = id) -> None:
        self.owner = Somebody()
        self.mailbox = Mailbox(upstream=backlog, owner=cast("Cell", self.owner))
        self.taken: list[Reply[Any]] = []
        self.work = work
        self.left = threading.Event()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        self.mailbox.attach()
        try:
            while (taken := self.mailbox.take()) is not None:
                self.taken.append(taken)
                self.work(taken)
        except Leave:
            pass
        self.left.set()


@pytest.fixture
def backlog() -> Backlog:
    return Backlog()


@pytest.fixture
def start(backlog: Backlog) -> Iterator[Callable[..., Reader]]:
    """Start readers of the backlog, and stop them at the end."""
    started: list[Reader] = []

    def begin(*arguments: Any, of: Backlog = backlog) -> Reader:
        started.append(Reader(of, *arguments))
        return started[-1]

    yield begin
    for reader in started:
        reader.mailbox.stop()
    for reader in started:
        assert reader.left.wait(10)


def asleep(backlog: Backlog, *readers: Reader) -> None:
    """Wait until these are idle, in this order."""
    expected = [reader.mailbox for reader in readers]
    until(lambda: list(backlog.idle) == expected)


def test_the_longest_idle_reader_takes_the_next_query(backlog: Backlog, start: Any) -> None:
    first = start()
    asleep(backlog, first)
    second = start()
    asleep(backlog, first, second)
    backlog.put(message())
    asleep(backlog, second, first)
    backlog.put(message())
    asleep(backlog, first, second)
    assert [len(first.taken), len(second.taken)] == [1, 1]


def test_a_readers_own_queries_come_first(backlog: Backlog) -> None:
    mailbox = Mailbox(upstream=backlog)
    mailbox.attach()
    shared, own = message(), message()
    backlog.put(shared)
    mailbox.put(own)
    assert mailbox.take() is own
    assert mailbox.borrowed is None
    assert mailbox.take() is shared
    assert mailbox.borrowed is shared


def test_whoever_takes_a_query_answers_it_and_watches_its_deadline(backlog: Backlog) -> None:
    owner = Somebody()
    mailbox = Mailbox(upstream=backlog, owner=cast("Cell", owner))
    mailbox.attach()
    taken = [message(), message(timeout=9), message(timeout=99)]
    for each in taken:
        backlog.put(each)
    assert [mailbox.take() for _ in taken] == taken
    assert all(each._addressee is owner for each in taken)
    assert owner.armed == [taken[1]._deadline]


def test_a_reader_that_was_chosen_but_does_something_else_passes_the_ring_on(
    backlog: Backlog, start: Any
) -> None:
    held = threading.Event()
    chosen = start(lambda _: held.wait(20))
    asleep(backlog, chosen)
    other = start()
    asleep(backlog, chosen, other)
    own, shared = message(), message()
    # Both at once, as if two senders came between the reader's waking and its looking around.
    chosen.mailbox._work.append(own)
    backlog.put(shared)
    until(lambda: other.taken == [shared])
    assert chosen.taken == [own]
    held.set()


@pytest.mark.parametrize("how", ["stop", "close", "leave"])
def test_a_reader_that_leaves_after_it_was_chosen_passes_the_ring_on(
    backlog: Backlog, start: Any, how: str
) -> None:
    leaver = start()
    asleep(backlog, leaver)
    other = start()
    asleep(backlog, leaver, other)

    def leave() -> None:
        raise Leave("renewed")

    shared = message()
    with_hands_full = leaver.mailbox
    if how == "leave":
        with_hands_full._control.append(leave)
        with_hands_full._attention = True
    else:
        with_hands_full._closed = with_hands_full._attention = True
        with_hands_full._stopped = how == "stop"
    backlog.put(shared)  # wakes the one that has just been told to go
    until(lambda: other.taken == [shared])
    assert leaver.left.wait(10)


def test_a_retiring_reader_leaves_the_backlog_to_the_others(backlog: Backlog) -> None:
    mailbox = Mailbox(upstream=backlog)
    mailbox.attach()
    own = message()
    mailbox.put(own)
    backlog.put(message())
    mailbox.close()
    assert mailbox.take() is own
    assert mailbox.take() is None
    assert len(backlog) == 1


def test_readers_of_a_closed_backlog_empty_it_before_they_leave(
    backlog: Backlog, start: Any
) -> None:
    held = threading.Event()
    readers = [start(lambda _: held.wait(20)) for _ in range(3)]
    for _ in range(30):
        backlog.put(message())
    backlog.close()
    for reader in readers:
        reader.mailbox.close()
    assert not backlog.put(message())
    held.set()
    assert all(reader.left.wait(10) for reader in readers)
    assert len(backlog) == 0
    assert sum(len(reader.taken) for reader in readers) == 30


def test_what_is_put_back_wakes_a_reader_and_is_next(backlog: Backlog, start: Any) -> None:
    back = message()
    backlog.put_back(back)
    reader = start()
    until(lambda: reader.taken == [back])
    asleep(backlog, reader)
    backlog.put_back(back)
    until(lambda: reader.taken == [back, back])


def test_the_expected_wait_is_shared_among_the_readers() -> None:
    backlog = Backlog(MailboxOptions(shed=True))
    backlog.charge(None, 0.0, 1.0)  # runs take a second
    for _ in range(10):
        backlog.put(message())
    with pytest.raises(QueryShed) as shed:
        backlog.put(message(timeout=5))
    assert shed.value.expected_wait == pytest.approx(10)
    assert shed.value.timeout == pytest.approx(5)
    backlog.readers = 4
    assert backlog.put(message(timeout=5))


def test_tenants_take_turns_whoever_runs_their_queries(start: Any) -> None:
    backlog = Backlog()
    gate = threading.Event()
    readers = [start(lambda _: gate.wait(20), of=backlog) for _ in range(2)]
    for _ in range(1000):
        backlog.put(message("greedy"))
    late = message("modest")
    backlog.put(late)
    gate.set()
    until(lambda: len(backlog) == 0)
    assert any(late in reader.taken[:4] for reader in readers)


@pytest.mark.parametrize("options", [{}, {"capacity": 20, "overflow": "block"}])
@pytest.mark.parametrize("tenants", [(None,), (None, "a", "b")])
def test_nothing_is_lost_or_doubled_and_nobody_oversleeps(
    start: Any, options: dict[str, Any], tenants: tuple[Any, ...]
) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that threads meet at every step
    try:
        backlog = Backlog(MailboxOptions(**options))
        readers = [start(of=backlog) for _ in range(4)]
        for round_ in range(6):
            sent = send_from_many_threads(backlog, readers, tenants)
            # Nobody sends any more, so whoever overslept would sleep on.
            until(lambda: not len(backlog) and all(not len(r.mailbox) for r in readers))
            until(lambda sent=sent: sum(len(r.taken) for r in readers) == len(sent))
            seen = Counter(id(each) for reader in readers for each in reader.taken)
            assert seen == Counter(map(id, sent)), f"in round {round_}"
            for reader in readers:
                reader.taken.clear()
            until(lambda: len(backlog.idle) == len(readers))
            assert len(set(map(id, backlog.idle))) == len(readers)
    finally:
        sys.setswitchinterval(interval)


def send_from_many_threads(
    backlog: Backlog, readers: list[Reader], tenants: tuple[Any, ...]
) -> list[Reply[Any]]:
    sent: list[Reply[Any]] = []

    def send(mailbox: Mailbox) -> None:
        for number in range(100):
            new = message(tenants[number % len(tenants)])
            sent.append(new)
            assert (mailbox if number % 5 == 0 else backlog).put(new)
            if number % 7 == 0:
                mailbox.control(lambda: None)

    threads = [threading.Thread(target=send, args=[reader.mailbox]) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    return sent


def test_readers_may_come_and_go_while_senders_send(backlog: Backlog, start: Any) -> None:
    steady = start()
    sent: list[Reply[Any]] = []

    def send() -> None:
        for _ in range(2000):
            sent.append(message())
            assert backlog.put(sent[-1])

    sender = threading.Thread(target=send)
    sender.start()
    passing = []
    while sender.is_alive():
        reader = start()
        reader.mailbox.close()
        assert reader.left.wait(10)
        passing.append(reader)
    sender.join(20)
    until(lambda: sum(len(r.taken) for r in [steady, *passing]) == len(sent))
    assert len(backlog) == 0
