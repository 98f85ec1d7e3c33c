"""Which functions come first in what wasmtime keeps for each instance of the module.

An instance has a record of 32 bytes for each function that may be called from outside or by a slot
of its table, in the order in which the module first names them: exports, then element segments. A
record is written when it is first needed. Of some 560 a runtime needs 30; in the order of the table
they lie on all five pages, and so each runtime would have five of its own.

A *declared* segment only names functions. One of those that are called, before all others, brings
their records together; nothing else comes of it.

Standard library only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .binary import (
    ELEMENT_SECTION,
    END,
    I32_CONST,
    PassError,
    Reader,
    sections,
    unsigned,
    vector,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIVE, DECLARED, FUNCTIONS = 0, 3, 0
"""Kinds of element segments; and what the elements of a declared one are."""


def in_table(body: bytes) -> dict[int, int]:
    """The functions of an element section, by their slots.

    Raises:
        PassError: It is not one segment of functions at a constant place, as linkers write it.
    """
    reader = Reader(body)
    if (reader.unsigned(), reader.unsigned(), reader.byte()) != (1, ACTIVE, I32_CONST):
        raise PassError("not one active element segment at a constant place")
    start = reader.signed()
    if reader.byte() != END:
        raise PassError("an element segment whose place is computed")
    return {start + index: reader.unsigned() for index in range(reader.unsigned())}


def with_callees_first(content: bytes, slots: Sequence[int]) -> bytes:
    """The module, naming the functions in these slots, if any, before the others of its table.

    Raises:
        PassError: The table is filled in another way, or has nothing in a slot.
    """
    found = []
    for number, body in sections(content):
        if number == ELEMENT_SECTION and slots:
            table = in_table(body)
            if not table.keys() >= set(slots):
                raise PassError("a call by a slot of the table that is empty")
            functions = dict.fromkeys(table[slot] for slot in slots)
            declared = bytes([DECLARED, FUNCTIONS]) + vector([*map(unsigned, functions)])
            body = vector([declared, body[1:]])  # without its count, which is 1
        found.append((number, body))
    return write(found)
