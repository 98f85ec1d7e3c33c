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
import struct
import sys
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
INPUT = struct.Struct("<II")
"""The fields at INPUT_PTR: where the buffer is, and how much it takes."""
STACK = 128 * 1024
FAILED = 1 << 63


class Played(NamedTuple):
    """What came of a scene.

    Attributes:
        blocks: What boot had asked for.
        words: The addresses of what was written to since.
        slots: Of the table, those by which functions were called.
    """

    blocks: list[BootBlock]
    words: set[int]
    slots: set[int]


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
        at = self._put(memory, caller, reply)
        return len(reply) << 32 | at

    def _put(
        self, memory: wasmtime.Memory, store: wasmtime.Store | wasmtime.Caller, content: bytes
    ) -> int:
        # Into the input buffer; returns where that is.
        start = self._header + INPUT_PTR
        at, capacity = INPUT.unpack(memory.read(store, start, start + INPUT.size))
        if len(content) > capacity:
            raise PassError(f"a scene puts {len(content)} bytes into a buffer of {capacity}")
        memory.write(store, content, at)
        return int(at)

    def play(self, scene: tuple[Step, ...]) -> Played:
        """Boot and play a scene.

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
        marks = bytes(traces.read(guest.store, 0, size))
        words = {found.start() * WORD for found in re.finditer(b"\1", marks[SLOTS:])}
        slots = {found.start() for found in re.finditer(b"\1", marks[:SLOTS])}
        return Played(guest.blocks, words, slots)

    def _take(self, guest: Booted, step: Step) -> None:
        self._put(guest.memory(), guest.store, b"".join(step.texts))
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


@dataclass
class Heat:
    """How often something was written to.

    Attributes:
        scenes: How many there were.
        blocks: By number: how many of them wrote to the block.
        words: By address: how many of them wrote to the word.
    """

    scenes: int = 0
    blocks: Counter[int] = field(default_factory=Counter)
    words: Counter[int] = field(default_factory=Counter)

    def note(self, blocks: list[BootBlock], words: set[int]) -> None:
        """Count what a scene wrote to."""
        self.scenes += 1
        self.blocks.update(blocks_written(blocks, words))
        self.words.update(words)

    def centre(self, block: BootBlock) -> float:
        """Where in a block that is hot its writes are, on average."""
        counts = {at - block.address: self.words[at] for at in block.words()}
        return sum(at * count for at, count in counts.items()) / sum(counts.values())


def order(blocks: list[BootBlock], heat: Heat) -> list[HotBlock]:
    """The blocks that were written to, in the order in which they shall lie.

    First what most scenes wrote to: small blocks, the hottest in front; then large ones, of which
    only a part is written to, such that those parts are near to each other. Behind them the rest.
    """

    def place(number: int) -> tuple[bool, bool, float, int]:
        usual = heat.blocks[number] > heat.scenes // 2
        large = usual and blocks[number].size > LARGE
        rank = -heat.centre(blocks[number]) if large else -float(heat.blocks[number])
        return (not usual, large, rank, number)

    return [HotBlock(number, blocks[number].size) for number in sorted(heat.blocks, key=place)]


def rehearse(content: bytes) -> tuple[list[HotBlock], list[int]]:
    """Play all scenes.

    Returns:
        The blocks of the boot that were written to, as they shall lie; and the slots of the table
        by which functions were called.

    Raises:
        PassError: It is no guest, or a scene did not end as it says.
    """
    import wasmtime

    heat = Heat()
    called: set[int] = set()
    try:
        stage = Stage(content)
        for scene in SCENES:
            blocks, words, slots = stage.play(scene)
            heat.note(blocks, words)
            called |= slots
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        raise PassError(f"the rehearsal failed: {error}") from error
    return order(blocks, heat), sorted(called)


def main() -> int:
    """Run the step on a file; the exit status is 1 if it was refused."""
    parser = argparse.ArgumentParser(description="Find out which blocks of the image are hot.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    try:
        blocks, slots = rehearse(options.source.read_bytes())
    except PassError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    found = {"blocks": [[each.number, each.size] for each in blocks], "slots": slots}
    options.target.write_text(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
