"""The seam between the host driver and wasmtime: one guest, its memory, its exports, its imports.

Two layers implement it and pass the same tests: `_raw` speaks to wasmtime's C interface and costs
about half a microsecond a crossing; `_plain` uses nothing but wasmtime's public Python interface
and costs some fifty. Which one serves is decided once per process, by the raw layer's self-test.
"""

from __future__ import annotations

import functools
import importlib
import os
import threading
import warnings
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Protocol

from runtimes.errors import BrokenRuntimeError, WrongThread
from runtimes.quickjs._mappings import Room

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.quickjs._engine import HardStop, LoadedGuest
    from runtimes.quickjs._overlays import Overlays
    from runtimes.quickjs._pooling import Allocation

Layer = Literal["raw", "plain"]
TrapKind = Literal["stack_overflow", "out_of_bounds", "unreachable", "interrupt", "other"]

LAYER_VARIABLE = "JSACTORS_LAYER"
"""Environment variable that forces a layer for the whole process: ``raw`` or ``plain``."""


class GuestTrap(Exception):
    """The guest was unwound without running its own clean-up, so its instance is dead.

    Attributes:
        kind: What wasmtime says about it; ``"stack_overflow"`` is the one a script can bring about.
    """

    def __init__(self, message: str, kind: TrapKind = "other") -> None:
        super().__init__(message)
        self.kind: TrapKind = kind


class InstanceUnusableError(BrokenRuntimeError):
    """The instance was closed, or made before this process was forked off, or Python is exiting."""


class InstanceBusyError(WrongThread):
    """Another thread is inside the instance; a store belongs to one thread at a time."""


class Host(Protocol):
    """What the guest's imports reach.

    Called on the thread that runs the guest, from inside an export; may call exports of the same
    instance again. Pointers and lengths come from the guest and are *not* checked: use `view`.

    An exception that one of these raises is kept aside, the guest is told to stop (``host.call``,
    ``host.resolve`` and ``host.source`` answer `STOP_REPLY`, ``host.console`` and the handler's
    ``host.check`` answer 1), and the caller of the export raises it once the guest has unwound.
    From ``host.check`` anywhere else (see `CheckPlace`) and from an epoch it becomes a trap.
    """

    def on_call(self, function_id: int, ptr: int, length: int, /) -> int:
        """Run a host function; return the reply, packed in 64 bits."""

    def on_console(self, level: int, ptr: int, length: int, /) -> int:
        """Take a console line; return 1 to stop the run, else 0."""

    def on_resolve(self, ptr: int, length: int, /) -> int:
        """Resolve a module's name; return the reply, packed in 64 bits."""

    def on_source(self, ptr: int, length: int, /) -> int:
        """Give a module's source; return the reply, packed in 64 bits."""

    def on_check(self, where: int, /) -> int:
        """Decide whether a flag that the guest saw means to stop; raising traps or stops."""


class Instance(Protocol):
    """One guest. Used by one thread at a time: a second one gets `InstanceBusyError`.

    Attributes:
        memory: The linear memory as last seen, writable. Borrowed: it is released when the instance
            is closed. (Slices that were kept keep the memory mapped; they never dangle.)
        bump_epoch: Makes running code ask ``host.check`` soon, from any thread; None if stop checks
            are all there is.
        interrupt: Asks the guest to stop softly, and sees to it if it does not; its lease sets it.
            For an exception that comes into ``host.check`` from outside, such as Ctrl-C: with it
            the guest unwinds by itself and lives on, without it such an exception traps.
    """

    memory: memoryview
    bump_epoch: Callable[[], None] | None
    interrupt: Callable[[], object] | None

    @property
    def overlays(self) -> Overlays:
        """What is mapped over its memory; taken away when that ends, whichever way.

        Raises:
            InstanceUnusableError: It is closed.
        """

    @property
    def dead(self) -> bool:
        """Whether the guest trapped. It must be thrown away; its exports raise `GuestTrap`."""

    def refresh(self) -> memoryview:
        """Look at the memory again, which may have grown (it never shrinks or moves)."""

    def grow(self, size: int) -> memoryview:
        """Make the memory at least this many bytes large; what is added is zero.

        Raises:
            ValueError: The limit does not allow it.
        """

    def has(self, name: str) -> bool:
        """Whether there is an exported function of that name."""

    def caller(self, name: str, n_args: int) -> Callable[..., int]:
        """Return a prebound export.

        It takes `n_args` ints, 0 <= n < 2**64, and returns an unsigned int (0 if the export returns
        nothing). It raises what a callback raised, else `GuestTrap`, `InstanceUnusableError` or
        `InstanceBusyError`; after `close` it raises for ever and touches nothing.

        Raises:
            KeyError: There is no such export.
            TypeError: The export takes another number of arguments.
        """

    def exported_global(self, name: str) -> int:
        """Return an exported i32 or i64 global, unsigned.

        Raises:
            KeyError: There is no such export.
        """

    def address(self, offset: int, size: int = 4) -> int:
        """Return where `size` bytes at `offset` of the memory are in this process.

        For the flags that a watchdog writes; valid until `close`.

        Raises:
            ValueError: They are not inside the memory.
        """

    def close(self) -> None:
        """Give the memory back. Idempotent.

        Raises:
            InstanceBusyError: A thread is inside the instance, be it this one.
        """

    def retire(self) -> bool:
        """Let nobody in and nothing out from now on: Python is exiting.

        Returns:
            Whether a thread is inside.
        """

    def orphan(self) -> None:
        """Refuse every call from now on: this process is a forked child."""


def view(instance: Instance, ptr: int, length: int) -> memoryview:
    """Return a bounds-checked slice of the guest's memory.

    Raises:
        GuestTrap: It is not inside the memory: the guest lies.
    """
    memory = instance.memory
    end = ptr + length
    if end > len(memory):
        memory = instance.refresh()
    if ptr < 0 or length < 0 or end > len(memory):
        raise GuestTrap(f"the guest named {length} bytes at {ptr}, outside of its memory")
    return memory[ptr:end]


WASM_PAGE = 65536
"""By which memories grow."""

_live: set[weakref.ref[Any]] = set()
"""Every instance of this process, for what happens to all of them."""

_room = Room()

_exiting = False

_choice_lock = threading.Lock()
_choice: Layer | None = None


def create_instance(
    host: Host,
    *,
    memory_limit_bytes: int | None,
    hard_stop: HardStop,
    allocation: Allocation = "on_demand",
    layer: Layer | None = None,
    guest: LoadedGuest | None = None,
) -> Instance:
    """Make a guest of its own memory, in some 20 us.

    Args:
        host: What its imports reach.
        memory_limit_bytes: Cap of the linear memory; None for no more than the 4 GiB of wasm32.
        hard_stop: Which engine: with the guest's own stop checks, or with wasmtime's epochs too.
        allocation: Where its memory comes from: a slot of the pool, if one is free, or the kernel.
        layer: Force a layer, as the environment variable `LAYER_VARIABLE` does.
        guest: Something else than the shipped guest; for tests.

    Raises:
        GuestNotBuiltError: The guest is missing or of another build.
        InstanceUnusableError: Python is exiting.
        MemoryError: The process, or the system, has no room for another one.
        RuntimeError: This is a sub-interpreter.
        ValueError: The limit is below what the guest needs to start with.
    """
    if _exiting:
        raise InstanceUnusableError("Python is exiting")
    make = _maker(layer or selected_layer())
    instance = None
    if guest is None:
        find = _finder()
        guest = find(hard_stop, allocation)
        if guest.allocation == "pooled":
            try:
                instance = make(host, guest, memory_limit_bytes)
            except (MemoryError, ValueError):  # no slot is free, or it is what comes again
                guest = find(hard_stop, "on_demand")
    if instance is None:
        _room.demand(len(_live))
        instance = make(host, guest, memory_limit_bytes)
    _live.add(weakref.ref(instance, _live.discard))
    return instance


@functools.cache
def _finder() -> Callable[[HardStop, Allocation], LoadedGuest]:
    from runtimes.quickjs._engine import load_guest

    return load_guest


@functools.cache
def _maker(layer: Layer) -> Callable[[Host, LoadedGuest, int | None], Instance]:
    if layer == "raw":
        from runtimes.quickjs._raw import RawInstance

        return RawInstance
    from runtimes.quickjs._plain import PlainInstance

    return PlainInstance


def retire_all() -> int:
    """Let nobody into any instance from now on, nor anything out of it: Python is exiting.

    Returns:
        How many have a thread inside that is still to leave.
    """
    global _exiting
    _exiting = True
    inside = 0
    for reference in _live.copy():
        if (instance := reference()) is not None:
            inside += instance.retire()
    return inside


def stay_behind_at_exit() -> None:
    """Never return, if Python is exiting and this thread is one that it does not wait for.

    What such a thread raised would be printed while the interpreter is torn down, which may abort
    the process; it is outside of the guest here, and its next step would be its last in any case.
    """
    if _exiting and threading.current_thread() is not threading.main_thread():
        threading.Event().wait()


def _after_fork_in_child() -> None:
    """Let instances of the parent refuse to work here: their engine's threads are not here."""
    global _choice_lock
    _choice_lock = threading.Lock()
    problems = []
    for reference in _live.copy():
        if (instance := reference()) is not None:
            try:
                instance.orphan()
            except Exception as problem:  # the others must refuse to work all the same
                problems.append(problem)
    if problems:
        raise problems[0]  # Python shows it, and goes on


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def selected_layer() -> Layer:
    """Return the layer that serves this process: raw, unless its self-test fails.

    Raises:
        ValueError: `LAYER_VARIABLE` names no layer.
        RuntimeError: It asks for the raw layer, and that does not work here; or this is no main
            interpreter.
    """
    global _choice
    if _choice is None:
        with _choice_lock:
            if _choice is None:
                _choice = _choose(os.environ.get(LAYER_VARIABLE, ""))
    return _choice


def _require_main_interpreter() -> None:
    """Refuse to work in a sub-interpreter, whose objects ctypes would hand to the main one.

    Callbacks from C run in the main interpreter whoever made them, which crashes the process. This
    is asked before the first instance of each interpreter, since each has modules of its own.

    Raises:
        RuntimeError: This is one.
    """
    for name in ("_interpreters", "_xxsubinterpreters"):  # from 3.13; before
        with suppress(ImportError):
            interpreters = importlib.import_module(name)
            if interpreters.get_current() != interpreters.get_main():
                raise RuntimeError(
                    "runtimes do not work in a sub-interpreter: make them in the main one, whose "
                    "threads run JavaScript in parallel"
                )
            return


def _choose(wanted: str) -> Layer:
    _require_main_interpreter()
    if wanted == "plain":
        return "plain"
    if wanted not in ("", "raw"):
        raise ValueError(f"{LAYER_VARIABLE} must be raw or plain, not {wanted!r}")
    from runtimes.quickjs import _raw_selftest

    problem = _raw_selftest.find_problem()
    if problem is None:
        return "raw"
    message = f"wasmtime's fast path does not work here ({problem})"
    if wanted == "raw":
        raise RuntimeError(message)
    warnings.warn(f"{message}; every call will be slower", RuntimeWarning, stacklevel=4)
    return "plain"
