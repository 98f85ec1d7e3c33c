"""Pages of memory that can be mapped at several places of this process at once. Linux only."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import sys
from ctypes import c_int, c_int64, c_size_t, c_void_p
from typing import Final

PAGE_BYTES: Final = mmap.PAGESIZE
SUPPORTED: Final = sys.platform == "linux" and hasattr(os, "memfd_create")

_PRIVATE: Final = -1
_MAP_FIXED: Final = 0x10
_SEALS: Final = ("F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_SEAL")

if SUPPORTED:
    _libc = ctypes.CDLL(None, use_errno=True)
    _mmap = _libc.mmap
    _mmap.restype = c_void_p
    _mmap.argtypes = (c_void_p, c_size_t, c_int, c_int, c_int, c_int64)
    _munmap = _libc.munmap
    _munmap.restype = c_int
    _munmap.argtypes = (c_void_p, c_size_t)


class Pages:
    """Zeroed pages behind a file of no name, mapped once; freed with the last reference.

    Any thread may use it, and drop it.

    Attributes:
        fd: The file. Nobody can change its size any more: to touch a page that is gone would kill
            the process.
        size: Bytes, a multiple of the page size.
        address: Where they are mapped.
    """

    __slots__ = ("_close", "_unmap", "address", "fd", "size")

    def __init__(self, n_bytes: int) -> None:
        """Get at least so many bytes.

        Raises:
            OSError: The system has no more memory, open files or maps.
        """
        self._unmap, self._close = _munmap, os.close  # for when Python exits: modules go first
        self.size = -(-n_bytes // PAGE_BYTES) * PAGE_BYTES
        self.fd = self.address = -1
        self.fd = os.memfd_create("jsactors-shared", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, self.size)
        _seal(self.fd)
        self.address = _map(None, self.size, mmap.MAP_SHARED, self.fd)

    def map_over(self, address: int) -> None:
        """Map them a second time, in place of what is mapped at that address.

        Raises:
            OSError: The system refuses.
        """
        _map(address, self.size, mmap.MAP_SHARED | _MAP_FIXED, self.fd)

    def __del__(self) -> None:
        # In a forked child this ends the child's mapping, and nobody else's.
        if self.address != -1:
            self._unmap(self.address, self.size)
        if self.fd != -1:
            self._close(self.fd)


def map_zeros_over(address: int, size: int) -> None:
    """Map private zeroed pages in place of what is mapped at that address.

    Raises:
        OSError: The system refuses.
    """
    _map(address, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED, _PRIVATE)


def _seal(fd: int) -> None:
    import fcntl  # not there on every platform

    seals = 0
    for name in _SEALS:
        seals |= getattr(fcntl, name)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)


def _map(address: int | None, size: int, flags: int, fd: int) -> int:
    found: int | None = _mmap(address, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, 0)
    if found is None or found == c_void_p(-1).value:
        code = ctypes.get_errno() or errno.ENOMEM
        raise OSError(code, f"mapping {size} bytes of memory failed: {os.strerror(code)}")
    return found
