"""WebAssembly's binary format, as far as the steps of the build read and write it.

It is chapter 5 of the WebAssembly Core Specification 2.0. Standard library only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\0asm\1\0\0\0"

CUSTOM_SECTION, TYPE_SECTION, IMPORT_SECTION, FUNCTION_SECTION, MEMORY_SECTION = 0, 1, 2, 3, 5
GLOBAL_SECTION, EXPORT_SECTION, START_SECTION, ELEMENT_SECTION = 6, 7, 8, 9
CODE_SECTION, DATA_SECTION, DATA_COUNT_SECTION = 10, 11, 12
FUNCTION, MEMORY, GLOBAL = 0, 2, 3
"""Kinds of imports and exports."""
I32 = 0x7F
VOID = 0x40

UNREACHABLE, LOOP, IF, END, CALL, DROP = 0x00, 0x03, 0x04, 0x0B, 0x10, 0x1A
I32_CONST, I32_LOAD, I32_GT_U = 0x41, 0x28, 0x4B
PREFIX = 0xFC
ATOMIC_PREFIX, ATOMIC_FENCE = 0xFE, 0xFE03
MEMORY_COPY, MEMORY_FILL = 0xFC0A, 0xFC0B

# What follows each opcode; one that is in none of these sets is refused.
NOTHING = frozenset({UNREACHABLE, 0x01, 0x05, END, 0x0F, DROP, 0x1B, 0xD1, *range(0x45, 0xC5)}) | {
    0xFC00 | sub for sub in range(8)
}
BLOCK_TYPE = frozenset({0x02, LOOP, IF})
ONE_INDEX = frozenset({0x0C, 0x0D, CALL, 0x12, *range(0x20, 0x27), 0x3F, 0x40, 0xD2}) | frozenset(
    {0xFC09, MEMORY_FILL, 0xFC0D, 0xFC0F, 0xFC10, 0xFC11}
)
TWO_INDEXES = frozenset({0x11, 0x13, 0xFC08, MEMORY_COPY, 0xFC0C, 0xFC0E})
MEMORY_ACCESS = frozenset(range(I32_LOAD, 0x3F)) | frozenset(range(0xFE10, 0xFE4F))
"""Plain and atomic. What waits (0xFE01, 0xFE02) is refused: no stop check could end a wait."""
SIGNED = frozenset({I32_CONST, 0x42, 0xD0})
BRANCH_TABLE = 0x0E
CALLS = frozenset({CALL, 0x11, 0x12, 0x13})
TYPED_SELECT = 0x1C
F32_CONST, F64_CONST = 0x43, 0x44


class PassError(Exception):
    """The module is not what the step was made for; nothing was written."""


class Reader:
    """A place in a byte string, moved on by each read; reading past the end is a `PassError`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self.at == len(self.data)

    def take(self, count: int) -> bytes:
        """Read `count` bytes."""
        start = self.at
        self.at += count
        if self.at > len(self.data):
            raise PassError("the module ends in the middle of an item")
        return self.data[start : self.at]

    def byte(self) -> int:
        """Read one byte."""
        return self.take(1)[0]

    def _leb128(self) -> tuple[int, int]:
        value = bits = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << bits
            bits += 7
            if byte < 0x80:
                return value, bits

    def unsigned(self) -> int:
        """Read an unsigned LEB128 number."""
        return self._leb128()[0]

    def signed(self) -> int:
        """Read a signed LEB128 number."""
        value, bits = self._leb128()
        return value - (1 << bits) if value >> (bits - 1) else value

    def block(self) -> bytes:
        """Read a length and that many bytes."""
        return self.take(self.unsigned())

    def name(self) -> str:
        """Read a length and that many bytes of UTF-8."""
        return self.block().decode()

    def instruction(self) -> int:
        """Skip one instruction; returns its opcode, a prefixed one as prefix << 8 | number.

        Raises:
            PassError: the opcode is unknown here, so nobody can say where the next one starts.
        """
        opcode = self.byte()
        if opcode in (PREFIX, ATOMIC_PREFIX):
            opcode = opcode << 8 | self.unsigned()
        if opcode in NOTHING:
            pass
        elif opcode in ONE_INDEX:
            self.unsigned()
        elif opcode in MEMORY_ACCESS or opcode in TWO_INDEXES:
            first = self.unsigned()
            if opcode in MEMORY_ACCESS and first >= 0x40:
                raise PassError("an access to a second memory")
            self.unsigned()
        elif opcode in SIGNED or opcode in BLOCK_TYPE:
            self.signed()
        elif opcode == BRANCH_TABLE:
            for _ in range(self.unsigned() + 1):
                self.unsigned()
        elif opcode == TYPED_SELECT:
            self.block()
        elif opcode == ATOMIC_FENCE:
            self.byte()
        elif opcode in (F32_CONST, F64_CONST):
            self.take(4 if opcode == F32_CONST else 8)
        else:
            raise PassError(f"unknown opcode {opcode:#x}")
        return opcode


def sections(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the body of each section.

    Raises:
        PassError: It is no WebAssembly module.
    """
    reader = Reader(content)
    if reader.take(len(MAGIC)) != MAGIC:
        raise PassError("not a WebAssembly module of version 1")
    while not reader.at_end:
        yield reader.byte(), reader.block()


def skip_locals(reader: Reader) -> None:
    """Move on to the first instruction of a function's body."""
    for _ in range(reader.unsigned()):  # so many local variables, of that type
        reader.unsigned()
        reader.byte()


def unsigned(value: int) -> bytes:
    """Write an unsigned LEB128 number."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def block(content: bytes) -> bytes:
    """Write a length and the bytes."""
    return unsigned(len(content)) + content


def signed(value: int) -> bytes:
    """Write a signed LEB128 number."""
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


def vector(items: list[bytes]) -> bytes:
    """Write a count and the items."""
    return unsigned(len(items)) + b"".join(items)


def write(found: list[tuple[int, bytes]]) -> bytes:
    """Write a module of these sections."""
    return MAGIC + b"".join(bytes([number]) + block(body) for number, body in found)
