"""Encoding arguments apart from any runtime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from runtimes.encoded import EncodedArgs
from runtimes.errors import StaleHandle
from runtimes.quickjs._codec import Codec

if TYPE_CHECKING:
    from runtimes.shared import SharedBuffer

_PLAIN: Final = frozenset({list, tuple})
_ARGUMENTS: Final = "arguments are a list or tuple of values"


def encode_args(args: Sequence[Any]) -> EncodedArgs:
    """Encode arguments now, on this thread, so that they may be changed or sent afterwards.

    Raises:
        ConversionError: Something in them cannot cross; ``path`` says where.
        TypeError: They are no sequence, or a text, bytes or a mapping: surely a slip.
    """
    if type(args) is not list and type(args) is not tuple:
        require_sequence(args)
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
    """
    calls = plain_calls(args_list)
    try:
        return EncodedArgs(_CODEC.encode_calls(calls), _decode)
    except StaleHandle:
        return encode_args(calls)


def plain_calls(args_list: Iterable[Sequence[Any]]) -> list[Any]:
    """Return a batch as a list of lists or tuples.

    Raises:
        TypeError: It, or one of its members, is none, or surely a slip: a text, bytes or a mapping.
    """
    require_sequence(args_list, "the calls of a batch are a list of lists or tuples")
    calls = args_list if type(args_list) is list else list(args_list)
    if _PLAIN.issuperset(map(type, calls)):
        return calls
    for index, each in enumerate(calls):
        require_sequence(each, f"call {index}: {_ARGUMENTS}")
    return [list(each) for each in calls]


def require_sequence(args: object, rule: str = _ARGUMENTS) -> None:
    """Refuse what cannot be, or was never meant as, the arguments of a call.

    Args:
        args: What was given.
        rule: What it should have been.

    Raises:
        TypeError: It cannot be iterated over, or it is a text, bytes or a mapping.
    """
    if isinstance(args, (str, bytes, bytearray, memoryview, Mapping)) or not _is_iterable(args):
        raise TypeError(f"{rule}, not {type(args).__name__}")


def _is_iterable(value: object) -> bool:
    # what only has a __getitem__ is no Iterable, and can be iterated over all the same
    return isinstance(value, Iterable) or hasattr(type(value), "__getitem__")


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
