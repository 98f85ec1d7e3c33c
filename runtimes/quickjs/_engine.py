"""wasmtime's engines, one per kind of hard stop and of allocation, and the guest compiled for them.

Both are made at first use, by whichever thread comes first, and live as long as the process. After
``os.fork`` the child gets engines of its own at its first use; instances that the parent made
refuse to work in the child (see `_instance.InstanceUnusableError`), and go on in the parent.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import wasmtime
from wasmtime import _ffi as _bindings

from runtimes.quickjs import _artefacts, _pooling, _trap_signals
from runtimes.quickjs._abi import ABI
from runtimes.quickjs._compiling import compile_guest
from runtimes.quickjs._versions import installed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtimes.quickjs._pooling import Allocation

HardStop = Literal["check", "epoch"]

MAX_WASM_STACK: Final = 2 * 1024 * 1024
"""16 times the guest's stack limit of 128 KiB, so that JavaScript's own check comes first. More
than 2 MiB would abort the process unless wasmtime's async stack size is raised as well."""

GUEST_VARIABLE: Final = "JSACTORS_GUEST"
"""Environment variable; ``debug`` takes the build with assertions, which is not in the wheel."""

HOST_IMPORTS: Final = frozenset({"call", "console", "resolve", "source", "check"})
WASI_IMPORT: Final = ("wasi_snapshot_preview1", "clock_time_get")
"""The only import that is not ours; wasmtime's own code serves it, without Python and its lock."""

_FOLDER = Path(__file__).parent


class GuestNotBuiltError(RuntimeError):
    """The shipped guest is missing, or does not fit this version of the package."""


@dataclass(frozen=True)
class ExportShape:
    """What an exported function takes and gives: number of parameters, type of result or None."""

    parameters: int
    result: Literal["i32", "i64"] | None


@dataclass(frozen=True)
class LoadedGuest:
    """A wasm module compiled for an engine. Immutable and shared by all threads.

    Attributes:
        allocation: Where its instances' memory comes from.
        functions: The exported functions that the host can call: all of ints.
        uses_wasi: Whether it imports the clock.
        digest: SHA-256 of its bytes, for the shipped guest.
        linked: Where each layer keeps what it prepared for this module.
        link_lock: Held while it prepares.
    """

    engine: wasmtime.Engine
    module: wasmtime.Module
    hard_stop: HardStop
    allocation: Allocation
    functions: Mapping[str, ExportShape]
    uses_wasi: bool
    digest: bytes = b""
    linked: dict[str, Any] = field(default_factory=dict, repr=False)
    link_lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


_lock = threading.RLock()
_engines: dict[tuple[HardStop, Allocation], wasmtime.Engine] = {}
_guests: dict[tuple[HardStop, Allocation], LoadedGuest] = {}
_of_the_parent: list[object] = []
_forked = False
_pool_possible: bool | None = None


def allocation_for(wanted: Allocation) -> Allocation:
    """Return what there is: without a pool everything is allocated on demand."""
    global _pool_possible
    if _pool_possible is None:
        with _lock:
            _pool_possible = _pooling.is_possible(_pooling.settle())
    return wanted if _pool_possible else "on_demand"


def engine(hard_stop: HardStop, allocation: Allocation = "on_demand") -> wasmtime.Engine:
    """Return this process's engine of that kind."""
    allocation = allocation_for(allocation)
    with _lock:
        made = _engines.get((hard_stop, allocation))
        if made is None:
            made = wasmtime.Engine(_configuration(hard_stop, allocation))
            _engines[hard_stop, allocation] = made
            _trap_signals.remember()
        return made


def _configuration(
    hard_stop: HardStop, allocation: Allocation, *, parallel: bool = True
) -> wasmtime.Config:
    """What shapes compiled code is the same for both allocations: they share artefacts."""
    config = wasmtime.Config()
    config.cranelift_opt_level = "speed"
    config.max_wasm_stack = MAX_WASM_STACK
    config.epoch_interruption = hard_stop == "epoch"
    # A watchdog thread writes flags at fixed addresses, so a memory must never move.
    _bindings.wasmtime_config_memory_may_move_set(config.ptr(), False)
    # The threads that compile in parallel do not survive a fork: waiting for them would hang.
    config.parallel_compilation = parallel and not _forked
    if allocation == "pooled":
        _pooling.use_pool(config, _pooling.settle())
    return config


def load_guest(hard_stop: HardStop, allocation: Allocation = "on_demand") -> LoadedGuest:
    """Return the shipped guest, compiled at first use (0.5-2 s, once per machine; then 5 ms).

    Raises:
        GuestNotBuiltError: It is missing, or of another ABI.
    """
    guest = _guests.get((hard_stop, allocation))
    if guest is None:
        there = allocation_for(allocation)
        with _lock:
            guest = _guests.get((hard_stop, there))
            if guest is None:
                wasm, digest = _read_stamped(_FOLDER, _guest_name())
                guest = replace(load_module(wasm, hard_stop, there), digest=digest)
                _guests[hard_stop, there] = guest
            _guests[hard_stop, allocation] = guest
    return guest


def _guest_name() -> str:
    return "guest-debug" if os.environ.get(GUEST_VARIABLE) == "debug" else "guest"


def _read_guest(folder: Path, name: str = "guest") -> bytes:
    """Return the guest's bytes if its stamp says that it fits."""
    return _read_stamped(folder, name)[0]


def _read_stamped(folder: Path, name: str) -> tuple[bytes, bytes]:
    """As `_read_guest`, and their SHA-256."""
    advice = (
        'build it with "pip install -e ." (or make, in a checkout); an editable install does not '
        "rebuild it by itself"
    )
    try:
        wasm = (folder / f"{name}.wasm").read_bytes()
        stamp = json.loads((folder / f"{name}.json").read_bytes())
        abi, digest = stamp["abi"], stamp["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GuestNotBuiltError(f"the JavaScript engine is not built: {error}; {advice}") from None
    if abi != ABI:
        raise GuestNotBuiltError(
            f"the built JavaScript engine speaks ABI {abi}, this package speaks {ABI}; {advice}"
        )
    if digest != hashlib.sha256(wasm).hexdigest():
        raise GuestNotBuiltError(f"{name}.wasm is not the one that {name}.json describes; {advice}")
    return wasm, bytes.fromhex(digest)


def load_module(
    wasm: bytes, hard_stop: HardStop, allocation: Allocation = "on_demand", *, cached: bool = True
) -> LoadedGuest:
    """Compile a wasm module, or take it from the cache of this machine's user.

    Raises:
        ValueError: It imports something that no guest may import.
    """
    own = engine(hard_stop, allocation)
    module = _compiled(own, wasm, hard_stop, cached)
    return _describe(own, module, hard_stop, allocation_for(allocation))


def _compiled(
    own: wasmtime.Engine, wasm: bytes, hard_stop: HardStop, cached: bool
) -> wasmtime.Module:
    folder = _artefacts.cache_folder() if cached else None
    if folder is None:
        return _compile(own, wasm, hard_stop)
    key = artefact_key(wasm, hard_stop)
    for path in _artefacts.find(folder, key):
        module = _deserialize(own, path)
        if module is not None:
            return module
    module = _compile(own, wasm, hard_stop)
    stored = _artefacts.store(folder, key, module.serialize())
    if stored is not None:  # the file's pages are shared by all processes, ours would not be
        module = _deserialize(own, stored) or module
    return module


def _compile(own: wasmtime.Engine, wasm: bytes, hard_stop: HardStop) -> wasmtime.Module:
    def alone() -> wasmtime.Engine:
        return wasmtime.Engine(_configuration(hard_stop, "on_demand", parallel=False))

    return compile_guest(own, wasm, alone)


def _deserialize(own: wasmtime.Engine, path: Path) -> wasmtime.Module | None:
    """Map an artefact (0.3 ms); None if wasmtime refuses it: another CPU, another configuration."""
    try:
        return wasmtime.Module.deserialize_file(own, str(path))
    except wasmtime.WasmtimeError:
        return None


def artefact_key(wasm: bytes, hard_stop: HardStop) -> str:
    """Return what a compiled artefact depends on, as a file name's first part."""
    facts = {
        "guest": hashlib.sha256(wasm).hexdigest(),
        "wasmtime": installed(wasmtime),
        "engine": ["speed", MAX_WASM_STACK, hard_stop, "memory stays"],
        "machine": [sys.platform, platform.machine(), _cpu_features()],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _cpu_features() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _describe(
    own: wasmtime.Engine, module: wasmtime.Module, hard_stop: HardStop, allocation: Allocation
) -> LoadedGuest:
    uses_wasi = False
    for item in module.imports:
        if (item.module, item.name) == WASI_IMPORT:
            uses_wasi = True
        elif item.module != "host" or item.name not in HOST_IMPORTS:
            raise ValueError(f"a guest may not import {item.module}.{item.name}")
    functions = {}
    for export in module.exports:
        if isinstance(export.type, wasmtime.FuncType):
            shape = _shape(export.type)
            if shape is not None:
                functions[export.name] = shape
    return LoadedGuest(own, module, hard_stop, allocation, functions, uses_wasi)


def _shape(kind: wasmtime.FuncType) -> ExportShape | None:
    """Return what the function takes and gives, or None if the host could not call it."""
    results = [str(result) for result in kind.results]
    if any(str(parameter) not in ("i32", "i64") for parameter in kind.params):
        return None
    if not results:
        return ExportShape(len(kind.params), None)
    if results == ["i32"]:
        return ExportShape(len(kind.params), "i32")
    if results == ["i64"]:
        return ExportShape(len(kind.params), "i64")
    return None


def _after_fork_in_child() -> None:
    global _lock, _forked, _pool_possible
    _lock = threading.RLock()  # another thread may have held it
    _forked = True
    _pool_possible = None  # beside the parent's pool there may be no room for another
    _of_the_parent.extend((dict(_engines), dict(_guests)))  # never deleted here
    _engines.clear()
    _guests.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
