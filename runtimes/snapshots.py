"""Snapshots: a runtime's whole state between two runs, as a value and as bytes.

The bytes are, all numbers little endian::

    magic 8 | format 2 | reserved 2 | engine 16 | fingerprint 32 | sizes 3 x 8 |
    one zstd frame of notes and content | SHA-256 of all that stands before it 32

The sizes are those of the notes, of the content and of the frame. The checksum finds damage; it is
no signature: whoever can write the bytes can make it fit.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, Self

from runtimes.errors import SnapshotMismatch

if TYPE_CHECKING:
    from types import ModuleType

MAGIC: Final = b"\x8fJSsnap\n"
"""What the bytes of every snapshot begin with."""
_CHECKPOINT: Final = b"jsactors checkpoint "
"""What those of an ``actors.Checkpoint`` begin with: to tell whoever took one for the other."""
_FORMAT: Final = 1
_HEADER: Final = Struct("<8sHH16s32sQQQ")
_CHECKSUM_BYTES: Final = 32
_FINGERPRINT_BYTES: Final = 32
_ENGINE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,15}")
_LEVEL: Final = 1
"""Of zstd: 1 MB of heap takes 2 ms; level 3 saves a tenth of the bytes and takes twice as long."""
_WINDOW_LOG: Final = 23
"""Most that a frame may make the decompressor allocate at once: 8 MiB."""
LIMIT_BYTES: Final = 256 * 1024 * 1024
"""Most that is unpacked, unless whoever reads it says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Snapshot:
    """What a runtime held when it was taken: everything that its scripts can see.

    Immutable; any number of runtimes, on any threads, can be made from one. It fits only the build
    of the engine that made it. It holds memory: `size_bytes`.

    Treat it as you treat the data that was in the runtime: it holds all of that, and may hold the
    remains of what scripts have dropped.

    Attributes:
        engine: Which kind of runtime made it, such as ``"quickjs"``.
        fingerprint: Of the engine's build, 32 bytes.
        notes: What the host's side of that engine knew, in its own form.
        content: The heap, in the engine's own form; read-only.
        trusted: Whether a runtime of this process made it, or somebody vouched for its bytes. What
            is not trusted runs like a hostile engine: slower (see ``docs/security.md``).
    """

    engine: str
    fingerprint: bytes
    notes: bytes
    content: bytes | memoryview
    trusted: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        """Refuse what could not be written.

        Raises:
            TypeError: A part is of a wrong type.
            ValueError: The engine's name or fingerprint is none.
        """
        if not isinstance(self.engine, str):
            raise TypeError(f"a snapshot's engine is a text (str), not {self.engine!r:.100}")
        for part in ("fingerprint", "notes", "content"):
            value = getattr(self, part)
            view = part == "content" and isinstance(value, memoryview) and value.readonly
            if not view and not isinstance(value, bytes):
                raise TypeError(f"a snapshot's {part} must be bytes, not {type(value).__name__}")
        if not _ENGINE_NAME.fullmatch(self.engine):
            raise ValueError(
                f"{self.engine!r} is no name for an engine: a-z, 0-9, - and _, at most 16"
            )
        if len(self.fingerprint) != _FINGERPRINT_BYTES:
            raise ValueError(f"a fingerprint has {_FINGERPRINT_BYTES} bytes")

    @property
    def size_bytes(self) -> int:
        """Bytes of memory that it holds; `to_bytes` makes some four times less of them."""
        return len(self.notes) + len(self.content)

    def to_bytes(self) -> bytes:
        """Compress it, to be kept or sent: `from_bytes` reads it in any process, on any machine."""
        zstd = _zstd()
        compressor = zstd.ZstdCompressor(level=_LEVEL)
        frame = compressor.compress(self.notes)
        frame += compressor.compress(self.content, mode=zstd.ZstdCompressor.FLUSH_FRAME)
        head = _HEADER.pack(
            MAGIC,
            _FORMAT,
            0,
            self.engine.encode(),
            self.fingerprint,
            len(self.notes),
            len(self.content),
            len(frame),
        )
        checksum = hashlib.sha256(head)
        checksum.update(frame)
        return b"".join((head, frame, checksum.digest()))

    @classmethod
    def from_bytes(
        cls,
        data: bytes | bytearray | memoryview,
        *,
        trusted: bool = False,
        limit_bytes: int | None = LIMIT_BYTES,
    ) -> Self:
        """Read what `to_bytes` wrote.

        Whether it fits an engine is seen when a runtime is made from it.

        Args:
            data: The bytes.
            trusted: Whether you know who made them and that nobody changed them, say by a signature
                of your own. A heap can be forged so that code in it never looks at any limit; so
                what is not trusted runs with tests that wasmtime adds (``hard_stop="epoch"``, a
                fifth slower) and its results are counted again outside of it.
            limit_bytes: The most that it may hold once it is unpacked; None for no limit.

        Raises:
            SnapshotMismatch: They are damaged, foreign, of another format, or exceed the limit.
            TypeError: They are no bytes.
        """
        view = memoryview(data).cast("B")
        if bytes(view[: len(_CHECKPOINT)]) == _CHECKPOINT:
            raise SnapshotMismatch(
                "these bytes are no snapshot (they are a checkpoint: Checkpoint.from_bytes)"
            )
        if len(view) < _HEADER.size + _CHECKSUM_BYTES:
            raise SnapshotMismatch("these bytes are no snapshot: too short")
        magic, version, reserved, name, fingerprint, *sizes = _HEADER.unpack_from(view)
        if magic != MAGIC:
            raise SnapshotMismatch("these bytes are no snapshot")
        if version != _FORMAT:
            raise SnapshotMismatch(f"the snapshot has format {version}; this one reads {_FORMAT}")
        notes_size, content_size, frame_size = sizes
        if len(view) != _HEADER.size + frame_size + _CHECKSUM_BYTES:
            raise SnapshotMismatch("the snapshot is damaged: it was cut off, or has grown")
        if hashlib.sha256(view[:-_CHECKSUM_BYTES]).digest() != view[-_CHECKSUM_BYTES:]:
            raise SnapshotMismatch("the snapshot is damaged: its checksum differs")
        if limit_bytes is not None and notes_size + content_size > limit_bytes:
            raise SnapshotMismatch(
                f"the snapshot holds {notes_size + content_size} bytes, more than {limit_bytes}"
            )
        frame = view[_HEADER.size : -_CHECKSUM_BYTES]
        notes, content = _unpack(frame, notes_size, content_size)
        try:
            engine = name.rstrip(b"\0").decode("ascii")
            if reserved:
                raise ValueError("unknown flags")
            return cls(
                engine=engine,
                fingerprint=fingerprint,
                notes=notes,
                content=content,
                trusted=trusted,
            )
        except ValueError as error:
            raise SnapshotMismatch(f"the snapshot is damaged: {error}") from None

    def require(self, engine: str, fingerprint: bytes) -> None:
        """Check that it was made by this build of this engine; for those who write a runtime.

        Raises:
            SnapshotMismatch: It was not; the text says by which.
        """
        if self.engine != engine:
            raise SnapshotMismatch(
                f"the snapshot is one of engine {self.engine!r}, this runtime is {engine!r}"
            )
        if self.fingerprint != fingerprint:
            raise SnapshotMismatch(
                f"the snapshot was made by build {self.fingerprint.hex()[:12]} of {engine}, "
                f"this one is build {fingerprint.hex()[:12]}"
            )

    def __repr__(self) -> str:
        """Tell the engine, the build and the size; never the content."""
        return (
            f"<Snapshot {self.engine} {self.fingerprint.hex()[:12]} {self.size_bytes} bytes"
            f"{'' if self.trusted else ' not trusted'}>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles hold the compressed bytes; what comes out of a pickle is not trusted."""
        return (type(self).from_bytes, (self.to_bytes(),))


def _unpack(frame: memoryview, notes_size: int, content_size: int) -> tuple[bytes, bytes]:
    """Decompress no more than was promised.

    Raises:
        SnapshotMismatch: The frame is broken, or holds more or less.
    """
    zstd = _zstd()
    window = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
    decompressor = zstd.ZstdDecompressor(options=window)
    try:
        notes: bytes = decompressor.decompress(frame, notes_size)
        content: bytes = b"" if decompressor.eof else decompressor.decompress(b"", content_size + 1)
    except (zstd.ZstdError, EOFError, MemoryError, OverflowError) as error:
        raise SnapshotMismatch(f"the snapshot is damaged: {error}") from None
    whole = len(notes) == notes_size and len(content) == content_size
    if not whole or not decompressor.eof or decompressor.unused_data:
        raise SnapshotMismatch("the snapshot is damaged: its sizes are wrong")
    return notes, content


def _zstd() -> ModuleType:
    """The codec, imported at first use: most programs never take a snapshot."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    module: ModuleType = zstd
    return module
