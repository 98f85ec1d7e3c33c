"""What each Python value is on the wire, one step at a time; shared by the fast and the slow coder.

`to_extension` knows the values that are extensions of the wire, `to_plain` reduces anything else to
a plainer Python value. What neither knows is `Refused`.
"""

from __future__ import annotations

import array
import dataclasses
import datetime as dt
import enum
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, Final

import msgspec

from runtimes.errors import JSError, StaleHandle
from runtimes.quickjs import _wire
from runtimes.shared import SharedBuffer
from runtimes.values import (
    ArrayBuffer,
    BigInt,
    JSDate,
    JSMap,
    JSSet,
    TypedArray,
    Undefined,
    undefined,
)

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MILLISECOND: Final = dt.timedelta(milliseconds=1)

_F64: Final = Struct("<d")
_HANDLE: Final = Struct("<BI")
_U32: Final = Struct("<I")
_TYPED: Final = {kind: _wire.TYPED_ARRAY + i for i, kind in enumerate(_wire.TYPED_ARRAYS)}
_UINT8: Final = _wire.TYPED_ARRAY + _wire.TYPED_ARRAYS.index("Uint8Array")

Extension = tuple[int, bytes | list[Any]]
"""Type of the extension, and its payload: bytes, or the values of which it consists."""


class Refused(Exception):
    """The value cannot cross; the text says why."""


NOT_TAKEN: Final = (
    "a SharedBuffer is taken only by a runtime that was made with allocation='on_demand'"
    " (and not from an untrusted snapshot)"
)


class Recipient:
    """Who is to receive values.

    Attributes:
        owner: The runtime, as handles name theirs.
        handles: Where to keep handles, whosever they are; None to take the owner's alone.
        named: Whether a handle has gone in since somebody last set this to False.
        busy: How many values are just being encoded, by code of theirs perhaps, which may enter the
            owner meanwhile.
        take: Called with each SharedBuffer, perhaps several times; None if it takes none.
    """

    __slots__ = ("busy", "handles", "named", "owner", "take")

    def __init__(
        self,
        owner: object,
        take: Callable[[SharedBuffer], None] | None,
        handles: list[Any] | None = None,
    ) -> None:
        self.owner = owner
        self.handles = handles
        self.named = False
        self.busy = 0
        self.take = take


def to_extension(value: Any, recipient: Recipient) -> Extension | None:
    """Return what the value is as an extension, or None if it is none.

    Args:
        value: Anything.
        recipient: Who is to receive it.

    Raises:
        Refused: It is one in principle, but cannot cross.
        StaleHandle: It is a handle of another runtime.
    """
    kind = type(value)
    simple = _EXTENSIONS.get(kind)
    if simple is not None:
        return simple(value)
    if hasattr(kind, "_handle_id"):
        return _handle(value, recipient)
    if kind is SharedBuffer:
        return _shared(value, recipient)
    if isinstance(value, JSError):
        return _error(value)
    if isinstance(value, dt.datetime):
        return _datetime(value)
    if isinstance(value, (set, frozenset)):
        return _wire.SET, list(value)
    if isinstance(value, int) and abs(value) > _wire.MAX_SAFE_INTEGER:
        return _integer(value)
    return None


def to_plain(value: Any) -> Any:
    """Return a plainer value that stands for this one: an Enum's value, a dataclass's fields...

    Raises:
        Refused: There is none.
    """
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, msgspec.Struct):
        return _struct_fields(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for base, exact in _BASES:
        if isinstance(value, base) and type(value) is not base:
            return exact(value)
    if isinstance(value, BaseException):
        raise Refused(f"a {type(value).__qualname__} cannot be converted: use JSError")
    if isinstance(value, (dt.date, dt.time)):
        raise Refused(f"a {type(value).__qualname__} cannot be converted: use an aware datetime")
    raise Refused(f"a value of type {type(value).__qualname__} cannot be converted")


_BASES: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, lambda value: memoryview(value).tobytes()),
    (bytearray, lambda value: memoryview(value).tobytes()),
    (list, list),
    (tuple, list),
    (dict, dict),
    (Mapping, dict),
)


def _struct_fields(value: msgspec.Struct) -> dict[str, Any] | list[Any]:
    """As msgspec itself would encode it: renamed fields, tag, array_like; but all defaults too."""
    config = value.__struct_config__
    members = [getattr(value, name) for name in value.__struct_fields__]
    tag = config.tag
    if config.array_like:
        return members if tag is None else [tag, *members]
    fields = zip(value.__struct_encode_fields__, members, strict=True)
    named = {name: member for name, member in fields if member is not msgspec.UNSET}
    return named if tag is None or config.tag_field is None else {config.tag_field: tag, **named}


def is_wide(view: memoryview) -> bool:
    """Whether a memoryview is anything but the bytes of a Uint8Array."""
    return view.format != "B" or view.ndim != 1 or not view.c_contiguous


def _integer(value: int) -> Extension:
    size = value.bit_length() // 8 + 1
    if size > _wire.MAX_BIGINT_BYTES:
        raise Refused("an integer of more than a million bits cannot be converted")
    return _wire.BIGINT, int.to_bytes(value, size, "little", signed=True)


def _datetime(value: dt.datetime) -> Extension:
    if value.utcoffset() is None:
        raise Refused("a naive datetime cannot be converted: give it a time zone")
    return _wire.DATE, _F64.pack((value - EPOCH) // MILLISECOND)


def _js_date(value: JSDate) -> Extension:
    if not -_wire.MAX_DATE_MS <= value.ms <= _wire.MAX_DATE_MS:
        raise Refused(f"a JSDate of {value.ms} ms cannot be converted: it is no valid Date")
    return _wire.DATE, _F64.pack(value.ms)


def _map(value: JSMap) -> Extension:
    return _wire.MAP, [part for pair in value.pairs for part in pair]


def _memoryview(value: memoryview) -> Extension | None:
    return _elements(value) if is_wide(value) else None


def _elements(value: memoryview) -> Extension:
    if value.ndim != 1:
        raise Refused(f"a memoryview of {value.ndim} dimensions cannot be converted")
    native = value.format.lstrip("@=") if value.format else "B"
    if native in ("l", "L", "n", "N"):  # long has another size on another platform
        signed = native in ("l", "n")
        native = ("q" if signed else "Q") if value.itemsize == 8 else ("i" if signed else "I")
    if native in ("B", "c"):
        return _UINT8, value.tobytes()
    if native == "e":
        return _TYPED["Float16Array"], value.tobytes()
    if native in _wire.MEMORYVIEW_FORMATS:
        code = _wire.TYPED_ARRAY + _wire.MEMORYVIEW_FORMATS.index(native)
        return code, value.tobytes()
    raise Refused(f"a memoryview of format {value.format!r} cannot be converted")


def _array(value: array.array[Any]) -> Extension:
    if value.typecode == "u":
        raise Refused("an array of characters cannot be converted: use a str")
    return _elements(memoryview(value))


def _error(error: JSError) -> Extension:
    cause = undefined if error.cause is None else error.cause
    errors = list(error.errors) or None
    return _wire.ERROR, [str(error.name), str(error.message), error.stack or None, cause, errors]


def _handle(value: Any, recipient: Recipient) -> Extension:
    if recipient.handles is not None:
        recipient.handles.append(value)
    elif value._owner != recipient.owner:
        raise StaleHandle("the handle belongs to another runtime, or to one that is gone")
    recipient.named = True
    return _wire.HANDLE, _HANDLE.pack(0, value._handle_id)


def _shared(value: SharedBuffer, recipient: Recipient) -> Extension:
    if recipient.take is None:
        raise Refused(NOT_TAKEN)
    recipient.take(value)
    return _wire.SHARED, _U32.pack(value._number)


_EXTENSIONS: Final[dict[type, Callable[[Any], Extension | None]]] = {
    # Plain containers and scalars come here from the slow coder only.
    **dict.fromkeys(
        (type(None), bool, float, str, bytes, bytearray, list, tuple, dict), lambda _: None
    ),
    int: lambda value: _integer(value) if abs(value) > _wire.MAX_SAFE_INTEGER else None,
    Undefined: lambda _: (_wire.UNDEFINED, b""),
    BigInt: _integer,
    dt.datetime: _datetime,
    JSDate: _js_date,
    set: lambda value: (_wire.SET, list(value)),
    frozenset: lambda value: (_wire.SET, list(value)),
    JSSet: lambda value: (_wire.SET, list(value.members)),
    JSMap: _map,
    JSError: _error,
    ArrayBuffer: lambda value: (_wire.ARRAY_BUFFER, bytes(value)),
    TypedArray: lambda value: (_TYPED[value.kind], bytes(value.data)),
    memoryview: _memoryview,
    array.array: _array,
}
