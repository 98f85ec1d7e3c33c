"""Queued queries that differ: by their priority, and by the tenant whose they are."""

from __future__ import annotations

from bisect import insort
from collections import deque
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from operator import neg
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from actors._replies.reply import Reply

FlowKey: TypeAlias = "tuple[int, Hashable]"
"""Priority and tenant of a query; a plain one, which has neither, has None instead."""

PLAIN: FlowKey = (0, None)

_next = count().__next__


def flow_key(priority: int, tenant: Hashable) -> FlowKey | None:
    """Return where a query belongs, None for a plain one.

    Raises:
        TypeError: Such a priority or tenant there cannot be.
    """
    if type(priority) is not int:
        raise TypeError(f"priority must be an int, not {type(priority).__name__}")
    if tenant is None:
        return None if priority == 0 else (priority, None)
    try:
        hash(tenant)
    except TypeError:
        text = f"tenant must be hashable, which {type(tenant).__name__} is not"
        raise TypeError(text) from None
    return priority, tenant


class Flow:
    """What one tenant has queued at one priority, and the run time that it has had.

    Attributes:
        level: The queries of the same priority.
        tenant: Whose they are.
        queue: The queries, the oldest first.
        spent: Virtual time: the run time that it has had, and what it did not claim.
        ranked: Whether it stands in its level's order.
        running: How many of its queries run at the moment.
    """

    __slots__ = ("level", "queue", "ranked", "running", "spent", "tenant")

    def __init__(self, level: Level, tenant: Hashable, queue: deque[Reply[Any]]) -> None:
        """Begin with nothing spent."""
        self.level = level
        self.tenant = tenant
        self.queue = queue
        self.spent = 0.0
        self.ranked = False
        self.running = 0


class Level:
    """The flows of one priority, which share the run time.

    Start-time fair queueing (Goyal, Vin and Cheng, 1996), with run time for length: the flow that
    has spent least is next, and one that begins, or begins again, starts where the others are, so
    that nobody saves up time by being idle. A run is charged with what runs took lately when it
    begins, so that several readers do not all turn to the same flow, and with what it really took
    when it ends.

    A flow that has run out of queries is remembered until the others have spent as much as it has,
    or nothing is queued at all, and then forgotten: no memory is kept of tenants that ever were.
    """

    __slots__ = ("_clock", "_order", "flows", "plain", "tagged")

    def __init__(self, plain: deque[Reply[Any]] | None = None) -> None:
        """Begin without flows, or with that of the plain queries, which is never forgotten."""
        self.flows: dict[Hashable, Flow] = {}
        self.plain: Flow | None = None
        self.tagged = 0  # how many queries are queued, the plain ones not counted
        self._order: list[tuple[float, int, Flow]] = []  # a heap; `spent` may be ahead of its keys
        self._clock = 0.0
        if plain is not None:
            self.plain = self.flows[None] = Flow(self, None, plain)

    def __len__(self) -> int:
        """Return how many queries are queued."""
        return self.tagged if self.plain is None else self.tagged + len(self.plain.queue)

    def flow(self, tenant: Hashable) -> Flow:
        """Return the tenant's flow, which is made if there is none."""
        flow = self.flows.get(tenant)
        if flow is None:  # not replaced if a finaliser made one in this very moment
            flow = self.flows.setdefault(tenant, Flow(self, tenant, deque()))
        return flow

    def begin(self, flow: Flow) -> None:
        """Give a flow that has something queued its place in the order, if it has none."""
        if not flow.ranked:
            flow.spent = max(flow.spent, self._clock)
            self._rank(flow)

    def _rank(self, flow: Flow) -> None:
        flow.ranked = True
        order = self._order
        if len(order) > 2 * len(self.flows) + 64:  # mostly of flows that were forgotten
            order[:] = [entry for entry in order if self._is_known(entry[2])]
            heapify(order)
        heappush(order, (flow.spent, _next(), flow))

    def take(self, estimate: float) -> tuple[Reply[Any], Flow] | None:
        """Remove and return the next query, whose run is charged with `estimate` for now."""
        order = self._order
        while order:
            key, _, flow = order[0]
            if flow.spent > key:  # it was charged meanwhile
                heapreplace(order, (flow.spent, _next(), flow))
                continue
            heappop(order)
            flow.ranked = False
            try:
                message = flow.queue.popleft()
            except IndexError:
                self._forget(flow)
                continue
            self._charge(flow, estimate)
            return message, flow
        return None

    def _charge(self, flow: Flow, estimate: float) -> None:
        """Charge a flow of which a query was taken for what it may take."""
        if flow is not self.plain:
            self.tagged -= 1
        self._clock = max(self._clock, flow.spent)
        flow.spent += estimate
        flow.running += 1
        if flow.queue:
            self._rank(flow)
        elif not len(self):
            self._rest()

    def remove(self, flow: Flow, message: Reply[Any]) -> bool:
        """Remove a query; return whether it was still queued."""
        try:
            flow.queue.remove(message)
        except ValueError:
            return False
        if flow is not self.plain:
            self.tagged -= 1
        if not len(self):
            self._rest()
        elif not flow.queue and flow.spent <= self._clock:
            self._forget(flow)
        return True

    def settle(self, flow: Flow, difference: float) -> None:
        """Charge a flow whose query has ended with what it took more than was estimated."""
        flow.running -= 1
        flow.spent += difference
        if flow.ranked or not self._is_known(flow):
            return
        if flow.spent > self._clock and len(self):
            self._rank(flow)
        elif not flow.queue:
            self._forget(flow)

    def _rest(self) -> None:
        """Nothing is queued: forget who has spent how much, but for those still to be charged."""
        flows = list(self.flows.values())
        self._order.clear()
        for flow in flows:
            flow.ranked = False
            if flow.queue:  # it came just now
                self._rank(flow)
            else:
                self._forget(flow)
        if self.plain is not None and not self.plain.running:
            self.plain.spent = self._clock

    def _forget(self, flow: Flow) -> None:
        if flow is not self.plain and not flow.running and self._is_known(flow):
            del self.flows[flow.tenant]

    def _is_known(self, flow: Flow) -> bool:
        return self.flows.get(flow.tenant) is flow


class Lanes:
    """All that is queued, by priority and tenant. The highest priority is next.

    Plain queries are a tenant like others, of priority 0; their deque is the mailbox's own, to
    which senders append without telling. Not thread-safe: its owner holds a lock, which may be
    entered anew by a finaliser at any line that makes an object.
    """

    __slots__ = ("_levels", "_order", "_plain", "_shares", "queued")

    def __init__(self, plain: deque[Reply[Any]]) -> None:
        """Begin with the plain queries that there are."""
        level = Level(plain)
        self.queued = 0  # the plain ones not counted
        self._levels: dict[int, Level] = {0: level}
        self._order = [0]  # the highest priority first
        self._plain = level.flow(None)
        self._shares: dict[Hashable, int] = {}

    def __iter__(self) -> Iterator[Reply[Any]]:
        """Go through all queries as they are now, the highest priority first."""
        flows = [flow for key in self._order for flow in self._levels[key].flows.values()]
        return iter([message for flow in flows for message in flow.queue.copy()])

    def put(self, message: Reply[Any]) -> None:
        """Queue a query."""
        self._flow_for(message._flow).queue.append(message)

    def put_back(self, message: Reply[Any]) -> None:
        """Queue a query in front of its flow."""
        self._flow_for(message._flow).queue.appendleft(message)

    def _flow_for(self, key: FlowKey | None) -> Flow:
        """Return the flow that gets one more."""
        if key is None:
            return self._plain
        priority, tenant = key
        level = self._levels.get(priority)
        if level is None:
            level = self._add_level(priority)
        flow = level.flow(tenant)
        level.tagged += 1
        self._count(tenant, 1)
        level.begin(flow)
        return flow

    def _add_level(self, priority: int) -> Level:
        for known in self._order[:]:  # no memory is kept of priorities that ever were
            if known and not self._levels[known].flows:
                del self._levels[known]
                self._order.remove(known)
        level = self._levels[priority] = Level()
        insort(self._order, priority, key=neg)
        return level

    def _count(self, tenant: Hashable, number: int) -> None:
        self.queued += number
        if tenant is None:
            return
        share = self._shares.get(tenant, 0) + number
        if share:
            self._shares[tenant] = share
        else:
            self._shares.pop(tenant, None)

    def take(self, estimate: float) -> tuple[Reply[Any], Flow] | None:
        """Remove and return the next query, and what is to be charged for its run; see `Level`."""
        plain = self._plain
        if plain.queue:
            plain.level.begin(plain)
        for priority in self._order:
            found = self._levels[priority].take(estimate)
            if found is not None:
                if found[1] is not plain:
                    self._count(found[1].tenant, -1)
                return found
        return None

    def remove(self, message: Reply[Any]) -> bool:
        """Remove a query; return whether it was still queued."""
        priority, tenant = message._flow or PLAIN
        level = self._levels.get(priority)
        flow = None if level is None else level.flows.get(tenant)
        if flow is None or not flow.level.remove(flow, message):
            return False
        if flow is not self._plain:
            self._count(tenant, -1)
        return True

    # -- bounds ---------------------------------------------------------------------------------

    def share_of(self, tenant: Hashable) -> int:
        """Return how many queries the tenant has queued."""
        return self._shares.get(tenant, 0)

    def oldest(self, below: int, tenant: Hashable = None) -> Reply[Any] | None:
        """Return what to drop for a query of priority `below`, if there is anything.

        It is of the lowest priority that there is: the oldest of the tenant that has most queued,
        or of the given one. None that has run before is chosen.
        """
        for priority in reversed(self._order):
            if priority > below:
                break
            flows = self._levels[priority].flows
            if tenant is None:
                chosen = sorted(flows.values(), key=_length, reverse=True)
            else:
                chosen = [flows[tenant]] if tenant in flows else []
            for flow in chosen:
                found = oldest_of(flow.queue)
                if found is not None:
                    return found
        return None

    def ahead_of(self, key: FlowKey | None) -> int:
        """Return how many queries would be run before one that is queued now.

        If all runs take equally long, each tenant gets as many as this one.
        """
        priority, tenant = key or PLAIN
        ahead = sum(len(level) for each, level in self._levels.items() if each > priority)
        level = self._levels.get(priority)
        if level is None:
            return ahead
        flow = level.flows.get(tenant)
        turns = 1 + (0 if flow is None else len(flow.queue))
        others = (len(each.queue) for each in level.flows.values() if each is not flow)
        return ahead + turns - 1 + sum(min(turns, queued) for queued in others)


def oldest_of(queue: deque[Reply[Any]]) -> Reply[Any] | None:
    """Return the oldest query that has not run before, if there is one."""
    index = 0
    try:
        while (message := queue[index])._started:
            index += 1
    except IndexError:
        return None
    return message


def _length(flow: Flow) -> int:
    return len(flow.queue)
