"""Reading a guest that may be hostile through and through: its heap came as bytes.

A guest of ours counts what it sends and keeps within the limits of a result. One whose heap was
forged need not: code of its own could be running in it. Then the host counts again, before it makes
a single object: an empty array is one byte on the wire, and 56 in Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtimes.errors import BrokenRuntimeError
from runtimes.quickjs import _wire
from runtimes.quickjs._codec import Codec
from runtimes.quickjs._memory import result_nodes

if TYPE_CHECKING:
    from runtimes.options import RuntimeOptions

_SLACK: Final = 65536
"""Bytes, and nodes, that a report may have beyond the limits: names, texts, a path."""

_NESTED: Final = frozenset({_wire.MAP, _wire.SET, _wire.OBJECT, _wire.ERROR})
"""Extensions whose payload is wire bytes again."""


class WaryCodec(Codec):
    """A `Codec` that refuses what is larger than a result may be, before decoding it."""

    __slots__ = ("_most_bytes", "_most_nodes")

    def __init__(self, options: RuntimeOptions, *arguments: Any) -> None:
        """Prepare both ways, within the options' limits of results; the rest is a `Codec`'s."""
        super().__init__(*arguments)
        limit = options.result_limit_bytes
        self._most_bytes = None if limit is None else limit + _SLACK
        nodes = result_nodes(options)
        self._most_nodes = None if nodes is None else nodes + _SLACK

    def decode(self, data: memoryview | bytes) -> Any:
        """Decode one value.

        Raises:
            BrokenRuntimeError: It is not what a sound guest sends.
        """
        size = len(data)
        if self._most_bytes is not None and size > self._most_bytes:
            raise BrokenRuntimeError(f"the guest sent {size} bytes, more than a result may have")
        most = self._most_nodes
        if most is not None and size > most and not has_at_most(data, most):
            raise BrokenRuntimeError("the guest sent more values than a result may have")
        return super().decode(data)


def has_at_most(data: memoryview | bytes, nodes: int) -> bool:
    """Whether these wire bytes have at most so many nodes; some 0.1 us for each.

    Of bytes that are malformed it counts at least what a decoder makes before it notices.
    """
    view = memoryview(data)
    at, end = 0, len(view)
    while at < end:
        if nodes == 0:
            return False
        nodes -= 1
        first = view[at]
        at += 1
        if first <= 0x7F or first >= 0xE0 or 0x80 <= first <= 0x9F:
            continue  # small numbers; headers of short containers, whose members follow
        if first <= 0xBF:
            at += first & 0x1F
            continue
        header, length_bytes = _LATER[first]
        if length_bytes:
            length = int.from_bytes(view[at : at + length_bytes], "big")
            nested = header and at + length_bytes < end and view[at + length_bytes] in _NESTED
            at += length_bytes + header + (0 if nested else length)
        else:
            nested = first in _FIXED_EXTENSIONS and at < end and view[at] in _NESTED
            at += 1 if nested else header
    return True


_FIXED_EXTENSIONS: Final = frozenset(range(0xD4, 0xD9))
_LATER: Final[dict[int, tuple[int, int]]] = {
    **dict.fromkeys((0xC0, 0xC1, 0xC2, 0xC3), (0, 0)),
    **{0xC4 + i: (0, 1 << i) for i in range(3)},  # bin
    **{0xC7 + i: (1, 1 << i) for i in range(3)},  # ext: a type behind the length
    **{0xCA: (4, 0), 0xCB: (8, 0)},  # floats
    **{0xCC + i: (1 << i, 0) for i in range(4)},  # uint
    **{0xD0 + i: (1 << i, 0) for i in range(4)},  # int
    **{0xD4 + i: (1 + (1 << i), 0) for i in range(5)},  # fixext, with its type
    **{0xD9 + i: (0, 1 << i) for i in range(3)},  # str
    **{0xDC: (2, 0), 0xDD: (4, 0), 0xDE: (2, 0), 0xDF: (4, 0)},  # arrays and maps: members follow
}
"""By the first byte: how many bytes follow it, and the size of a length that stands before them."""
