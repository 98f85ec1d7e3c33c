"""The step that finds out what runtimes write to, so that it can lie together in the image.

A traced guest (tracing.py) boots and plays small scenes, each in an instance of its own: what a
runtime does with its first scripts. A block of the boot that a scene wrote to is *hot*, the more
the more scenes wrote to it. The list of the hot ones, hottest first, is what `guest_boot` wants for
the image (layout.h). Whatever it says, the image is right; it only decides which pages are written.

    python -m guest.rehearsal IN OUT

wasmtime is imported.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from bisect import bisect_right
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from .binary import PassError
from .booting import BootBlock, Booted, HotBlock, clock_linker
from .scenes import IMPORTED, SCENES
from .tracing import SLOTS, TRACES, WORD, traced

if TYPE_CHECKING:
    import wasmtime

    from .scenes import Step

LARGE = 1024
"""Bytes of a block of which, as a rule, only parts are written to."""
INPUT_PTR, STACK_BYTES = 12, 40
"""Offsets in the header."""
STACK = 128 * 1024
FAILED = 1 << 63


class Stage:
    """Where scenes are played: a traced guest, and a host that answers by heart."""

    def __init__(self, content: bytes) -> None:
        """Trace and compile the guest."""
        import wasmtime

        config = wasmtime.Config()
        config.wasm_multi_memory = True
        config.cranelift_opt_level = "none"  # it runs for less time than it is compiled
        self._engine = wasmtime.Engine(config)
        self._module = wasmtime.Module(self._engine, traced(content))
        self._header = 0
        self._linker = clock_linker(self._engine)
        i32, i64 = wasmtime.ValType.i32, wasmtime.ValType.i64
        answers = {
            "call": (lambda caller, *_: self._reply(caller, b"\xc0"), 3, i64),
            "resolve": (lambda caller, *_: self._reply(caller, pack_text("lib.js")), 2, i64),
            "source": (lambda caller, *_: self._reply(caller, pack_text(IMPORTED)), 2, i64),
            "console": (lambda *_: 0, 3, i32),
            "check": (lambda *_: 0, 1, i32),
        }
        for name, (answer, count, result) in answers.items():
            kind = wasmtime.FuncType([i32()] * count, [result()])
            self._linker.define_func("host", name, kind, answer, access_caller=True)

    def _reply(self, caller: wasmtime.Caller, reply: bytes) -> int:
        import wasmtime

        memory = caller["memory"]
        assert isinstance(memory, wasmtime.Memory)
        at = int.from_bytes(
            memory.read(caller, self._header + INPUT_PTR, self._header + INPUT_PTR + 4), "little"
        )
        memory.write(caller, reply, at)
        return len(reply) << 32 | at

    def play(self, scene: tuple[Step, ...]) -> tuple[list[BootBlock], set[int]]:
        """Boot and play a scene: what boot asked for, and the addresses of words written to since.

        Raises:
            PassError: A step did not end as the scene says.
        """
        import wasmtime

        guest = Booted(self._linker, wasmtime.Store(self._engine), self._module)
        guest.boot()
        self._header = guest.global_value("guest_header")
        traces = guest.memory(TRACES)
        size = traces.data_len(guest.store)
        traces.write(guest.store, bytes(size), 0)
        guest.memory().write(guest.store, STACK.to_bytes(4, "little"), self._header + STACK_BYTES)
        guest.call("guest_adopt", 1)
        for step in scene:
            self._take(guest, step)
        marks = bytes(traces.read(guest.store, SLOTS, size))
        return guest.blocks, {found.start() * WORD for found in re.finditer(b"\1", marks)}

    def _take(self, guest: Booted, step: Step) -> None:
        at = int.from_bytes(
            guest.read(self._header + INPUT_PTR, self._header + INPUT_PTR + 4), "little"
        )
        guest.memory().write(guest.store, b"".join(step.texts), at)
        result = guest.call(step.export, *step.first, *map(len, step.texts))
        if bool(result & FAILED) != step.fails:
            start, length = result & 0xFFFFFFFF, result >> 32 & 0x7FFFFFFF
            said = guest.read(start, start + length)
            raise PassError(f"{step.export}{step.texts} did not end as the scene says: {said!r}")


def pack_text(text: str) -> bytes:
    """Encode a text as it crosses, in MessagePack."""
    content = text.encode()
    return b"\xd9" + bytes([len(content)]) + content


def blocks_written(blocks: list[BootBlock], words: set[int]) -> set[int]:
    """The numbers of the blocks that have one of the words."""
    newest = {block.address: number for number, block in enumerate(blocks)}
    starts = sorted(newest)
    found = set()
    for word in words:
        place = bisect_right(starts, word + WORD - 1) - 1
        if place >= 0 and word < starts[place] + blocks[newest[starts[place]]].size:
            found.add(newest[starts[place]])
    return found


def hot_blocks(content: bytes) -> list[HotBlock]:
    """Play all scenes; return the blocks of the boot that were written to, in the order to lie in.

    First what most scenes wrote to: small blocks, then large ones, of which only parts are written
    to, so that those parts are near to each other. Then the rest, by heat.

    Raises:
        PassError: It is no guest, or a scene did not end as it says.
    """
    stage = Stage(content)
    heat: Counter[int] = Counter()
    written: Counter[int] = Counter()
    for scene in SCENES:
        blocks, words = stage.play(scene)
        heat.update(blocks_written(blocks, words))
        written.update(words)

    def place(number: int) -> tuple[bool, bool, float, int]:
        block = blocks[number]
        usual, large = heat[number] > len(SCENES) // 2, block.size > LARGE
        rank = -float(heat[number])
        if usual and large:
            inside = {at - block.address: written[at] for at in block.words() if written[at]}
            rank = -sum(at * count for at, count in inside.items()) / sum(inside.values())
        return (not usual, usual and large, rank, number)

    return [HotBlock(number, blocks[number].size) for number in sorted(heat, key=place)]


def main() -> int:
    """Run the step on a file; the exit status is 1 if it was refused."""
    parser = argparse.ArgumentParser(description="Find out which blocks of the image are hot.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    try:
        found = hot_blocks(options.source.read_bytes())
    except PassError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    options.target.write_text(json.dumps([[each.number, each.size] for each in found]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
