"""The pass that makes every loop of a WebAssembly module stoppable.

Code that never looks at a clock is stopped by a word in the module's memory, which is written from
outside: 0 is nothing, 1 asks the guest to look in at the host, 2 stops it. At the head of each
`loop`, and before each `memory.copy` and `memory.fill`, the pass inserts

    if (i32.load [guest_hard_stop] > 1) drop (call $host.check (i32.const 3)); unreachable

where the host unwinds the guest. A call that might return here would cost all loops their
registers, although it is never made: wasmtime preserves none over a call. So one that may return
stands only at the head of a few functions, which built-ins call for each element:

    if (i32.load [guest_hard_stop]) drop (call $host.check (i32.const 0))

What this costs, and what wasmtime's own epochs would, is in docs/benchmarks.md ("The hard stop");
checks that may return in every loop cost 5 %. The loops around the interpreter's dispatch are left
alone: they run once for each instruction of a script, and poll by themselves. So are, in the
interpreter, loops that have neither a loop nor a call in them: each passes once over what one
object holds. Checks in those alone would cost 2 %. What else the compiler put in line is checked as
anywhere.

What the pass needs it reads from the module: the word's address is the exported global
`guest_hard_stop`, the function to call is the import `host.check`, function names are in the name
section. What it does not understand it refuses. All custom sections are dropped from the result,
the names among them unless asked to keep them.

    python -m guest.stop_checks IN OUT --skip JS_CallInternal --look JS_GetPropertyInternal

Standard library only.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .binary import (
    BLOCK_TYPE,
    BRANCH_TABLE,
    CALL,
    CALLS,
    CODE_SECTION,
    CUSTOM_SECTION,
    DROP,
    END,
    I32,
    I32_CONST,
    I32_GT_U,
    I32_LOAD,
    IF,
    LOOP,
    MEMORY_COPY,
    MEMORY_FILL,
    UNREACHABLE,
    VOID,
    PassError,
    Reader,
    block,
    skip_locals,
    unsigned,
    vector,
    write,
)
from .module import Module

if TYPE_CHECKING:
    from collections.abc import Iterable

STOP_WORD = "guest_hard_stop"
CHECK = ("host", "check")
LOOK_PLACE, STOP_PLACE = 0, 3
"""What a check tells the host of itself: CHECK_LOOK and CHECK_STOP of header.h."""
LOOK_WORD = 1
"""The value of the word that asks for a look; what is above it is a stop."""
STOPPABLE = frozenset({LOOP, MEMORY_COPY, MEMORY_FILL})


def stop_check(address: int, check: int) -> bytes:
    """What is inserted into loops; it leaves the operand stack as it was."""
    load = bytes([I32_CONST, 0, I32_LOAD, 2]) + unsigned(address)
    condition = load + bytes([I32_CONST, LOOK_WORD, I32_GT_U, IF, VOID])
    call = bytes([I32_CONST, STOP_PLACE, CALL]) + unsigned(check)
    return condition + call + bytes([DROP, UNREACHABLE, END])


def look_check(address: int, check: int) -> bytes:
    """What is inserted at the head of a function; it leaves the operand stack as it was."""
    condition = bytes([I32_CONST, 0, I32_LOAD, 2]) + unsigned(address) + bytes([IF, VOID])
    call = bytes([I32_CONST, LOOK_PLACE, CALL]) + unsigned(check)
    return condition + call + bytes([DROP, END])


def stop_places(body: bytes) -> list[int]:
    """Where in a function's body stop checks belong: after each loop's head, before bulk moves.

    Raises:
        PassError: the body has an opcode that is unknown here.
    """
    reader = Reader(body)
    skip_locals(reader)
    opcode = None
    places = []
    while not reader.at_end:
        start = reader.at
        opcode = reader.instruction()
        if opcode in STOPPABLE:
            places.append(reader.at if opcode == LOOP else start)
    if opcode != END:
        raise PassError("a function does not end with `end`")
    return places


def spared_loops(body: bytes) -> set[int]:
    """Where those of the interpreter's loops begin that get no checks.

    They are the ones around the dispatch, which is the jump with the most targets, and those that
    have neither loop nor call in them.

    Raises:
        PassError: the body has an opcode that is unknown here, or no such jump in a loop.
    """
    reader = Reader(body)
    skip_locals(reader)
    open_blocks: list[int | None] = [None]  # the function's own; a loop's place, else None
    most, dispatch, plain = 0, set[int](), set[int]()
    while not reader.at_end:
        start = reader.at
        opcode = reader.instruction()
        loops = {place for place in open_blocks if place is not None}
        if opcode == LOOP or opcode in CALLS:
            plain -= loops
        if opcode == LOOP:
            plain.add(reader.at)
        if opcode in BLOCK_TYPE:
            open_blocks.append(reader.at if opcode == LOOP else None)
        elif opcode == END:
            open_blocks.pop()
        elif opcode == BRANCH_TABLE and reader.at - start > most:
            most, dispatch = reader.at - start, loops
    if not dispatch:
        raise PassError("the interpreter has no dispatch in a loop")
    return dispatch | plain


def insert(body: bytes, places: Iterable[int], piece: bytes) -> bytes:
    """Return the body with the piece at each of the places, which are in order."""
    pieces, last = [], 0
    for place in places:
        pieces += [body[last:place], piece]
        last = place
    return b"".join([*pieces, body[last:]])


def insert_checks(
    content: bytes, skip: str, look: Iterable[str] = (), *, keep_names: bool = False
) -> bytes:
    """Return the module with stop checks, and looks in the functions of `look`.

    In the function `skip` the loops around its dispatch get no checks, nor do its plainest ones.

    Raises:
        PassError: the module is not what the pass was made for, or a name is not one function's.
    """
    module = Module.parse(content)
    address = module.address_of(STOP_WORD)
    check = module.import_named(CHECK, bytes([1, I32, 1, I32]))
    skipped = module.function_named(skip)
    lookers = {module.function_named(name) for name in look}
    functions = []
    for index, body in enumerate(module.functions):
        places = stop_places(body)
        if index == skipped:
            spared = spared_loops(body)
            places = [place for place in places if place not in spared]
        new = insert(body, places, stop_check(address, check))
        if index in lookers:
            reader = Reader(new)
            skip_locals(reader)
            new = insert(new, [reader.at], look_check(address, check))
        functions.append(new)
    code = vector([block(body) for body in functions])
    return write(
        [
            (number, code if number == CODE_SECTION else section)
            for number, section in module.sections
            if number != CUSTOM_SECTION or (keep_names and Reader(section).name() == "name")
        ]
    )


def main() -> int:
    """Run the pass on a file; the exit status is 1 if it was refused."""
    parser = argparse.ArgumentParser(description="Insert stop checks into a WebAssembly module.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--skip", required=True, help="the function whose dispatch gets no checks")
    parser.add_argument("--look", nargs="*", default=[], help="functions that begin with a look")
    parser.add_argument("--keep-names", action="store_true", help="keep the name section")
    options = parser.parse_args()
    try:
        content = options.source.read_bytes()
        result = insert_checks(content, options.skip, options.look, keep_names=options.keep_names)
    except PassError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    options.target.write_bytes(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
