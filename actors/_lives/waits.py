"""Who waits for whom: workers that ask each other in a ring would wait for ever."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors._bell import Bell
from actors.errors import AskCycle, QueryCancelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors._lives.address import Address
    from actors._lives.cell import Cell
    from actors._mailboxes.store import Store
    from actors._replies.reply import Reply


def refuse_ring(cell: Cell, other: Reply[Any]) -> None:
    """Refuse that `cell`'s handler waits for `other`, if that would close a ring.

    The handler has noted in ``cell.waits_for`` that it waits before it looks here, so that of those
    who begin to wait at the same time at least one sees all others.

    Raises:
        AskCycle: It would.
    """
    names = _ring(other._addressee, cell, {cell.name: None})
    if names is not None:
        ring = " -> ".join([*names, cell.name])
        raise AskCycle(f"would wait for ever: {ring}", workers=tuple(names))


def _ring(end: Any, cell: Cell, passed: dict[str, None]) -> list[str] | None:
    """Return the names on the way from `cell` over `end` back to it, or None if one is free.

    A worker is not free if its handler waits for one that is not. A pool is not free if none of its
    workers is, and it may not have more; the first of several replies is not, if none of them is.
    """
    while end is not cell:
        if end.name in passed:
            return list(passed)  # a ring further on
        passed[end.name] = None
        ways = _ways(end)
        if ways is not None:
            nobody_is_free = all(_waits(each, cell, passed) for each in ways)
            return list(passed) if ways and nobody_is_free else None
        waits_for = getattr(end, "waits_for", None)
        # One whose reply is there waits no more: it only has not been woken yet.
        if waits_for is None or waits_for[0]._done:
            return None
        end = waits_for[0]._addressee
    return list(passed)


def _ways(end: Any) -> list[Any] | None:
    """Return those any of whom may answer, or None if there is no choice."""
    runners = getattr(end, "runners", None)
    if runners is not None:
        return [runner._addressee for runner in runners if not runner._done]
    cells = getattr(end, "cells", None)
    if cells is None:
        return None
    return [] if end.may_grow() else list(cells)


def _waits(each: Any, cell: Cell, passed: dict[str, None]) -> bool:
    return each is cell or _ring(each, cell, dict(passed)) is not None


LOOK_AGAIN = 0.05
"""Seconds after which a handler that waits until others are drained sees that it shall not."""


@dataclass(frozen=True, slots=True)
class Drain:
    """What a handler waits for that waits until somebody has little queued: as a reply of his."""

    _addressee: Address
    _done: bool = False


def drained_in_handler(
    caller: Reply[Any], address: Address, queues: Sequence[Store], timeout: float | None
) -> bool:
    """Wait in a handler until all queues are drained; return whether they are.

    Raises:
        AskCycle: That would be for ever, since their worker waits for this one.
        QueryCancelled: The query whose handler waits was withdrawn, or its time is over.
    """
    until = inf if timeout is None else monotonic() + timeout
    own = inf if caller._deadline is None else caller._deadline
    while not all(queue.drained for queue in queues):
        now = monotonic()
        if own <= now:
            caller._expire()
        if caller._done or caller._addressee.halt_at <= now:
            raise QueryCancelled("the query that waits here was withdrawn", may_have_run=True)
        if until <= now:
            return False
        bell = Bell()
        asks: Any = Drain(address)
        waits = caller._addressee.about_to_wait(asks, bell)
        try:
            seconds = min(LOOK_AGAIN, until - now, own - now)
            next(queue for queue in queues if not queue.drained).wait_until_drained(seconds)
        except StopIteration:
            return True
        finally:
            if waits:
                caller._addressee.waited()
    return True
