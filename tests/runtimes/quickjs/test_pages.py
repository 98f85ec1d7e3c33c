"""Pages that differ from an image: found, taken, put back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.quickjs import _pages
from runtimes.quickjs._pages import PAGE, Image

N_PAGES = 12
pages = st.lists(st.sampled_from([0, 1, 2]), min_size=N_PAGES, max_size=N_PAGES)


def _memory(fills: list[int]) -> bytearray:
    return bytearray(b"".join(bytes([fill]) * PAGE for fill in fills))


@given(pages, pages, st.integers(0, N_PAGES), st.integers(1, N_PAGES))
def test_an_image_and_the_difference_make_the_memory_again(
    before: list[int], after: list[int], first: int, n_image: int
) -> None:
    n_image = max(n_image, first)
    image = _memory(before[:n_image])
    memory = _memory(after)
    runs = Image(bytes(image)).difference(memoryview(memory), first)
    assert _pages.are_runs(runs, first, N_PAGES)
    content = _pages.take(memoryview(memory), runs)
    assert len(content) == _pages.size_of(runs)

    restored = bytearray(bytes(image).ljust(len(memory), b"\0"))
    _pages.put(memoryview(restored), runs, content)
    assert restored[first * PAGE :] == memory[first * PAGE :]


def test_only_what_differs_is_taken() -> None:
    memory = _memory([1] * N_PAGES)
    memory[3 * PAGE] = 7
    memory[5 * PAGE - 1] = 7
    memory[-1] = 7
    runs = Image(bytes(_memory([1] * N_PAGES))).difference(memoryview(memory), 0)
    assert runs == [(3, 5), (N_PAGES - 1, N_PAGES)]


def test_one_bit_is_enough() -> None:
    for place in (0, 1, PAGE - 1):
        memory = _memory([0] * 2)
        memory[PAGE + place] ^= 0x80
        assert Image(bytes(2 * PAGE)).difference(memoryview(memory), 0) == [(1, 2)]


@pytest.mark.parametrize(
    "runs",
    [[(3, 3)], [(4, 3)], [(2, 5), (4, 6)], [(5, 6), (2, 3)], [(0, 2)], [(2, 13)], [(-3, 2)]],
    ids=str,
)
def test_runs_that_lie_are_known_as_such(runs: list[tuple[int, int]]) -> None:
    assert not _pages.are_runs(runs, 1, N_PAGES)
