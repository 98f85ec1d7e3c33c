"""What a memory has that its image has not: runs of pages.

A heap of 1 MB is compared in some 50 us, and copied back in about as much. Pages are compared as
bytearrays with memoryviews, by C's ``memcmp`` and without a copy; two memoryviews would be compared
member by member.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE: Final = 4096
"""Bytes; that of the machines which fault pages in. WebAssembly's own are 16 times as large."""
_OWN_PAGES: Final = 4 * 1024 * 1024
"""Bytes; a copy that is as long gets pages of its own, which costs a page fault for each."""

_ZEROS: Final = bytearray(PAGE)

Runs: TypeAlias = list[tuple[int, int]]
"""First page and end of each stretch of pages, in order; none touches the next."""


class Image:
    """The memory that every new instance starts with, ready to be compared. Immutable.

    Attributes:
        n_pages: How many pages it has; what lies behind them starts as zeros.
    """

    def __init__(self, memory: bytes | memoryview) -> None:
        """Keep a copy of a new instance's memory, which is a whole number of pages."""
        pages = (bytearray(memory[at : at + PAGE]) for at in range(0, len(memory), PAGE))
        self._pages = [_ZEROS if page == _ZEROS else page for page in pages]
        self.n_pages = len(self._pages)

    def difference(self, memory: memoryview, first: int) -> Runs:
        """Find the pages from `first` on that differ from the image, or from zeros behind it."""
        runs: Runs = []
        start = end = first
        known = self._pages
        for page in range(first, len(memory) // PAGE):
            at = page * PAGE
            if (known[page] if page < self.n_pages else _ZEROS) == memory[at : at + PAGE]:
                continue
            if page != end:
                if end > start:
                    runs.append((start, end))
                start = page
            end = page + 1
        if end > start:
            runs.append((start, end))
        return runs


def are_runs(runs: Sequence[tuple[int, int]], first: int, end: int) -> bool:
    """Whether they are in order and lie between two pages: what `difference` finds is."""
    last = first
    for start, stop in runs:
        if not last <= start < stop:
            return False
        last = stop
    return last <= end


def size_of(runs: Sequence[tuple[int, int]]) -> int:
    """How many bytes they take."""
    return sum(end - start for start, end in runs) * PAGE


def take(memory: memoryview, runs: Sequence[tuple[int, int]]) -> bytes | memoryview:
    """Copy the pages out, one behind the other.

    Many of them get pages of their own, which the system has back when the copy goes. The C
    library's allocator would keep what has the size of a heap, for each thread that made one.
    """
    size = size_of(runs)
    if size < _OWN_PAGES:
        return b"".join(memory[start * PAGE : end * PAGE] for start, end in runs)
    block = memoryview(mmap.mmap(-1, size))
    at = 0
    for start, end in runs:
        block[at : at + (end - start) * PAGE] = memory[start * PAGE : end * PAGE]
        at += (end - start) * PAGE
    return block.toreadonly()


def put(memory: memoryview, runs: Sequence[tuple[int, int]], content: bytes | memoryview) -> None:
    """Copy them back to where they were; `content` is as long as `size_of` says."""
    source = memoryview(content)
    at = 0
    for start, end in runs:
        size = (end - start) * PAGE
        memory[start * PAGE : end * PAGE] = source[at : at + size]
        at += size
