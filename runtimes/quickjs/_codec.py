"""Values across the border, the host's half: Python values to wire bytes and back.

Compiled code does the work. Decoding is msgspec's: it is the faster (1 MB of records: 3.5 ms, and
4.3 ms by ormsgpack) and lets the exceptions of hooks through; both refuse headers that promise more
than there is. Encoding is ormsgpack's, since only it hands sets, dates and subclasses to a hook;
msgspec would silently change them. For flat arguments, where nothing of that sort can be, it is
msgspec's, which is the faster for small ones and for long bytes (1 MB: 20 us, and 450 us). What
they refuse, and every failure, goes to the slow encoder, which knows better and names the place.
"""

from __future__ import annotations

import gc
from itertools import chain
from struct import Struct
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec
import ormsgpack

from runtimes.errors import BrokenRuntimeError, ClosedRuntimeError, ConversionError
from runtimes.quickjs import _slow_codec, _wire
from runtimes.quickjs._conversions import Recipient, Refused, is_wide, to_extension, to_plain
from runtimes.quickjs._extensions import BUILDERS, READERS, Nonsense

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runtimes.shared import SharedBuffer

_OPTIONS: Final = (
    ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_UUID
)
_pack = ormsgpack.packb
_pack_flat = msgspec.msgpack.Encoder().encode
_FLAT: Final = frozenset({int, str, float, bool, type(None), bytes})
"""Types that msgspec encodes as they shall be."""

_CONTAINERS: Final = frozenset({list, tuple, dict})
_HANDLE: Final = Struct("<BI")
_U32: Final = Struct("<I")
_NONE_SHARED: Final[Mapping[int, SharedBuffer]] = {}


class Codec:
    """Encoder and decoder for one runtime, whose handles it knows.

    Encoding keeps no state and may be done on any thread; decoding belongs to the runtime's.
    """

    __slots__ = ("_decode", "_make_handle", "_shared", "recipient")

    def __init__(
        self,
        make_handle: Callable[[int, int], object],
        owner: object,
        take: Callable[[SharedBuffer], None] | None = None,
        shared: Mapping[int, SharedBuffer] = _NONE_SHARED,
        handles: list[Any] | None = None,
    ) -> None:
        """Prepare both ways.

        Args:
            make_handle: Called with kind and number for each function or promise that comes out.
            owner: Compared with the ``_owner`` of handles that go in.
            take: Called with each SharedBuffer that goes in; None to refuse them.
            shared: Those that may come out, by number; looked at when they do.
            handles: Where to keep handles that go in, whosever they are; None to take the owner's.
        """
        self._make_handle: Callable[[int, int], object] = make_handle
        self.recipient = Recipient(owner, take, handles)
        self._shared = shared
        # One of its own takes 1 us to make, and most never see a handle.
        lent = _decode_for_anyone if shared is _NONE_SHARED else None
        self._decode: Callable[[memoryview | bytes], Any] = lent or self._own_decoder()

    def let_go(self) -> None:
        """Forget the guest, which is closed: nothing will be decoded any more."""
        self._make_handle = _closed
        self._decode = _closed

    # -- Python to JavaScript

    def encode(self, value: Any) -> bytes:
        """Encode one value.

        Raises:
            ConversionError: Something in it cannot cross; ``path`` says where.
            StaleHandle: It contains a handle of another runtime.
        """
        if type(value) in _FLAT:
            try:
                return _pack_flat(value)
            except (UnicodeEncodeError, OverflowError):
                return self._encode_slowly(value)
        recipient = self.recipient
        recipient.busy += 1
        try:
            return self._encode_fast(value)
        except Exception:
            return self._encode_slowly(value)
        finally:
            recipient.busy -= 1

    def encode_args(self, args: Sequence[Any]) -> bytes:
        """Encode the arguments of a call, as an array.

        Raises:
            As `encode`.
        """
        if type(args) is not list and type(args) is not tuple:
            args = list(args)
        if _FLAT.issuperset(map(type, args)):
            try:
                return _pack_flat(args)
            except (UnicodeEncodeError, OverflowError):
                return self._encode_slowly(args)
        return self.encode(args)

    def encode_calls(self, calls: list[Any]) -> bytes:
        """Encode the arguments of many calls: an array of arrays.

        Args:
            calls: Lists and tuples.

        Raises:
            As `encode`.
        """
        if _FLAT.issuperset(map(type, chain.from_iterable(calls))):
            try:
                return _pack_flat(calls)
            except (UnicodeEncodeError, OverflowError):
                return self._encode_slowly(calls)
        return self.encode(calls)

    def _encode_slowly(self, value: Any) -> bytes:
        return _slow_codec.encode(value, self.recipient, self._encode_fast)

    def _encode_fast(self, value: Any) -> bytes:
        """Encode, or raise any Exception if that needs more care."""
        try:
            return self._pack(value)
        except Exception:
            interrupt = _interrupts.pop(get_ident(), None)
            if interrupt is not None:
                raise interrupt from None
            raise

    def _pack(self, value: Any) -> bytes:
        packed = _pack(value, self._to_extension, _OPTIONS)
        # The one thing it gets wrong in silence: the elements of a memoryview become bytes. Only if
        # there may be a bin header at all is it worth looking for one.
        if (b"\xc4" in packed or b"\xc5" in packed or b"\xc6" in packed) and _has_wide_view(value):
            raise Refused("a memoryview")
        return packed

    def _to_extension(self, value: Any) -> Any:
        """Encode what ormsgpack does not know; whatever is raised makes it give up."""
        try:
            extension = to_extension(value, self.recipient)
            if extension is None:
                plain = to_plain(value)
                if _has_wide_view(plain):
                    raise Refused("a memoryview")
                return plain
            code, payload = extension
            return ormsgpack.Ext(
                code, payload if isinstance(payload, bytes) else self._pack(payload)
            )
        except Exception:
            raise
        except BaseException as interrupt:  # ormsgpack would lose it: Ctrl-C, for one
            _interrupts[get_ident()] = interrupt
            raise

    # -- JavaScript to Python

    def decode(self, data: memoryview | bytes) -> Any:
        """Decode one value. Nothing of `data` is kept.

        Raises:
            BrokenRuntimeError: It is not what a sound guest sends.
            ConversionError: It is nested deeper than what is left of Python's own stack.
        """
        try:
            return self._decode(data)
        except _HandleFound:
            self._decode = self._own_decoder()
        except (msgspec.DecodeError, Nonsense, ValueError, TypeError) as error:
            # ValueError: bytes that are no UTF-8; both: a key that Python cannot hash
            raise BrokenRuntimeError(f"the guest sent nonsense: {error}") from error
        except RecursionError:
            raise ConversionError("nested deeper than what is left of Python's own stack") from None
        return Codec.decode(self, data)  # from its start: nothing has been made of it

    def _own_decoder(self) -> Callable[[memoryview | bytes], Any]:
        return msgspec.msgpack.Decoder(ext_hook=self._from_extension).decode

    def _from_extension(self, code: int, data: memoryview) -> Any:
        """Read an extension, in one frame for each level of nesting: Python's stack is not deep."""
        build = BUILDERS.get(code)
        if build is not None:
            members = self._decode(data)
            if type(members) is not list:
                raise Nonsense(f"extension {code} without members")
            return build(members)
        if code == _wire.HANDLE:
            return self._read_handle(data)
        if code == _wire.SHARED:
            return self._read_shared(data)
        read = READERS.get(code)
        if read is None:
            raise Nonsense(f"extension {code}")
        return read(data)

    def _read_handle(self, data: memoryview) -> object:
        if len(data) != _HANDLE.size:
            raise Nonsense("a handle without its number")
        return self._make_handle(*_HANDLE.unpack(data))

    def _read_shared(self, data: memoryview) -> SharedBuffer:
        buffer = self._shared.get(_U32.unpack(data)[0]) if len(data) == _U32.size else None
        if buffer is None:
            raise Nonsense("a SharedBuffer that it was not given")
        return buffer


class _HandleFound(Exception):
    """There is a handle in it, which is some runtime's."""


def _find_handle(*_arguments: object) -> NoReturn:
    raise _HandleFound


_decode_for_anyone: Callable[[memoryview | bytes], Any] | None = None
_decode_for_anyone = Codec(_find_handle, None)._decode
"""Decodes what names no handle and no shared buffer, for all runtimes."""

_interrupts: Final[dict[int, BaseException]] = {}
"""By thread, what ormsgpack must not get hold of."""


def _closed(*_arguments: object) -> NoReturn:
    raise ClosedRuntimeError("the runtime is closed")


def _has_wide_view(value: Any) -> bool:
    """Whether a memoryview that is no Uint8Array is in the containers that ormsgpack looks into.

    Level by level and inside the garbage collector, which knows every container's members and skips
    what cannot refer to anything: 1 ms for 1 MB of records, where a loop over them takes 7. There
    are no cycles: the value has been encoded.
    """
    level = [value]
    while level:
        kinds = set(map(type, level))
        if memoryview in kinds and any(type(m) is memoryview and is_wide(m) for m in level):
            return True
        if not kinds <= _CONTAINERS:
            level = [member for member in level if type(member) in _CONTAINERS]
        level = list(filter(gc.is_tracked, gc.get_referents(*level)))
    return False
