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

    python -m guest.image IN OUT --hot LIST

wasmtime is imported.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .binary import (
    CUSTOM_SECTION,
    DATA_COUNT_SECTION,
    DATA_SECTION,
    END,
    EXPORT_SECTION,
    I32_CONST,
    MEMORY_SECTION,
    START_SECTION,
    PassError,
    block,
    sections,
    signed,
    unsigned,
    vector,
    write,
)
from .booting import (
    BOOT,
    INITIALIZE,
    Booted,
    HotBlock,
    MutableGlobal,
    clock_linker,
    exports,
    mutable_globals,
    probe,
    probe_name,
)
from .callees import with_callees_first

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import wasmtime

REPLACED = frozenset({START_SECTION, DATA_SECTION, DATA_COUNT_SECTION})
WASM_PAGE = 65536
PAGE = 4096
"""What is zero for as long as this is no part of a segment: the host's pages are of this size."""


def boot(content: bytes, hot: Sequence[HotBlock] = ()) -> bytes:
    """Boot the module; return its memory, without what is on the stack.

    Raises:
        PassError: It does not boot, asks the host for more than the time, is not at rest after, or
            boots in another way each time.
    """
    import wasmtime

    engine = wasmtime.Engine()
    try:
        module = wasmtime.Module(engine, probe(content))
        memory, other = (boot_once(engine, module, mutable_globals(content), hot) for _ in range(2))
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        raise PassError(f"the guest does not boot: {error}") from error
    if memory != other:
        raise PassError("the guest does not boot in the same way each time")
    return memory


def boot_once(
    engine: wasmtime.Engine,
    module: wasmtime.Module,
    variables: list[MutableGlobal],
    hot: Sequence[HotBlock],
) -> bytes:
    """Boot an instance of the probe; return its memory, without what is on the stack."""
    import wasmtime

    linker = clock_linker(engine)
    linker.define_unknown_imports_as_traps(module)
    booted = Booted(linker, wasmtime.Store(engine), module)
    booted.boot(hot)
    for each in variables:
        if booted.global_value(probe_name(each)) != each.start:
            raise PassError(f"global {each.index} is not at rest after boot")
    content = booted.read(0)
    stack = variables[0].start if variables else 0  # the linker's first is the stack pointer
    return bytes(stack) + content[stack:]


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
            body = vector(
                [entry for name, entry in exports(body) if name not in (INITIALIZE, BOOT)]
            )
        found.append((number, body))
    data = vector([segment(start, memory[start:end]) for start, end in runs(memory)])
    # Behind the code; custom sections, a debug build's names among them, may come last.
    place = next((i for i, (number, _) in enumerate(found) if number == CUSTOM_SECTION), len(found))
    found.insert(place, (DATA_SECTION, data))
    return write(found)


def make_image(content: bytes, hot: Sequence[HotBlock] = (), slots: Sequence[int] = ()) -> bytes:
    """Boot a module and return it with its booted memory, in which the hot blocks lie together.

    Args:
        content: The module.
        hot: Blocks of the boot that runtimes write to.
        slots: Of the table, those by which runtimes call.

    Raises:
        PassError: It is not a guest, or does not boot.
    """
    return with_image(with_callees_first(content, slots), boot(content, hot))


def main() -> int:
    """Run the step on a file; the exit status is 1 if it was refused."""
    parser = argparse.ArgumentParser(description="Boot a guest and keep its memory in the module.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--hot", type=Path, help="what rehearsal.py wrote")
    options = parser.parse_args()
    try:
        listed = json.loads(options.hot.read_text()) if options.hot else {"blocks": [], "slots": []}
        hot = [HotBlock(*each) for each in listed["blocks"]]
        result = make_image(options.source.read_bytes(), hot, listed["slots"])
    except PassError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    options.target.write_bytes(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
