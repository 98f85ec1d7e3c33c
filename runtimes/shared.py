"""`SharedBuffer`: memory that Python and any number of runtimes use together, without a copy."""

from __future__ import annotations

import ctypes
import itertools
from typing import Any, Final, NoReturn, final

from runtimes import _pages

_NUMBERS = itertools.count(1)
_MOST_NUMBERS: Final = 2**32 - 1
_MOST_BYTES: Final = 2**31 - 1
"""What the engine takes for the longest buffer."""


@final
class SharedBuffer:
    """Memory that is a SharedArrayBuffer in every runtime that it is passed to.

    Pass it like any other value: as an argument, inside containers, as a global, as the answer of a
    host function. All see the same bytes, at once and without a copy, and whoever gets it back from
    JavaScript gets this very object. A runtime takes it only if it was made with
    ``allocation="on_demand"``.

    Its memory is its own, is zero at first, keeps its size, and is freed when the last one that can
    reach it is gone: this object, its views, and the runtimes in which a script holds it. Each of
    those counts it against its memory limit, rounded up to pages.

    Linux only. Any thread may use it. What several write at once is in no order but that of
    JavaScript's ``Atomics``. It is equal to nothing but itself, and is neither copied nor pickled.
    After a fork, parent and child see the same memory.

    Example:
        >>> buffer = SharedBuffer(8)
        >>> with QuickJSRuntime(RuntimeOptions(allocation="on_demand")) as runtime:
        ...     runtime.set_global("shared", buffer)
        ...     runtime.evaluate("new Int32Array(shared)[1] = 7")
        7
        >>> buffer.view.cast("i").tolist()
        [0, 7]
    """

    __slots__ = ("__weakref__", "_number", "_pages", "_view")

    def __init__(self, n_bytes: int) -> None:
        """Get memory.

        Args:
            n_bytes: From 1 to 2 GiB - 1.

        Raises:
            TypeError: The size is no int.
            ValueError: It is too small or too large.
            NotImplementedError: This is not Linux.
            OSError: The system has no more memory, open files or maps for it.
        """
        if not isinstance(n_bytes, int) or isinstance(n_bytes, bool):
            raise TypeError(f"n_bytes must be an int, not {n_bytes!r}")
        if not 1 <= n_bytes <= _MOST_BYTES:
            raise ValueError(f"n_bytes must be from 1 to {_MOST_BYTES}, not {n_bytes}")
        if not _pages.SUPPORTED:
            raise NotImplementedError("a SharedBuffer needs Linux; send bytes instead")
        self._number = next(_NUMBERS)
        if self._number > _MOST_NUMBERS:
            raise OverflowError("this process has made all the SharedBuffers that it can")
        self._pages = _pages.Pages(n_bytes)
        block: Any = (ctypes.c_ubyte * n_bytes).from_address(self._pages.address)
        block.pages = self._pages  # a view keeps the block, the block keeps the pages
        self._view = memoryview(block).cast("B")

    @property
    def view(self) -> memoryview:
        """Its bytes, writable. A view may outlive the object; ``numpy.frombuffer`` takes one."""
        return self._view[:]

    def __len__(self) -> int:
        """Return the size in bytes."""
        return len(self._view)

    def __repr__(self) -> str:
        """Tell which one it is, and its size."""
        return f"<SharedBuffer {self._number} of {len(self)} bytes>"

    def __reduce__(self) -> NoReturn:
        """Refuse: what is made of it would share nothing.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a SharedBuffer is this process's memory: it is neither copied nor pickled")
