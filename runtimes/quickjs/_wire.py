"""The numbers of the wire between host and guest: the mirror of ``guest/wire.h``, as a test checks.

The wire is MessagePack. What it cannot say by itself is an extension of one of these types.
"""

from __future__ import annotations

from typing import Final

UNDEFINED: Final = 1
BIGINT: Final = 2
DATE: Final = 3
MAP: Final = 4
SET: Final = 5
ERROR: Final = 6
HANDLE: Final = 7
WTF8: Final = 8
OBJECT: Final = 9
SHARED: Final = 10
ARRAY_BUFFER: Final = 15
TYPED_ARRAY: Final = 16
"""Plus the index in `TYPED_ARRAYS`."""

HANDLE_FUNCTION: Final = 1
HANDLE_PROMISE: Final = 2

ERROR_FIELDS: Final = 5
MAX_DEPTH: Final = 200
MAX_BIGINT_BYTES: Final = 131072

TYPED_ARRAYS: Final = (
    "Uint8ClampedArray",
    "Int8Array",
    "Uint8Array",
    "Int16Array",
    "Uint16Array",
    "Int32Array",
    "Uint32Array",
    "BigInt64Array",
    "BigUint64Array",
    "Float16Array",
    "Float32Array",
    "Float64Array",
)
"""In the engine's order."""

MEMORYVIEW_FORMATS: Final = (None, "b", "B", "h", "H", "i", "I", "q", "Q", None, "f", "d")
"""Of the same; None where a memoryview has no such format."""

MAX_SAFE_INTEGER: Final = 2**53 - 1
MAX_DATE_MS: Final = 8.64e15
