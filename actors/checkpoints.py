"""Checkpoints: a worker's state between two queries, to be resumed from here or elsewhere."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from runtimes import Snapshot, SnapshotMismatch
from runtimes.snapshots import LIMIT_BYTES
from runtimes.snapshots import MAGIC as SNAPSHOT_MAGIC

_MAGIC = b"jsactors checkpoint 1\n"
_DIGEST_BYTES = 16


class _Form(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What stands in the bytes, in this order."""

    worker: str
    worker_type: str
    generation: int
    answered: int
    taken_at: float
    state: bytes
    snapshot: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """What a worker was between two queries: its runtime's snapshot, and what its type adds to it.

    `WorkerHandle.checkpoint` takes one; ``spawn(options, checkpoint=...)`` makes a worker of it, in
    this process or another, as often as you like. It is never changed, and may be used on any
    thread. Treat it as you treat the data that was in the worker. Pickling it is the same as
    `to_bytes`, and what comes out of a pickle is not trusted.

    Attributes:
        snapshot: Of the worker's runtime. It may be given to options that take a snapshot.
        state: What `Worker.save_state` returned, encoded (MessagePack).
        worker: Name of the worker that it was taken of.
        worker_type: The name of its class.
        generation: Which of its incarnations it was, counted from 1.
        answered: How many queries the worker had answered.
        taken_at: When, in seconds since the epoch (``time.time()``).
    """

    snapshot: Snapshot
    state: bytes
    worker: str
    worker_type: str
    generation: int
    answered: int
    taken_at: float

    @property
    def age(self) -> float:
        """Seconds since it was taken, by this machine's clock."""
        return max(0.0, time.time() - self.taken_at)

    @property
    def size_bytes(self) -> int:
        """Bytes of memory that it holds; `to_bytes` makes some four times less of them."""
        return self.snapshot.size_bytes + len(self.state)

    def __repr__(self) -> str:
        """Say of whom it is, and how big."""
        of = f"{self.worker_type} {self.worker!r}"
        return f"<Checkpoint of {of}, after {self.answered} queries: {self.size_bytes} bytes>"

    def load_state(self) -> Any:
        """Return what `Worker.save_state` had returned, as its plain types.

        Raises:
            SnapshotMismatch: If it cannot be read.
        """
        return _decoded(self.state, Any)

    def to_bytes(self) -> bytes:
        """Return it as bytes, for a file or another process."""
        body = msgspec.msgpack.encode(
            _Form(
                self.worker,
                self.worker_type,
                self.generation,
                self.answered,
                self.taken_at,
                self.state,
                self.snapshot.to_bytes(),
            )
        )
        return _MAGIC + _digest(body) + body

    @classmethod
    def from_bytes(
        cls,
        data: bytes | bytearray | memoryview,
        *,
        trusted: bool = False,
        limit_bytes: int | None = LIMIT_BYTES,
    ) -> Self:
        """Return the checkpoint that `to_bytes` wrote.

        Bytes that were damaged are refused. Whether it fits the engine is seen when a worker is
        made of it.

        Args:
            data: The bytes.
            trusted: Whether you know who made them and that nobody changed them; see
                ``Snapshot.from_bytes`` for what that saves.
            limit_bytes: The most that its snapshot may hold once it is unpacked; None for no limit.

        Raises:
            SnapshotMismatch: If these are not the bytes of a checkpoint, are damaged, or exceed the
                limit.
            TypeError: If they are no bytes.
        """
        data = bytes(memoryview(data))  # bytes() alone would take a number, too
        start = len(_MAGIC) + _DIGEST_BYTES
        if data.startswith(SNAPSHOT_MAGIC):
            raise SnapshotMismatch(
                "these bytes are no checkpoint (they are a snapshot: Snapshot.from_bytes)"
            )
        if not data.startswith(_MAGIC):
            raise SnapshotMismatch("these bytes are no checkpoint, or one of another version")
        body = data[start:]
        if data[len(_MAGIC) : start] != _digest(body):
            raise SnapshotMismatch("the checkpoint is damaged: its checksum does not fit")
        form = _decoded(body, _Form)
        _decoded(form.state, Any)
        return cls(
            Snapshot.from_bytes(form.snapshot, trusted=trusted, limit_bytes=limit_bytes),
            form.state,
            form.worker,
            form.worker_type,
            form.generation,
            form.answered,
            form.taken_at,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it as its bytes."""
        return type(self).from_bytes, (self.to_bytes(),)


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest()


def _decoded(data: bytes, kind: Any) -> Any:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        raise SnapshotMismatch(f"the checkpoint cannot be read: {error}") from error
