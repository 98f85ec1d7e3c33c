"""What is mapped over the memory of an instance, and is taken away before that memory ends.

No memory of a guest may be unmapped, or be used by another one, with such a mapping in place. So an
overlay is recorded before it is made, and belongs to the store, whose end is the memory's.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from runtimes import _pages

if TYPE_CHECKING:
    from runtimes._pages import Pages


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
