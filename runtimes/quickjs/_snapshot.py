"""A guest's state as a `Snapshot`, and a new guest's from one.

The content is the pages in which the guest's memory differs from the image that every instance
starts with; the notes are what the host knows besides: modules, names of host functions. A new
instance gets the pages written over its image and is then adopted as the image itself is.

What bytes say is believed no more than what a guest says. Notes are checked here. A heap cannot be:
one that was forged is a hostile guest, which is why it is run as one (see `_wary`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from runtimes.errors import BrokenRuntimeError, JSRuntimeError, MemoryLimitError, SnapshotMismatch
from runtimes.quickjs import _pages
from runtimes.quickjs._engine import load_guest
from runtimes.quickjs._handles import release_dropped
from runtimes.quickjs._instance import WASM_PAGE, create_instance
from runtimes.quickjs._notes import MOST_MODULES, Notes, Outline
from runtimes.quickjs._pages import PAGE, Image
from runtimes.snapshots import Snapshot

if TYPE_CHECKING:
    from runtimes.options import RuntimeOptions
    from runtimes.quickjs._engine import HardStop
    from runtimes.quickjs._guest import Guest
    from runtimes.quickjs._instance import Instance

ENGINE: Final = "quickjs"
_VERSION: Final = 1
_MOST_WASM_PAGES: Final = 65536
_LIST_BYTES: Final = 5
_RUN_BYTES: Final = 11
"""What MessagePack takes for the head of a list, and for a run, at most."""


@dataclass(frozen=True)
class _Start:
    """How every instance starts.

    Attributes:
        image: Its memory.
        rest: Where its stack pointer stands between runs.
    """

    image: Image
    rest: int


_starts: dict[bytes, _Start] = {}


def capture(guest: Guest) -> Snapshot:
    """Take a snapshot of a guest that is not running.

    Raises:
        JSRuntimeError: It is running, shares memory with others, or has too many modules.
    """
    guest.check()
    if guest.is_running:
        raise JSRuntimeError("a snapshot is taken between two runs, not during one")
    release_dropped(guest)
    if guest.shares_memory:
        raise JSRuntimeError(
            "a runtime that holds a SharedBuffer cannot be captured: drop it in the script, "
            "collect_garbage(), and pass it in again"
        )
    start = _start(guest.hard_stop)
    if guest._call("guest_rest") != start.rest:
        raise JSRuntimeError("the engine is not at rest")
    memory = guest._instance.refresh()
    runs = start.image.difference(memory, start.rest // PAGE)  # below is the stack, dead now
    modules, main = guest.modules.notes()
    if len(modules) > MOST_MODULES:
        raise JSRuntimeError(f"a snapshot takes at most {MOST_MODULES} modules")
    notes = Notes(_VERSION, len(memory) // WASM_PAGE, runs, guest.functions.notes(), modules, main)
    return Snapshot(
        engine=ENGINE,
        fingerprint=load_guest(guest.hard_stop).digest,
        notes=msgspec.msgpack.encode(notes),
        content=_pages.take(memory, runs),
        trusted=not guest.wary,
    )


def read(snapshot: Snapshot, hard_stop: HardStop) -> Notes:
    """Check that a snapshot is for this build of the guest; return its notes.

    Raises:
        SnapshotMismatch: It is for another, or its parts do not fit together.
    """
    snapshot.require(ENGINE, load_guest(hard_stop).digest)
    most_runs = len(snapshot.content) // PAGE  # each has a page at least
    try:
        outline = msgspec.msgpack.decode(snapshot.notes, type=Outline)
        if len(memoryview(outline.runs)) > _LIST_BYTES + _RUN_BYTES * most_runs:
            _refuse("its notes name more pages than its content has")
        notes = msgspec.msgpack.decode(snapshot.notes, type=Notes)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        _refuse(f"its notes make no sense: {error}")
    if notes.version != _VERSION:
        raise SnapshotMismatch(
            f"the snapshot's notes have format {notes.version}; this one reads {_VERSION}"
        )
    if not 0 < notes.wasm_pages <= _MOST_WASM_PAGES:
        _refuse(f"a memory of {notes.wasm_pages} pages")
    if not _pages.are_runs(notes.runs, 0, notes.wasm_pages * (WASM_PAGE // PAGE)):
        _refuse("pages outside of its memory")
    if _pages.size_of(notes.runs) != len(snapshot.content):
        _refuse("its content is longer or shorter than its notes say")
    return notes


def fill(
    instance: Instance, notes: Notes, content: bytes | memoryview, options: RuntimeOptions
) -> None:
    """Write the captured pages over the image of a new instance; if that fails, close it.

    Raises:
        MemoryLimitError: The memory may not become as large.
        SnapshotMismatch: It is smaller than that of a new instance.
    """
    size = notes.wasm_pages * WASM_PAGE
    if size < len(instance.memory):
        instance.close()
        _refuse("a memory that is smaller than the image's")
    try:
        memory = instance.grow(size)
    except ValueError:
        instance.close()
        raise MemoryLimitError(
            f"the snapshot takes a memory of {size} bytes, more than the limit allows",
            limit_bytes=options.memory_limit_bytes,
        ) from None
    _pages.put(memory, notes.runs, content)


def restore(guest: Guest, notes: Notes, options: RuntimeOptions) -> None:
    """Make a guest that was adopted usable: nothing of the old runtime's is held any more.

    Raises:
        SnapshotMismatch: Host functions are missing, or the notes make no sense.
    """
    changed = guest.functions.restore(notes.functions, options.host_functions)
    guest.modules.restore(notes.modules, notes.main, guest.owner)
    guest._call("guest_restore")
    for number, arity in changed:
        guest._call("guest_set_arity", number, arity)


def _start(hard_stop: HardStop) -> _Start:
    """Look at a new instance, once per build of the guest (1 ms)."""
    digest = load_guest(hard_stop).digest
    known = _starts.get(digest)
    if known is None:
        instance = create_instance(_Nobody(), memory_limit_bytes=None, hard_stop=hard_stop)
        try:
            image = Image(instance.memory)
            known = _Start(image, instance.caller("guest_rest", 0)())
        finally:
            instance.close()
        _starts[digest] = known
    return known


def _refuse(problem: str) -> NoReturn:
    raise SnapshotMismatch(f"the snapshot is damaged: {problem[:300]}")


class _Nobody:
    """The host of an instance that runs nothing."""

    def _refuse(self, *_numbers: int) -> int:
        raise BrokenRuntimeError("a guest that runs nothing called its host")

    on_call = on_console = on_resolve = on_source = on_check = _refuse
