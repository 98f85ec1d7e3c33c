"""Encoding arguments apart from any runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtimes.encoded import EncodedArgs
from runtimes.errors import StaleHandle
from runtimes.quickjs._arguments import plain_args, plain_calls
from runtimes.quickjs._codec import Codec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtimes.shared import SharedBuffer


def encode_args(args: Sequence[Any]) -> EncodedArgs:
    """Encode arguments now, on this thread, so that they may be changed or sent afterwards.

    Raises:
        ConversionError: Something in them cannot cross; ``path`` says where.
        TypeError: They are no sequence, or a text, bytes or a mapping: surely a slip.
        ValueError: There are more than a call can have.
    """
    if type(args) is not list and type(args) is not tuple:
        args = plain_args(args)
    try:
        return EncodedArgs(_CODEC.encode_args(args), _decode)
    except StaleHandle:  # there are handles or shared buffers: encode again, and note which
        handles: list[Any] = []
        shared = _Gathered()
        codec = Codec(_refuse_handle, None, shared.take, shared.buffers, handles)
        payload = codec.encode_args(args)
        buffers = tuple(shared.buffers.values())
        return EncodedArgs(payload, codec.decode if buffers else _decode, tuple(handles), buffers)


def encode_calls(args_list: Iterable[Sequence[Any]]) -> EncodedArgs:
    """Encode the arguments of many calls, for `Runtime.call_many`, as `encode_args` does for one.

    Raises:
        ConversionError: Something in them cannot cross; ``path`` says where.
        TypeError: They, or those of one call, are no sequence, or a text, bytes or a mapping.
        ValueError: There are more than a batch can have.
    """
    calls = plain_calls(args_list)
    try:
        return EncodedArgs(_CODEC.encode_calls(calls), _decode)
    except StaleHandle:
        return encode_args(calls)


def _refuse_handle(kind: int, handle_id: int) -> object:
    raise StaleHandle("a JavaScript function or promise means something in its runtime only")


def _decode(payload: bytes) -> list[Any]:  # a function, since those can be pickled
    return _CODEC.decode(payload)  # type: ignore[no-any-return]


class _Gathered:
    """Takes any SharedBuffer, and keeps it."""

    def __init__(self) -> None:
        self.buffers: dict[int, SharedBuffer] = {}

    def take(self, buffer: SharedBuffer) -> None:
        self.buffers[buffer._number] = buffer


def _gather_instead(buffer: SharedBuffer) -> None:
    raise StaleHandle("a SharedBuffer has to be kept with the arguments")


_CODEC = Codec(_refuse_handle, None, _gather_instead)
