"""The stack that a guest's thread must have."""

from __future__ import annotations

import ctypes
import functools
import platform
import sys
import threading

from runtimes.errors import StackLimitError, WrongThread

REQUIRED_STACK_BYTES = 3 * 1024 * 1024
"""Wasmtime's 2 MiB for the guest and 1 MiB for the host's own frames."""
_ROOM_BYTES = 2 * 1024 * 1024 + 512 * 1024
"""What must be left of it for a guest that is entered further down."""
_STACK_POINTER_AT = {"x86_64": 160, "aarch64": 432}
"""In glibc's ``ucontext_t``: of RSP, and of SP (its ``sys/ucontext.h``)."""

_known = threading.local()


def require_stack() -> None:
    """Refuse a thread whose stack is smaller than `REQUIRED_STACK_BYTES`.

    Where the system does not tell, nothing is refused.

    Raises:
        WrongThread: The stack is too small: an overflow would end the process.
    """
    if getattr(_known, "enough", False):
        return
    size = _stack_bytes()
    if size is not None and size < REQUIRED_STACK_BYTES:
        raise WrongThread(
            f"this thread's stack has {size} bytes, a runtime needs {REQUIRED_STACK_BYTES}: "
            "call threading.stack_size() before starting the thread, or use a worker"
        )
    _known.enough = True


def require_room() -> None:
    """Refuse to enter a guest where too little is left of the thread's stack (2 us).

    For a thread that is inside of another guest, or has just been lent one: each guest may take
    `MAX_WASM_STACK`, and beyond the stack's end there is the end of the process.

    Raises:
        StackLimitError: There is too little left.
    """
    if not _known.__dict__.get("end"):
        _known.end = _stack()[0]
    at = _stack_pointer()
    if _known.end and at and at - _known.end < _ROOM_BYTES:
        raise StackLimitError(
            "too little is left of this thread's stack for one more runtime inside the others"
        )


def _stack_bytes() -> int | None:
    return _stack()[1] or None


def _stack() -> tuple[int, int]:
    """The lowest address of this thread's stack, and its size; zeros where nothing tells."""
    libc = _libc()
    if libc is None:
        return 0, 0
    attributes = ctypes.create_string_buffer(256)  # glibc: 56 bytes
    if libc.pthread_getattr_np(ctypes.c_ulong(libc.pthread_self()), attributes):
        return 0, 0
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    libc.pthread_attr_destroy(attributes)
    return address.value or 0, size.value


def _stack_pointer() -> int:
    """Where this thread's stack is now; 0 where nothing tells."""
    libc, offset = _libc(), _STACK_POINTER_AT.get(platform.machine())
    if libc is None or offset is None or not hasattr(libc, "getcontext"):
        return 0
    context = ctypes.create_string_buffer(8192)  # aarch64: 4,560 bytes, the largest
    if libc.getcontext(context):
        return 0
    return int.from_bytes(bytes(context)[offset : offset + 8], "little")


@functools.cache
def _libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL(None)
        libc.pthread_self.restype = ctypes.c_ulong
        libc.pthread_getattr_np.restype = ctypes.c_int
    except (OSError, AttributeError):
        return None
    return libc
