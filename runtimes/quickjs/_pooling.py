"""The pool of slots: memory for runtimes that come and go, reserved once and kept warm.

Without it, a new runtime maps 4 GiB of address space and its image, and unmaps them at its end:
four calls into the kernel, and a page fault for each page that it touches. A slot of wasmtime's
pooling allocator stays mapped. When its runtime is gone its first bytes, up to
`keep_resident_bytes`, are written back to what the image says, and only what lies behind is given
back to the kernel; so the next runtime finds its pages there.

What it costs: a slot that was used holds those bytes for the rest of the process, be it free or
not. Hence the number of slots is bounded. A runtime that finds none free is made without one, on
demand: slower to make and to drop, the same in everything else.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from wasmtime import _ffi as _bindings

if TYPE_CHECKING:
    import wasmtime

Allocation = Literal["pooled", "on_demand"]

MOST_SLOTS: Final = 10_000
"""Of 4 GiB each: a third of the address space of x86-64."""

_MIB: Final = 1024 * 1024
_MEMORY_BYTES: Final = 1 << 32
_SLOT_BYTES: Final = _MEMORY_BYTES + 64 * _MIB
"""Of address space; more than wasmtime takes, which is 4 GiB and a guard of 32 MiB."""
_TABLE_BYTES: Final = 64 * 1024
_TABLE_ELEMENTS: Final = 4096


@dataclass(frozen=True)
class PoolSettings:
    """What `configure` sets, for the whole process."""

    slots: int = 64
    keep_resident_bytes: int = _MIB


_settings = PoolSettings()
_lock = threading.Lock()
_in_use = False


def configure(*, slots: int | None = None, keep_resident_bytes: int | None = None) -> None:
    """Set what runtimes of this process share. To be called before the first one is made.

    Runtimes with ``allocation="pooled"``, the default, live in slots: memory that is reserved once
    and stays warm, so that a new runtime costs half as much. One that finds no free slot is made on
    demand instead. Slots exist on Linux; elsewhere this changes nothing.

    Args:
        slots: How many runtimes at a time live in a slot; 64 unless set, 0 for none, at most
            10,000. Each takes 4 GiB of address space, which costs nothing, and from its first use
            on up to `keep_resident_bytes` of memory.
        keep_resident_bytes: How much of a slot's memory stays for its next runtime; 1 MiB unless
            set. A new runtime has 0.5 MiB.

    Raises:
        RuntimeError: A runtime was made in this process already.
        TypeError: A number is no int.
        ValueError: A number is negative, or there are too many slots.
    """
    global _settings
    given = {"slots": slots, "keep_resident_bytes": keep_resident_bytes}
    chosen = {name: value for name, value in given.items() if value is not None}
    for name, value in chosen.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be an int, not {value!r}")
        if value < 0:
            raise ValueError(f"{name} must not be negative; got {value}")
    if slots is not None and slots > MOST_SLOTS:
        raise ValueError(f"slots must be at most {MOST_SLOTS}; got {slots}")
    with _lock:
        if _in_use:
            raise RuntimeError("configure comes too late: a runtime was made in this process")
        _settings = PoolSettings(
            slots=_settings.slots if slots is None else slots,
            keep_resident_bytes=_settings.keep_resident_bytes
            if keep_resident_bytes is None
            else keep_resident_bytes,
        )


def settle() -> PoolSettings:
    """Return the settings, which stay from now on."""
    global _in_use
    with _lock:
        _in_use = True
        return _settings


def is_possible(settings: PoolSettings) -> bool:
    """Whether this process can have a pool of that size.

    wasmtime ends the process if it does not get the address space, so that is tried first.
    """
    if not settings.slots or not sys.platform.startswith("linux"):
        return False
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)
    try:
        mmap.mmap(-1, settings.slots * _SLOT_BYTES, flags=flags, prot=0).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True


def use_pool(config: wasmtime.Config, settings: PoolSettings) -> None:
    """Let engines of this configuration allocate in slots."""
    pool = _bindings.wasmtime_pooling_allocation_config_new()
    numbers = {
        "total_core_instances": settings.slots,
        "total_memories": settings.slots,
        "total_tables": settings.slots,
        # Each of these would reserve something, for what a guest does not have.
        "total_stacks": 0,
        "total_gc_heaps": 0,
        "total_component_instances": 0,
        "max_memory_size": _MEMORY_BYTES,
        "table_elements": _TABLE_ELEMENTS,
        "max_unused_warm_slots": settings.slots,
        "linear_memory_keep_resident": settings.keep_resident_bytes,
        "table_keep_resident": _TABLE_BYTES if settings.keep_resident_bytes else 0,
    }
    try:
        for name, number in numbers.items():
            getattr(_bindings, f"wasmtime_pooling_allocation_config_{name}_set")(pool, number)
        _bindings.wasmtime_pooling_allocation_strategy_set(config.ptr(), pool)
    finally:
        _bindings.wasmtime_pooling_allocation_config_delete(pool)


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
