"""The few functions of wasmtime's C interface that the raw layer calls, and their types.

Declared apart from wasmtime-py's own bindings: each function object here is our own, so neither
changes the other's argument types. Pointers are plain ``c_void_p``.
"""

from __future__ import annotations

import ctypes
from ctypes import c_bool, c_char_p, c_int64, c_size_t, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any, Final

import wasmtime
from wasmtime import _ffi as _bindings

from runtimes.quickjs._versions import installed

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmtime._managed import Managed

MAJOR: Final = 50
"""wasmtime's major version whose C interface this is; it changes with every major version."""

_library = ctypes.CDLL(str(_bindings.filename))


def _function(name: str, result: type | None, *arguments: type) -> ctypes._NamedFuncPointer:
    function = _library[name]
    function.restype = result
    function.argtypes = arguments
    return function


store_new = _function("wasmtime_store_new", c_void_p, c_void_p, c_void_p, c_void_p)
store_context = _function("wasmtime_store_context", c_void_p, c_void_p)
store_delete = _function("wasmtime_store_delete", None, c_void_p)
context_set_wasi = _function("wasmtime_context_set_wasi", c_void_p, c_void_p, c_void_p)
wasi_config_new = _function("wasi_config_new", c_void_p)
set_epoch_deadline = _function("wasmtime_context_set_epoch_deadline", None, c_void_p, c_uint64)
epoch_callback = _function("wasmtime_store_epoch_deadline_callback", None, *[c_void_p] * 4)
pre_instantiate = _function("wasmtime_instance_pre_instantiate", c_void_p, *[c_void_p] * 4)
memory_data = _function("wasmtime_memory_data", c_void_p, c_void_p, c_void_p)
memory_data_size = _function("wasmtime_memory_data_size", c_size_t, c_void_p, c_void_p)
memory_grow = _function("wasmtime_memory_grow", c_void_p, c_void_p, c_void_p, c_uint64, c_void_p)
global_get = _function("wasmtime_global_get", None, c_void_p, c_void_p, c_void_p)
define_func_unchecked = _function(
    "wasmtime_linker_define_func_unchecked",
    *[c_void_p, c_void_p, c_char_p, c_size_t, c_char_p, c_size_t],
    *[c_void_p] * 4,
)
trap_new = _function("wasmtime_trap_new", c_void_p, c_char_p, c_size_t)
trap_delete = _function("wasm_trap_delete", None, c_void_p)
error_new = _function("wasmtime_error_new", c_void_p, c_char_p)
error_delete = _function("wasmtime_error_delete", None, c_void_p)


def _bare_function(name: str, result: type | None) -> ctypes._NamedFuncPointer:
    """Return a function without types of its arguments, which saves ctypes a conversion of each.

    So nothing may be passed to it but what `pointer`, `size`, `number` and `text` have made.
    """
    function = _library[name]
    function.restype = result
    return function


call_unchecked = _bare_function("wasmtime_func_call_unchecked", c_void_p)  # 0.3 of 0.6 us
export_get = _bare_function("wasmtime_instance_export_get", c_bool)
store_limiter = _bare_function("wasmtime_store_limiter", None)

pointer: Final[Callable[[int], Any]] = c_void_p.from_param
size: Final[Callable[[int], Any]] = c_size_t.from_param
number: Final[Callable[[int], Any]] = c_int64.from_param
text: Final[Callable[[bytes], Any]] = c_char_p.from_param
"""Make an argument of that type, to be passed as often as one likes. It is half as large as a
ctypes object of the same value, and passing it makes nothing. It also does where an argument has
its type, be that `c_void_p`."""

ImportCallback = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, ctypes.POINTER(c_uint64), c_size_t)
"""wasm_trap_t *(void *env, wasmtime_caller_t *, wasmtime_val_raw_t *args_and_results, size_t)."""

EpochCallback = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, ctypes.POINTER(c_uint64), c_void_p)
"""wasmtime_error_t *(wasmtime_context_t *, void *data, uint64_t *delta, uint8_t *kind)."""

Extern = _bindings.wasmtime_extern_t
ITEM_OFFSET: Final[int] = Extern.of.offset
"""Of the item inside of a wasmtime_extern_t."""

InstanceItem = _bindings.wasmtime_instance_t
Value = _bindings.wasmtime_val_t
SLOT: Final = 2
"""Words of 64 bits in a wasmtime_val_raw_t."""


def version_problem() -> str | None:
    """Say why this wasmtime is not the one these declarations are for, or None."""
    version = installed(wasmtime)
    if version.partition(".")[0] != str(MAJOR):
        return f"wasmtime {version} is installed, {MAJOR}.x is needed"
    if ctypes.sizeof(_bindings.wasmtime_val_raw_t) != SLOT * 8:
        return "a raw value has another size"
    return None


def address_of(managed: Managed[Any]) -> int:
    """Return the pointer inside one of wasmtime-py's objects."""
    pointer = ctypes.cast(managed.ptr(), c_void_p).value
    if pointer is None:
        raise ValueError("null pointer")
    return pointer


def take_trap(pointer: int) -> wasmtime.Trap:
    """Turn a trap that C handed over into wasmtime-py's object, which deletes it."""
    return wasmtime.Trap._from_ptr(ctypes.cast(pointer, ctypes.POINTER(_bindings.wasm_trap_t)))


def take_error(pointer: int) -> wasmtime.WasmtimeError:
    """Turn an error that C handed over into wasmtime-py's object, which deletes it."""
    return wasmtime.WasmtimeError._from_ptr(
        ctypes.cast(pointer, ctypes.POINTER(_bindings.wasmtime_error_t))
    )
