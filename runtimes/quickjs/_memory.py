"""The host's view of a guest's memory: its header, its input buffer, what it says it wrote."""

from __future__ import annotations

import itertools
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Final, NoReturn

from runtimes.errors import BrokenRuntimeError, ClosedRuntimeError, MemoryLimitError
from runtimes.options import Default, RuntimeOptions
from runtimes.quickjs import _abi
from runtimes.quickjs._abi import LENGTH, POINTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtimes.quickjs._instance import Instance

SHORT: Final = 4096
"""Bytes of input that `Guest.enter` copies by itself; a call of `GuestMemory.put` costs 0.1 us."""

_U32 = Struct("<I")
_I64 = Struct("<q")
_LIMITS = Struct("<IqIII")
_INPUT = Struct("<II")

_NODE_BYTES = 64
_MOST_NODES = 4_000_000
LONGEST = 1e9
"""Seconds; what is longer is as good as unlimited, and fits the header's 64 bits as nanoseconds."""


def result_nodes(options: RuntimeOptions) -> int | None:
    """How many values a result may have: by default as many as fit the memory limit in Python.

    A container takes some 64 bytes there, while it may take a single one on the wire.
    """
    if not isinstance(options.result_limit_nodes, Default):
        return options.result_limit_nodes
    limit = options.memory_limit_bytes
    return _MOST_NODES if limit is None else min(limit // _NODE_BYTES, _MOST_NODES)


@lru_cache(maxsize=64)
def _limits(memory: int | None, result: int | None, nodes: int | None, stack: int) -> bytes:
    """The header's fields from MEMORY_LIMIT to STACK_BYTES, with no budget yet."""
    return _LIMITS.pack(
        min(memory or 0, 0xFFFF0000), 0, min(result or 0, LENGTH), min(nodes or 0, POINTER), stack
    )


def bounded(seconds: float | None) -> float | None:
    """Return a time limit that a float can hold: an int may be larger than any."""
    return None if seconds is None else min(seconds, LONGEST)


def budget_of(seconds: float | None) -> int:
    """Return what the header says of a time limit: nanoseconds, where 0 is no limit."""
    return 0 if seconds is None else max(1, int(min(seconds, LONGEST) * 1e9))


class GuestMemory:
    """Reads and writes a guest's memory. Nothing that the guest says is believed unchecked.

    Belongs to the thread that owns the instance.

    Attributes:
        view: The memory as last seen; `Guest.enter` itself copies what is short.
        input: Where the input buffer is.
        capacity: How many bytes it takes.
        budget: What the next runs may take, in nanoseconds.
        holds_much: Whether the input buffer has grown so large that it should not be kept.
    """

    __slots__ = (
        "_call",
        "_give_up",
        "_header",
        "_instance",
        "_limit",
        "budget",
        "capacity",
        "holds_much",
        "input",
        "view",
    )

    def __init__(
        self,
        instance: Instance,
        options: RuntimeOptions,
        call: Callable[..., int],
        give_up: Callable[[], None],
    ) -> None:
        """Write the limits into the header, for the guest to adopt.

        Args:
            instance: Whose memory it is.
            options: The limits.
            call: Calls an export, by name and with numbers; it says why if the guest is lost.
            give_up: Called before what the guest says about its input buffer is refused.
        """
        self._instance = instance
        self._call = call
        self._give_up = give_up
        self.holds_much = False
        self.view = instance.memory
        self._header = instance.exported_global("guest_header")
        self._limit = options.memory_limit_bytes
        self.budget = 0
        self.input = self.capacity = 0
        start = self._header + _abi.MEMORY_LIMIT
        limits = _limits(
            options.memory_limit_bytes,
            options.result_limit_bytes,
            result_nodes(options),
            options.stack_limit_bytes,
        )
        self.view[start : start + len(limits)] = limits

    def read(self, offset: int) -> int:
        """Return a 32-bit field of the header."""
        found: int = _U32.unpack_from(self.view, self._header + offset)[0]
        return found

    def write(self, offset: int, number: int) -> None:
        """Set a 32-bit field of the header."""
        _U32.pack_into(self.view, self._header + offset, number)

    def set_budget(self, nanoseconds: int) -> None:
        """Set what the next runs may take; 0 is no limit."""
        if nanoseconds != self.budget:
            _I64.pack_into(self.view, self._header + _abi.BUDGET_NS, nanoseconds)
            self.budget = nanoseconds

    def slice(self, ptr: int, length: int) -> memoryview:
        """Borrow bytes that the guest names, until it is entered again.

        Raises:
            BrokenRuntimeError: It names memory that it does not have.
        """
        end = ptr + length
        if end > len(self.view):
            self.view = self._instance.refresh()
            if end > len(self.view):
                raise BrokenRuntimeError("the guest names memory that it does not have")
        return self.view[ptr:end]

    def put(self, payload: bytes, prefix: bytes = b"") -> int:
        """Copy prefix and payload into the input buffer, which grows as needed; return where.

        Raises:
            MemoryLimitError: They do not fit in the guest's memory.
        """
        size = len(prefix) + len(payload)
        if size > self.capacity:
            self._grow(size)
        start = self.input
        middle = start + len(prefix)
        self.view[start:middle] = prefix
        self.view[middle : start + size] = payload
        return start

    def put_source(self, name: bytes, source: str) -> int:
        """Put a name and, piece by piece, a text that may be long; return the text's size in bytes.

        A lone surrogate, which no source file can hold, becomes U+FFFD as in a browser.

        Raises:
            MemoryLimitError: They do not fit in the guest's memory.
        """
        if len(source) <= SHORT and source.isascii():
            self.put(source.encode(), name)
            return len(source)
        if self._limit is not None and len(source) > self._limit:
            self._refuse(len(source))
        size = len(source) if source.isascii() else sum(map(len, _pieces(source)))
        if len(name) + size > self.capacity:
            self._grow(len(name) + size)
        at = self.input
        for piece in itertools.chain((name,), _pieces(source)):
            self.view[at : at + len(piece)] = piece
            at += len(piece)
        return size

    def shrink(self) -> None:
        """Give back what a long input took, or it would be charged to the script for ever."""
        self.holds_much = False
        self._call("guest_shrink")
        self.note_input()

    def note_input(self) -> None:
        """Look again where the guest has its input buffer.

        Raises:
            BrokenRuntimeError: It says that it is outside of its memory.
        """
        self.input, capacity = _INPUT.unpack_from(self.view, self._header + _abi.INPUT_PTR)
        self.capacity = max(0, capacity - 1)
        end = self.input + self.capacity
        if end > len(self.view):
            self.view = self._instance.refresh()
        if end > len(self.view):
            self.capacity = 0
            self._give_up()
            raise BrokenRuntimeError("the guest names memory that it does not have")

    def let_go(self) -> None:
        """Forget the guest, which is closed."""
        self._call = self._give_up = _closed

    def _grow(self, size: int) -> None:
        reserved = size <= LENGTH and self._call("guest_reserve", size)
        if not reserved:
            self._call("guest_reserve", 0)
        self.note_input()
        if not reserved:
            self._refuse(size)
        self.holds_much = size > _MUCH

    def _refuse(self, size: int) -> NoReturn:
        raise MemoryLimitError(
            f"an input of {size} bytes does not fit in the runtime's memory",
            limit_bytes=self._limit,
        )


def _closed(*_arguments: object) -> NoReturn:
    raise ClosedRuntimeError("the runtime is closed")


_MUCH = 1 << 20  # as in guest/input.h
_PIECE = 1 << 20


def _pieces(source: str) -> Iterator[bytes]:
    """Encode as UTF-8 without ever holding a second copy of the whole."""
    for start in range(0, len(source), _PIECE):
        piece = source[start : start + _PIECE]
        try:
            yield piece.encode()
        except UnicodeEncodeError:
            wide = piece.encode("utf-16-le", "surrogatepass")
            yield wide.decode("utf-16-le", "replace").encode()
