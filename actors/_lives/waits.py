"""Who waits for whom: workers that ask each other in a ring would wait for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.errors import AskCycle

if TYPE_CHECKING:
    from actors._lives.cell import Cell
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
    workers is.
    """
    while end is not cell:
        if end.name in passed:
            return list(passed)  # a ring further on
        passed[end.name] = None
        cells = getattr(end, "cells", None)
        if cells is not None:
            return (
                list(passed)
                if cells and all(_waits(each, cell, passed) for each in cells)
                else None
            )
        waits_for = getattr(end, "waits_for", None)
        # One whose reply is there waits no more: it only has not been woken yet.
        if waits_for is None or waits_for[0]._done:
            return None
        end = waits_for[0]._addressee
    return list(passed)


def _waits(each: Cell, cell: Cell, passed: dict[str, None]) -> bool:
    return each is cell or _ring(each, cell, dict(passed)) is not None
