"""What wasmtime says when it unwinds a guest, or makes none, as an exception of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import wasmtime

from runtimes.quickjs._instance import GuestTrap

if TYPE_CHECKING:
    from runtimes.quickjs._instance import TrapKind

_KINDS: dict[wasmtime.TrapCode, TrapKind] = {
    wasmtime.TrapCode.STACK_OVERFLOW: "stack_overflow",
    wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS: "out_of_bounds",
    wasmtime.TrapCode.UNREACHABLE: "unreachable",
    wasmtime.TrapCode.INTERRUPT: "interrupt",
}


_FAULT = re.compile(r"memory fault at wasm address 0x([0-9a-f]+)")
_WRAPPED = range(0xFFF0_0000, 0x1_0010_0000)
"""Where a stack pointer lands that went below 0, give or take a frame. The guest's own stack lies
first in its memory, so this is how running over its end looks."""


_LIMIT = "exceeds memory limits"
"""What wasmtime says of a guest whose memory starts larger than it may be."""


def as_refusal(cause: Exception, memory_limit_bytes: int | None) -> MemoryError | ValueError:
    """Return why there is no instance: its limit is too small, or the system has no room."""
    if _LIMIT in str(cause):
        return ValueError(f"no guest with a memory limit of {memory_limit_bytes} bytes: {cause}")
    return MemoryError(f"no room for another runtime: {cause}")


def as_guest_trap(cause: wasmtime.Trap | wasmtime.WasmtimeError) -> GuestTrap:
    """Return the trap with its kind and its first line; wasm frames are noise to users."""
    code = cause.trap_code if isinstance(cause, wasmtime.Trap) else None
    message = str(cause)
    reason = message.rpartition("Caused by:")[2] or message
    first = next((line.strip() for line in reason.splitlines() if line.strip()), "trap")
    fault = _FAULT.search(message)
    if fault and int(fault[1], 16) in _WRAPPED:
        return GuestTrap(first, "stack_overflow")
    return GuestTrap(first, _KINDS.get(code, "other") if code else "other")
