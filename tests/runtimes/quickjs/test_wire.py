"""Bytes that no sound side sends: each side refuses them clearly and goes on working."""

from __future__ import annotations

import contextlib
import resource
import struct
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runtimes import (
    BrokenRuntimeError,
    ConversionError,
    JSError,
    MemoryLimitError,
    QuickJSRuntime,
    RuntimeOptions,
)
from runtimes.quickjs import _wire
from runtimes.quickjs._codec import Codec

from .values import values

if TYPE_CHECKING:
    from collections.abc import Iterator

CODEC = Codec(lambda kind, number: (kind, number), 1)

BOMBS = [
    b"\xdd\xff\xff\xff\xff",
    b"\xdd\x0f\xff\xff\xff" + b"\xc0" * 20,
    b"\xdf\xff\xff\xff\xff\xa1a\xc0",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff\x04",
    b"\xdd\x00\xff\xff\xff" * 60,
    b"\xc7\x05\x04\xdd\xff\xff\xff\xff",
    b"\xc7\x05\x05\xdd\xff\xff\xff\xff",
    b"\x91" * 100_000 + b"\xc0",
    b"\x81\xa1a" * 100_000 + b"\xc0",
]

NONSENSE = [
    b"",
    b"\xc1",
    b"\x92\x01",
    b"\xa2\xff\xfe",
    b"\xa3\xed\xa0\x80",
    b"\x01\x01",
    b"\xd4\x63\x00",
    b"\xd4\x05\x00",
    b"\xc7\x02\x04\x91\x01",
    b"\xc7\x01\x03\x00",
    b"\xc7\x08\x03" + struct.pack("<d", float("nan")),
    b"\xc7\x02\x06\x91\x01",
    b"\xc7\x01\x07\x00",
    b"\xc7\x03\x1b\x00\x00\x00",
    b"\xc7\x02\x09\x91\x01",
    b"\xc7\x04\x09\x92\x91\x01\x01",
    b"\xc7\x03\x09\x92\x01\x01",
    b"\x81\x80\x01",
    b"\x81\xc7\x02\x13\x00\x00\x01",
    b"\x81\xc7\x01\x05\x90\x01",
]


@pytest.fixture(scope="module")
def shared() -> Iterator[QuickJSRuntime]:
    """One runtime for all examples."""
    with QuickJSRuntime() as runtime:
        yield runtime


def _give(runtime: QuickJSRuntime, encoded: bytes) -> Any:
    """Hand bytes to the guest as they are."""
    return runtime._guest.enter("guest_set_global", (1, len(encoded)), b"x" + encoded, 5)


mutated = st.tuples(values, st.integers(0, 10_000), st.binary(min_size=1, max_size=3))


def _mutate(case: tuple[Any, int, bytes]) -> bytes:
    value, at, patch = case
    encoded = bytearray(CODEC.encode(value))
    at %= len(encoded)
    encoded[at : at + len(patch)] = patch
    return bytes(encoded)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(b"\xc9\x00\x00\x00\x01\x02\x80")
@given(st.binary(max_size=60) | mutated.map(_mutate))
def test_the_host_decodes_or_refuses_any_bytes(encoded: bytes) -> None:
    with contextlib.suppress(BrokenRuntimeError, ConversionError):
        CODEC.decode(memoryview(encoded))


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(encoded=st.binary(max_size=60) | mutated.map(_mutate))
def test_the_guest_reads_or_refuses_any_bytes(shared: QuickJSRuntime, encoded: bytes) -> None:
    with contextlib.suppress(JSError, ConversionError):
        _give(shared, encoded)
    assert shared.usable
    assert shared.evaluate("6 * 7") == 42


@pytest.mark.parametrize("encoded", NONSENSE, ids=bytes.hex)
def test_nonsense_from_the_guest_is_a_clear_error(encoded: bytes) -> None:
    with pytest.raises(BrokenRuntimeError, match="nonsense"):
        CODEC.decode(memoryview(encoded))


@pytest.mark.parametrize("encoded", BOMBS, ids=lambda encoded: encoded[:6].hex())
def test_a_header_that_promises_too_much_allocates_nothing(encoded: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((BrokenRuntimeError, ConversionError)):
        CODEC.decode(memoryview(encoded))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    assert (after - before) * unit < 32 * 1024 * 1024


@pytest.mark.parametrize("encoded", BOMBS, ids=lambda encoded: encoded[:6].hex())
def test_the_guest_does_not_believe_such_a_header(shared: QuickJSRuntime, encoded: bytes) -> None:
    before = shared.memory_used
    with pytest.raises((JSError, ConversionError)):
        _give(shared, encoded)
    shared.collect_garbage()
    assert shared.evaluate("1") == 1
    assert shared.memory_used < before + 1024 * 1024


def test_a_message_that_does_not_fit_in_the_guest_is_a_memory_error() -> None:
    with QuickJSRuntime(RuntimeOptions(memory_limit_bytes=4 * 1024 * 1024)) as runtime:
        for value in (b"x" * 3_000_000, "é" * 2_000_000, list(range(400_000)), ["abc"] * 300_000):
            with pytest.raises(MemoryLimitError):
                runtime.set_global("x", value)
        if runtime.usable:
            assert runtime.evaluate("6 * 7") == 42


def test_a_result_that_does_not_fit_in_the_guest_is_a_memory_error() -> None:
    with QuickJSRuntime(RuntimeOptions(memory_limit_bytes=8 * 1024 * 1024)) as runtime:
        with pytest.raises(MemoryLimitError):
            runtime.evaluate("{ const s = 'x'.repeat(3e6); [s, s, s, s, s] }")
        if runtime.usable:
            assert runtime.evaluate("6 * 7") == 42


def test_a_hook_that_fails_is_not_taken_for_nonsense() -> None:
    def fail(kind: int, number: int) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Codec(fail, 1).decode(b"\xc7\x05\x07\x01\x00\x00\x00\x00")


def test_the_fast_and_the_slow_encoder_say_the_same() -> None:
    for value in (
        {"a": [1, -1, 127, 128, 65536, -129, 2**53, -(2**63), 2**64 - 1, 1.5, None, True]},
        ["", "a" * 40, "é" * 300, b"", b"x" * 300, [0] * 20, {str(i): i for i in range(20)}],
    ):
        decoded = CODEC.decode(CODEC._encode_slowly(value))
        assert decoded == value == CODEC.decode(CODEC.encode(value))


def test_the_limits_of_the_wire_are_those_of_the_slow_encoder() -> None:
    assert CODEC.encode(2 ** (8 * _wire.MAX_BIGINT_BYTES - 1) - 1)
    with pytest.raises(ConversionError):
        CODEC.encode(2 ** (8 * _wire.MAX_BIGINT_BYTES - 1))
