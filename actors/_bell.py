"""The bell: by it one thread wakes another, and if it likes lets it have the GIL at once.

Whoever releases a `threading.Lock` still has the GIL. The thread that it wakes needs that first of
all, finds it taken, sleeps again, and is woken a second time when the first one waits for something
itself: six switches of threads for a token that is passed there and back, 12 us. A thread that
gives up the GIL before it rings, because it has nothing else to do anyway, needs two: 5 us.

So a bell is one of CPython's own locks (`PyThread_allocate_lock` and the like, of the stable ABI,
which may be called without the GIL), through `ctypes`, which calls with or without the GIL.
"""

from __future__ import annotations

import ctypes
import threading
from ctypes import c_int, c_longlong, c_void_p
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_with_gil = ctypes.pythonapi
_without_gil = ctypes.CDLL("python", handle=_with_gil._handle)

# No argument types: all that is ever passed are ready-made ctypes objects, which saves ctypes the
# conversion.
_allocate = _with_gil["PyThread_allocate_lock"]
_allocate.restype = c_void_p
_free = _with_gil["PyThread_free_lock"]
_free.restype = None
_ring = _with_gil["PyThread_release_lock"]
_ring.restype = None
_hand_over = _without_gil["PyThread_release_lock"]
_hand_over.restype = None
_wait = _without_gil["PyThread_acquire_lock_timed"]
_wait.restype = c_int

_AT_ONCE: Final = c_longlong(0)
_FOR_EVER: Final = c_longlong(-1)
_WAKE_FOR_SIGNALS: Final = c_int(1)
_RUNG: Final = 1
_SIGNAL: Final = 2


class Bell:
    """Silent until it is rung; then it wakes the one thread that waits for it, or will.

    Any thread may ring. Whoever waits must expect to be woken for nothing.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        """Make one that is silent."""
        address = _allocate()
        if not address:
            raise MemoryError("the system has no room for another lock")
        self._lock = c_void_p(address)
        _wait(self._lock, _AT_ONCE, _WAKE_FOR_SIGNALS)

    def __del__(self, free: Callable[[c_void_p], None] = _free) -> None:
        """Free it (bound early: modules go first when Python exits)."""
        if hasattr(self, "_lock"):  # else there was no room for it
            free(self._lock)

    def ring(self) -> None:
        """Wake who waits, and keep the GIL: for those who have something else to do."""
        _ring(self._lock)

    def hand_over(self) -> None:
        """Wake who waits, and let it have the GIL: for those who would wait themselves now."""
        _hand_over(self._lock)

    def ring_again(self) -> None:
        """Ring it once, though perhaps it was rung already."""
        _wait(self._lock, _AT_ONCE, _WAKE_FOR_SIGNALS)
        _ring(self._lock)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is rung, and silence it; False if it is not for so many seconds.

        Handlers of signals run meanwhile, in the main thread, and may raise.
        """
        if seconds is None:
            while _wait(self._lock, _FOR_EVER, _WAKE_FOR_SIGNALS) != _RUNG:
                pass
            return True
        until = monotonic() + seconds
        while True:
            microseconds = int(min(max(0.0, seconds), threading.TIMEOUT_MAX) * 1e6)
            came: int = _wait(self._lock, c_longlong(microseconds), _WAKE_FOR_SIGNALS)
            if came != _SIGNAL:
                return came == _RUNG
            seconds = until - monotonic()


_spare: list[Bell] = []


def borrow() -> Bell:
    """Return a bell for one wait, to be given back: making one takes 0.7 us.

    It may ring for something that is long over.
    """
    try:
        return _spare.pop()
    except IndexError:
        return Bell()


give_back = _spare.append
"""Take a bell back for which nobody waits. There are never more than threads waited at once."""
