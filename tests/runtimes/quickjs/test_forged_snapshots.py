"""Forged snapshots are at worst a hostile guest: no crash, no hang, nothing raw comes out."""

from __future__ import annotations

import importlib.util
import random
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtimes import (
    BrokenRuntimeError,
    JSRuntimeError,
    QuickJSRuntime,
    RuntimeOptions,
    Snapshot,
    SnapshotMismatch,
    TimeoutExceeded,
)
from runtimes.quickjs import _wary
from runtimes.quickjs._host_functions import HostFunctionTable
from runtimes.quickjs._notes import FunctionNote, Notes

if TYPE_CHECKING:
    from types import ModuleType

MakeRuntime = Callable[..., QuickJSRuntime]


def _forgery() -> ModuleType:
    path = Path(__file__).with_name("forgery.py")
    spec = importlib.util.spec_from_file_location("forgery", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


forgery = _forgery()


@pytest.fixture(scope="module")
def original() -> Snapshot:
    snapshot: Snapshot = forgery.original()
    return snapshot


@pytest.mark.parametrize("seed", range(30))
def test_a_forged_heap_harms_nobody(original: Snapshot, seed: int) -> None:
    for number in range(10):
        forgery.attempt(original, random.Random(f"{seed} {number}"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_forged_notes_are_refused_or_harmless(original: Snapshot, data: st.DataObject) -> None:
    notes = bytearray(original.notes)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(notes) - 1))
        notes[place] = data.draw(st.integers(0, 255))
    forged = replace(original, notes=bytes(notes), trusted=False)
    try:
        with QuickJSRuntime(forgery.options(forged)) as runtime:
            runtime.evaluate("busy(10)")
    except JSRuntimeError:
        pass


def _with(original: Snapshot, **changes: Any) -> Snapshot:
    notes = msgspec.msgpack.decode(original.notes, type=Notes)
    changed = msgspec.structs.replace(notes, **changes)
    return replace(original, notes=msgspec.msgpack.encode(changed), trusted=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"wasm_pages": 0},
        {"wasm_pages": 1},
        {"wasm_pages": 65537},
        {"wasm_pages": -1},
        {"runs": []},
        {"runs": [(0, 1)]},
        {"runs": [(2**40, 2**40 + 1)]},
        {"runs": [(-1, 1)]},
        {"main": "nobody.js"},
        {"modules": [("", b"", 0, True)]},
        {"modules": [("a", b"\xff", 0, True)]},
        {"modules": [("a", b"1", 0, True), ("a", b"2", 1, True)]},
        {"functions": [("", "twice", 1), ("other", "f", 1)]},
    ],
    ids=str,
)
def test_notes_that_lie_are_refused(original: Snapshot, changes: dict[str, Any]) -> None:
    with pytest.raises(SnapshotMismatch):
        QuickJSRuntime(forgery.options(_with(original, **changes)))


def _list_of(member: bytes, length: int) -> msgspec.Raw:
    return msgspec.Raw(b"\xdd" + length.to_bytes(4, "big") + member * length)


@pytest.mark.parametrize(
    "changes",
    [
        {"runs": _list_of(b"\x92\0\1", 2_000_000)},
        {"functions": _list_of(b"\x93\xa0\xa0\0", 2_000_000)},
        {"modules": _list_of(b"\x94\xa0\xc4\0\0\xc2", 2_000_000)},
    ],
    ids=["runs", "functions", "modules"],
)
def test_notes_that_would_be_large_are_refused_while_they_are_small(
    original: Snapshot, changes: dict[str, Any]
) -> None:
    options = forgery.options(_with(original, **changes))
    tracemalloc.start()
    try:
        with pytest.raises(SnapshotMismatch):
            QuickJSRuntime(options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


def test_too_many_host_functions_are_refused_before_they_are_looked_for() -> None:
    with pytest.raises(SnapshotMismatch) as caught:
        HostFunctionTable().restore([FunctionNote("", "f", 0)] * 40_000, {})
    assert caught.value.missing == ()


def test_numbers_that_lie_find_nothing(original: Snapshot) -> None:
    modules = [("a", b"", 2**31 - 2, True), ("b", b"", 2**62, True), ("c", b"", -5, False)]
    with QuickJSRuntime(forgery.options(_with(original, modules=modules, main=None))) as runtime:
        assert runtime.module("a").number == 2**31 - 2
        with pytest.raises(JSRuntimeError):
            runtime.call_function("up", module=runtime.module("a"))
        with pytest.raises(JSRuntimeError):
            runtime.call_entrypoint(runtime.module("a"))


def test_an_input_buffer_elsewhere_is_not_written_to(original: Snapshot) -> None:
    with QuickJSRuntime(forgery.options(replace(original, trusted=False))) as runtime:
        guest = runtime._guest
        for pointer, capacity in ((0xFFFFFFF0, 64), (0, 0xFFFFFFFF), (len(guest._memory.view), 9)):
            guest._memory.write(12, pointer)
            guest._memory.write(16, capacity)
            with pytest.raises(BrokenRuntimeError):
                guest._memory.note_input()
        assert not runtime.usable


def test_what_is_not_trusted_is_stopped_though_it_never_looks(original: Snapshot) -> None:
    options = RuntimeOptions(timeout=0.05, hard_stop_grace=0.02, host_functions={"twice": abs})
    untrusted = replace(original, trusted=False)
    with QuickJSRuntime.from_snapshot(untrusted, options) as runtime:
        assert runtime.evaluate("busy(10)") == 45
        memory = runtime._guest._instance.memory
        words = memory.cast("I")
        for place, word in enumerate(words.tolist()):
            if word == 10_000:  # the count of steps until the interpreter looks again
                words[place] = 0x7FFFFFFF
        words.release()
        began = time.monotonic()
        with pytest.raises(TimeoutExceeded, match="by force"):
            runtime.evaluate("for (;;) {}")
        assert time.monotonic() - began < 5
        assert not runtime.usable


def test_a_snapshot_of_what_is_not_trusted_is_not_trusted(original: Snapshot) -> None:
    with QuickJSRuntime(forgery.options(replace(original, trusted=False))) as runtime:
        assert not runtime.snapshot().trusted
        with QuickJSRuntime(forgery.options(runtime.snapshot())) as again:
            assert again._guest.hard_stop == "epoch"


def test_a_guest_that_is_not_trusted_cannot_flood_the_host(
    original: Snapshot, make_runtime: MakeRuntime
) -> None:
    options = replace(forgery.options(), snapshot=replace(original, trusted=False))
    with QuickJSRuntime(options) as runtime:
        empties = b"\xdd" + (500_000).to_bytes(4, "big") + b"\x90" * 500_000
        with pytest.raises(BrokenRuntimeError, match="more values"):
            runtime._guest.codec.decode(empties)
        assert len(runtime._guest.codec.decode(b"\xdc\x10\x00" + b"\x90" * 4096)) == 4096
    narrow = replace(options, result_limit_bytes=1000)
    with QuickJSRuntime(narrow) as runtime, pytest.raises(BrokenRuntimeError, match="more than a"):
        runtime._guest.codec.decode(b"\xc6" + (100_000).to_bytes(4, "big") + bytes(100_000))


def _nodes(value: Any) -> int:
    if isinstance(value, list):
        return 1 + sum(map(_nodes, value))
    if isinstance(value, dict):
        return 1 + sum(_nodes(key) + _nodes(each) for key, each in value.items())
    if isinstance(value, msgspec.msgpack.Ext) and value.code in (4, 5, 6, 9):
        return 1 + _nodes(msgspec.msgpack.decode(value.data))
    return 1


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=20)
        | st.dictionaries(st.text(max_size=3), inner, max_size=20)
        | st.lists(inner, max_size=3).map(
            lambda members: msgspec.msgpack.Ext(5, msgspec.msgpack.encode(members))
        )
        | st.binary(max_size=40).map(lambda data: msgspec.msgpack.Ext(2, data))
    ),
    max_leaves=60,
)


@given(plain)
def test_nodes_are_counted_as_they_are(value: Any) -> None:
    data = msgspec.msgpack.encode(value)
    nodes = _nodes(value)
    assert _wary.has_at_most(data, nodes)
    assert not _wary.has_at_most(data, nodes - 1)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_counted(data: bytes) -> None:
    assert _wary.has_at_most(data, len(data))
