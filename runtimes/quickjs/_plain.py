"""The careful layer: wasmtime's public Python interface only, some 50 us a crossing.

For a wasmtime, or a Python, whose raw layer's self-test fails. What it works around:

- wasmtime-py keeps the exception of a callback in one variable per process, so that under threads
  it reaches another thread or nobody. So callbacks keep theirs in the instance's own box and return
  normally; where only a trap will do, they raise a stand-in, and whatever arrives then is taken for
  no more than "it trapped".
- Its callbacks are not shielded (see `_shield`), so a signal handler that raises in one would crash
  the process. So while the main thread is inside, Ctrl-C is noted, and raised by the next callback
  of ours or after the call. Other signal handlers, and asynchronous exceptions, had better not
  raise.
- Its public interface has no epoch callbacks; that one is taken from its bindings.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import wasmtime
from wasmtime import _ffi as _bindings

from runtimes.quickjs import _trap_signals
from runtimes.quickjs._abi import STOP_REPLY, CheckPlace
from runtimes.quickjs._instance import (
    WASM_PAGE,
    GuestTrap,
    InstanceBusyError,
    InstanceUnusableError,
)
from runtimes.quickjs._overlays import Overlays
from runtimes.quickjs._threads import require_room
from runtimes.quickjs._traps import as_guest_trap, as_refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from runtimes.quickjs._engine import LoadedGuest
    from runtimes.quickjs._instance import Host

_LOW_32 = 0xFFFF_FFFF
_MASKS: Final = {None: 0, "i32": _LOW_32, "i64": 0xFFFF_FFFF_FFFF_FFFF}
_TYPES: Final = {32: wasmtime.ValType.i32, 64: wasmtime.ValType.i64}
_SHAPES: Final = {
    "call": (3, 64),
    "console": (3, 32),
    "resolve": (2, 64),
    "source": (2, 64),
    "check": (1, 32),
}
"""Of the imports: number of parameters, all i32, and bits of the result."""

_here = threading.local()
"""How many calls of guests, one inside the other, this thread is in."""


class _StandInError(Exception):
    """Raised to make wasmtime trap; the real reason is in the box."""


class _Interrupts:
    """Keeps Ctrl-C, which only the main thread gets, out of wasmtime-py's callbacks."""

    def __init__(self) -> None:
        self._handler: Callable[[int, FrameType | None], Any] | None = None
        self._noted = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Note Ctrl-C instead of raising it, and raise it at the end."""
        handler = signal.getsignal(signal.SIGINT) if self._is_main_thread() else None
        if self._handler is not None or not callable(handler):
            yield  # nested, another thread, or a handler that is no Python
            return
        self._handler = handler
        signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            self._handler = None
            if signal.getsignal(signal.SIGINT) == self._note:
                signal.signal(signal.SIGINT, handler)
            if self._noted:
                self._noted = False
                handler(signal.SIGINT, None)

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Let Ctrl-C raise while a callback of ours runs, and raise what was noted."""
        handler = self._handler
        if handler is None or not self._is_main_thread():
            yield
            return
        self._handler = None
        signal.signal(signal.SIGINT, handler)
        try:
            if self._noted:
                self._noted = False
                handler(signal.SIGINT, None)
            yield
        finally:
            self._handler = handler
            signal.signal(signal.SIGINT, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._noted = True

    def _is_main_thread(self) -> bool:
        return threading.current_thread() is threading.main_thread()


_interrupts = _Interrupts()


def _callback(me: weakref.ref[PlainInstance], name: str) -> Callable[..., int]:
    def call(*args: int) -> int:
        instance = me()
        if instance is None:  # it runs, so somebody holds it
            raise _StandInError
        return instance.call_host(name, args)

    return call


_EpochCallback = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.POINTER(_bindings.wasmtime_context_t),
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.POINTER(ctypes.c_uint8),
)
_Finalizer = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def _answer_epochs(me: weakref.ref[PlainInstance], store: wasmtime.Store) -> object:
    """Let every epoch ask the host; return what must live as long as the instance."""

    def ask(_context: object, _data: object, delta: Any, _kind: object) -> int:
        try:
            instance = me()
            if instance is not None:
                instance.call_host("check", (CheckPlace.LOOK,))
            delta[0] = 1
            return 0
        except BaseException:
            error = wasmtime.WasmtimeError("stopped by the host")._consume()
            return ctypes.cast(error, ctypes.c_void_p).value or 0

    callback = _EpochCallback(ask)
    _bindings.wasmtime_store_epoch_deadline_callback(store.ptr(), callback, None, _Finalizer())
    store.set_epoch_deadline(1)
    return callback


class _Store(wasmtime.Store):
    """A store whose memory is all its own again before it goes."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        self.overlays = Overlays()
        super().__init__(engine)

    def _delete(self, ptr: Any) -> None:
        self.overlays.lift_all()
        super()._delete(ptr)


class PlainInstance:
    """An `Instance` on wasmtime's public interface; see there for the contract."""

    def __init__(self, host: Host, loaded: LoadedGuest, memory_limit_bytes: int | None) -> None:
        _trap_signals.restore()
        epochs = loaded.hard_stop == "epoch"
        self.bump_epoch: Callable[[], None] | None = (
            loaded.engine.increment_epoch if epochs else None
        )
        self.interrupt: Callable[[], object] | None = None
        self.dead = False
        self.box: BaseException | None = None
        self._host: Host | None = host
        self._functions = loaded.functions
        self._lock = threading.RLock()  # held by the thread inside
        self._depth = 0
        self._closed = ""
        self._pid = os.getpid()
        self._store = _Store(loaded.engine)
        if memory_limit_bytes is not None:
            self._store.set_limits(memory_size=memory_limit_bytes)
        if loaded.uses_wasi:
            self._store.set_wasi(wasmtime.WasiConfig())
        self._on_epoch = _answer_epochs(weakref.ref(self), self._store) if epochs else None
        self._linker = self._link(loaded)
        try:
            instance = self._linker.instantiate(self._store, loaded.module)
        except wasmtime.WasmtimeError as problem:
            raise as_refusal(problem, memory_limit_bytes) from None
        self._exports = instance.exports(self._store)
        self.memory: memoryview = memoryview(b"")
        self.refresh()

    def _link(self, loaded: LoadedGuest) -> wasmtime.Linker:
        linker = wasmtime.Linker(loaded.engine)
        if loaded.uses_wasi:
            linker.define_wasi()
        # wasmtime-py keeps the callbacks in a global table until the linker goes, so they must not
        # keep the instance, which owns the linker.
        me = weakref.ref(self)
        for name, (n_args, bits) in _SHAPES.items():
            kind = wasmtime.FuncType([wasmtime.ValType.i32()] * n_args, [_TYPES[bits]()])
            linker.define_func("host", name, kind, _callback(me, name))
        return linker

    def call_host(self, name: str, args: tuple[int, ...]) -> int:
        """Serve one import; never raises anything but the stand-in."""
        place = args[0] & _LOW_32 if name == "check" else CheckPlace.HANDLER
        asked = False
        try:
            with _interrupts.let_through():
                if place == CheckPlace.LOOK and self.box is not None and self.interrupt:
                    self.interrupt()  # see `_raw_imports._on_check`, of which this is the twin
                serve, asked = getattr(self._live_host(), f"on_{name}"), True
                reply: int = serve(*(each & _LOW_32 for each in args))
        except BaseException as error:
            if self.box is None:
                self.box = error
            reply = 1 if _SHAPES[name][1] == 32 else STOP_REPLY
            if place != CheckPlace.HANDLER and (
                asked or place != CheckPlace.LOOK or self.interrupt is None
            ):
                self.dead = True
        if self.dead:
            raise _StandInError
        return reply

    def _live_host(self) -> Host:
        if self._host is None:
            raise InstanceUnusableError("Python is exiting")
        return self._host

    def refresh(self) -> memoryview:
        """Look at the memory again, which may have grown."""
        self._refuse_closed()
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        if memory.data_len(self._store) != len(self.memory):
            block: Any = memory.get_buffer_ptr(self._store)
            block.store = self._store  # a view keeps the block, the block keeps the store
            self.memory = memoryview(block).cast("B")
        return self.memory

    def grow(self, size: int) -> memoryview:
        """Make the memory at least this many bytes large."""
        missing = size - len(self.refresh())
        if missing > 0:
            memory = self._exports["memory"]
            assert isinstance(memory, wasmtime.Memory)
            try:
                memory.grow(self._store, -(-missing // WASM_PAGE))
            except wasmtime.WasmtimeError as problem:
                raise ValueError(f"no memory of {size} bytes: {problem}") from None
        return self.refresh()

    def has(self, name: str) -> bool:
        """Whether there is an exported function of that name."""
        return name in self._functions

    def caller(self, name: str, n_args: int) -> Callable[..., int]:
        """Return a prebound export."""
        shape = self._functions[name]
        if shape.parameters != n_args:
            raise TypeError(f"{name} takes {shape.parameters} arguments, not {n_args}")
        self._refuse_closed()
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        mask = _MASKS[shape.result]

        def call(*args: int) -> int:
            if len(args) != n_args:
                raise TypeError(f"{name} takes {n_args} arguments, not {len(args)}")
            with self._inside(), _interrupts.held():
                return self._invoke(function, args) & mask

        return call

    def _invoke(self, function: wasmtime.Func, args: tuple[int, ...]) -> int:
        try:
            result = function(self._store, *map(int, args))
        except BaseException as problem:  # it may be anybody's: see the top of this file
            self.dead = True
            self._raise_boxed()
            if isinstance(problem, (wasmtime.Trap, wasmtime.WasmtimeError)):
                raise as_guest_trap(problem) from None
            raise GuestTrap("the guest trapped") from None
        self._raise_boxed()
        return result or 0

    def _raise_boxed(self) -> None:
        boxed, self.box = self.box, None
        if boxed is not None:
            try:
                raise boxed from None
            finally:
                del boxed

    @contextmanager
    def _inside(self) -> Iterator[None]:
        self._refuse_closed()
        if self.dead:
            raise GuestTrap("the guest trapped before; its instance is dead")
        if not self._lock.acquire(blocking=False):
            raise InstanceBusyError("another thread is inside the instance")
        try:
            self._refuse_closed()
            inside = getattr(_here, "inside", 0)  # so many others
            if inside and not self._depth:
                require_room()
            self._depth += 1
            _here.inside = inside + 1
            try:
                yield
            finally:
                _here.inside = inside
                self._depth -= 1
        finally:
            self._lock.release()

    def exported_global(self, name: str) -> int:
        """Return an exported integer global, unsigned."""
        self._refuse_closed()
        exported = self._exports[name]
        if not isinstance(exported, wasmtime.Global):
            raise KeyError(name)
        kind = str(exported.type(self._store).content)
        return int(exported.value(self._store)) & _MASKS["i32" if kind == "i32" else "i64"]

    def address(self, offset: int, size: int = 4) -> int:
        """Return where bytes of the memory are in this process."""
        if offset < 0 or size < 0 or offset + size > len(self.refresh()):
            raise ValueError(f"{size} bytes at {offset} are not inside the memory")
        return ctypes.addressof(ctypes.c_ubyte.from_buffer(self.memory)) + offset

    @property
    def overlays(self) -> Overlays:
        """What is mapped over the memory."""
        self._refuse_closed()
        return self._store.overlays

    def close(self) -> None:
        """Give the memory back."""
        if self._closed:
            return
        if not self._lock.acquire(blocking=False):
            raise InstanceBusyError("the instance is running")
        try:
            if self._depth:
                raise InstanceBusyError("the instance is running")
            self._closed = "the instance is closed"
            self._store.overlays.lift_all()
            with suppress(BufferError):  # somebody holds it, and with it the store
                self.memory.release()
            del self._exports, self._store, self._linker  # the last one out deletes
        finally:
            self._lock.release()

    def _refuse_closed(self) -> None:
        if self._closed or self._host is None:
            raise InstanceUnusableError(self._closed or "Python is exiting")

    def retire(self) -> bool:
        """Let nobody in and nothing out from now on; whether somebody is inside."""
        self._host = None
        return self._depth > 0

    def orphan(self) -> None:
        """Refuse every call from now on: this process is a forked child."""
        self._closed = "the instance belongs to the process this one was forked from"
        # A closed one has neither any more, but is looked at all the same: a thread of the parent
        # may have been in the middle of closing it.
        _orphans.extend(getattr(self, name, None) for name in ("_store", "_linker"))


_orphans: list[object] = []
"""C objects of the parent, never deleted here."""
