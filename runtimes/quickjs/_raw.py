"""The fast layer: wasmtime's C interface through ctypes, half a microsecond a crossing.

How it stays safe, besides what `_raw_callers` says of calls:

- Callbacks find their instance by the thread they are on, never by anything from the guest.
- No callback can raise into wasmtime: what it caught waits in `State.box` for the caller.
- The store is deleted when the last view of its memory is gone, so no view can dangle.
"""

from __future__ import annotations

import ctypes
from ctypes import addressof, c_uint64
from typing import TYPE_CHECKING, Any, Final

from runtimes.quickjs import _capi, _trap_signals
from runtimes.quickjs._instance import WASM_PAGE, InstanceBusyError, InstanceUnusableError
from runtimes.quickjs._overlays import Overlays
from runtimes.quickjs._raw_callers import (
    FAST_CALLERS,
    N_VALUES,
    RESULT_MASKS,
    Slots,
    any_caller,
    fail,
)
from runtimes.quickjs._raw_imports import (
    CLOSED,
    DEAD,
    EPOCH_CALLBACK,
    EXITING,
    FORKED,
    State,
    threads,
)
from runtimes.quickjs._raw_linked import INSTANCE_AT, TRAP_AT, Store, link
from runtimes.quickjs._traps import as_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.quickjs._engine import LoadedGuest
    from runtimes.quickjs._instance import Host

_NONE: Final = _capi.number(-1)
"""No limit of that kind."""


class RawInstance:
    """An `Instance` on the raw layer; see there for the contract."""

    __slots__ = (
        "__weakref__",
        "_base",
        "_context",
        "_instance",
        "_linked",
        "_memory",
        "_places",
        "_start",
        "_state",
        "bump_epoch",
        "memory",
    )

    def __init__(self, host: Host, loaded: LoadedGuest, memory_limit_bytes: int | None) -> None:
        _trap_signals.restore()
        self._linked = linked = link(loaded)
        self.bump_epoch = linked.bump_epoch
        store = Store(linked.engine)
        words = linked.blank[:]
        self._state = State(host, store, words)
        self._context = context = _capi.pointer(store.context)
        self._start, _ = words.buffer_info()
        start = self._start
        self._places = _capi.pointer(start), N_VALUES, _capi.pointer(start + TRAP_AT * 8)
        self._instance = _capi.pointer(start + INSTANCE_AT * 8)
        if memory_limit_bytes is not None:
            limit = _capi.number(memory_limit_bytes)
            _capi.store_limiter(store.pointer, limit, _NONE, _NONE, _NONE, _NONE)
        if linked.uses_wasi:
            _raise_error(_capi.context_set_wasi(context, _capi.wasi_config_new()))
        if linked.bump_epoch is not None:
            _capi.epoch_callback(store.pointer, EPOCH_CALLBACK, None, None)
            _capi.set_epoch_deadline(context, 1)
        self._instantiate(memory_limit_bytes)
        self._memory = _capi.pointer(self._export("memory"))
        self._base: int = _capi.memory_data(context, self._memory)
        self.memory = self._view(linked.memory_bytes)

    def _instantiate(self, memory_limit_bytes: int | None) -> None:
        visitor, state = threads.visitor, self._state
        outer, visitor.guest = visitor.guest, state
        try:
            pre, (_, _, trap) = self._linked.pre, self._places
            error = _capi.pre_instantiate(pre, self._context, self._instance, trap)
            if error:
                raise as_refusal(_capi.take_error(error), memory_limit_bytes)
            if state.words[TRAP_AT]:
                fail(state, visitor, None, state.words[TRAP_AT])
        finally:
            visitor.guest = outer

    def _export(self, name: str) -> int:
        """Return the address of an exported item, which lives as long as the state."""
        encoded, length, place = self._linked.items[name]
        if self._state.store is None:
            raise InstanceUnusableError("the instance is closed")
        at = self._start + place * 8
        if not _capi.export_get(self._context, self._instance, encoded, length, _capi.pointer(at)):
            raise KeyError(name)
        return at + _capi.ITEM_OFFSET

    def _view(self, size: int) -> memoryview:
        block: Any = (ctypes.c_ubyte * size).from_address(self._base)
        block.store = self._state.store  # the view keeps the block, the block keeps the store
        return memoryview(block).cast("B")

    @property
    def dead(self) -> bool:
        """Whether the guest trapped."""
        return self._state.dead

    @property
    def interrupt(self) -> Callable[[], object] | None:
        """Asks the guest to stop softly."""
        return self._state.interrupt

    @interrupt.setter
    def interrupt(self, ask: Callable[[], object] | None) -> None:
        self._state.interrupt = ask

    def refresh(self) -> memoryview:
        """Look at the memory again, which may have grown."""
        if self._state.store is None:
            raise InstanceUnusableError("the instance is closed")
        size = _capi.memory_data_size(self._context, self._memory)
        if size != len(self.memory):
            self.memory = self._view(size)
        return self.memory

    def grow(self, size: int) -> memoryview:
        """Make the memory at least this many bytes large."""
        missing = size - len(self.refresh())
        if missing > 0:
            pages, before = -(-missing // WASM_PAGE), c_uint64()
            error = _capi.memory_grow(self._context, self._memory, pages, addressof(before))
            try:
                _raise_error(error)
            except Exception as problem:
                raise ValueError(f"no memory of {size} bytes: {problem}") from None
        return self.refresh()

    def has(self, name: str) -> bool:
        """Whether there is an exported function of that name."""
        return name in self._linked.functions

    def caller(self, name: str, n_args: int) -> Callable[..., int]:
        """Return a prebound export."""
        shape = self._linked.functions[name]
        if shape.parameters != n_args:
            raise TypeError(f"{name} takes {shape.parameters} arguments, not {n_args}")
        function = _capi.pointer(self._export(name))
        # One block for all of them: a call that comes while another is under way gets its own.
        slots = Slots(self._state.words, (self._context, function, *self._places))
        make = FAST_CALLERS.get(n_args)
        if make is None or shape.result != "i64":
            return any_caller(self._state, slots, n_args, shape.result)
        return make(self._state, slots)

    def exported_global(self, name: str) -> int:
        """Return an exported integer global, unsigned."""
        constants = self._linked.constants
        known = constants.get(name)
        if known is not None and self._state.store is not None:
            return known
        value = _capi.Value()
        _capi.global_get(self._context, self._export(name), addressof(value))
        number = int(value.of.i64) & RESULT_MASKS["i64" if int(value.kind) else "i32"]
        if name in constants:
            constants[name] = number
        return number

    def address(self, offset: int, size: int = 4) -> int:
        """Return where bytes of the memory are in this process."""
        memory = self.memory if self._state.store is not None else self.refresh()
        end = offset + size
        if offset < 0 or size < 0 or (end > len(memory) and end > len(self.refresh())):
            raise ValueError(f"{size} bytes at {offset} are not inside the memory")
        return self._base + offset

    @property
    def overlays(self) -> Overlays:
        """What is mapped over the memory."""
        store = self._state.store
        if not isinstance(store, Store):
            raise InstanceUnusableError("the instance is closed")
        if store.overlays is None:
            store.overlays = Overlays()
        return store.overlays

    def close(self) -> None:
        """Give the memory back."""
        state = self._state
        if state.owner is None or state.owner is DEAD or state.owner is EXITING:
            state.owner = CLOSED
        elif state.owner is not CLOSED and state.owner is not FORKED:
            raise InstanceBusyError("the instance is running")
        if isinstance(state.store, Store) and state.store.overlays is not None:
            state.store.overlays.lift_all()
        state.store = None
        try:
            self.memory.release()
        except BufferError:  # somebody holds it, and with it the store
            return

    def retire(self) -> bool:
        """Let nobody in and nothing out from now on; whether somebody is inside."""
        return self._state.retire()

    def orphan(self) -> None:
        """Refuse every call from now on: this process is a forked child."""
        self._state.owner = self._state.rest = FORKED


def _raise_error(error: int | None) -> None:
    if error:
        raise _capi.take_error(error)
