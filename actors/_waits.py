"""Who waits for whom: a ring of workers that ask each other would wait for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.errors import AskCycle

if TYPE_CHECKING:
    from actors._cell import Cell
    from actors._reply import Reply

_LONGEST = 1000


def refuse_ring(cell: Cell, other: Reply[Any]) -> None:
    """Refuse that `cell`'s handler waits for `other`, if that would close a ring.

    The handler has noted in ``cell.waits_for`` that it waits before it looks here, so that of two
    who begin to wait at the same time at least one sees the other.

    Raises:
        AskCycle: It would.
    """
    names = [cell.name]
    end: Any = other._addressee
    while end is not cell:
        waits_for = getattr(end, "waits_for", None)
        # One whose reply is there waits no more: it only has not been woken yet.
        if waits_for is None or waits_for[0]._done or len(names) > _LONGEST:
            return
        names.append(end.name)
        end = waits_for[0]._addressee
    ring = " -> ".join([*names, cell.name])
    raise AskCycle(f"would wait for ever: {ring}", workers=tuple(names))
