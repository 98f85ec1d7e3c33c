"""Snapshots as values and as bytes, whatever engine they are of."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import pickle
import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes import Snapshot, SnapshotMismatch

SIZES_AT = 60
"""Where the three sizes stand."""

snapshots = st.builds(
    Snapshot,
    engine=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,15}", fullmatch=True),
    fingerprint=st.binary(min_size=32, max_size=32),
    notes=st.binary(max_size=200),
    content=st.binary(max_size=2000),
)


def _snapshot(**changes: Any) -> Snapshot:
    usual = Snapshot(engine="echo", fingerprint=bytes(32), notes=b"notes", content=b"heap" * 1000)
    return dataclasses.replace(usual, **changes)


def _sealed(data: bytes) -> bytes:
    """The bytes with a checksum that fits, as a forger would send them."""
    return data[:-32] + hashlib.sha256(data[:-32]).digest()


@given(snapshots)
def test_a_snapshot_survives_as_bytes(snapshot: Snapshot) -> None:
    assert Snapshot.from_bytes(snapshot.to_bytes()) == snapshot


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_are_read(kind: type) -> None:
    assert Snapshot.from_bytes(kind(_snapshot().to_bytes())) == _snapshot()


def test_what_is_no_bytes_is_refused() -> None:
    with pytest.raises(TypeError):
        Snapshot.from_bytes("text")  # type: ignore[arg-type]


def test_the_bytes_of_a_checkpoint_are_refused_by_their_name() -> None:
    with pytest.raises(SnapshotMismatch, match=r"they are a checkpoint: Checkpoint\.from_bytes"):
        Snapshot.from_bytes(b"jsactors checkpoint 1\n")


def test_bytes_are_trusted_only_if_somebody_says_so() -> None:
    data = _snapshot().to_bytes()
    assert _snapshot().trusted
    assert not Snapshot.from_bytes(data).trusted
    assert Snapshot.from_bytes(data, trusted=True).trusted
    assert not pickle.loads(pickle.dumps(_snapshot())).trusted
    assert "not trusted" in repr(Snapshot.from_bytes(data))


def test_it_is_immutable_and_a_copy_is_as_good() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        _snapshot().content = b""  # type: ignore[misc]
    assert copy.copy(_snapshot()) == _snapshot()


def test_equal_states_are_equal_bytes() -> None:
    assert _snapshot().to_bytes() == _snapshot().to_bytes()


def test_its_size_is_what_it_holds() -> None:
    assert _snapshot().size_bytes == 4005
    assert len(_snapshot().to_bytes()) < 300


def test_its_repr_tells_nothing_of_the_heap() -> None:
    shown = repr(_snapshot(content=b"secret"))
    assert "secret" not in shown
    assert "echo" in shown


@pytest.mark.parametrize("engine", ["", "Echo", "a" * 17, "a b", "é", "-a"])
def test_an_engine_has_a_plain_name(engine: str) -> None:
    with pytest.raises(ValueError, match="no name for an engine"):
        _snapshot(engine=engine)


def test_a_fingerprint_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        _snapshot(fingerprint=b"short")


def test_damage_anywhere_is_noticed() -> None:
    data = _snapshot().to_bytes()
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        with pytest.raises(SnapshotMismatch):
            Snapshot.from_bytes(damaged)


def test_bytes_that_were_cut_off_or_lengthened_are_refused() -> None:
    data = _snapshot().to_bytes()
    for length in range(len(data)):
        with pytest.raises(SnapshotMismatch):
            Snapshot.from_bytes(data[:length])
    with pytest.raises(SnapshotMismatch, match="grown"):
        Snapshot.from_bytes(data + b"\0")


@given(st.binary(max_size=300))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SnapshotMismatch):
        Snapshot.from_bytes(data)


@given(st.data())
def test_forged_bytes_with_a_good_checksum_are_refused_or_read(data: st.DataObject) -> None:
    forged = bytearray(_snapshot().to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(forged) - 33))
        forged[place] = data.draw(st.integers(0, 255))
    try:
        read = Snapshot.from_bytes(_sealed(forged), limit_bytes=10_000)
    except SnapshotMismatch:
        return
    assert read.size_bytes <= 10_000


def test_another_format_says_which() -> None:
    data = bytearray(_snapshot().to_bytes())
    data[8] = 9
    with pytest.raises(SnapshotMismatch, match="format 9"):
        Snapshot.from_bytes(_sealed(data))


@pytest.mark.parametrize("sizes", [(5, 3999), (5, 4001), (4006, 0), (0, 0), (5, 2**63)])
def test_sizes_that_lie_are_refused(sizes: tuple[int, int]) -> None:
    data = bytearray(_snapshot().to_bytes())
    struct.pack_into("<QQ", data, SIZES_AT, *sizes)
    with pytest.raises(SnapshotMismatch):
        Snapshot.from_bytes(_sealed(data), limit_bytes=None if sizes[1] < 2**63 else 10_000)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = _snapshot(content=bytes(64 * 1024 * 1024)).to_bytes()
    assert len(bomb) < 100_000
    with pytest.raises(SnapshotMismatch, match="more than 1000000"):
        Snapshot.from_bytes(bomb, limit_bytes=1_000_000)
    lying = bytearray(bomb)
    struct.pack_into("<QQ", lying, SIZES_AT, 5, 1000)
    tracemalloc.start()
    try:
        with pytest.raises(SnapshotMismatch, match="sizes are wrong"):
            Snapshot.from_bytes(_sealed(lying))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_frame_behind_the_frame_is_refused() -> None:
    data = _snapshot().to_bytes()
    frame = data[84:-32]
    forged = bytearray(data[:-32] + frame + bytes(32))
    struct.pack_into("<Q", forged, SIZES_AT + 16, 2 * len(frame))
    with pytest.raises(SnapshotMismatch, match="sizes are wrong"):
        Snapshot.from_bytes(_sealed(forged))


def test_the_mismatch_says_which_build_and_which_engine() -> None:
    snapshot = _snapshot()
    snapshot.require("echo", bytes(32))
    with pytest.raises(SnapshotMismatch, match=r"'echo'.*'quickjs'"):
        snapshot.require("quickjs", bytes(32))
    with pytest.raises(SnapshotMismatch, match=r"build 000000000000.*build 010101010101"):
        snapshot.require("echo", b"\1" * 32)


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": b"echo"},
        {"engine": None},
        {"fingerprint": "x" * 32},
        {"fingerprint": bytearray(32)},
        {"notes": "notes"},
        {"notes": None},
        {"content": [1]},
        {"content": bytearray(4)},
        {"content": memoryview(bytearray(4))},
    ],
    ids=lambda changes: "-".join((*changes, *(type(value).__name__ for value in changes.values()))),
)
def test_parts_of_a_wrong_type_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(changes))):
        _snapshot(**changes)


def test_a_view_that_nobody_can_write_to_is_as_good_as_bytes() -> None:
    snapshot = _snapshot(content=memoryview(b"heap"))
    assert Snapshot.from_bytes(snapshot.to_bytes()).content == b"heap"
