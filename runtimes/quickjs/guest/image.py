"""The step that boots the guest once and for all: its booted memory becomes the module's data.

Booting an engine takes 0.3 ms and dirties every page of its heap. It does the same each time, so it
is done here: the module is instantiated, `guest_boot` is called, and the memory that it leaves
behind is written into data segments. Whoever instantiates the result has a booted engine, whose
pages wasmtime shares among all instances until they are written to; `guest_adopt` then gives it
what an instance has of its own.

Same input, same bytes: the clock that the guest sees here always stands at the same moment, and
nothing else of the world reaches it; it is booted twice, and refused if the two differ. So is what
an image may not hold: a mutable global that is not at its start value (above all the stack pointer,
which shows that nothing is under way). The stack is dead memory then, and is left out.

The exports that boot are removed, since booting twice would forget a whole heap.

    python -m guest.image IN OUT

wasmtime is imported.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .binary import (
    END,
    EXPORT_SECTION,
    GLOBAL,
    GLOBAL_SECTION,
    I32,
    I32_CONST,
    PassError,
    Reader,
    block,
    sections,
    signed,
    unsigned,
    vector,
    write,
)
from .checks import CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

    import wasmtime

MEMORY_SECTION, START_SECTION, DATA_SECTION, DATA_COUNT_SECTION = 5, 8, 11, 12
REPLACED = frozenset({START_SECTION, DATA_SECTION, DATA_COUNT_SECTION})
BOOT = ("_initialize", "guest_boot")
"""Exports that are called in this order, if they are there, and are not in the result."""

WASM_PAGE = 65536
PAGE = 4096
"""What is zero for as long as this is no part of a segment: the host's pages are of this size."""

BOOT_TIME_NS = 1_000_000_000 * 10**9
"""What the guest takes for now: some moment, as good as any other, of 2001."""


@dataclass(frozen=True)
class MutableGlobal:
    """A global that code may change: where it is, and what it starts with."""

    index: int
    start: int


def mutable_globals(content: bytes) -> list[MutableGlobal]:
    """The module's own mutable globals.

    Raises:
        PassError: One is no i32 with a constant start value, as the stack pointer is.
    """
    found = []
    for number, body in sections(content):
        if number != GLOBAL_SECTION:
            continue
        reader = Reader(body)
        for index in range(reader.unsigned()):
            kind, mutable, opcode = reader.byte(), reader.byte(), reader.byte()
            if kind != I32 or opcode != I32_CONST:
                raise PassError("a global that is no i32 with a constant start value")
            start = reader.signed()
            if reader.byte() != END:
                raise PassError("a global whose start value is computed")
            if mutable:
                found.append(MutableGlobal(index, start))
    return found


def exports(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each entry of an export section."""
    reader = Reader(body)
    for _ in range(reader.unsigned()):
        start = reader.at
        name = reader.name()
        reader.byte()
        reader.unsigned()
        yield name, reader.data[start : reader.at]


def probe_name(variable: MutableGlobal) -> str:
    """What a mutable global is called in the probe."""
    return f"image_global_{variable.index}"


def probe(content: bytes) -> bytes:
    """The module with its mutable globals exported, so that they can be read after boot."""
    found = []
    for number, body in sections(content):
        if number == EXPORT_SECTION:
            entries = [entry for _, entry in exports(body)]
            for each in mutable_globals(content):
                name = probe_name(each).encode()
                entries.append(block(name) + bytes([GLOBAL]) + unsigned(each.index))
            body = vector(entries)
        found.append((number, body))
    return write(found)


def boot(content: bytes) -> bytes:
    """Boot the module; return its memory, without what is on the stack.

    Raises:
        PassError: It does not boot, asks the host for more than the time, is not at rest after, or
            boots in another way each time.
    """
    import wasmtime

    engine = wasmtime.Engine()
    try:
        module = wasmtime.Module(engine, probe(content))
        memory, other = (boot_once(engine, module, mutable_globals(content)) for _ in range(2))
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        raise PassError(f"the guest does not boot: {error}") from error
    if memory != other:
        raise PassError("the guest does not boot in the same way each time")
    return memory


def boot_once(
    engine: wasmtime.Engine, module: wasmtime.Module, variables: list[MutableGlobal]
) -> bytes:
    """Boot an instance of the probe; return its memory, without what is on the stack."""
    import wasmtime

    store = wasmtime.Store(engine)
    linker = wasmtime.Linker(engine)
    i32, i64 = wasmtime.ValType.i32, wasmtime.ValType.i64
    kind = wasmtime.FuncType([i32(), i64(), i32()], [i32()])
    linker.define_func(*CLOCK, kind, tell_time, access_caller=True)
    linker.define_unknown_imports_as_traps(module)
    found = linker.instantiate(store, module).exports(store)
    for name in BOOT:
        function = found.get(name)
        if isinstance(function, wasmtime.Func) and function(store):
            raise PassError(f"{name} failed")
    for each in variables:
        value = found[probe_name(each)]
        assert isinstance(value, wasmtime.Global)
        if value.value(store) != each.start:
            raise PassError(f"global {each.index} is not at rest after boot")
    memory = found["memory"]
    assert isinstance(memory, wasmtime.Memory)
    content = bytes(memory.read(store, 0, memory.data_len(store)))
    stack = variables[0].start if variables else 0  # the linker's first is the stack pointer
    return bytes(stack) + content[stack:]


def tell_time(caller: wasmtime.Caller, _clock: int, _precision: int, at: int) -> int:
    """Serve the clock: it is always the same moment."""
    import wasmtime

    memory = caller["memory"]
    assert isinstance(memory, wasmtime.Memory)
    memory.write(caller, BOOT_TIME_NS.to_bytes(8, "little"), at & 0xFFFFFFFF)
    return 0


def runs(memory: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of each stretch of pages that are not zero."""
    zeros = bytes(PAGE)
    start = None
    for at in range(0, len(memory), PAGE):
        is_zero = memory[at : at + PAGE] == zeros
        if start is None and not is_zero:
            start = at
        elif start is not None and is_zero:
            yield start, at
            start = None
    if start is not None:
        yield start, len(memory)


def segment(start: int, content: bytes) -> bytes:
    """Write an active data segment."""
    return b"\0" + bytes([I32_CONST]) + signed(start) + bytes([END]) + block(content)


def with_image(content: bytes, memory: bytes) -> bytes:
    """The module that starts with this memory, and without the exports that boot.

    Raises:
        PassError: It has not exactly one memory, of no largest size.
    """
    found = []
    for number, body in sections(content):
        if number in REPLACED:
            continue
        if number == MEMORY_SECTION:
            if body[:2] != b"\1\0":
                raise PassError("not one memory without a largest size")
            body = b"\1\0" + unsigned(len(memory) // WASM_PAGE)
        elif number == EXPORT_SECTION:
            body = vector([entry for name, entry in exports(body) if name not in BOOT])
        found.append((number, body))
    data = vector([segment(start, memory[start:end]) for start, end in runs(memory)])
    # Behind the code; custom sections, a debug build's names among them, may come last.
    place = next((i for i, (number, _) in enumerate(found) if number == 0), len(found))
    found.insert(place, (DATA_SECTION, data))
    return write(found)


def make_image(content: bytes) -> bytes:
    """Boot a module and return it with its booted memory.

    Raises:
        PassError: It is not a guest, or does not boot.
    """
    return with_image(content, boot(content))


def main() -> int:
    """Run the step on a file; the exit status is 1 if it was refused."""
    parser = argparse.ArgumentParser(description="Boot a guest and keep its memory in the module.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    try:
        result = make_image(options.source.read_bytes())
    except PassError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    options.target.write_bytes(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
