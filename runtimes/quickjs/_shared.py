"""Shared memory in guests: what is mapped over which part of a guest's memory, and for how long.

A guest sets whole pages of its heap aside, the host maps those of a `SharedBuffer` over them, and
the engine wraps them as a SharedArrayBuffer. No guest may end, nor use its memory for anything
else, with that mapping in place: so it is recorded before it is made, belongs to the store, and
ends with it at the latest.

Only numbers that this host has handed to this guest stand for anything when they come back.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Final

from runtimes import _pages
from runtimes.errors import BrokenRuntimeError, ConversionError, MemoryLimitError
from runtimes.quickjs._instance import InstanceUnusableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes._pages import Pages
    from runtimes.quickjs._guest import Guest
    from runtimes.shared import SharedBuffer

NOT_TAKEN: Final = (
    "a SharedBuffer is taken only by a runtime that was made with allocation='on_demand'"
)


class Overlays:
    """What is mapped over the memory of one instance. Belongs to the thread that uses that."""

    __slots__ = ("_laid",)

    def __init__(self) -> None:
        self._laid: dict[int, tuple[int, int]] = {}

    def lay(self, number: int, address: int, pages: Pages) -> None:
        """Map pages over a part of the memory, be it once more; `number` names them.

        Raises:
            ValueError: It is not a place of its own, on a border of pages.
            OSError: The system refuses.
        """
        end = address + pages.size
        if address % _pages.PAGE_BYTES or any(
            address < there + size and there < end and number != other
            for other, (there, size) in self._laid.items()
        ):
            raise ValueError("pages are not laid over a part of others")
        self._laid[number] = (address, pages.size)  # first, or Ctrl-C might come in between
        pages.map_over(address)

    def lift(self, number: int) -> None:
        """Map zeroed private pages there again. What is not laid is ignored.

        Raises:
            OSError: The system refuses.
        """
        place = self._laid.get(number)
        if place is not None:
            _pages.map_zeros_over(*place)
            del self._laid[number]

    def lift_all(self) -> None:
        """Lift all; for a memory that is about to go, and so unmaps whatever cannot be lifted."""
        for number in list(self._laid):
            with contextlib.suppress(OSError):
                self.lift(number)


class Shares:
    """The buffers that one guest has been given. Belongs to the guest's thread.

    Attributes:
        held: By their numbers, for as long as the guest may reach their memory.
    """

    def __init__(self, guest: Guest) -> None:
        self._guest: Guest = weakref.proxy(guest)  # which holds this: a closed one is to go at once
        self.held: dict[int, SharedBuffer] = {}
        self._ready: set[int] = set()  # Ctrl-C may come at any line: held first, ready last

    @property
    def hook(self) -> Callable[[SharedBuffer], None] | None:
        """What a codec calls for each buffer; None if the guest is not one that takes any."""
        return self.take if self._guest.options.allocation == "on_demand" else None

    def take(self, buffer: SharedBuffer) -> None:
        """Let the guest know the buffer, unless it does; scripts see it when it is passed to them.

        Raises:
            ConversionError: The guest is not one that takes any.
            MemoryLimitError: It does not fit in the guest's memory, or the system has no maps left.
            BrokenRuntimeError: The guest sets no fit place aside.
        """
        guest, number, pages = self._guest, buffer._number, buffer._pages
        guest.check()
        if guest.options.allocation != "on_demand":
            raise ConversionError(NOT_TAKEN)
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
        while self.held and self._guest.usable:
            number = self._guest._call("guest_idle_share")
            if not number:
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
