"""The stack that a guest's thread must have."""

from __future__ import annotations

import ctypes
import functools
import sys
import threading

from runtimes.errors import WrongThread

REQUIRED_STACK_BYTES = 3 * 1024 * 1024
"""Wasmtime's 2 MiB for the guest and 1 MiB for the host's own frames."""

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


def _stack_bytes() -> int | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = _libc()
    if libc is None:
        return None
    attributes = ctypes.create_string_buffer(256)  # glibc: 56 bytes
    if libc.pthread_getattr_np(ctypes.c_ulong(libc.pthread_self()), attributes):
        return None
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    libc.pthread_attr_destroy(attributes)
    return size.value or None


@functools.cache
def _libc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None)
        libc.pthread_self.restype = ctypes.c_ulong
        libc.pthread_getattr_np.restype = ctypes.c_int
    except (OSError, AttributeError):
        return None
    return libc
