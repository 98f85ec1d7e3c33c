"""The pass that makes a module note what it touches: where it writes, and what it calls indirectly.

For the build alone: what it finds out decides how the image is laid out. Each store, each bulk move
and each indirect call of the traced module also marks a byte of a second memory, which is exported
as `traces`:

- byte n, below `SLOTS`: there was an indirect call by slot n of the table;
- byte `SLOTS` + n: the four bytes at address 4 * n were written to.

Addresses, slots and results are those of the module as it was, since nothing in its own memory
moves. Atomic operations are not traced: scripts do them on shared memory, which is in no image.

Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .binary import (
    CALL,
    CODE_SECTION,
    END,
    EXPORT_SECTION,
    FUNCTION_SECTION,
    I32,
    I32_CONST,
    IF,
    MEMORY,
    MEMORY_COPY,
    MEMORY_FILL,
    MEMORY_SECTION,
    TYPE_SECTION,
    VOID,
    PassError,
    Reader,
    block,
    signed,
    skip_locals,
    unsigned,
    vector,
    write,
)
from .module import Module

I64, F32, F64 = 0x7E, 0x7D, 0x7C
LOCAL_GET = 0x20
I32_STORE8, I32_ADD, I32_SUB, I32_SHR_U = 0x3A, 0x6A, 0x6B, 0x76
MEMORY_INIT = 0xFC08
INDIRECT_CALLS = frozenset({0x11, 0x13})
STORES = {
    0x36: (I32, 4),
    0x37: (I64, 8),
    0x38: (F32, 4),
    0x39: (F64, 8),
    0x3A: (I32, 1),
    0x3B: (I32, 2),
    0x3C: (I64, 1),
    0x3D: (I64, 2),
    0x3E: (I64, 4),
}
"""Opcodes that write to memory: the type of the value, and how many bytes of it."""

TRACES = "traces"
SLOTS = 65536
"""What the marks of the table take, before those of the memory."""
WORD = 4
TRACES_PAGES = 9
"""Of 64 KiB: for the slots, and for a memory of 2 MiB; what writes beyond it traps."""
SECOND_MEMORY = 0x40
"""Added to an access's alignment, says that the number of a memory follows."""


@dataclass
class Helpers:
    """The functions that are added to the module, each made when it is first needed.

    Attributes:
        first_function: The index of the first of them.
        first_type: The index of the first type that is added for them.
    """

    first_function: int
    first_type: int
    types: list[bytes] = field(default_factory=list)
    type_indexes: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    known: dict[bytes, int] = field(default_factory=dict)

    def call_of(self, key: bytes, signature: bytes, code: bytes) -> bytes:
        """A call of the helper with this key; `code` is its body if it is new."""
        if key not in self.known:
            if signature not in self.types:
                self.types.append(signature)
            self.type_indexes.append(self.first_type + self.types.index(signature))
            self.known[key] = self.first_function + len(self.bodies)
            self.bodies.append(b"\0" + code + bytes([END]))
        return bytes([CALL]) + unsigned(self.known[key])

    def store(self, opcode: int, instruction: bytes) -> bytes:
        """What stands for a store."""
        kind, size = STORES[opcode]
        reader = Reader(instruction[1:])
        reader.unsigned()  # the alignment
        offset = reader.unsigned()
        marks = mark_word(offset) + (mark_word(offset + size - 1) if size > 1 else b"")
        code = marks + local(0) + local(1) + instruction
        return self.call_of(instruction, bytes([2, I32, kind, 0]), code)

    def bulk(self, instruction: bytes) -> bytes:
        """What stands for a bulk move; where to and how much are its first and last operand."""
        first = local(0) + shift()
        last = local(0) + local(2) + bytes([I32_ADD, I32_CONST, 1, I32_SUB]) + shift()
        count = last + local(0) + shift() + bytes([I32_SUB, I32_CONST, 1, I32_ADD])
        start = first + bytes([I32_CONST]) + signed(SLOTS) + bytes([I32_ADD])
        fill = start + bytes([I32_CONST, 1]) + count + b"\xfc\x0b\1"
        code = local(2) + bytes([IF, VOID]) + fill + bytes([END])
        code += local(0) + local(1) + local(2) + instruction
        return self.call_of(instruction, bytes([3, I32, I32, I32, 0]), code)

    def slot(self) -> bytes:
        """What comes before an indirect call: it leaves the slot on the stack."""
        code = local(0) + bytes([I32_CONST, 1]) + mark_at(0) + local(0)
        return self.call_of(b"slot", bytes([1, I32, 1, I32]), code)


def local(number: int) -> bytes:
    """Read a parameter of a helper."""
    return bytes([LOCAL_GET, number])


def shift() -> bytes:
    """Make of an address the number of its word."""
    return bytes([I32_CONST, 2, I32_SHR_U])


def mark_at(offset: int) -> bytes:
    """Write the byte on the stack to the second memory, at the address on the stack."""
    return bytes([I32_STORE8, SECOND_MEMORY, 1]) + unsigned(offset)


def mark_word(offset: int) -> bytes:
    """Mark the word that is `offset` bytes behind the helper's first parameter."""
    address = local(0) + bytes([I32_CONST]) + signed(offset) + bytes([I32_ADD])
    return address + shift() + bytes([I32_CONST, 1]) + mark_at(SLOTS)


def traced_body(body: bytes, helpers: Helpers) -> bytes:
    """A function's body, with a helper in the place of each store and before each indirect call.

    Raises:
        PassError: It has an opcode that is unknown here, or copies out of a data segment.
    """
    reader = Reader(body)
    skip_locals(reader)
    pieces = [body[: reader.at]]
    while not reader.at_end:
        start = reader.at
        opcode = reader.instruction()
        instruction = body[start : reader.at]
        if opcode in STORES:
            pieces.append(helpers.store(opcode, instruction))
        elif opcode in (MEMORY_COPY, MEMORY_FILL):
            pieces.append(helpers.bulk(instruction))
        elif opcode in INDIRECT_CALLS:
            pieces.append(helpers.slot() + instruction)
        elif opcode == MEMORY_INIT:
            raise PassError("a copy out of a data segment")
        else:
            pieces.append(instruction)
    return b"".join(pieces)


def appended(body: bytes, items: list[bytes]) -> bytes:
    """A section with items added to its vector."""
    reader = Reader(body)
    count = reader.unsigned()
    return unsigned(count + len(items)) + body[reader.at :] + b"".join(items)


def traced(content: bytes) -> bytes:
    """Return the module with traces; to run it, wasmtime must allow several memories.

    Raises:
        PassError: The module is not what the pass was made for.
    """
    module = Module.parse(content)
    first = len(module.imports) + len(module.functions)
    helpers = Helpers(first, len(module.types))
    functions = [traced_body(body, helpers) for body in module.functions]
    added = {
        TYPE_SECTION: [b"\x60" + each for each in helpers.types],
        FUNCTION_SECTION: [unsigned(each) for each in helpers.type_indexes],
        MEMORY_SECTION: [b"\0" + unsigned(TRACES_PAGES)],
        EXPORT_SECTION: [block(TRACES.encode()) + bytes([MEMORY, 1])],
    }
    code = vector([block(body) for body in functions + helpers.bodies])
    return write(
        [
            (number, code if number == CODE_SECTION else appended(body, added.get(number, [])))
            if number in {*added, CODE_SECTION}
            else (number, body)
            for number, body in module.sections
        ]
    )
