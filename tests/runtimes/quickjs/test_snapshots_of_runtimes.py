"""Taking snapshots and making runtimes from them: limits, threads, layers, processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtimes import (
    ConsoleEvent,
    JSError,
    JSRuntimeError,
    MemoryLimitError,
    Module,
    QuickJSRuntime,
    ResultLimitError,
    RuntimeOptions,
    SharedBuffer,
    Snapshot,
    SnapshotMismatch,
    StackLimitError,
    StaleHandle,
    TimeoutExceeded,
)
from runtimes.quickjs import _instance

if TYPE_CHECKING:
    from pathlib import Path

    from runtimes.quickjs._instance import Layer

MakeRuntime = Callable[..., QuickJSRuntime]
MIB = 1024 * 1024

FILL = "var kept = []; for (let i = 0; i < {}; i++) kept.push({{ i, s: 'text' + i }}); kept.length"


def test_handles_of_the_captured_runtime_are_stale_in_the_restored(
    runtime: QuickJSRuntime, make_runtime: MakeRuntime
) -> None:
    function, promise = runtime.evaluate("[() => 1, Promise.resolve(2)]")
    restored = make_runtime(snapshot=runtime.snapshot())
    for handle in (function, promise):
        with pytest.raises(StaleHandle):
            restored.evaluate("(x) => x")(handle)
    with pytest.raises(StaleHandle):
        restored.call_function(function)
    assert (function(), promise.result()) == (1, 2)


def test_a_large_heap_is_carried_over_as_it_is_and_as_bytes(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime()
    runtime.evaluate("var large = new Uint8Array(8e6).fill(7); 0")
    snapshot = runtime.snapshot()
    assert snapshot == runtime.snapshot()
    for each in (snapshot, Snapshot.from_bytes(snapshot.to_bytes(), trusted=True)):
        with QuickJSRuntime.from_snapshot(each) as restored:
            assert restored.evaluate("large.every((byte) => byte === 7)")


def test_a_runtime_that_shares_memory_is_not_captured(make_runtime: MakeRuntime) -> None:
    buffer = SharedBuffer(8)
    runtime = make_runtime(allocation="on_demand", globals={"shared": buffer})
    with pytest.raises(JSRuntimeError, match="cannot be captured: drop it") as caught:
        runtime.snapshot()
    assert "collect_garbage()" in str(caught.value)
    runtime.evaluate("delete globalThis.shared; 0")
    runtime.collect_garbage()
    restored = QuickJSRuntime.from_snapshot(runtime.snapshot())
    with restored:
        assert restored.evaluate("typeof shared") == "undefined"


def test_handles_that_were_dropped_are_released_first(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var ref; 0")
    handle = runtime.evaluate("(() => { const f = () => 1; ref = new WeakRef(f); return f; })()")
    runtime.evaluate("0")
    del handle
    runtime.snapshot()
    runtime.collect_garbage()
    assert runtime.evaluate("ref.deref() === undefined")


def test_a_limit_below_what_the_snapshot_holds_is_refused(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime()
    runtime.evaluate(FILL.format(20_000))
    snapshot = runtime.snapshot()
    for limit in (1 * MIB, 2 * MIB):
        with pytest.raises(MemoryLimitError) as caught:
            make_runtime(snapshot=snapshot, memory_limit_bytes=limit)
        assert caught.value.limit_bytes == limit
        assert str(limit) in str(caught.value)
    assert make_runtime(snapshot=snapshot, memory_limit_bytes=16 * MIB).evaluate("kept.length")


def test_a_memory_that_was_large_once_needs_room_again(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime()
    runtime.evaluate("{ new Uint8Array(20_000_000).fill(1); } 0")
    runtime.collect_garbage()
    with pytest.raises(MemoryLimitError, match="takes a memory of"):
        make_runtime(snapshot=runtime.snapshot(), memory_limit_bytes=2 * MIB)


def test_limits_are_those_of_the_new_options(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=None, timeout=None)
    runtime.evaluate("function deep(n) { return n ? deep(n - 1) : 0; } 0")
    restored = make_runtime(
        snapshot=runtime.snapshot(),
        timeout=0.05,
        memory_limit_bytes=4 * MIB,
        stack_limit_bytes=16 * 1024,
        result_limit_nodes=100,
    )
    with pytest.raises(TimeoutExceeded):
        restored.evaluate("for (;;) {}")
    with pytest.raises(ResultLimitError):
        restored.evaluate("Array(200).fill(1)")
    with pytest.raises(StackLimitError):
        restored.evaluate("deep(300)")
    with pytest.raises(MemoryLimitError):
        restored.evaluate("'x'.repeat(3_000_000) + 'y'.repeat(3_000_000)", timeout=5)
    assert runtime.evaluate("deep(300)") == 0


def test_a_larger_limit_is_used(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=2 * MIB)
    with pytest.raises(MemoryLimitError):
        runtime.evaluate("{ const a = []; for (let i = 0; i < 1e5; i++) a.push({ i }); } 0")
    restored = make_runtime(snapshot=runtime.snapshot(), memory_limit_bytes=64 * MIB)
    assert restored.evaluate("const b = []; for (let i = 0; i < 1e5; i++) b.push({ i }); b.length")


def test_a_stopped_run_leaves_a_runtime_that_can_be_captured(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(timeout=0.05)
    runtime.evaluate("var n = 1; 0")
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate(
            "n = 2; Promise.resolve().then(function f() { n++; return f; }); for (;;);"
        )
    restored = make_runtime(snapshot=runtime.snapshot())
    assert restored.evaluate("n") == 2


def test_a_budget_of_the_captured_runtime_does_not_bound_the_restored(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime()
    runtime.evaluate("var n = 1; 0", timeout=0.01)
    restored = make_runtime(snapshot=runtime.snapshot(), timeout=None)
    assert restored.evaluate("const until = Date.now() + 60; while (Date.now() < until); n") == 1


def test_the_console_is_that_of_the_new_options(make_runtime: MakeRuntime) -> None:
    old: list[ConsoleEvent] = []
    new: list[ConsoleEvent] = []
    runtime = make_runtime(console=old.append)
    runtime.evaluate("const say = (x) => console.log(x); say('old')")
    make_runtime(snapshot=runtime.snapshot(), console=new.append).evaluate("say('new')")
    assert [event.arguments for event in old] == [("old",)]
    assert [event.arguments for event in new] == [("new",)]


def test_a_host_function_that_a_script_kept_is_the_new_one(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(host_functions={"f": lambda a: ["old", a], "io": {"g": lambda: "old g"}})
    runtime.evaluate("const { g } = io; const kept = { f }; delete globalThis.f; io = null; 0")
    restored = make_runtime(
        snapshot=runtime.snapshot(),
        host_functions={"f": lambda a, b, c: ["new", a, b, c], "io": {"g": lambda: "new g"}},
    )
    assert restored.evaluate("kept.f(1, 2, 3)") == ["new", 1, 2, 3]
    assert restored.evaluate("[kept.f.length, g(), typeof f, io]") == [
        3,
        "new g",
        "undefined",
        None,
    ]
    with pytest.raises(JSError, match="takes 3 arguments, got 1"):
        restored.evaluate("kept.f(1)")
    assert runtime.evaluate("[kept.f.length, kept.f(1)]") == [1, ["old", 1]]


def test_every_function_that_is_missing_is_named(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(host_functions={"a": len, "io": {"read": len, "write": len}})
    runtime.register("b", len)
    snapshot = runtime.snapshot()
    for given_functions, missing in (
        ({}, ("a", "b", "io.read", "io.write")),
        ({"a": len, "b": len, "io": len}, ("io.read", "io.write")),
        ({"a": len, "b": {"b": len}, "io": {"read": len}}, ("b", "io.write")),
    ):
        with pytest.raises(SnapshotMismatch) as caught:
            make_runtime(snapshot=snapshot, host_functions=given_functions)
        assert caught.value.missing == missing
        assert all(name in str(caught.value) for name in missing)


def test_what_is_no_host_function_is_refused_as_ever(make_runtime: MakeRuntime) -> None:
    snapshot = make_runtime(host_functions={"f": len}).snapshot()
    with pytest.raises(TypeError, match="not callable"):
        make_runtime(snapshot=snapshot, host_functions={"f": 5})


def test_a_loaded_module_cannot_be_given_another_source(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime()
    runtime.load_module(Module("m.js", "export default 1;"))
    runtime.add_module(Module("later.js", "export default 1;"))
    snapshot = runtime.snapshot()
    with pytest.raises(ValueError, match="already loaded"):
        make_runtime(snapshot=snapshot, modules=[Module("m.js", "export default 2;")])
    restored = make_runtime(snapshot=snapshot, modules=[Module("later.js", "export default 2;")])
    assert restored.evaluate("import('later.js').then((m) => m.default)") == 2


def test_a_runtime_that_broke_or_was_closed_cannot_be_captured(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(hard_stop_grace=0.01)
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate("Array.prototype.reverse.call({ length: 2 ** 53 - 1 })", timeout=0.01)
    with pytest.raises(Exception, match="broke"):
        runtime.snapshot()


@pytest.mark.parametrize("before", ["raw", "plain"])
@pytest.mark.parametrize("after", ["raw", "plain"])
def test_layers_and_stops_read_each_other(
    before: Layer, after: Layer, monkeypatch: pytest.MonkeyPatch, make_runtime: MakeRuntime
) -> None:
    monkeypatch.setattr(_instance, "_choice", before)
    runtime = make_runtime(hard_stop="epoch" if before == "raw" else "check")
    runtime.evaluate(FILL.format(20_000))
    snapshot = runtime.snapshot()
    monkeypatch.setattr(_instance, "_choice", after)
    for allocation in ("pooled", "on_demand"):
        restored = make_runtime(snapshot=snapshot, allocation=allocation)
        assert restored.evaluate("kept[19999].s") == "text19999"
        with pytest.raises(MemoryLimitError):
            make_runtime(snapshot=replace(snapshot), memory_limit_bytes=MIB, allocation=allocation)


def test_many_threads_make_runtimes_from_one_snapshot(runtime: QuickJSRuntime) -> None:
    runtime.evaluate(FILL.format(1000) + "; var n = 0; 0")
    snapshot = runtime.snapshot()

    def use(number: int) -> tuple[int, int]:
        with QuickJSRuntime.from_snapshot(snapshot) as restored:
            restored.evaluate(f"n = {number}; kept.push(n); 0")
            again = Snapshot.from_bytes(restored.snapshot().to_bytes(), trusted=True)
        with QuickJSRuntime.from_snapshot(again) as restored:
            found: tuple[int, int] = tuple(restored.evaluate("[n, kept.at(-1)]"))
            return found

    with ThreadPoolExecutor(4) as executor:
        assert list(executor.map(use, range(60))) == [(number, number) for number in range(60)]
    assert runtime.evaluate("[n, kept.length]") == [0, 1000]


_IN_ANOTHER_PROCESS = """
import json, sys
from runtimes import QuickJSRuntime, RuntimeOptions, Snapshot
snapshot = Snapshot.from_bytes(open(sys.argv[1], "rb").read(), trusted=sys.argv[2] == "trusted")
options = RuntimeOptions(host_functions={"twice": lambda x: 2 * x})
with QuickJSRuntime.from_snapshot(snapshot, options) as runtime:
    up = runtime.call_function("up", [], module=runtime.module("m.js"))
    settled, step = runtime.evaluate("settle(5); result"), runtime.evaluate("it.next().value")
    print(json.dumps([up, settled, step]))
"""


@pytest.mark.parametrize("trust", ["trusted", "not"])
def test_another_process_goes_on(tmp_path: Path, make_runtime: MakeRuntime, trust: str) -> None:
    runtime = make_runtime(host_functions={"twice": lambda x: x})
    runtime.load_module(Module("m.js", "let n = 0; export function up() { return twice(++n); }"))
    runtime.call_function("up", module=runtime.module("m.js"))
    runtime.evaluate(
        "let settle; const wait = new Promise((r) => { settle = r; });"
        " const result = (async () => twice(await wait))();"
        " const it = (function* () { yield 1; yield 2; })(); it.next(); 0"
    )
    file = tmp_path / "snapshot"
    file.write_bytes(runtime.snapshot().to_bytes())
    command = [sys.executable, "-c", _IN_ANOTHER_PROCESS, str(file), trust]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True)
    assert json.loads(ran.stdout) == [4, 10, 2]


STEPS = {
    "set a global": "state.n = (state.n * 31 + {0}) % 1000003",
    "add to a map": "state.map.set({0}, [...state.map.keys()].length); state.map.size",
    "delete from a map": "state.map.delete({0}); [...state.map.entries()].flat().slice(0, 9)",
    "push": "state.list.push({{ v: {0}, s: 'x'.repeat({0} % 50) }}); state.list.length",
    "sort": "state.list.sort((a, b) => a.v - b.v || a.s.length - b.s.length).map((o) => o.v)",
    "step a generator": "state.it.next({0}).value",
    "make a closure": "state.fns.push(((k) => () => k++)({0})); state.fns.length",
    "call a closure": "state.fns.length ? state.fns[{0} % state.fns.length]() : null",
    "wait": "state.wait({0}); state.waiting.length",
    "settle": "state.waiting.shift()?.({0}); Promise.resolve().then(() => state.got.slice(-5))",
    "define a class": "state.C = class extends state.C {{ v() {{ return super.v() + {0}; }} }};"
    " new state.C().v()",
    "drop": "state.list.length = Math.min(state.list.length, {0}); state.list.length",
    "use a regexp": "state.re.test('abcabcabc'.repeat(3)); state.re.lastIndex",
    "write bytes": "state.bytes[{0} % 32] = {0}; [...state.bytes]",
}
PREPARE = """
globalThis.state = {
  n: 1, map: new Map(), list: [], fns: [], waiting: [], got: [], re: /bc/g,
  bytes: new Uint8Array(32), C: class { v() { return 0; } },
  it: (function* () { let sum = 0; for (;;) sum += (yield sum) ?? 0; })(),
  async wait(k) {
    const v = await new Promise((r) => this.waiting.push(r));
    this.got.push([k, v]);
  },
}; 0
"""
steps = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 99)), max_size=25)


@settings(deadline=None, max_examples=60)
@given(steps, steps, st.booleans())
def test_a_restored_runtime_answers_as_the_original(
    before: list[tuple[str, int]], after: list[tuple[str, int]], as_bytes: bool
) -> None:
    with QuickJSRuntime(RuntimeOptions()) as runtime:
        runtime.evaluate(PREPARE)
        for name, number in before:
            runtime.evaluate(STEPS[name].format(number))
        snapshot = runtime.snapshot()
        if as_bytes:
            snapshot = Snapshot.from_bytes(snapshot.to_bytes())
        with QuickJSRuntime.from_snapshot(snapshot) as restored:
            for name, number in after:
                script = STEPS[name].format(number)
                assert restored.evaluate(script) == runtime.evaluate(script), name


def test_what_was_dropped_leaves_nothing_to_later_runtimes(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime()
    runtime.evaluate("var kept = []; for (let i = 0; i < 20000; i++) kept.push('m4rk3r' + i); 0")
    snapshot = runtime.snapshot()
    assert b"m4rk3r" in bytes(snapshot.content)
    runtime.close()
    for _ in range(20):
        QuickJSRuntime.from_snapshot(snapshot).close()
    for _ in range(30):
        with QuickJSRuntime() as fresh:
            assert b"m4rk3r" not in bytes(fresh._guest._instance.grow(8 * MIB))


def test_a_thousand_host_functions_are_bound(make_runtime: MakeRuntime) -> None:
    functions = {f"f{i}": lambda i=i: i for i in range(1000)}
    runtime = make_runtime(host_functions=functions)
    restored = make_runtime(snapshot=runtime.snapshot(), host_functions=functions)
    assert restored.evaluate("[f0(), f999()]") == [0, 999]


@pytest.mark.parametrize("nothing", [None, b"", 1])
def test_a_runtime_is_not_made_from_what_is_no_snapshot(nothing: Any) -> None:
    with pytest.raises(TypeError, match="takes a Snapshot"):
        QuickJSRuntime.from_snapshot(nothing)
