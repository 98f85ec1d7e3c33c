"""Shared memory: when it ends, and that nothing of it is left to others."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from runtimes import (
    ConversionError,
    JSError,
    MemoryLimitError,
    QuickJSRuntime,
    RuntimeOptions,
    SharedBuffer,
    TimeoutExceeded,
    _pages,
    encode_args,
)
from runtimes.quickjs._guest import Guest

from .sharing import MIB, make, maps

pytestmark = pytest.mark.skipif(not _pages.SUPPORTED, reason="Linux only")


@pytest.fixture
def runtime() -> Iterator[QuickJSRuntime]:
    with make() as made:
        yield made


@pytest.fixture
def buffer() -> SharedBuffer:
    return SharedBuffer(100)


# -- its end


def test_a_script_that_drops_it_gives_its_memory_back(runtime: QuickJSRuntime) -> None:
    before = runtime.collect_garbage()
    buffer = SharedBuffer(MIB)
    runtime.call_function("keep", [buffer])
    assert maps(buffer) == 2
    assert runtime.memory_used > before + MIB
    runtime.evaluate("kept = undefined")
    assert maps(buffer) == 1
    assert runtime.collect_garbage() < before + 4096


def test_what_only_a_cycle_holds_goes_with_the_garbage(
    runtime: QuickJSRuntime, buffer: SharedBuffer
) -> None:
    runtime.evaluate("function knot(x) { const a = { x }; a.a = a } 0")
    runtime.call_function("knot", [buffer])
    assert maps(buffer) == 2
    runtime.collect_garbage()
    assert maps(buffer) == 1


def test_an_error_or_a_result_too_large_gives_it_back_too(
    runtime: QuickJSRuntime, buffer: SharedBuffer
) -> None:
    runtime.evaluate("function fail(x) { throw new Error('no') }")
    with pytest.raises(JSError):
        runtime.call_function("fail", [buffer])
    with pytest.raises(ConversionError):
        runtime.call_function("same", [buffer, object()])
    assert runtime.evaluate("1") == 1
    assert maps(buffer) == 1


def test_javascript_keeps_it_alive_when_python_has_dropped_it(runtime: QuickJSRuntime) -> None:
    runtime.call_function("keep", [SharedBuffer(10)])
    runtime.evaluate("new Uint8Array(kept)[3] = 4")
    gc.collect()
    buffer = runtime.evaluate("kept")
    assert buffer.view[3] == 4


def test_memory_that_was_shared_is_used_again_by_its_runtime_alone(
    runtime: QuickJSRuntime,
) -> None:
    buffer = SharedBuffer(MIB)
    for round_ in range(1, 20):
        buffer.view[:] = bytes([round_]) * MIB
        runtime.call_function("keep", [buffer])
        runtime.evaluate("kept = undefined; var all = []")
        source = "for (let i = 0; i < 3; i++) all.push(new Uint8Array(1 << 20).fill(255)); all = []"
        runtime.evaluate(source)
        assert set(buffer.view) == {round_}


def test_garbage_is_collected_in_time_beside_a_large_buffer() -> None:
    buffer = SharedBuffer(12 * MIB)
    with make(memory_limit_bytes=16 * MIB, globals={"b": buffer}) as runtime:
        source = (
            "for (let i = 0; i < 20000; i++) { const a = { t: 'x'.repeat(1000) + i }; a.a = a } 0"
        )
        runtime.evaluate(source)
        assert runtime.evaluate("b.byteLength") == 12 * MIB


def test_growing_memory_does_not_disturb_it(runtime: QuickJSRuntime, buffer: SharedBuffer) -> None:
    runtime.set_global("b", buffer)
    runtime.evaluate("const bytes = new Uint8Array(b); const grown = new ArrayBuffer(3e7)")
    buffer.view[5] = 6
    assert runtime.evaluate("bytes[5]") == 6
    runtime.evaluate("bytes[6] = 7")
    assert buffer.view[6] == 7


def test_one_that_does_not_fit_is_a_memory_error_and_the_runtime_goes_on() -> None:
    large = SharedBuffer(8 * MIB)
    with make(memory_limit_bytes=4 * MIB) as runtime:
        with pytest.raises(MemoryLimitError, match="8388608 bytes does not fit") as caught:
            runtime.set_global("b", large)
        assert caught.value.limit_bytes == 4 * MIB
        with pytest.raises(MemoryLimitError):
            runtime.call_function("same", encode_args([large]))
        assert runtime.evaluate("try { null.x } catch (e) { e.name }") == "TypeError"
        assert maps(large) == 1


def test_a_system_without_maps_left_is_a_memory_error(
    runtime: QuickJSRuntime, buffer: SharedBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    before = runtime.collect_garbage()
    monkeypatch.setattr(_pages.Pages, "map_over", refuse)
    with pytest.raises(MemoryLimitError, match="cannot be mapped: Cannot allocate memory"):
        runtime.set_global("b", buffer)
    monkeypatch.undo()
    assert runtime.collect_garbage() == before
    assert runtime.call_function("same", [buffer]) is buffer


def test_ctrl_c_in_the_midst_leaves_it_whole(
    runtime: QuickJSRuntime, buffer: SharedBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    map_over = _pages.Pages.map_over

    def interrupt_after(pages: _pages.Pages, address: int) -> None:
        map_over(pages, address)
        raise KeyboardInterrupt

    monkeypatch.setattr(_pages.Pages, "map_over", interrupt_after)
    with pytest.raises(KeyboardInterrupt):
        runtime.set_global("b", buffer)
    monkeypatch.undo()
    buffer.view[0] = 5
    assert runtime.call_function("same", [buffer]) is buffer
    runtime.set_global("b", buffer)
    assert runtime.evaluate("new Uint8Array(b)[0]") == 5


def test_a_thousand_buffers_come_and_go(runtime: QuickJSRuntime) -> None:
    buffers = [SharedBuffer(1 + i) for i in range(1000)]
    runtime.call_function("keep", [buffers])
    runtime.evaluate("kept.forEach((b, i) => { new Uint8Array(b)[i] = i % 251 })")
    assert [buffer.view[i] for i, buffer in enumerate(buffers)] == [i % 251 for i in range(1000)]
    assert runtime.evaluate("kept")[999] is buffers[999]
    assert maps(*buffers) >= 1000
    runtime.evaluate("kept = undefined")
    assert not runtime._guest.shares_memory
    del buffers


# -- isolation


def test_after_close_its_place_shows_zeros() -> None:
    buffer = SharedBuffer(5000)
    buffer.view[:] = b"s" * 5000
    runtime = make(globals={"b": buffer})
    memory = runtime._guest._instance.memory
    at = bytes(memory).index(b"s" * 5000)
    held = memory[at : at + 5000]  # a slice that is kept keeps the memory mapped
    del memory
    assert runtime._guest.shares_memory
    runtime.close()
    assert bytes(held) == bytes(5000)
    assert set(buffer.view) == {ord("s")}


@pytest.mark.parametrize("way", ["close", "drop", "break"])
def test_no_later_runtime_sees_what_was_in_it(way: str) -> None:
    marker = b"-- only for those it was passed to --" * 100
    buffer = SharedBuffer(len(marker))
    buffer.view[:] = marker
    runtime = make(globals={"b": buffer}, timeout=0.05, hard_stop_grace=0)
    if way == "break":
        with pytest.raises(TimeoutExceeded):
            runtime.evaluate("Array.prototype.reverse.call({ length: 2 ** 53 - 1 })")
    if way != "drop":
        runtime.close()
    del runtime
    gc.collect()
    assert maps(buffer) == 1
    for number in range(50):
        with QuickJSRuntime() if number % 2 else make() as later:
            later.evaluate("const grown = new ArrayBuffer(1e6)")
            assert marker[:40] not in bytes(later._guest._instance.memory)
    assert bytes(buffer.view) == marker


def test_it_says_whether_its_memory_is_shared(
    runtime: QuickJSRuntime, buffer: SharedBuffer
) -> None:
    assert not runtime._guest.shares_memory
    runtime.call_function("keep", [buffer])
    assert runtime._guest.shares_memory
    runtime.evaluate("kept = 1")
    assert not runtime._guest.shares_memory


@pytest.mark.parametrize("layer", ["raw", "plain"])
def test_both_layers_share_and_leave_nothing(layer: str) -> None:
    program = """
import gc
from runtimes import QuickJSRuntime, RuntimeOptions, SharedBuffer

def maps():
    return sum("memfd:jsactors-shared" in line for line in open("/proc/self/maps"))

buffer = SharedBuffer(10_000)
options = RuntimeOptions(allocation="on_demand", globals={"b": buffer})
for close in (True, False):
    runtime = QuickJSRuntime(options)
    assert runtime.evaluate("new Uint8Array(b)[9999] += 1; b") is buffer
    assert maps() == 2
    if close:
        runtime.close()
        assert maps() == 1
    del runtime
    gc.collect()
    assert maps() == 1
assert buffer.view[9999] == 2
"""
    environment = {**os.environ, "JSACTORS_LAYER": layer}
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env=environment)


def test_parent_and_child_of_a_fork_go_on_sharing() -> None:
    program = """
import os
from runtimes import QuickJSRuntime, RuntimeOptions, SharedBuffer

buffer = SharedBuffer(16)
options = RuntimeOptions(allocation="on_demand", globals={"b": buffer})
parents = QuickJSRuntime(options)
child = os.fork()
with QuickJSRuntime(options) if not child else parents as runtime:
    runtime.evaluate("Atomics.add(new Int32Array(b), 0, 1)")
if not child:
    del parents
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert buffer.view.cast("i")[0] == 2
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_run_while_arguments_are_encoded_takes_no_buffer_of_theirs_away() -> None:
    runtime = QuickJSRuntime(RuntimeOptions(allocation="on_demand"))

    class Running(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return runtime.evaluate("1")

        def __iter__(self) -> Iterator[str]:
            return iter("a")

        def __len__(self) -> int:
            return 1

    with runtime:
        runtime.evaluate("function size(buffer, other) { return buffer.byteLength + other.a }")
        assert runtime.call_function("size", [SharedBuffer(8), Running()]) == 9


def test_a_buffer_that_was_interrupted_on_its_way_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = QuickJSRuntime(RuntimeOptions(allocation="on_demand"))
    with runtime:
        call = Guest._call

        def interrupted(guest: Guest, export: str, *numbers: int) -> int:
            if export == "guest_share":
                raise KeyboardInterrupt
            return call(guest, export, *numbers)

        monkeypatch.setattr(Guest, "_call", interrupted)
        with pytest.raises(KeyboardInterrupt):
            runtime.set_global("buffer", SharedBuffer(8))
        monkeypatch.undo()
        runtime.evaluate("1")
        assert not runtime._guest.shares_memory
