"""How a worker or a pool queues its queries: bounds, and what happens when there is too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from actors._checks import check_counts, check_seconds

Overflow: TypeAlias = Literal["raise", "block", "drop_oldest"]
"""What happens to a query for which there is no room."""

HIGH_WATER: Final = 1000
"""How many queued queries are many, if nothing else is said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MailboxOptions:
    """How many queries may be queued, and what happens to those that come too much or too late.

    A bound counts what is queued, not what runs. A query that is run again after its worker was
    lost (see `Query.idempotent`) is never refused. Times are seconds; None is unlimited.

    Attributes:
        capacity: How many may be queued.
        overflow: What happens when one more comes. ``"raise"``: its sender gets `MailboxFull`.
            ``"block"``: its sender waits until there is room, in the order in which the senders
            came, but no longer than `block_timeout` and the query's own deadline; then it gets
            `MailboxFull`. It gets it at once where waiting would harm or never end: on a thread
            that runs an asyncio loop, and in a handler that holds up the very workers it would wait
            for. ``"drop_oldest"``: the oldest query of the tenant that has most queued makes room,
            and its sender gets `QueryDropped`. Nothing is dropped for a query of lower priority:
            that one gets `MailboxFull`.
        block_timeout: How long a sender waits for room.
        tenant_capacity: How many queries of one tenant may be queued; `overflow` is about these
            too. Queries without a tenant are not counted here.
        high_water: How many queued queries make `needs_drain` true; by default `capacity`, or 1000
            without one. `wait_until_drained` waits until at most half of that is left.
        shed: Whether to refuse a query with `QueryShed` at once if it could not be started before
            its deadline, by what the last ones took. It costs some 1 µs a query.
        caller_runs: Whether a blocking `ask` that finds the worker idle is answered on the thread
            that asks, which saves two switches of threads. Queries keep their order, and run one at
            a time; the worker's own thread does all the rest. Not for pools, for a worker with a
            ``serve`` or an ``idle_after`` of its own, or with a runtime that cannot change threads
            (see `runtimes.CanMove`). A handler or host function that hangs holds up whoever asked.
    """

    capacity: int | None = None
    overflow: Overflow = "raise"
    block_timeout: float | None = None
    tenant_capacity: int | None = None
    high_water: int | None = None
    shed: bool = False
    caller_runs: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            TypeError: If a count is no int, or a time no number.
            ValueError: If a number is out of its range, or there is no such way to overflow.
        """
        counts = ("capacity", "tenant_capacity", "high_water")
        check_counts(self, counts)
        check_seconds("block_timeout", self.block_timeout)
        for name in counts:
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ValueError(f"{name} must be at least 1, or None, not {count!r}")
        if self.overflow not in get_args(Overflow):
            names = ", ".join(map(repr, get_args(Overflow)))
            raise ValueError(f"overflow must be one of {names}, not {self.overflow!r}")
        if self.block_timeout is not None and not self.block_timeout > 0:
            raise ValueError(f"block_timeout must be above 0, or None, not {self.block_timeout!r}")

    @property
    def many(self) -> int:
        """How many queued queries make `needs_drain` true."""
        return self.high_water or self.capacity or HIGH_WATER
