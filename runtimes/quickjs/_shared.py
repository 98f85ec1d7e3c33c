"""Shared buffers in guests: which a guest has been given, and until when.

A guest sets whole pages of its heap aside, the host lays those of a `SharedBuffer` over them (see
`_overlays`), and the engine wraps them as a SharedArrayBuffer. When no script holds that any more,
the pages are lifted before the guest uses the place again.

Only numbers that this host has handed to this guest stand for anything when they come back.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING

from runtimes import _pages
from runtimes.errors import BrokenRuntimeError, ClosedRuntimeError, MemoryLimitError
from runtimes.quickjs._codec import Codec
from runtimes.quickjs._instance import InstanceUnusableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.quickjs._guest import Guest
    from runtimes.shared import SharedBuffer


class Shares:
    """The buffers that one guest has been given. Belongs to the guest's thread.

    Attributes:
        held: By their numbers, for as long as the guest may reach their memory.
    """

    __slots__ = ("_owner", "_ready", "_weak_guest", "held")

    def __init__(self, guest: Guest) -> None:
        self._owner = guest.owner
        self._weak_guest = weakref.ref(guest)  # no cycle: a closed guest shall go at once
        self.held: dict[int, SharedBuffer] = {}
        self._ready: set[int] = set()  # Ctrl-C may come at any line: held first, ready last

    @property
    def _guest(self) -> Guest:
        guest = self._weak_guest()
        if guest is None:
            raise ClosedRuntimeError("the runtime is gone")
        return guest

    def codec(self, make_handle: Callable[[int, int], object]) -> Codec:
        """Make a codec that takes buffers in, and gives out those that are held."""
        return Codec(make_handle, self._owner, self.take, self.held)

    def take(self, buffer: SharedBuffer) -> None:
        """Let the guest know the buffer, unless it does; scripts see it when it is passed to them.

        Raises:
            MemoryLimitError: It does not fit in the guest's memory, or the system has no maps left.
            BrokenRuntimeError: The guest sets no fit place aside.
        """
        guest, number, pages = self._guest, buffer._number, buffer._pages
        guest.check()
        if number in self._ready:
            return
        self.held[number] = buffer
        place = guest._call("guest_share", number, len(buffer), _pages.PAGE_BYTES)
        if not place:
            del self.held[number]
            raise self._refusal(buffer, "does not fit in the runtime's memory limit")
        try:
            address = guest._instance.address(place, pages.size)
            guest._instance.overlays.lay(number, address, pages)
        except ValueError as error:
            raise self._broken("sets no place of its own aside") from error
        except OSError as error:
            self._give_back(number)
            raise self._refusal(buffer, f"cannot be mapped: {error.strerror}") from error
        self._ready.add(number)

    def drain(self) -> None:
        """Take back those that no script holds any more; none if the guest is lost.

        Raises:
            BrokenRuntimeError: The guest names what it never got, or the system does not unmap.
        """
        recipient = self._guest.codec.recipient
        while self.held and self._guest.usable and not recipient.busy:  # else one may be on its way
            number = self._guest._call("guest_idle_share")
            if not number:
                for unknown in self.held.keys() - self._ready:  # Ctrl-C came before the guest knew
                    del self.held[unknown]
                return
            if number not in self.held:
                raise self._broken("gives back a SharedBuffer that it never had")
            self._give_back(number)

    def take_back(self) -> None:
        """Take back all, whoever holds them: the guest is about to be closed."""
        if self.held:
            self._ready.clear()
            with contextlib.suppress(InstanceUnusableError):  # then the store sees to it
                self._guest._instance.overlays.lift_all()
            self.held.clear()

    def _give_back(self, number: int) -> None:
        self._ready.discard(number)
        try:
            self._guest._instance.overlays.lift(number)  # first: the guest will use the place
        except OSError as error:
            raise self._broken("keeps a SharedBuffer that cannot be unmapped") from error
        if self._guest._call("guest_unshare", number):
            raise self._broken("does not give back a SharedBuffer")
        del self.held[number]

    def _refusal(self, buffer: SharedBuffer, why: str) -> MemoryLimitError:
        limit = self._guest.options.memory_limit_bytes
        return MemoryLimitError(f"a SharedBuffer of {len(buffer)} bytes {why}", limit_bytes=limit)

    def _broken(self, what: str) -> BrokenRuntimeError:
        self._guest._break()
        return BrokenRuntimeError(f"the guest {what}")
