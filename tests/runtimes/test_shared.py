"""`SharedBuffer` by itself: its memory, its view, what it refuses."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys

import pytest

from runtimes import SharedBuffer, _pages

pytestmark = pytest.mark.skipif(not _pages.SUPPORTED, reason="Linux only")


def open_files() -> int:
    """How many files of no name this process has open for shared buffers."""
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:  # the one that listed them
            continue
    return sum("jsactors-shared" in link for link in links)


def maps() -> int:
    """How many maps of such files this process has."""
    with open("/proc/self/maps") as lines:
        return sum("memfd:jsactors-shared" in line for line in lines)


def test_it_is_zero_at_first_and_as_long_as_asked() -> None:
    buffer = SharedBuffer(5000)
    assert len(buffer) == buffer.view.nbytes == 5000
    assert not any(buffer.view)


def test_its_view_is_writable_and_shows_one_memory() -> None:
    buffer = SharedBuffer(8)
    buffer.view.cast("d")[0] = 1.5
    assert buffer.view.cast("d")[0] == 1.5
    assert repr(buffer).endswith("of 8 bytes>")


@pytest.mark.parametrize("size", [0, -1, 2**31, 10**30])
def test_a_size_that_makes_no_sense_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="n_bytes must be from 1 to 2147483647"):
        SharedBuffer(size)


@pytest.mark.parametrize("size", ["8", 8.0, True, None])
def test_a_size_that_is_no_int_is_refused(size: object) -> None:
    with pytest.raises(TypeError, match="n_bytes must be an int"):
        SharedBuffer(size)  # type: ignore[arg-type]


def test_its_memory_goes_with_the_last_view() -> None:
    gc.collect()  # what other tests have left
    files, before = open_files(), maps()
    buffer = SharedBuffer(100_000)
    buffer.view[7] = 9
    view = buffer.view
    assert (open_files(), maps()) == (files + 1, before + 1)
    del buffer
    gc.collect()
    assert view[7] == 9
    del view
    gc.collect()
    assert (open_files(), maps()) == (files, before)


def test_nobody_can_change_its_size() -> None:
    buffer = SharedBuffer(10_000)
    for size in (0, 1, 1_000_000):
        with pytest.raises(PermissionError):
            os.ftruncate(buffer._pages.fd, size)


def test_it_is_neither_copied_nor_pickled() -> None:
    buffer = SharedBuffer(1)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            attempt(buffer)


def test_it_equals_only_itself_and_can_be_a_key() -> None:
    one, other = SharedBuffer(1), SharedBuffer(1)
    assert one != other
    assert {one: 1, other: 2}[one] == 1


def test_an_unsupported_platform_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pages, "SUPPORTED", False)
    with pytest.raises(NotImplementedError, match="needs Linux; send bytes instead"):
        SharedBuffer(1)


def test_no_memory_for_it_is_an_os_error_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gc.collect()  # what other tests have left
    files, before = open_files(), maps()

    def refuse(*_: object) -> None:
        raise OSError(12, "no memory")

    monkeypatch.setattr(_pages, "_map", refuse)
    with pytest.raises(OSError, match="no memory"):
        SharedBuffer(1)
    gc.collect()
    assert (open_files(), maps()) == (files, before)


def test_a_forked_child_sees_the_same_memory() -> None:
    program = """
import os
from runtimes import SharedBuffer
buffer = SharedBuffer(16)
child = os.fork()
if not child:
    buffer.view[3] = 7
    del buffer
    os._exit(0)
os.waitpid(child, 0)
assert buffer.view[3] == 7
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
