"""The numbers of host and guest; mirrors ``guest/header.h``, and a test compares the two."""

from __future__ import annotations

from enum import IntEnum

ABI = 2
"""Of the guest that this host can drive."""

SOFT_STOP = 8
INPUT_PTR = 12
INPUT_CAPACITY = 16
MEMORY_LIMIT = 20
BUDGET_NS = 24
RESULT_BYTES = 32
RESULT_NODES = 36
STACK_BYTES = 40
MEMORY_USED = 44
MEMORY_PEAK = 48
JOBS_PENDING = 52
RAN_FULL = 56
CALLS_DONE = 60
"""Offsets of the header's fields."""

ERROR_BIT = 1 << 63
LENGTH = 0x7FFFFFFF
POINTER = 0xFFFFFFFF
"""Of a packed result: the error bit, and what masks its length (once shifted) and pointer."""
STOP_REPLY = (1 << 64) - 1
MAX_HOST_FUNCTIONS = 32767


class StopReason(IntEnum):
    """Why a run was stopped."""

    NONE = 0
    CANCELLED = 1
    TIMEOUT = 2
    HOST = 3
    MEMORY = 4


class Status(IntEnum):
    """First member of an error report."""

    THROWN = 1
    SYNTAX = 2
    VALUE_NOT_FOUND = 3
    VALUE_NOT_CALLABLE = 4
    MISSING_ENTRYPOINT = 5
    CONVERSION = 6
    UNSETTLED = 7
    STOPPED = 8
    MEMORY = 9
    STACK = 10
    RESULT_BYTES = 11
    RESULT_NODES = 12
    STALE_HANDLE = 13
    WORN = 14


class HardWord(IntEnum):
    """Values of ``guest_hard_stop``."""

    NONE = 0
    LOOK = 1
    STOP = 2


class CheckPlace(IntEnum):
    """Who calls ``host.check``."""

    LOOK = 0
    HANDLER = 1
    ABORT = 2
    STOP = 3
