"""Booting a guest at build time: an instance that runs `guest_boot`, and what that leaves behind.

The clock that the guest sees here always stands at the same moment, and nothing else of the world
reaches it, so that it boots in the same way each time. What `guest_boot` gets and returns lies on
the stack, far from where that is used, and is dead memory after it.

wasmtime is imported.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
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
    unsigned,
    vector,
    write,
)
from .checks import CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import wasmtime

BOOT_TIME_NS = 1_000_000_000 * 10**9
"""What the guest takes for now: some moment, as good as any other, of 2001."""

HOT_AT, BLOCKS_AT = 4096, 65536
"""Where the lists of `guest_boot` lie."""
HOT, BLOCK = struct.Struct("<II4x"), struct.Struct("<II")
"""HotBlock and BootBlock of layout.h."""


INITIALIZE, BOOT = "_initialize", "guest_boot"
"""Exports that are called in this order, if they are there, and are not in an image."""


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


@dataclass(frozen=True)
class BootBlock:
    """A block that boot asked for. Its number, which no layout changes, is its place among them.

    Attributes:
        address: Where it lies, or lay: it may have been freed since.
        size: Bytes that its owner may use.
    """

    address: int
    size: int

    def words(self) -> range:
        """The addresses of its words."""
        return range(self.address, self.address + self.size, 4)


@dataclass(frozen=True)
class HotBlock:
    """A block that shall lie among those that runtimes write to."""

    number: int
    size: int


class Booted:
    """A booted instance.

    Attributes:
        store: What it lives in.
        exports: What it exports.
        blocks: What it asked for while it booted.
    """

    def __init__(
        self, linker: wasmtime.Linker, store: wasmtime.Store, module: wasmtime.Module
    ) -> None:
        """Make an instance; `boot` boots it."""
        self.store = store
        self.exports = linker.instantiate(store, module).exports(store)
        self.blocks: list[BootBlock] = []

    def call(self, name: str, *arguments: int) -> int:
        """Call an export; what it returns is taken for unsigned, and nothing for 0.

        Raises:
            PassError: There is no such export.
        """
        import wasmtime

        function = self.exports.get(name)
        if not isinstance(function, wasmtime.Func):
            raise PassError(f"the module exports no function {name}")
        result = function(self.store, *arguments)
        assert result is None or isinstance(result, int)
        return (result or 0) & 0xFFFFFFFFFFFFFFFF

    def memory(self, name: str = "memory") -> wasmtime.Memory:
        """One of its memories."""
        import wasmtime

        found = self.exports[name]
        assert isinstance(found, wasmtime.Memory)
        return found

    def read(self, start: int, end: int | None = None) -> bytes:
        """Copy some of its memory."""
        memory = self.memory()
        stop = memory.data_len(self.store) if end is None else end
        return bytes(memory.read(self.store, start, stop))

    def global_value(self, name: str) -> int:
        """The value of an exported global."""
        import wasmtime

        found = self.exports[name]
        assert isinstance(found, wasmtime.Global)
        value = found.value(self.store)
        assert isinstance(value, int)
        return value

    def boot(self, hot: Sequence[HotBlock] = ()) -> None:
        """Boot, if it is a guest that has not booted yet.

        Raises:
            PassError: It says that it failed, or has more hot blocks than there is room for.
        """
        if INITIALIZE in self.exports:
            self.call(INITIALIZE)
        if BOOT not in self.exports:
            return
        listed = b"".join(HOT.pack(each.number, each.size) for each in hot)
        if HOT_AT + len(listed) > BLOCKS_AT:
            raise PassError(f"{len(hot)} blocks are more than boot can place")
        self.memory().write(self.store, listed, HOT_AT)
        count = self.call(BOOT, HOT_AT, len(hot), BLOCKS_AT)
        if not count:
            raise PassError(f"{BOOT} failed")
        found = self.read(BLOCKS_AT, BLOCKS_AT + count * BLOCK.size)
        self.blocks = [BootBlock(*fields) for fields in BLOCK.iter_unpack(found)]


def clock_linker(engine: wasmtime.Engine) -> wasmtime.Linker:
    """A linker that has the clock, which stands still."""
    import wasmtime

    linker = wasmtime.Linker(engine)
    i32, i64 = wasmtime.ValType.i32, wasmtime.ValType.i64
    kind = wasmtime.FuncType([i32(), i64(), i32()], [i32()])
    linker.define_func(*CLOCK, kind, tell_time, access_caller=True)
    return linker


def tell_time(caller: wasmtime.Caller, _clock: int, _precision: int, at: int) -> int:
    """Serve the clock: it is always the same moment."""
    import wasmtime

    memory = caller["memory"]
    assert isinstance(memory, wasmtime.Memory)
    memory.write(caller, BOOT_TIME_NS.to_bytes(8, "little"), at & 0xFFFFFFFF)
    return 0
