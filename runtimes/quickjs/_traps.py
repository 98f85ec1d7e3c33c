"""What wasmtime says when it unwinds a guest, as a `GuestTrap`."""

from __future__ import annotations

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


def as_guest_trap(cause: wasmtime.Trap | wasmtime.WasmtimeError) -> GuestTrap:
    """Return the trap with its kind and its first line; wasm frames are noise to users."""
    code = cause.trap_code if isinstance(cause, wasmtime.Trap) else None
    message = str(cause)
    reason = message.rpartition("Caused by:")[2] or message
    first = next((line.strip() for line in reason.splitlines() if line.strip()), "trap")
    return GuestTrap(first, _KINDS.get(code, "other") if code else "other")
