"""The allocator against a model: nothing overlaps or changes by itself, all of it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Library

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Compiled

MIB = 1 << 20
OVERHEAD = 4


@pytest.fixture(scope="session")
def module(compile_c: Callable[..., Compiled]) -> Compiled:
    return compile_c("alloc_exports.c")


class Heap(Library):
    """The allocator beside a model of it: what each block in use holds."""

    def __init__(self, module: Compiled, *, memory_limit_bytes: int | None = None) -> None:
        super().__init__(module, memory_limit_bytes=memory_limit_bytes)
        self.blocks: dict[int, bytes] = {}
        self.refused = 0

    def ask(self, name: str, *args: int) -> int:
        return int(self.call(name, *args))

    def take(self, block: int, asked: int) -> None:
        usable = self.ask("usable", block)
        assert block % 16 == 0
        assert usable >= asked
        for other, content in self.blocks.items():
            assert other + len(content) <= block or block + usable <= other, "blocks overlap"
        content = bytes([len(self.blocks) % 255 + 1]) * usable
        self.write(block, content)
        self.blocks[block] = content

    def alloc(self, size: int, *, cleared: bool = False) -> int:
        block = self.ask("calloc_", 1, size) if cleared else self.ask("alloc", size)
        if not block:
            self.refused += 1
        else:
            if cleared:
                assert not any(self.read(block, self.ask("usable", block)))
            self.take(block, size)
        self.check()
        return block

    def realloc(self, block: int, size: int) -> int:
        moved = self.ask("realloc_", block, size)
        if not moved:
            self.refused += 1
        else:
            old = self.blocks.pop(block)
            kept = min(len(old), size)
            assert self.read(moved, kept) == old[:kept]
            self.take(moved, size)
        self.check()
        return moved

    def free(self, block: int) -> None:
        assert self.read(block, len(self.blocks[block])) == self.blocks.pop(block)
        self.ask("free_", block)
        self.check()

    def check(self) -> None:
        assert self.ask("used") == sum(len(c) + OVERHEAD for c in self.blocks.values())
        assert self.ask("refused") == self.refused

    def pick(self, number: int) -> int:
        return list(self.blocks)[number % len(self.blocks)]


SIZES = st.one_of(
    st.integers(0, 80), st.integers(0, 5000), st.integers(0, 200_000), st.integers(0, 2**32 - 1)
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["alloc", "alloc", "calloc", "free", "realloc", "somebody grows"]),
        SIZES,
        st.integers(0, 1000),
    ),
    max_size=120,
)


def follow(heap: Heap, steps: list[tuple[str, int, int]]) -> None:
    for step, size, number in steps:
        if step == "somebody grows":
            if number < 50:
                heap.memory.grow(heap.store, 1)
        elif step in ("alloc", "calloc") or not heap.blocks:
            heap.alloc(size, cleared=step == "calloc")
        elif step == "free":
            heap.free(heap.pick(number))
        else:
            heap.realloc(heap.pick(number), size)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, limit=st.sampled_from([64 * 1024, MIB, 8 * MIB]))
def test_any_use_of_it_agrees_with_the_model(
    module: Compiled, steps: list[tuple[str, int, int]], limit: int
) -> None:
    heap = Heap(module)
    heap.ask("set_limit", limit)
    follow(heap, steps)
    assert heap.ask("peak") <= limit
    for block in list(heap.blocks):
        heap.free(block)
    assert heap.ask("used") == 0


@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_it_lives_with_a_memory_that_the_host_does_not_let_grow(
    module: Compiled, steps: list[tuple[str, int, int]]
) -> None:
    follow(Heap(module, memory_limit_bytes=2 * MIB), steps)


def test_what_was_freed_is_one_block_again(module: Compiled) -> None:
    heap = Heap(module)
    blocks = [heap.alloc(size) for size in range(1, 20_000, 97)]
    before = heap.ask("bytes")
    for block in blocks[::2] + blocks[1::2]:
        heap.free(block)
    heap.alloc(sum(range(1, 20_000, 97)))
    assert heap.ask("bytes") == before


def test_a_block_at_the_end_grows_in_place(module: Compiled) -> None:
    heap = Heap(module)
    block = heap.alloc(1000)
    for size in range(10_000, 1_000_000, 50_000):
        assert heap.realloc(block, size) == block


def test_memory_is_asked_for_in_steps(module: Compiled) -> None:
    heap = Heap(module)
    sizes = set()
    for _ in range(2000):
        heap.ask("alloc", 4096)
        sizes.add(heap.ask("bytes"))
    assert len(sizes) < 50
    assert heap.ask("bytes") < 2000 * 4096 * 1.25


def test_memory_does_not_grow_past_the_limit_in_advance(module: Compiled) -> None:
    heap = Heap(module)
    heap.ask("set_limit", 4 * MIB)
    while heap.ask("alloc", 10_000):
        pass
    assert heap.ask("used") > 4 * MIB - 20_000
    assert heap.ask("bytes") <= 4 * MIB + 4 * 65536


def test_a_refused_request_changes_nothing(module: Compiled) -> None:
    heap = Heap(module)
    heap.ask("set_limit", 100_000)
    block = heap.alloc(60_000)
    assert not heap.alloc(60_000)
    assert not heap.realloc(block, 120_000)
    assert not heap.ask("calloc_", 0x10000, 0x10001)  # more than 32 bits
    heap.refused += 1
    heap.free(block)
    assert heap.alloc(60_000)


def test_a_limit_that_was_lowered_below_what_is_used_refuses(module: Compiled) -> None:
    heap = Heap(module)
    block = heap.alloc(60_000)
    heap.ask("set_limit", 1000)
    assert not heap.alloc(16)
    assert heap.realloc(block, 500) == block
    assert heap.alloc(16)


@pytest.mark.parametrize("size", [0x7FFF0000, 0x7FFF0001, 0xFFFFFFF0, 0xFFFFFFFF])
def test_absurd_sizes_are_refused(module: Compiled, size: int) -> None:
    heap = Heap(module, memory_limit_bytes=64 * MIB)
    assert not heap.alloc(size)
    assert not heap.realloc(heap.alloc(1), size)
