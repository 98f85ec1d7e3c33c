"""Too much to do: bounds, priorities, tenants, shedding, and senders that wait."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from actors import (
    MailboxFull,
    MailboxOptions,
    Overloaded,
    QueryDropped,
    QueryShed,
    QueryTimeout,
    Worker,
    WorkerPool,
)
from actors.testing import Do, DoAgain, EventLog, Gate, PythonWorker

from .senders import Handle, Sender, Spawn, note, occupied

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def spawn(closing: Callable[[Any], Any]) -> Spawn:
    """Spawn a worker whose mailbox has these options."""
    return lambda **options: closing(PythonWorker.spawn(mailbox=MailboxOptions(**options)))


def burn(seen: list[Any], name: Any, seconds: float) -> Do[None]:
    def run(_: object) -> None:
        until = monotonic() + seconds
        while monotonic() < until:
            pass
        seen.append(name)

    return Do(run)


# -- tenants and priorities -----------------------------------------------------------------------


def test_a_greedy_tenant_does_not_hold_up_another(worker: Handle, gate: Gate) -> None:
    seen: list[str] = []
    occupied(worker, gate)
    for _ in range(10_000):
        worker.tell(note(seen, "greedy"), tenant="greedy")
    reply = worker.send(note(seen, "modest"), tenant="modest")
    gate.open()
    reply.get(20)
    assert seen.index("modest") <= 2


def test_tenants_share_run_time_and_not_turns(worker: Handle, gate: Gate) -> None:
    seen: list[str] = []
    occupied(worker, gate)
    for _ in range(300):
        worker.tell(burn(seen, "quick", 0.0002), tenant="quick")
    slow = [worker.send(burn(seen, "slow", 0.01), tenant="slow") for _ in range(10)]
    gate.open()
    slow[5].get(20)
    before_the_fifth = seen[: [n for n, name in enumerate(seen) if name == "slow"][4]]
    assert before_the_fifth.count("quick") > 40


def test_a_higher_priority_overtakes_what_is_queued(worker: Handle, gate: Gate) -> None:
    seen: list[str] = []
    occupied(worker, gate)
    last = worker.send(note(seen, "background"), priority=-1)
    worker.tell(note(seen, "plain"))
    worker.tell(note(seen, "urgent"), priority=1)
    gate.open()
    last.get(10)
    assert seen == ["urgent", "plain", "background"]


@dataclass(frozen=True)
class Order(Do[Any]):
    """A query whose type says for whom it is, and that it is urgent."""

    tenant: str = "shop"
    priority: ClassVar[int] = 7


@dataclass(frozen=True)
class ByKey(Do[Any]):
    """One whose tenant follows from something else."""

    key: str = "a-1"

    @property
    def tenant(self) -> str:
        return self.key.partition("-")[0]


def test_a_query_type_may_say_tenant_and_priority_itself(worker: Handle) -> None:
    assert worker.send(Order(id, "a shop"))._flow == (7, "a shop")
    assert worker.send(ByKey(id, "b-2"))._flow == (0, "b")
    assert worker.send(Do(id))._flow is None


def test_what_the_sender_says_goes_before_what_the_type_says(worker: Handle) -> None:
    assert worker.send(Order(id), tenant="other")._flow == (7, "other")
    assert worker.send(Order(id), priority=-2)._flow == (-2, "shop")


@pytest.mark.parametrize("verb", ["ask", "send", "tell", "post"])
def test_a_priority_is_an_int_and_a_tenant_hashable(worker: Handle, verb: str) -> None:
    with pytest.raises(TypeError, match="priority must be an int, not str"):
        getattr(worker, verb)(Do(id), priority="high")
    with pytest.raises(TypeError, match="tenant must be hashable, which dict is not"):
        getattr(worker, verb)(Do(id), tenant={})
    with pytest.raises(TypeError, match="tenant must be hashable"):
        getattr(worker, verb)(Order(id, ["shop"]))  # type: ignore[arg-type]


def test_a_query_with_a_tenant_is_removed_when_its_deadline_passes(
    worker: Handle, gate: Gate
) -> None:
    occupied(worker, gate)
    late = worker.send(Do(id), timeout=0.01, tenant="a")
    with pytest.raises(QueryTimeout) as timeout:
        late.get(10)
    assert not timeout.value.may_have_run
    assert worker.backlog == 0


def test_cancelling_one_does_not_disturb_its_neighbours(worker: Handle, gate: Gate) -> None:
    seen: list[int] = []
    occupied(worker, gate)
    replies = [worker.send(note(seen, n), tenant=n % 2, priority=n % 3) for n in range(12)]
    for each in replies[::4]:
        assert each.cancel()
    gate.open()
    for each in replies:
        each.exception(10)
    assert sorted(seen) == [n for n in range(12) if n % 4]


# -- bounds ---------------------------------------------------------------------------------------


def test_a_full_mailbox_refuses_and_says_how_full_it_is(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(capacity=2)
    occupied(worker, gate)
    worker.tell(Do(id))
    worker.tell(Do(id), tenant="a")
    with pytest.raises(MailboxFull, match="2 queries are queued already") as full:
        worker.send(Do(id))
    assert (full.value.capacity, full.value.tenant) == (2, None)
    assert isinstance(full.value, Overloaded)


def test_a_tenant_has_its_own_bound(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(tenant_capacity=1)
    occupied(worker, gate)
    worker.tell(Do(id), tenant="a")
    with pytest.raises(MailboxFull, match="1 queries of tenant 'a' are queued already") as full:
        worker.send(Do(id), tenant="a", priority=3)
    assert (full.value.capacity, full.value.tenant) == (1, "a")
    worker.tell(Do(id), tenant="b")
    worker.tell(Do(id))
    worker.tell(Do(id))


def test_a_worker_class_may_say_how_its_mailbox_is(closing: Any, gate: Gate) -> None:
    class Bounded(PythonWorker):
        mailbox: ClassVar[MailboxOptions] = MailboxOptions(capacity=1)

    worker = closing(Bounded.spawn())
    occupied(worker, gate)
    worker.tell(Do(id))
    with pytest.raises(MailboxFull):
        worker.tell(Do(id))


def test_the_oldest_of_the_greediest_makes_room(spawn: Spawn, gate: Gate, log: EventLog) -> None:
    worker = spawn(capacity=3, overflow="drop_oldest")
    occupied(worker, gate)
    modest = worker.send(Do(lambda _: "modest"), tenant="modest")
    oldest = worker.send(Do(lambda _: "oldest"), tenant="greedy")
    newer = worker.send(Do(lambda _: "newer"), tenant="greedy")
    newest = worker.send(Do(lambda _: "newest"), tenant="greedy")
    with pytest.raises(QueryDropped):
        oldest.get(10)
    assert log.wait_for("query.done")[0].fields["outcome"] == "dropped"
    gate.open()
    assert [each.get(10) for each in (modest, newer, newest)] == ["modest", "newer", "newest"]


def test_nothing_makes_room_for_what_is_less_urgent(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(capacity=1, overflow="drop_oldest")
    occupied(worker, gate)
    urgent = worker.send(Do(lambda _: "urgent"), priority=1)
    with pytest.raises(MailboxFull):
        worker.send(Do(id))
    gate.open()
    assert urgent.get(10) == "urgent"


def test_a_query_that_is_run_again_is_never_refused(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(capacity=1)
    runs: list[int] = []

    def die_at_first(_: object) -> str:
        runs.append(1)
        if len(runs) == 1:
            gate.hold()
            raise SystemExit
        return "answered"

    first = worker.send(DoAgain(die_at_first))
    assert gate.reached.wait(10)
    second = worker.send(Do(lambda _: "second"))
    gate.open()
    assert first.get(10) == "answered"
    assert second.get(10) == "second"


# -- pools: the same, for the queue that the workers share -----------------------------------------


@pytest.fixture
def open_pool(closing: Callable[[Any], Any]) -> Callable[..., WorkerPool[Any, Any]]:
    """Start a pool of two whose shared queue has these options."""
    return lambda **options: closing(WorkerPool(PythonWorker, 2, mailbox=MailboxOptions(**options)))


def test_a_greedy_tenant_does_not_hold_up_another_at_a_pool(open_pool: Any, make_gate: Any) -> None:
    pool = open_pool()
    seen: list[str] = []
    gates = [make_gate(), make_gate()]
    for gate in gates:
        pool.send(Do(gate.hold))
        assert gate.reached.wait(10)
    for _ in range(2000):
        pool.tell(note(seen, "greedy"), tenant="greedy")
    reply = pool.send(note(seen, "modest"), tenant="modest")
    for gate in gates:
        gate.open()
    reply.get(20)
    assert seen.index("modest") <= 4


def test_a_full_pool_lets_its_senders_wait(open_pool: Any, make_gate: Any) -> None:
    pool = open_pool(capacity=1, overflow="block")
    gates = [make_gate(), make_gate()]
    for gate in gates:
        pool.send(Do(gate.hold))
        assert gate.reached.wait(10)
    pool.tell(Do(id))
    sender = Sender(lambda: pool.ask(Do(lambda _: "answered")))
    until = monotonic() + 10
    while not pool._hub.mailbox._blocked:
        assert monotonic() < until
        threading.Event().wait(0.001)
    gates[0].open()
    assert sender.outcome() == "answered"


def test_workers_do_not_all_wait_for_room_at_their_own_pool(open_pool: Any, make_gate: Any) -> None:
    pool = open_pool(capacity=1, overflow="block")
    gates = [make_gate(), make_gate()]

    def fill(gate: Gate) -> Callable[[object], object]:
        def run(_: object) -> None:
            gate.hold()
            pool.tell(Do(id))

        return run

    replies = []
    for gate in gates:
        replies.append(pool.send(Do(fill(gate))))
        assert gate.reached.wait(10)
    pool.tell(Do(id))
    for gate in gates:
        gate.open()
    errors = [each.response(10).error for each in replies]
    assert {type(error) for error in errors} <= {MailboxFull, type(None)}
    assert pool.ask(Do(lambda _: "goes on"), timeout=10) == "goes on"


def test_what_a_pool_drops_is_settled_and_traced(
    open_pool: Any, make_gate: Any, log: EventLog
) -> None:
    pool = open_pool(capacity=1, overflow="drop_oldest")
    gates = [make_gate(), make_gate()]
    for gate in gates:
        pool.send(Do(gate.hold))
        assert gate.reached.wait(10)
    oldest = pool.send(Do(id))
    newest = pool.send(Do(lambda _: "newest"))
    with pytest.raises(QueryDropped):
        oldest.get(10)
    fields = log.wait_for("query.done")[0].fields
    assert (fields["outcome"], fields["pool"]) == ("dropped", pool.name)
    for gate in gates:
        gate.open()
    assert newest.get(10) == "newest"


# -- shedding -------------------------------------------------------------------------------------


def test_a_query_that_cannot_start_in_time_is_refused_at_once(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(shed=True)
    seen: list[str] = []
    for _ in range(3):
        worker.ask(burn(seen, "run", 0.05))
    occupied(worker, gate)
    for _ in range(10):
        worker.tell(Do(id))
    with pytest.raises(QueryShed) as shed:
        worker.send(Do(id), timeout=0.1)
    assert shed.value.expected_wait > 0.1
    assert shed.value.timeout == pytest.approx(0.1)
    assert isinstance(shed.value, Overloaded)
    assert worker.backlog == 10
    worker.tell(Do(id), timeout=60)
    worker.tell(Do(id))


def test_nothing_is_shed_before_anything_is_known(spawn: Spawn, gate: Gate) -> None:
    worker = spawn(shed=True)
    occupied(worker, gate)
    for _ in range(10):
        worker.tell(Do(id), timeout=1)
    assert worker.backlog == 10


# -- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"capacity": 0}, ValueError),
        ({"capacity": 1.5}, TypeError),
        ({"capacity": True}, TypeError),
        ({"tenant_capacity": -1}, ValueError),
        ({"high_water": 0}, ValueError),
        ({"block_timeout": 0}, ValueError),
        ({"overflow": "explode"}, ValueError),
    ],
)
def test_options_that_make_no_sense_are_refused(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        MailboxOptions(**options)


def test_the_high_water_follows_the_capacity() -> None:
    assert MailboxOptions().many == 1000
    assert MailboxOptions(capacity=10).many == 10
    assert MailboxOptions(capacity=10, high_water=4).many == 4


def test_by_default_a_mailbox_is_unbounded() -> None:
    assert Worker.mailbox == MailboxOptions()
    assert MailboxOptions().capacity is None
