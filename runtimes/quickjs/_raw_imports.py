"""The raw layer's inner side: who is inside of which guest, and the callbacks that guests reach.

The callbacks are shielded (see `_shield`), which binds how they are written: the ``try`` comes
first, and nothing in the ``except`` block or after it calls anything, for a signal's exception may
come with each call. Hence the traps made in advance (`Visitor.trap`), which are only handed over
there; and hence the repetition, since a shared function would be a call.
"""

from __future__ import annotations

import ctypes
import threading
from ctypes import c_void_p
from typing import TYPE_CHECKING, Any, Final

from runtimes.quickjs import _capi
from runtimes.quickjs._abi import STOP_REPLY, CheckPlace
from runtimes.quickjs._instance import InstanceUnusableError
from runtimes.quickjs._shield import shield

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from runtimes.quickjs._instance import Host

    _Words = ctypes._Pointer[ctypes.c_uint64]

_LOW_32 = 0xFFFF_FFFF
_LOOK, _HANDLER = int(CheckPlace.LOOK), int(CheckPlace.HANDLER)


class Visitor:
    """A thread, as the guests see it.

    Attributes:
        guest: The instance whose code this thread runs, innermost if several are nested.
        trap: A wasm_trap_t made in advance, for the next callback that has to trap.
        error: Likewise a wasmtime_error_t, for the epoch callback.
    """

    __slots__ = ("error", "guest", "trap")

    def __init__(self) -> None:
        self.guest: State | None = None
        self.trap: int | None = None
        self.error: int | None = None

    def restock(self) -> None:
        """Make what was handed over anew."""
        if self.trap is None:
            self.trap = _capi.trap_new(_MESSAGE, len(_MESSAGE))
        if self.error is None:
            self.error = _capi.error_new(_MESSAGE)

    def __del__(
        self,
        trap_delete: Callable[[int], None] = _capi.trap_delete,
        error_delete: Callable[[int], None] = _capi.error_delete,
    ) -> None:
        """Free what was never handed over (bound early: modules go first when Python exits)."""
        if self.trap is not None:
            trap_delete(self.trap)
        if self.error is not None:
            error_delete(self.error)


_MESSAGE: Final = b"stopped by the host"


class _Threads(threading.local):
    def __init__(self) -> None:
        self.visitor = Visitor()
        self.visitor.restock()


threads = _Threads()
"""``threads.visitor`` is the calling thread's; reading it is a call only the first time."""

CLOSED: Final = Visitor()
DEAD: Final = Visitor()
FORKED: Final = Visitor()
EXITING: Final = Visitor()
"""Owners that no thread is: an instance which they own refuses every thread."""


class State:
    """What callers and callbacks of one instance share.

    Attributes:
        owner: The thread inside, None, or one of those that nobody is.
        rest: What `owner` goes back to when the outermost call ends: None, or one of those.
        box: The first exception that a callback caught and no caller raised yet.
        dead: Whether the guest trapped.
        asking: Whether the host is being asked by ``host.check``.
        interrupt: Asks the guest to stop softly; see `Instance.interrupt`.
        store: Keeps the C store alive for the callers; None once closed.
        words: Those whose addresses the callers hold; see `Linked`.
        host: What the imports reach.
    """

    __slots__ = (
        "asking",
        "box",
        "dead",
        "host",
        "interrupt",
        "owner",
        "rest",
        "store",
        "words",
    )

    def __init__(self, host: Host, store: object, words: array[int]) -> None:
        self.owner: Visitor | None = None
        self.rest: Visitor | None = None
        self.box: BaseException | None = None
        self.dead = False
        self.asking = False
        self.interrupt: Callable[[], object] | None = None
        self.words = words
        self.store: object | None = store
        self.host = host

    def retire(self) -> bool:
        """Let nobody in and nothing out from now on; whether somebody is inside."""
        self.rest = EXITING
        if self.owner is None:
            self.owner = EXITING
        self.host = _Refusing()
        return self.owner not in (EXITING, CLOSED, DEAD, FORKED)


class _Refusing:
    """The host, once Python is exiting."""

    def _refuse(self, *_arguments: int) -> int:
        raise InstanceUnusableError("Python is exiting")

    on_call = on_console = on_resolve = on_source = on_check = _refuse


# In the callbacks `slots` points at 16-byte values, so argument k is at index 2 * k; the result
# goes to index 0. `guest` is Any to mypy, since it is not None while one of its imports runs.


def _on_call(_env: int, _caller: int, slots: _Words, _count: int) -> int | None:
    try:
        guest: Any = threads.visitor.guest
        slots[0] = guest.host.on_call(slots[0] & _LOW_32, slots[2] & _LOW_32, slots[4] & _LOW_32)
        if not guest.dead:
            return None
    except BaseException as error:
        guest = threads.visitor.guest
        if guest.box is None:
            guest.box = error
        slots[0] = STOP_REPLY
        if not guest.dead:
            return None
    visitor = threads.visitor
    trap, visitor.trap = visitor.trap, None
    return trap


def _on_console(_env: int, _caller: int, slots: _Words, _count: int) -> int | None:
    try:
        guest: Any = threads.visitor.guest
        slots[0] = guest.host.on_console(slots[0] & _LOW_32, slots[2] & _LOW_32, slots[4] & _LOW_32)
        if not guest.dead:
            return None
    except BaseException as error:
        guest = threads.visitor.guest
        if guest.box is None:
            guest.box = error
        slots[0] = 1
        if not guest.dead:
            return None
    visitor = threads.visitor
    trap, visitor.trap = visitor.trap, None
    return trap


def _on_resolve(_env: int, _caller: int, slots: _Words, _count: int) -> int | None:
    try:
        guest: Any = threads.visitor.guest
        slots[0] = guest.host.on_resolve(slots[0] & _LOW_32, slots[2] & _LOW_32)
        if not guest.dead:
            return None
    except BaseException as error:
        guest = threads.visitor.guest
        if guest.box is None:
            guest.box = error
        slots[0] = STOP_REPLY
        if not guest.dead:
            return None
    visitor = threads.visitor
    trap, visitor.trap = visitor.trap, None
    return trap


def _on_source(_env: int, _caller: int, slots: _Words, _count: int) -> int | None:
    try:
        guest: Any = threads.visitor.guest
        slots[0] = guest.host.on_source(slots[0] & _LOW_32, slots[2] & _LOW_32)
        if not guest.dead:
            return None
    except BaseException as error:
        guest = threads.visitor.guest
        if guest.box is None:
            guest.box = error
        slots[0] = STOP_REPLY
        if not guest.dead:
            return None
    visitor = threads.visitor
    trap, visitor.trap = visitor.trap, None
    return trap


# An exception that comes before the host was asked is no answer of the host's: a signal's, most
# likely Ctrl-C. It waits in the box, the guest is asked to stop softly, and only if it does not is
# it stopped hard, by the lease. So the flag is left standing, and the next check comes at once.


def _on_check(_env: int, _caller: int, slots: _Words, _count: int) -> int | None:
    try:
        visitor = threads.visitor
        if visitor.trap is None or visitor.error is None:
            visitor.restock()
        guest: Any = visitor.guest
        if guest.box is not None and guest.interrupt is not None:
            guest.interrupt()
        guest.asking = True
        slots[0] = guest.host.on_check(slots[0] & _LOW_32)
        guest.asking = False
        if not guest.dead:
            return None
    except BaseException as error:
        guest = threads.visitor.guest
        if guest.box is None:
            guest.box = error
        asked, guest.asking = guest.asking, False
        place = slots[0] & _LOW_32
        if not guest.dead:
            if place == _HANDLER:
                slots[0] = 1
                return None
            if place == _LOOK and not asked and guest.interrupt is not None:
                return None
    visitor = threads.visitor
    trap, visitor.trap = visitor.trap, None
    return trap


def _on_epoch(_context: int, _data: int, delta: _Words, _kind: int) -> int | None:
    try:
        visitor = threads.visitor
        if visitor.trap is None or visitor.error is None:
            visitor.restock()
        guest: Any = visitor.guest
        if guest.box is not None and guest.interrupt is not None:
            guest.interrupt()
        guest.asking = True
        guest.host.on_check(_LOOK)
        guest.asking = False
        delta[0] = 1
        if not guest.dead:
            return None
    except BaseException as error:
        guest = threads.visitor.guest
        if guest.box is None:
            guest.box = error
        asked, guest.asking = guest.asking, False
        if not (asked or guest.dead) and guest.interrupt is not None:
            delta[0] = 0  # again at once
            return None
    visitor = threads.visitor
    made, visitor.error = visitor.error, None
    return made


CALLBACKS: Final = {
    "call": _on_call,
    "console": _on_console,
    "resolve": _on_resolve,
    "source": _on_source,
    "check": _on_check,
}
for _callback in (*CALLBACKS.values(), _on_epoch):
    shield(_callback)

# Kept for the life of the process: wasmtime holds their addresses.
C_CALLBACKS: Final = {name: _capi.ImportCallback(body) for name, body in CALLBACKS.items()}
_c_epoch: Final = _capi.EpochCallback(_on_epoch)
EPOCH_CALLBACK: Final = ctypes.cast(_c_epoch, c_void_p)
