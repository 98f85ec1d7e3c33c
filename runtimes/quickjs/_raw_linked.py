"""What the instances of one guest share on the raw layer, and where in their memory things are."""

from __future__ import annotations

import ctypes
import os
from array import array
from ctypes import c_void_p
from typing import TYPE_CHECKING, Any, Final

import wasmtime

from runtimes.quickjs import _capi
from runtimes.quickjs._instance import WASM_PAGE
from runtimes.quickjs._raw_imports import C_CALLBACKS
from runtimes.quickjs._shield import shield

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.quickjs._engine import LoadedGuest
    from runtimes.quickjs._overlays import Overlays

_I32, _I64 = wasmtime.ValType.i32, wasmtime.ValType.i64
_SHAPES: Final = {
    "call": ([_I32, _I32, _I32], _I64),
    "console": ([_I32, _I32, _I32], _I32),
    "resolve": ([_I32, _I32], _I64),
    "source": ([_I32, _I32], _I64),
    "check": ([_I32], _I32),
}


_process: Final[list[object]] = [object()]
"""Something that stands for this process; a forked child has another one."""


class Store:
    """Owns a C store and deletes it with its last reference (never in a forked child)."""

    __slots__ = ("context", "overlays", "pointer", "process")

    def __init__(self, engine: int) -> None:
        self.process: object = None
        self.overlays: Overlays | None = None
        self.pointer = _capi.pointer(_capi.store_new(engine, None, None))
        self.context: int = _capi.store_context(self.pointer)
        self.process = _process[0]  # last: from here on there is something to delete

    # Ctrl-C in a finaliser's first instruction would leave a slot of the pool taken for ever.
    @shield
    def __del__(self) -> None:
        try:
            self._delete()
        except BaseException:
            self._delete()  # it may have come before the end
            raise

    def _delete(
        self,
        store_delete: Callable[[Any], None] = _capi.store_delete,
        process: list[object] = _process,
    ) -> None:
        if self.process is process[0]:  # both bound early: modules go first when Python exits
            if self.overlays is not None:
                self.overlays.lift_all()
            self.process = None  # Ctrl-C cannot come between this and the call: it is no call's end
            store_delete(self.pointer)


class Linked:
    """What all instances of one guest share, looked up once: 2 us for each that is not.

    An instance keeps what C reads and writes in one block of 64-bit words: room for a call's
    arguments, its result and its trap, then the instance itself, then its exported items.

    Attributes:
        engine: Address of the engine.
        pre: Pointer to the InstancePre: the module with its imports filled in.
        uses_wasi: Whether it needs wasmtime's clock.
        bump_epoch: Makes all instances of the engine ask the host; None without epochs.
        blank: A block as it is at first.
        items: Of each export, its name as C wants it, and where in a block it has its place.
        functions: What the exported functions take and give.
        memory_bytes: What a new memory has at least.
        constants: Exported globals that cannot change, as far as they have been asked for.
    """

    __slots__ = (
        "_pre",
        "blank",
        "bump_epoch",
        "constants",
        "engine",
        "functions",
        "items",
        "memory_bytes",
        "pre",
        "uses_wasi",
    )

    def __init__(self, loaded: LoadedGuest) -> None:
        self._pre = _instance_pre(loaded)
        self.pre = _capi.pointer(_capi.address_of(self._pre))
        self.engine = _capi.address_of(loaded.engine)
        self.uses_wasi = loaded.uses_wasi
        epochs = loaded.hard_stop == "epoch"
        self.bump_epoch = loaded.engine.increment_epoch if epochs else None
        self.functions = loaded.functions
        size = ctypes.sizeof(_capi.Extern) // 8
        self.items: dict[str, tuple[Any, Any, int]] = {}
        self.constants: dict[str, int | None] = {}
        self.memory_bytes = 0
        for index, item in enumerate(loaded.module.exports):
            name, kind = item.name or "", item.type
            encoded = name.encode()
            place = EXPORTS_AT + size * index
            self.items[name] = (_capi.text(encoded), _capi.size(len(encoded)), place)
            if isinstance(kind, wasmtime.MemoryType):
                self.memory_bytes = kind.limits.min * WASM_PAGE
            elif isinstance(kind, wasmtime.GlobalType) and not kind.mutable:
                self.constants[name] = None
        self.blank = array("Q", bytes(8 * (EXPORTS_AT + size * len(self.items))))


MOST_ARGUMENTS: Final = 8
TRAP_AT: Final = MOST_ARGUMENTS * _capi.SLOT
INSTANCE_AT: Final = TRAP_AT + 1
EXPORTS_AT: Final = INSTANCE_AT + ctypes.sizeof(_capi.InstanceItem) // 8
"""Where in an instance's block things are; a call's arguments and result are at 0."""


def link(loaded: LoadedGuest) -> Linked:
    """Return what the guest's instances share.

    Raises:
        wasmtime.WasmtimeError: The guest imports one of ours with another type.
    """
    linked: Linked | None = loaded.linked.get("raw")
    if linked is None:
        with loaded.link_lock:
            linked = loaded.linked.get("raw")
            if linked is None:
                linked = loaded.linked["raw"] = Linked(loaded)
    return linked


def _instance_pre(loaded: LoadedGuest) -> wasmtime.InstancePre:
    linker = wasmtime.Linker(loaded.engine)
    if loaded.uses_wasi:
        linker.define_wasi()
    for name, callback in C_CALLBACKS.items():
        parameters, result = _SHAPES[name]
        kind = wasmtime.FuncType([make() for make in parameters], [result()])
        error = _capi.define_func_unchecked(
            *(_capi.address_of(linker), b"host", 4, name.encode(), len(name)),
            *(_capi.address_of(kind), ctypes.cast(callback, c_void_p), None, None),
        )
        if error:
            raise _capi.take_error(error)
    return linker.instantiate_pre(loaded.module)


def _after_fork_in_child() -> None:
    _process[0] = object()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
