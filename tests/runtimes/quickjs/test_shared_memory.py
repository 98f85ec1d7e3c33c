"""One memory in several runtimes: what they see of it, and that nothing of it stays behind."""

from __future__ import annotations

import gc
import pickle
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtimes import (
    BrokenRuntimeError,
    ConversionError,
    JSError,
    JSMap,
    QuickJSRuntime,
    RuntimeOptions,
    SharedBuffer,
    TimeoutExceeded,
    WrongThread,
    _pages,
    encode_args,
)
from runtimes.quickjs import _wire
from runtimes.quickjs._guest import Guest

from .sharing import MIB, make, maps

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not _pages.SUPPORTED, reason="Linux only")


@pytest.fixture
def runtime() -> Iterator[QuickJSRuntime]:
    with make() as made:
        yield made


@pytest.fixture
def buffer() -> SharedBuffer:
    return SharedBuffer(100)


# -- what it is


def test_it_is_a_shared_array_buffer_of_its_size(
    runtime: QuickJSRuntime, buffer: SharedBuffer
) -> None:
    runtime.set_global("b", buffer)
    source = "[b instanceof SharedArrayBuffer, b.byteLength, b.growable, String(b)]"
    assert runtime.evaluate(source) == [True, 100, False, "[object SharedArrayBuffer]"]


def test_what_one_writes_the_others_see(buffer: SharedBuffer) -> None:
    with make() as one, make() as other:
        for runtime in (one, other):
            runtime.set_global("b", buffer)
            runtime.evaluate("const bytes = new Uint8Array(b)")
        buffer.view[0] = 1
        one.evaluate("bytes[1] = bytes[0] + 1")
        other.evaluate("bytes[2] = bytes[1] + 1")
        assert one.evaluate("bytes[2]") == 3
        assert buffer.view[:4].tolist() == [1, 2, 3, 0]


def test_what_comes_back_is_the_same_object(runtime: QuickJSRuntime, buffer: SharedBuffer) -> None:
    assert runtime.call_function("same", [buffer]) is buffer
    back = runtime.call_function("same", [[buffer, {"k": buffer}, JSMap({"m": buffer}), {buffer}]])
    assert back[0] is back[1]["k"] is back[2]["m"] is buffer
    assert back[3] == {buffer}


def test_it_is_one_object_in_a_runtime_however_it_comes_in(
    runtime: QuickJSRuntime, buffer: SharedBuffer
) -> None:
    runtime.set_global("b", buffer)
    runtime.register("give", lambda: {"it": buffer})
    runtime.evaluate("function alike(x, y) { return x === b && y[0] === b && give().it === b }")
    assert runtime.call_function("alike", [buffer, [buffer]]) is True
    assert runtime.call_function("alike", encode_args([buffer, [buffer]])) is True
    assert maps(buffer) == 2


def test_a_host_function_gets_and_gives_it(runtime: QuickJSRuntime, buffer: SharedBuffer) -> None:
    seen: list[object] = []
    runtime.register("show", seen.append)
    runtime.register("give", lambda: buffer)
    assert runtime.evaluate("show([give()]); new Uint8Array(give())[9] = 5; give()") is buffer
    assert seen == [[buffer]]
    assert buffer.view[9] == 5


def test_an_option_hands_it_in(buffer: SharedBuffer) -> None:
    with make(globals={"b": buffer}) as runtime:
        runtime.evaluate("new Uint8Array(b).fill(3)")
    assert set(buffer.view) == {3}


def test_the_console_shows_it(buffer: SharedBuffer) -> None:
    events: list[Any] = []
    with make(console=events.append, globals={"b": buffer}) as runtime:
        runtime.evaluate("console.log(b)")
    assert events[0].arguments == (buffer,)


def test_a_typed_array_over_it_crosses_as_a_copy(
    runtime: QuickJSRuntime, buffer: SharedBuffer
) -> None:
    copied = runtime.call_function("same", [buffer])
    runtime.set_global("b", buffer)
    copied = runtime.evaluate("new Uint8Array(b, 0, 3)")
    buffer.view[0] = 8
    assert copied == b"\0\0\0"


leaves = st.sampled_from([-1, -2, -3, None, 1, "text", "\ud800", 2**70])
"""Numbers below zero stand for buffers, which no strategy may keep alive."""
nested = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4)
        | st.lists(st.tuples(leaves, inner), min_size=1, max_size=3).map(JSMap)
    ),
    max_leaves=12,
)


def _with_buffers(value: Any, buffers: list[SharedBuffer]) -> Any:
    if isinstance(value, list):
        return [_with_buffers(member, buffers) for member in value]
    if isinstance(value, JSMap):
        return JSMap([_with_buffers(list(pair), buffers) for pair in value])
    if isinstance(value, dict):
        return {key: _with_buffers(member, buffers) for key, member in value.items()}
    return buffers[value] if isinstance(value, int) and value < 0 else value


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(template=nested)
def test_it_goes_anywhere_inside_of_values(runtime: QuickJSRuntime, template: Any) -> None:
    value = _with_buffers(template, [SharedBuffer(size) for size in (1, 4096, 70_000)])
    for arguments in ([value], encode_args([value])):
        assert _shape(runtime.call_function("same", arguments)) == _shape(value)
    assert _shape(encode_args([value]).decode()) == _shape([value])


def _shape(value: Any) -> Any:
    """What a value consists of, whether its Map came back as a dict or not."""
    if isinstance(value, list):
        return [_shape(member) for member in value]
    if isinstance(value, JSMap):
        last = {(type(key), key): (key, member) for key, member in value}
        return ["map", *((key, _shape(member)) for key, member in last.values())]
    if isinstance(value, dict):
        kind = "object" if all(isinstance(key, str) for key in value) else "map"
        return [kind, *((key, _shape(member)) for key, member in value.items())]
    return value


# -- Atomics


@pytest.mark.parametrize("kind", ["Int32Array", "BigInt64Array", "Uint8Array", "Int16Array"])
def test_sums_of_atomics_are_exact_across_threads(kind: str) -> None:
    buffer, times = SharedBuffer(64), 50_000
    one = "1n" if kind.startswith("Big") else "1"
    source = f"const a = new {kind}(b); for (let i = 0; i < {times}; i++) Atomics.add(a, 1, {one})"
    together = threading.Barrier(4)

    def count() -> None:
        with make(globals={"b": buffer}) as runtime:
            together.wait(30)
            runtime.evaluate(source)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    formats = {"Int32Array": "i", "BigInt64Array": "q", "Uint8Array": "B", "Int16Array": "h"}
    cells = buffer.view[:].cast(formats[kind])
    wide = 8 * cells.itemsize
    assert cells[1] % 2**wide == 4 * times % 2**wide


def test_two_runtimes_hand_work_to_each_other_through_atomics(buffer: SharedBuffer) -> None:
    ping = """(me, rounds) => { const a = new Int32Array(b);
        for (let i = 0; i < rounds; i++) {
            while (Atomics.load(a, 0) !== me);
            a[1]++;
            Atomics.store(a, 0, 1 - me);
        } }"""
    together = threading.Barrier(2)

    def play(me: int) -> None:
        with make(globals={"b": buffer}) as runtime:
            function = runtime.evaluate(ping)
            together.wait(30)
            function(me, 3)

    threads = [threading.Thread(target=play, args=(me,)) for me in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert buffer.view.cast("i")[1] == 6


def test_waiting_is_refused_clearly_and_notify_wakes_nobody(
    runtime: QuickJSRuntime, buffer: SharedBuffer
) -> None:
    runtime.set_global("b", buffer)
    with pytest.raises(JSError, match=r"Atomics\.wait is not available: a runtime cannot block"):
        runtime.evaluate("Atomics.wait(new Int32Array(b), 0, 0)")
    with pytest.raises(JSError, match=r"Atomics\.wait is not available"):
        runtime.evaluate("Atomics.wait(new BigInt64Array(new SharedArrayBuffer(8)), 0, 0n, 1)")
    assert runtime.evaluate("Atomics.notify(new Int32Array(b), 0)") == 0


def test_an_endless_loop_of_atomics_is_stopped(buffer: SharedBuffer) -> None:
    with make(globals={"b": buffer}, timeout=0.05) as runtime:
        with pytest.raises(TimeoutExceeded):
            runtime.evaluate("const a = new Int32Array(b); while (Atomics.load(a, 0) === 0);")
        assert runtime.usable
        assert runtime.evaluate("a.length") == 25


def test_a_hard_stop_in_shared_memory_leaves_nothing_mapped() -> None:
    buffer = SharedBuffer(8 * MIB)
    endless = "new Uint8Array(b).indexOf(7); new Uint8Array(b).includes({ valueOf() {} })"
    runtime = make(globals={"b": buffer}, timeout=0.02, hard_stop_grace=0)
    with runtime, pytest.raises(TimeoutExceeded):
        runtime.evaluate(f"for (;;) {{ {endless} }}")
    assert maps(buffer) == 1


# -- what is refused


def test_a_runtime_of_pooled_memory_refuses_it_and_names_the_option(buffer: SharedBuffer) -> None:
    with QuickJSRuntime() as runtime:
        runtime.evaluate("function same(x) { return x }")
        with pytest.raises(ConversionError, match="allocation='on_demand'") as caught:
            runtime.call_function("same", [1, {"k": [buffer]}])
        assert caught.value.path == "$[1].k[0]"
        with pytest.raises(ConversionError, match="allocation='on_demand'"):
            runtime.call_function("same", encode_args([buffer]))
        with pytest.raises(ConversionError, match="allocation='on_demand'"):
            runtime.set_global("b", buffer)
        assert runtime.call_function("same", [1]) == 1
    with pytest.raises(ConversionError, match="allocation='on_demand'"):
        QuickJSRuntime(RuntimeOptions(globals={"b": buffer}))


def test_a_script_s_own_shared_memory_stays_in_its_runtime(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("const own = new SharedArrayBuffer(8); const cells = new Int32Array(own)")
    assert runtime.evaluate("Atomics.add(cells, 0, 4); Atomics.load(cells, 0)") == 4
    with pytest.raises(ConversionError, match="SharedArrayBuffer that is no SharedBuffer"):
        runtime.evaluate("({ own })")


@pytest.mark.parametrize(
    "source",
    [
        "new SharedArrayBuffer(8, { maxByteLength: 16 })",
        "b.grow(200)",
        "ArrayBuffer.prototype.resize.call(b, 1)",
        "ArrayBuffer.prototype.transfer.call(b)",
        "ArrayBuffer.prototype.transferToImmutable.call(b)",
        "new SharedArrayBuffer(2 ** 31)",
        "new SharedArrayBuffer(-1)",
        "Atomics.add(new Int32Array(b), 25, 1)",
        "Atomics.add(new Float64Array(new SharedArrayBuffer(8)), 0, 1)",
        "new Int32Array(b, 1)",
        "new Uint8Array(b, 0, 101)",
        "SharedArrayBuffer.prototype.slice.call(new ArrayBuffer(4))",
    ],
)
def test_what_a_script_cannot_do_with_it(
    runtime: QuickJSRuntime, buffer: SharedBuffer, source: str
) -> None:
    runtime.set_global("b", buffer)
    with pytest.raises(JSError):
        runtime.evaluate(source)
    assert runtime.evaluate("b.byteLength") == 100


def test_a_number_that_the_guest_was_not_given_is_refused_both_ways(
    runtime: QuickJSRuntime, buffer: SharedBuffer
) -> None:
    other = SharedBuffer(10)  # somebody else's
    for number in (other._number, 0, 2**32 - 1):
        forged = b"\xd6" + bytes([_wire.SHARED]) + number.to_bytes(4, "little")
        with pytest.raises(JSError, match="malformed"):
            runtime._guest.enter("guest_set_global", (1, 6), b"x" + forged, 5)
        with pytest.raises(BrokenRuntimeError, match="a SharedBuffer that it was not given"):
            runtime._guest.codec.decode(forged)
    for wrong in (b"\xd4\x0a\x01", b"\xc7\x05\x0a\1\0\0\0\0", b"\xc7\x00\x0a"):
        with pytest.raises(BrokenRuntimeError, match="nonsense"):
            runtime._guest.codec.decode(wrong)
        with pytest.raises(JSError, match="malformed"):
            runtime._guest.enter("guest_set_global", (1, len(wrong)), b"x" + wrong, 5)
    assert runtime.call_function("same", [buffer]) is buffer


def test_a_guest_that_sets_no_place_of_its_own_aside_is_broken(
    runtime: QuickJSRuntime, buffer: SharedBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (2**32 - 4096, 4097):
        with make() as hostile:
            monkeypatch.setattr(Guest, "_call", lambda *_, place=place: place)
            with pytest.raises(BrokenRuntimeError, match="sets no place of its own aside"):
                hostile.call_function("same", encode_args([buffer]))
            assert not hostile.usable
            monkeypatch.undo()


def test_a_guest_that_names_one_place_twice_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = SharedBuffer(1), SharedBuffer(1)
    with make() as hostile:
        hostile.call_function("keep", [one])
        place = hostile._guest._call("guest_share", one._number, 1, _pages.PAGE_BYTES)
        monkeypatch.setattr(Guest, "_call", lambda *_: place)
        with pytest.raises(BrokenRuntimeError, match="sets no place of its own aside"):
            hostile.call_function("same", encode_args([other]))
        monkeypatch.undo()


def test_another_thread_cannot_hand_it_in(runtime: QuickJSRuntime, buffer: SharedBuffer) -> None:
    raised: list[BaseException] = []

    def pass_it() -> None:
        try:
            runtime.call_function("same", [buffer])
        except WrongThread as error:
            raised.append(error)

    thread = threading.Thread(target=pass_it)
    thread.start()
    thread.join(30)
    assert len(raised) == 1
    assert maps(buffer) == 1


# -- arguments that are encoded before the runtime is known


def test_encoded_arguments_keep_it_alive_for_any_number_of_runtimes() -> None:
    args = encode_args([SharedBuffer(10)])
    gc.collect()
    for _ in range(3):
        with make() as runtime:
            runtime.evaluate("function mark(x) { return ++new Uint8Array(x)[0] }")
            last = runtime.call_function("mark", args)
    assert last == 3
    (buffer,) = args.decode()
    assert buffer.view[0] == 3


def test_encoded_arguments_that_hold_it_are_not_pickled(buffer: SharedBuffer) -> None:
    with pytest.raises(TypeError, match="SharedBuffer belong to this process"):
        pickle.dumps(encode_args([buffer]))


def test_encoded_arguments_hold_handles_beside_it(
    runtime: QuickJSRuntime, buffer: SharedBuffer
) -> None:
    function = runtime.evaluate("(x) => x")
    runtime.evaluate("function apply(f, x) { return f(x) }")
    assert runtime.call_function("apply", encode_args([function, buffer])) is buffer
