"""Routers: which worker of a pool gets a query."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from actors._lives.cell import Cell
from actors._replies.reply import Reply
from actors.errors import WorkerStopped
from actors.handle import WorkerHandle

if TYPE_CHECKING:
    from actors._lives.address import Address, Front
    from actors._mailboxes.lanes import FlowKey
    from actors._pools.hub import Hub
    from actors.query import Query

RouterName: TypeAlias = Literal["round_robin", "random", "least_busy", "consistent_hash"]
Choose: TypeAlias = Callable[[Any, Sequence[WorkerHandle[Any]]], WorkerHandle[Any] | None]

POINTS = 64
"""How many points of the ring each worker has. With 64 the most loaded of ten workers gets some 1.2
times its share of many keys."""


class Router(Protocol):
    """Says where a query goes."""

    def __call__(self, hub: Hub, query: Query[Any]) -> Address:
        """Return a worker, or the hub itself for whichever worker is free first."""
        ...


def at_random() -> Router:
    """Any worker that is idle."""
    from random import choice  # only who asks for it waits the 3 ms that it takes to import

    def route(hub: Hub, query: Query[Any]) -> Address:
        idle = [cell for cell in hub.cells if cell.is_idle()]
        return choice(idle) if idle else hub

    return route


def least_busy(hub: Hub, query: Query[Any]) -> Address:
    """Of the idle workers the one that has answered least."""
    idle = [cell for cell in hub.cells if cell.is_idle()]
    return min(idle, key=_answered) if idle else hub


def _answered(cell: Cell) -> int:
    return cell.answered


class ConsistentHash:
    """The same worker for the same key, and few keys that move when workers come or go.

    Keys and workers are points on a ring, by a hash that does not change from one process to the
    next; a key belongs to the next worker on the ring (Karger and others, 1997). Workers are known
    by their names, so a restart moves nothing.
    """

    def __init__(self, key: Callable[[Any], Hashable] | None = None) -> None:
        """Say how to get a query's key; None takes `Worker.routing_key`."""
        self._key = key
        self._ring: tuple[tuple[Cell, ...], list[int], list[Cell]] = ((), [], [])

    def __call__(self, hub: Hub, query: Query[Any]) -> Address:
        """Find the worker for the query's key; queries without one go to whichever is free."""
        key = (self._key or hub.worker_class.routing_key)(query)
        if key is None:
            return hub
        cells = hub.cells
        if not cells:
            return hub
        ring = self._ring
        if ring[0] is not cells:
            self._ring = ring = (cells, *_ring(cells))
        _, points, owners = ring
        return owners[bisect_right(points, _hash(repr(key))) % len(owners)]


def consistent_hash(key: Callable[[Any], Hashable]) -> ConsistentHash:
    """Return a router that sends queries with the same key to the same worker.

    Args:
        key: Gets the query, returns a string, number or tuple of such; None for a query that any
            worker may answer. What counts is its ``repr``.
    """
    return ConsistentHash(key)


def _ring(cells: tuple[Cell, ...]) -> tuple[list[int], list[Cell]]:
    points = sorted(
        (_hash(f"{cell.name} {number}"), cell.id, cell)
        for cell in cells
        for number in range(POINTS)
    )
    return [point for point, _, _ in points], [cell for _, _, cell in points]


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


class Chosen:
    """A router of the user's."""

    def __init__(self, choose: Choose, handle_for: Callable[[Cell], WorkerHandle[Any]]) -> None:
        """Ask `choose` each time."""
        self._choose = choose
        self._handle_for = handle_for

    def __call__(self, hub: Hub, query: Query[Any]) -> Address:
        """Return the cell behind the handle that was chosen.

        Raises:
            TypeError: It is no handle of a worker of this pool.
        """
        handle = self._choose(query, tuple(self._handle_for(cell) for cell in hub.cells))
        if handle is None:
            return hub
        if not isinstance(handle, WorkerHandle) or handle._cell.hub is not hub:
            raise TypeError(f"a router returns one of the workers that it got, not {handle!r}")
        return handle._cell


class Entrance:
    """Where the queries of a pool come in that has a router, or may grow."""

    def __init__(self, hub: Hub, router: Router | None, *, grows: bool) -> None:
        """Ask the router for each query, if there is one; then look whether to grow."""
        self._hub = hub
        self._router = router
        self._grows = grows

    def post(
        self,
        query: Query[Any],
        timeout: float | None,
        inherit: float | None = None,
        kind: type[Reply[Any]] = Reply,
        flow: FlowKey | None = None,
    ) -> Reply[Any]:
        """See `Address.post`."""
        hub, router = self._hub, self._router
        while True:
            address = hub if router is None else router(hub, query)
            try:
                reply = address.post(query, timeout, inherit, kind, flow)
            except WorkerStopped:  # it was let go in this very moment
                if not isinstance(address, Cell) or hub.mailbox.closed:
                    raise
                hub.strike(address)
            else:
                if self._grows and not hub.mailbox.idle:
                    hub.when_changed()
                return reply


def entrance(hub: Hub, router: Router | None, *, grows: bool) -> Front:
    """Return where a pool's queries come in: at the hub itself if that is all."""
    return hub if router is None and not grows else Entrance(hub, router, grows=grows)


NAMED: dict[str, Callable[[], Router | None]] = {
    "round_robin": lambda: None,
    "random": at_random,
    "least_busy": lambda: least_busy,
    "consistent_hash": ConsistentHash,
}


def router_for(
    router: RouterName | ConsistentHash | Choose, handle_for: Callable[[Cell], WorkerHandle[Any]]
) -> Router | None:
    """Return the router that a user means; None for the hub's own way, which is round robin.

    The hub gives a query to the worker that has been idle longest, so that they take turns, and if
    none is idle to the first that will be.

    Raises:
        ValueError: There is none of that name.
        TypeError: It is neither a name nor callable.
    """
    if isinstance(router, ConsistentHash):
        return router
    if isinstance(router, str):
        if router not in NAMED:
            raise ValueError(f"there is no router {router!r}; there are {', '.join(NAMED)}")
        return NAMED[router]()
    if not callable(router):
        raise TypeError(f"router must be a name or callable, not {type(router).__name__}")
    return Chosen(router, handle_for)
