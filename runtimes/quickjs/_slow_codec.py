"""The careful encoder: it takes what the fast one refuses, and names the path of what cannot cross.

It is Python all the way down, about 0.5 us a value, but parts that the fast encoder can take as
they are are handed back to it. It does not recurse: depth is a matter of the contract alone.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, Any

import msgspec

from runtimes.errors import ConversionError, JSRuntimeError
from runtimes.quickjs import _wire
from runtimes.quickjs._conversions import Recipient, Refused, is_wide, to_extension, to_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_encode_scalar = msgspec.msgpack.Encoder().encode
_SCALARS = frozenset({type(None), bool, float, bytes, bytearray})
_FAST_ATTEMPTS = 20
"""How many parts may turn out to be nothing for the fast encoder before it is left alone."""


def encode(value: Any, recipient: Recipient, fast: Callable[[Any], bytes]) -> bytes:
    """Encode a value.

    Args:
        value: Anything.
        recipient: Who is to receive it.
        fast: An encoder that may raise any Exception.

    Raises:
        ConversionError: Something in it cannot cross; ``path`` says where.
        StaleHandle: It contains a handle of another runtime.
    """
    writer = _Writer(recipient, fast)
    try:
        writer.write(value)
    except (JSRuntimeError, MemoryError):
        raise
    except Refused as refusal:
        raise ConversionError(str(refusal), path=writer.path()) from None
    except Exception as error:  # a property, an iterator, a tzinfo: the value's own code
        text = f"reading the value failed: {type(error).__qualname__}"
        raise ConversionError(text, path=writer.path()) from error
    return bytes(writer.out)


class _Container:
    """A container whose members are being written."""

    __slots__ = ("index", "members", "names", "patch", "source", "step")

    def __init__(
        self,
        source: Any,
        members: list[Any],
        step: Callable[[int], str],
        names: list[str] | None = None,
        patch: int = 0,
    ) -> None:
        self.source = source  # what it stands for; held, so that its id stays its own
        self.members: Iterator[Any] = iter(members)
        self.step = step  # from a member's index to its step in the path
        self.names = names  # of a plain object's members
        self.patch = patch  # where the payload of an extension begins, whose length is open
        self.index = -1


class _Writer:
    """One message in the making."""

    def __init__(self, recipient: Recipient, fast: Callable[[Any], bytes]) -> None:
        self.out = bytearray()
        self._recipient = recipient
        self._fast = fast
        self._attempts = _FAST_ATTEMPTS
        self._open: list[_Container] = []
        self._open_ids: set[int] = set()

    def path(self) -> str:
        """Where the writer is."""
        return "$" + "".join(container.step(container.index) for container in self._open)

    def write(self, value: Any) -> None:
        """Append one value with all that is in it."""
        self._put(value)
        while self._open:
            depth, container = len(self._open), self._open[-1]
            for member in container.members:
                container.index += 1
                if container.names is not None:
                    self.out += _encode_scalar(container.names[container.index])
                self._put(member)
                if len(self._open) > depth:
                    break
            else:
                self._close(self._open.pop())

    def _put(self, value: Any) -> None:
        """Append one value; if it is a container, only open it."""
        source = value
        while True:
            kind = type(value)
            if kind is str:
                return self._put_str(value)
            if kind in _SCALARS:
                self.out += _encode_scalar(value)
                return None
            if kind is list or kind is tuple or kind is dict:
                if self._open and self._put_fast(value):
                    return None
                return (
                    self._put_dict(source, value) if kind is dict else self._put_list(source, value)
                )
            extension = to_extension(value, self._recipient)
            if extension is not None:
                return self._put_extension(source, *extension)
            if kind is int or (kind is memoryview and not is_wide(value)):
                self.out += _encode_scalar(value)
                return None
            value = to_plain(value)

    def _put_fast(self, value: Any) -> bool:
        """Append by the fast encoder, if it can."""
        if not self._attempts:
            return False
        try:
            self.out += self._fast(value)
        except Exception:
            self._attempts -= 1
            return False
        return True

    def _enter(self, container: _Container) -> None:
        if id(container.source) in self._open_ids:
            raise Refused("a cycle cannot be converted")
        if len(self._open) > _wire.MAX_DEPTH:  # one more: the list of a call's arguments
            raise Refused(f"more than {_wire.MAX_DEPTH} containers inside each other")
        self._open.append(container)
        self._open_ids.add(id(container.source))

    def _close(self, container: _Container) -> None:
        self._open_ids.discard(id(container.source))
        if container.patch:
            length = len(self.out) - container.patch
            self.out[container.patch - 5 : container.patch - 1] = pack(">I", length)

    def _put_list(self, source: Any, value: list[Any] | tuple[Any, ...]) -> None:
        members = list(value)
        self._enter(_Container(source, members, lambda index: f"[{index}]"))
        self._put_count(0x90, 0xDC, len(members))

    def _put_dict(self, source: Any, value: dict[Any, Any]) -> None:
        names = [to_plain(k) if isinstance(k, str) and type(k) is not str else k for k in value]
        members = list(value.values())
        if not all(type(name) is str for name in names):
            flat = [part for pair in value.items() for part in pair]
            self._put_extension(source, _wire.MAP, flat)
        elif not all(map(_is_text, names)):
            flat = [part for pair in zip(names, members, strict=True) for part in pair]
            self._put_extension(source, _wire.OBJECT, flat)
        else:
            step = lambda index: _member_step(names[index])  # noqa: E731
            self._enter(_Container(source, members, step, names))
            self._put_count(0x80, 0xDE, len(members))

    def _put_extension(self, source: Any, code: int, payload: bytes | list[Any]) -> None:
        if isinstance(payload, bytes):
            self.out += b"\xc9" + pack(">IB", len(payload), code) + payload
            return
        self.out += b"\xc9" + pack(">IB", 0, code)
        patch = len(self.out)
        step = lambda index: _extension_step(code, payload, index)  # noqa: E731
        container = _Container(source, payload, step, patch=patch)
        self._enter(container)
        if self._put_fast(payload):
            self._close(self._open.pop())
        else:
            self._put_count(0x90, 0xDC, len(payload))

    def _put_str(self, value: str) -> None:
        if _is_text(value):
            self.out += _encode_scalar(value)
            return
        # Two surrogates that make a pair are one character, in JavaScript as in WTF-8.
        joined = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        if _is_text(joined):
            self.out += _encode_scalar(joined)
        else:
            text = joined.encode("utf-8", "surrogatepass")
            self.out += b"\xc9" + pack(">IB", len(text), _wire.WTF8) + text

    def _put_count(self, short: int, long: int, count: int) -> None:
        """Append the header of an array or of a map."""
        if count < 16:
            self.out.append(short | count)
        elif count < 1 << 16:
            self.out += pack(">BH", long, count)
        else:
            self.out += pack(">BI", long + 1, count)


def _is_text(value: str) -> bool:
    """Whether it has no lone surrogate."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _member_step(name: str) -> str:
    if len(name) <= 60 and name.isidentifier() and name.isascii():
        return "." + name
    return "[" + _quoted(name) + "]"


def _extension_step(code: int, members: list[Any], index: int) -> str:
    if code == _wire.SET:
        return f".values()[{index}]"
    if code == _wire.ERROR:
        return "." + ("name", "message", "stack", "cause", "errors")[index]
    key = members[index & ~1]
    if code == _wire.OBJECT:
        return _member_step(key)
    if index % 2 == 0:
        return f".keys()[{index // 2}]"
    if type(key) is int:
        return f".get({key})"
    if type(key) is str:
        return f".get({_quoted(key)})"
    return f".entries()[{index // 2}][1]"


def _quoted(text: str) -> str:
    shown = text if len(text) <= 60 else text[:57] + "..."
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
