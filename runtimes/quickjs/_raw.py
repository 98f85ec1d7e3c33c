"""The fast layer: wasmtime's C interface through ctypes, half a microsecond a crossing.

How it stays safe:

- Every argument of the call is a ready-made ctypes object that lives as long as its caller
  function.
- The prebound callers of an instance share slots and a trap out-pointer; a call that comes while
  they are in use (a callback that calls an export, a finaliser, a signal handler) gets fresh ones.
- `State.owner` says who is inside. It is tested and set without any call in between, and CPython
  switches threads only at calls and backward jumps; hence not for free-threaded builds. Closed,
  dead and forked instances have an owner that nobody is, so that those tests cost nothing extra.
- Callbacks find their instance by the thread they are on, never by anything from the guest.
- No callback can raise into wasmtime: what it caught waits in `State.box` for the caller.
- The store is deleted when the last view of its memory is gone, so no view can dangle.
"""

from __future__ import annotations

import ctypes
from ctypes import addressof, c_size_t, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

from runtimes.quickjs import _capi, _trap_signals
from runtimes.quickjs._instance import (
    WASM_PAGE,
    GuestTrap,
    InstanceBusyError,
    InstanceUnusableError,
)
from runtimes.quickjs._overlays import Overlays
from runtimes.quickjs._raw_imports import (
    CLOSED,
    DEAD,
    EPOCH_CALLBACK,
    EXITING,
    FORKED,
    State,
    Visitor,
    threads,
)
from runtimes.quickjs._raw_linked import INSTANCE_AT, MOST_ARGUMENTS, TRAP_AT, Store, link
from runtimes.quickjs._traps import as_guest_trap

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.quickjs._engine import LoadedGuest
    from runtimes.quickjs._instance import Host

_Arguments = tuple[c_void_p, c_void_p, c_void_p, c_size_t, c_void_p]

_N_VALUES: Final = c_size_t(MOST_ARGUMENTS)
_NOTHING: Final = memoryview(b"")

_RESULT_MASKS: Final = {None: 0, "i32": 0xFFFF_FFFF, "i64": 0xFFFF_FFFF_FFFF_FFFF}
_invoke = _capi.call_unchecked


class _Slots:
    """Room for one call's arguments and result, and for its trap.

    Attributes:
        words: Argument k is at index 2 * k, the result at 0, the trap at `TRAP_AT`.
        arguments: What `_invoke` is called with. As a ready tuple, since ctypes wants one.
    """

    __slots__ = ("arguments", "words")

    def __init__(self, words: memoryview, arguments: _Arguments) -> None:
        self.words = words
        self.arguments = arguments


def _fresh_slots(context: c_void_p, function: c_void_p) -> _Slots:
    """Make slots that no other call uses; the memoryview keeps them alive."""
    block = (c_uint64 * (TRAP_AT + 1))()
    start = addressof(block)
    places = c_void_p(start), _N_VALUES, c_void_p(start + TRAP_AT * 8)
    return _Slots(memoryview(block).cast("B").cast("Q"), (context, function, *places))


class RawInstance:
    """An `Instance` on the raw layer; see there for the contract."""

    def __init__(self, host: Host, loaded: LoadedGuest, memory_limit_bytes: int | None) -> None:
        _trap_signals.restore()
        self._linked = linked = link(loaded)
        self.bump_epoch = linked.bump_epoch
        store = Store(linked.engine)
        block = (c_uint64 * linked.n_words)()
        self._state = State(host, store, block)
        self._context = c_void_p(store.context)
        self._words = memoryview(block).cast("B").cast("Q")
        self._start = start = addressof(block)
        self._places = c_void_p(start), _N_VALUES, c_void_p(start + TRAP_AT * 8)
        limit = -1 if memory_limit_bytes is None else memory_limit_bytes
        _capi.store_limiter(store.pointer, limit, -1, -1, -1, -1)
        if linked.uses_wasi:
            _raise_error(_capi.context_set_wasi(store.context, _capi.wasi_config_new()))
        if linked.bump_epoch is not None:
            _capi.epoch_callback(store.pointer, EPOCH_CALLBACK, None, None)
            _capi.set_epoch_deadline(store.context, 1)
        self._instantiate(linked.pre, memory_limit_bytes)
        self._memory = self._export("memory")
        self._base: int = _capi.memory_data(store.context, self._memory)
        self.memory: memoryview = _NOTHING
        self.refresh()

    def _instantiate(self, pre: int, memory_limit_bytes: int | None) -> None:
        visitor = threads.visitor
        outer, visitor.guest = visitor.guest, self._state
        start = self._start
        try:
            error = _capi.pre_instantiate(
                pre, self._context, start + INSTANCE_AT * 8, start + TRAP_AT * 8
            )
            if error:
                problem = _capi.take_error(error)
                raise ValueError(
                    f"no guest with a memory limit of {memory_limit_bytes} bytes: {problem}"
                )
            if self._words[TRAP_AT]:
                _fail(self._state, visitor, None, self._words[TRAP_AT])
        finally:
            visitor.guest = outer

    def _export(self, name: str) -> int:
        """Return the address of an exported item, which lives as long as the state."""
        encoded, length, place = self._linked.items[name]
        if self._state.store is None:
            raise InstanceUnusableError("the instance is closed")
        start = self._start
        at = start + place * 8
        if not _capi.export_get(self._context, start + INSTANCE_AT * 8, encoded, length, at):
            raise KeyError(name)
        return at + _capi.ITEM_OFFSET

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
            block: Any = (ctypes.c_ubyte * size).from_address(self._base)
            block.store = self._state.store  # the view keeps the block, the block keeps the store
            self.memory = memoryview(block).cast("B")
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
        function = c_void_p(self._export(name))
        # One block for all of them: a call that comes while another is under way gets its own.
        slots = _Slots(self._words, (self._context, function, *self._places))
        make = _FAST_CALLERS.get(n_args)
        if make is None or shape.result != "i64":
            return _any_caller(self._state, slots, n_args, shape.result)
        return make(self._state, slots)

    def exported_global(self, name: str) -> int:
        """Return an exported integer global, unsigned."""
        constants = self._linked.constants
        known = constants.get(name)
        if known is not None and self._state.store is not None:
            return known
        value = _capi.Value()
        _capi.global_get(self._context, self._export(name), addressof(value))
        number = int(value.of.i64) & _RESULT_MASKS["i64" if int(value.kind) else "i32"]
        if name in constants:
            constants[name] = number
        return number

    def address(self, offset: int, size: int = 4) -> int:
        """Return where bytes of the memory are in this process."""
        if offset < 0 or size < 0 or offset + size > len(self.refresh()):
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


def _refuse(state: State) -> NoReturn:
    """Say why this thread cannot come in."""
    if state.owner is CLOSED:
        raise InstanceUnusableError("the instance is closed")
    if state.dead:
        raise GuestTrap("the guest trapped before; its instance is dead")
    if state.owner is EXITING:
        raise InstanceUnusableError("Python is exiting")
    if state.owner is FORKED:
        raise InstanceUnusableError("the instance belongs to the process this one was forked from")
    raise InstanceBusyError("another thread is inside the instance")


def _fail(state: State, visitor: Visitor, error: int | None, trap: int) -> NoReturn:
    """Raise what made the guest unwind; from now on it is dead."""
    state.dead = True
    if state.rest is None:
        state.rest = DEAD
    visitor.restock()
    cause = _capi.take_trap(trap) if trap else _capi.take_error(error or 0)
    _raise_boxed(state)
    raise as_guest_trap(cause)


def _raise_boxed(state: State) -> None:
    """Raise what a callback caught, if it did."""
    boxed, state.box = state.box, None
    if boxed is not None:
        try:
            raise boxed
        finally:
            del boxed  # or its traceback would hold this frame, and this frame it


def _settle(state: State, visitor: Visitor, error: int | None, slots: _Slots) -> int:
    """Raise what went wrong, if something did; else return the result."""
    trap = slots.words[TRAP_AT]
    if error or trap:
        slots.words[TRAP_AT] = 0
        _fail(state, visitor, error, trap)
    _raise_boxed(state)
    return slots.words[0]


def _again(state: State, taken: _Slots, visitor: Visitor, args: tuple[int, ...]) -> int:
    """Call while a call is under way: allowed to the thread inside, in slots of its own."""
    if state.owner is not visitor or state.dead:
        _refuse(state)
    context, function = taken.arguments[:2]
    slots = _fresh_slots(context, function)
    outer, visitor.guest = visitor.guest, state
    try:
        for index, value in enumerate(args):
            slots.words[index * _capi.SLOT] = value
        error = _invoke(*slots.arguments)
        return _settle(state, visitor, error, slots)
    finally:
        visitor.guest = outer


# The callers below differ in their number of arguments only: a loop over them would cost 0.15 us.
# Between the test of `owner` and its setting there must be no call (see the top of this file).


def _caller_1(state: State, slots: _Slots) -> Callable[..., int]:
    words, arguments, trap_at = slots.words, slots.arguments, TRAP_AT

    def call(first: int) -> int:
        visitor = threads.visitor
        if state.owner is not None:
            return _again(state, slots, visitor, (first,))
        state.owner = visitor
        state.box = None  # of a run that Ctrl-C cut off while it was about to raise it
        outer = visitor.guest
        visitor.guest = state
        try:
            words[0] = first
            error = _invoke(*arguments)
            if error or words[trap_at] or state.box is not None:
                return _settle(state, visitor, error, slots)
            return words[0]
        finally:
            visitor.guest = outer
            state.owner = state.rest

    return call


def _caller_2(state: State, slots: _Slots) -> Callable[..., int]:
    words, arguments, trap_at = slots.words, slots.arguments, TRAP_AT

    def call(first: int, second: int) -> int:
        visitor = threads.visitor
        if state.owner is not None:
            return _again(state, slots, visitor, (first, second))
        state.owner = visitor
        state.box = None  # of a run that Ctrl-C cut off while it was about to raise it
        outer = visitor.guest
        visitor.guest = state
        try:
            words[0] = first
            words[2] = second
            error = _invoke(*arguments)
            if error or words[trap_at] or state.box is not None:
                return _settle(state, visitor, error, slots)
            return words[0]
        finally:
            visitor.guest = outer
            state.owner = state.rest

    return call


def _caller_3(state: State, slots: _Slots) -> Callable[..., int]:
    words, arguments, trap_at = slots.words, slots.arguments, TRAP_AT

    def call(first: int, second: int, third: int) -> int:
        visitor = threads.visitor
        if state.owner is not None:
            return _again(state, slots, visitor, (first, second, third))
        state.owner = visitor
        state.box = None  # of a run that Ctrl-C cut off while it was about to raise it
        outer = visitor.guest
        visitor.guest = state
        try:
            words[0] = first
            words[2] = second
            words[4] = third
            error = _invoke(*arguments)
            if error or words[trap_at] or state.box is not None:
                return _settle(state, visitor, error, slots)
            return words[0]
        finally:
            visitor.guest = outer
            state.owner = state.rest

    return call


def _caller_4(state: State, slots: _Slots) -> Callable[..., int]:
    words, arguments, trap_at = slots.words, slots.arguments, TRAP_AT

    def call(first: int, second: int, third: int, fourth: int) -> int:
        visitor = threads.visitor
        if state.owner is not None:
            return _again(state, slots, visitor, (first, second, third, fourth))
        state.owner = visitor
        state.box = None  # of a run that Ctrl-C cut off while it was about to raise it
        outer = visitor.guest
        visitor.guest = state
        try:
            words[0] = first
            words[2] = second
            words[4] = third
            words[6] = fourth
            error = _invoke(*arguments)
            if error or words[trap_at] or state.box is not None:
                return _settle(state, visitor, error, slots)
            return words[0]
        finally:
            visitor.guest = outer
            state.owner = state.rest

    return call


_FAST_CALLERS: Final = {1: _caller_1, 2: _caller_2, 3: _caller_3, 4: _caller_4}


def _any_caller(
    state: State, slots: _Slots, n_args: int, result: Literal["i32", "i64"] | None
) -> Callable[..., int]:
    """Any number of arguments, any result, never mind the speed."""
    mask = _RESULT_MASKS[result]

    def call(*args: int) -> int:
        if len(args) != n_args:
            raise TypeError(f"takes {n_args} arguments, not {len(args)}")
        visitor = threads.visitor
        if state.owner is not None:
            return _again(state, slots, visitor, args) & mask
        state.owner = visitor
        try:
            return _again(state, slots, visitor, args) & mask
        finally:
            state.owner = state.rest

    return call
