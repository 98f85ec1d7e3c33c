"""The lanes: priorities, and tenants that share the run time."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import Query, Reply
from actors._mailboxes.lanes import FlowKey, Lanes, flow_key

if TYPE_CHECKING:
    from actors._mailboxes.lanes import Flow
    from actors._replies.addressee import Addressee


class Nobody:
    """An addressee that has a name only."""

    name = "nobody"


def message(tenant: Any = None, priority: int = 0) -> Reply[Any]:
    return Reply(Query(), cast("Addressee", Nobody()), 0.0, None, flow_key(priority, tenant))


class Reader:
    """Takes queries and pretends to run them, by a clock of its own."""

    def __init__(self) -> None:
        self.plain: deque[Reply[Any]] = deque()
        self.lanes = Lanes(self.plain)
        self.under_way: list[tuple[Flow, float]] = []
        self.had: Counter[Any] = Counter()

    def put(self, tenant: Any = None, priority: int = 0) -> Reply[Any]:
        new = message(tenant, priority)
        if new._flow is None:
            self.plain.append(new)  # as senders do: without telling
        else:
            self.lanes.put(new)
        return new

    def begin(self, estimate: float = 1.0) -> Reply[Any]:
        found = self.lanes.take(estimate)
        assert found is not None
        self.under_way.append((found[1], estimate))
        return found[0]

    def end(self, seconds: float) -> None:
        flow, estimate = self.under_way.pop(0)
        self.had[flow.tenant] += int(seconds)
        flow.level.settle(flow, seconds - estimate)

    def run(self, seconds: float = 1.0) -> Any:
        taken = self.begin()
        self.end(seconds)
        return tenant_of(taken)

    def __len__(self) -> int:
        return len(self.plain) + self.lanes.queued


def test_higher_priorities_come_first_and_equal_ones_in_their_order() -> None:
    reader = Reader()
    low, plain, high, higher, last = (
        reader.put(priority=-1),
        reader.put(),
        reader.put(priority=5),
        reader.put(priority=9),
        reader.put(priority=5),
    )
    assert [reader.begin() for _ in range(5)] == [higher, high, last, plain, low]
    assert reader.lanes.take(0.0) is None


def test_tenants_take_turns_however_much_one_has_queued() -> None:
    reader = Reader()
    for _ in range(10_000):
        reader.put("greedy")
    for _ in range(5):
        reader.run()
    reader.put("modest")
    assert "modest" in [reader.run(), reader.run()]


def test_plain_queries_are_a_tenant_too() -> None:
    reader = Reader()
    for _ in range(100):
        reader.put()
    for _ in range(3):
        reader.put("modest")
    assert [reader.run() for _ in range(6)].count("modest") == 3


def test_run_time_is_shared_and_not_the_number_of_queries() -> None:
    reader = Reader()
    for _ in range(1000):
        reader.put("slow")
        reader.put("quick")
    turns: Counter[str] = Counter()
    for _ in range(400):
        tenant = tenant_of(reader.begin())
        turns[tenant] += 1
        reader.end(9 if tenant == "slow" else 1)
    assert reader.had["slow"] == pytest.approx(reader.had["quick"], abs=20)
    assert turns["quick"] > 8 * turns["slow"]


def tenant_of(taken: Reply[Any]) -> Any:
    return None if taken._flow is None else taken._flow[1]


def test_a_tenant_saves_up_no_time_by_being_idle() -> None:
    reader = Reader()
    for _ in range(100):
        reader.put("busy")
    reader.put("idle")
    for _ in range(50):
        reader.run()
    for _ in range(50):
        reader.put("idle")
    assert Counter(reader.run() for _ in range(20))["idle"] <= 11


def test_one_that_sends_one_long_query_at_a_time_does_not_get_every_second_turn() -> None:
    reader = Reader()
    for _ in range(200):
        reader.put("short")
    reader.put("long")
    turns: Counter[Any] = Counter()
    for _ in range(100):
        tenant = tenant_of(reader.begin())
        turns[tenant] += 1
        if tenant == "long":
            reader.end(20)
            reader.put("long")  # at once, when it has the response
        else:
            reader.end(1)
    assert turns["long"] <= 7


def test_several_readers_do_not_all_turn_to_the_same_tenant() -> None:
    reader = Reader()
    for _ in range(10):
        reader.put("a")
        reader.put("b")
    first = [reader.begin() for _ in range(4)]  # none of which has ended yet
    assert Counter(map(tenant_of, first)) == {"a": 2, "b": 2}


def test_nothing_is_kept_of_tenants_and_priorities_that_ever_were() -> None:
    reader = Reader()
    for number in range(2000):
        reader.put(f"tenant {number}", priority=number % 50)
        if number % 3 == 0:
            removed = reader.put(f"removed {number}")
            assert reader.lanes.remove(removed)
        if number % 7 == 6:
            while len(reader):
                reader.run()
    while len(reader):
        reader.run()
    levels = reader.lanes._levels.values()
    assert sum(len(level.flows) for level in levels) == 1  # that of the plain queries
    assert sum(len(level._order) for level in levels) == 0
    assert not reader.lanes._shares
    reader.put(priority=-7)
    assert len(reader.lanes._levels) == 2


def test_nothing_grows_while_one_tenant_always_has_something_queued() -> None:
    reader = Reader()
    for _ in range(4000):
        reader.put("steady")
    for number in range(3000):
        assert reader.lanes.remove(reader.put(f"removed {number}"))
        reader.put(f"passing {number}")
        reader.run()
        reader.run()
    level = reader.lanes._levels[0]
    assert len(level.flows) < 10
    assert len(level._order) < 200


def test_what_is_put_back_is_the_next_of_its_tenant() -> None:
    reader = Reader()
    first, second = reader.put("a"), reader.put("a")
    assert reader.begin() is first
    reader.lanes.put_back(first)
    reader.end(0)
    assert [reader.begin(), reader.begin()] == [first, second]


def test_the_oldest_of_the_biggest_tenant_is_dropped_first() -> None:
    reader = Reader()
    reader.put("small")
    oldest = reader.put("big")
    reader.put("big")
    assert reader.lanes.oldest(0) is oldest
    assert reader.lanes.oldest(0, "small") is not None
    assert reader.lanes.oldest(0, "nobody") is None


def test_nothing_is_dropped_for_a_lower_priority_and_nothing_that_ran_before() -> None:
    reader = Reader()
    important = reader.put("a", priority=5)
    assert reader.lanes.oldest(4) is None
    assert reader.lanes.oldest(5) is important
    important._started = True
    assert reader.lanes.oldest(5) is None


def test_what_would_run_before_is_counted_by_turns() -> None:
    reader = Reader()
    for _ in range(100):
        reader.put("greedy")
    reader.put("urgent", priority=3)
    assert reader.lanes.ahead_of((0, "greedy")) == 101
    assert reader.lanes.ahead_of((0, "new")) == 2
    assert reader.lanes.ahead_of((3, "new")) == 1
    assert reader.lanes.ahead_of((4, "new")) == 0


@pytest.mark.parametrize("priority", [1.0, "high", True])
def test_a_priority_is_an_int(priority: Any) -> None:
    with pytest.raises(TypeError, match="priority must be an int"):
        flow_key(priority, None)


def test_a_tenant_is_hashable() -> None:
    with pytest.raises(TypeError, match="tenant must be hashable, which list is not"):
        flow_key(0, ["a"])


@given(
    costs=st.lists(st.integers(1, 50), min_size=2, max_size=5),
    readers=st.integers(1, 4),
    estimates=st.lists(st.floats(0, 50), min_size=1, max_size=5),
)
def test_those_who_always_have_something_queued_get_equal_time(
    costs: list[int], readers: int, estimates: list[float]
) -> None:
    reader = Reader()
    for tenant in range(len(costs)):
        for _ in range(readers + 1):
            reader.put(tenant)
    running: list[int] = []
    for turn in range(400):
        while len(running) < readers:
            running.append(tenant_of(reader.begin(estimates[turn % len(estimates)])))
            reader.put(running[-1])
        reader.end(costs[running.pop(0)])
    shares = [reader.had[tenant] for tenant in range(len(costs))]
    # Each of the readers can be wrong by one run and by one estimate.
    assert max(shares) - min(shares) <= 2 * readers * (max(costs) + max(estimates)) + 1


@given(data=st.data())
def test_it_is_the_head_of_a_flow_of_the_highest_priority(data: st.DataObject) -> None:
    reader = Reader()
    model: dict[FlowKey, deque[Reply[Any]]] = {}
    for _ in range(data.draw(st.integers(1, 40))):
        what = data.draw(st.sampled_from(["put", "put", "take", "remove"]))
        queued = [key for key, queue in model.items() if queue]
        if what == "put" or not queued:
            key = data.draw(st.tuples(st.integers(-1, 1), st.sampled_from([None, "a", "b"])))
            model.setdefault(key, deque()).append(reader.put(key[1], key[0]))
        elif what == "take":
            taken = reader.begin(data.draw(st.floats(0, 2)))
            reader.end(data.draw(st.integers(0, 3)))
            top = max(priority for priority, _ in queued)
            key = taken._flow or (0, None)
            assert key[0] == top
            assert model[key].popleft() is taken
        else:
            key = data.draw(st.sampled_from(queued))
            chosen = data.draw(st.sampled_from(list(model[key])))
            assert reader.lanes.remove(chosen)
            assert not reader.lanes.remove(chosen)
            model[key].remove(chosen)
        assert len(reader) == sum(map(len, model.values()))
        for tenant in "ab":
            share = sum(len(queue) for key, queue in model.items() if key[1] == tenant)
            assert reader.lanes.share_of(tenant) == share
    assert set(reader.lanes) == {each for queue in model.values() for each in queue}
