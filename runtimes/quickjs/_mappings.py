"""How many runtimes this process has room for: Linux bounds a process's mappings.

A runtime takes three of them, a worker's thread four more (stack, guard, two for signals), and
``vm.max_map_count`` is 65,530 on most systems. Where none is left, whatever asks for memory fails,
Python's threads and wasmtime's own clean-up included. So new runtimes are refused while there is
still room for all of that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

RESERVE: Final = 4096
"""Mappings that are left to everybody else."""

_MOST_EACH: Final = 8
"""More than a runtime takes, with its worker."""

_NOT_BEFORE: Final = 1000
"""Runtimes; that many fit anywhere, so that nobody with fewer pays for the count."""

_LIMIT = Path("/proc/sys/vm/max_map_count")
_MAPS = Path("/proc/self/maps")


class Room:
    """Knows when to count again: counting takes 20 ms where there are many. Any thread may ask."""

    def __init__(self, limit: Path = _LIMIT, maps: Path = _MAPS) -> None:
        self._limit = limit
        self._maps = maps
        self._next_look = _NOT_BEFORE

    def demand(self, live: int) -> None:
        """Refuse another runtime if there is no room for it.

        Args:
            live: How many there are.

        Raises:
            MemoryError: Nearly all mappings are taken.
        """
        if live < self._next_look:
            return
        try:
            most = int(self._limit.read_text())
            with self._maps.open("rb") as lines:
                taken = sum(1 for _ in lines)
        except (OSError, ValueError):  # not Linux
            self._next_look = live + _NOT_BEFORE
            return
        room = most - taken - RESERVE
        if room <= 0:
            raise MemoryError(
                f"there is no room for another runtime: {live} are alive, and the process has "
                f"{taken} of the {most} memory mappings that vm.max_map_count allows"
            )
        self._next_look = live + 1 + room // _MOST_EACH
