"""Where a guest comes from: the image that every instance starts with, or a snapshot over it."""

from __future__ import annotations

from os import urandom
from typing import TYPE_CHECKING, Final

from runtimes.errors import BrokenRuntimeError, JSRuntimeError, MemoryLimitError, SnapshotMismatch
from runtimes.quickjs import _snapshot
from runtimes.quickjs._instance import create_instance

if TYPE_CHECKING:
    from runtimes.options import RuntimeOptions
    from runtimes.quickjs._engine import HardStop
    from runtimes.quickjs._guest import Guest
    from runtimes.quickjs._instance import Host, Instance
    from runtimes.quickjs._notes import Notes

_SLACK_BYTES: Final = 4 * 1024 * 1024
"""By this, and an eighth of the limit, may the linear memory outgrow the limit: for the stack
and the engine's constants, for gaps between blocks, for reports of running full."""
_MOST_BYTES: Final = (1 << 32) - 16 * 1024 * 1024
"""Of any memory, whatever its limit. The stack lies first in it: what runs over its end is at an
address that has wrapped around, and must find nothing there."""


def _room_for(limit: int) -> int:
    return min(limit + limit // 8 + _SLACK_BYTES, _MOST_BYTES)


def make_instance(
    host: Host, options: RuntimeOptions, hard_stop: HardStop, notes: Notes | None
) -> Instance:
    """Make the instance of a guest, with what was captured in its memory.

    Args:
        host: What its imports reach.
        options: Limits, allocation and the snapshot.
        hard_stop: Which engine.
        notes: The snapshot's; None if there is none.

    Raises:
        MemoryLimitError, SnapshotMismatch: As `_snapshot.fill`; no instance is left.
    """
    limit = options.memory_limit_bytes
    instance = create_instance(
        host,
        memory_limit_bytes=_MOST_BYTES if limit is None else _room_for(limit),
        hard_stop=hard_stop,
        allocation=options.allocation,
    )
    if notes is not None and options.snapshot is not None:
        _snapshot.fill(instance, notes, options.snapshot.content, options)
    return instance


def adopt(guest: Guest, notes: Notes | None) -> None:
    """Give a booted heap its limits, which are in the header, and a randomness of its own.

    Whoever calls it closes the guest if it fails.

    Raises:
        MemoryLimitError: The limit is too small for it.
        SnapshotMismatch: The notes do not fit, or the heap was lost over them.
    """
    try:
        if guest._call("guest_adopt", int.from_bytes(urandom(8), "little")) != 0:
            what = "boot" if notes is None else "hold the snapshot"
            limit = guest.options.memory_limit_bytes
            raise MemoryLimitError(
                f"the memory limit of {limit} bytes is too small to {what}:"
                f" that takes {guest.memory_used()}",
                limit_bytes=limit,
            )
        if notes is not None:
            _snapshot.restore(guest, notes, guest.options)
        guest._memory.note_input()
    except JSRuntimeError as error:
        lost = guest._instance.dead or isinstance(error, BrokenRuntimeError)
        if notes is None or not lost:
            raise
        raise SnapshotMismatch(f"the snapshot is damaged: {error}") from error
