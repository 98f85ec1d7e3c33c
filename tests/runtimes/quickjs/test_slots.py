"""Many runtimes, made and dropped: slots of the pool, and what comes when there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

import runtimes
from runtimes import MemoryLimitError, QuickJSRuntime, RuntimeOptions, TimeoutExceeded
from runtimes.quickjs import _engine, _pooling
from runtimes.quickjs._instance import LAYER_VARIABLE
from runtimes.quickjs._mappings import Room

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="slots are for Linux")
raw = pytest.mark.skipif(
    os.environ.get(LAYER_VARIABLE) == "plain",
    reason="which allocation a runtime has is seen in the raw layer only",
)

PRELUDE = """
import json, os, sys, threading
import runtimes
from runtimes import QuickJSRuntime, RuntimeOptions

def allocation(runtime):
    # Of the engine that its memory belongs to.
    from runtimes.quickjs import _engine
    pre = runtime._guest._instance._linked
    return next(kind[1] for kind, guest in _engine._guests.items()
                if guest.linked.get("raw") is pre)

def say(**facts):
    print(json.dumps(facts))
"""


def in_a_process(program: str, **environment: str) -> Any:
    """Run a program in a process of its own; return what it says."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@linux
@raw
def test_who_finds_no_free_slot_is_made_on_demand() -> None:
    said = in_a_process("""
        runtimes.configure(slots=2)
        made = [QuickJSRuntime() for _ in range(4)]
        kinds = [allocation(each) for each in made]
        results = [each.evaluate("6 * 7") for each in made]
        made[0].close()
        kinds.append(allocation(QuickJSRuntime()))
        say(kinds=kinds, results=results)
    """)
    assert said["kinds"] == ["pooled", "pooled", "on_demand", "on_demand", "pooled"]
    assert said["results"] == [42] * 4


@linux
@raw
def test_a_slot_is_free_again_though_its_finaliser_was_interrupted() -> None:
    said = in_a_process("""
        import ctypes, itertools, operator
        from collections import deque

        runtimes.configure(slots=1)
        raise_later = ctypes.pythonapi.PyThreadState_SetAsyncExc
        here, interrupt = ctypes.c_ulong(threading.get_ident()), ctypes.py_object(KeyboardInterrupt)
        lost = []
        sys.unraisablehook = lambda args: lost.append(args.exc_type.__name__)
        kinds = []
        for _ in range(5):
            runtime = QuickJSRuntime()
            kinds.append(allocation(runtime))
            last = [runtime._guest._instance._state.store]
            runtime.close()
            steps = [(raise_later, here, interrupt), (last.clear,)]
            # Driven from C, so that the first instruction to come is the finaliser's.
            deque(itertools.starmap(operator.call, steps), maxlen=0)
        say(kinds=kinds, lost=lost)
    """)
    assert said == {"kinds": ["pooled"] * 5, "lost": ["KeyboardInterrupt"] * 5}


@linux
@raw
def test_without_slots_all_are_made_on_demand() -> None:
    said = in_a_process("""
        runtimes.configure(slots=0)
        say(kind=allocation(QuickJSRuntime()), result=QuickJSRuntime().evaluate("6 * 7"))
    """)
    assert said == {"kind": "on_demand", "result": 42}


@linux
@raw
def test_where_there_is_no_room_for_the_slots_all_are_made_on_demand() -> None:
    said = in_a_process("""
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (40 << 30, 40 << 30))
        say(kind=allocation(QuickJSRuntime()), result=QuickJSRuntime().evaluate("6 * 7"))
    """)
    assert said == {"kind": "on_demand", "result": 42}


@linux
@raw
def test_a_forked_child_has_slots_of_its_own() -> None:
    said = in_a_process("""
        runtimes.configure(slots=1)
        mine = QuickJSRuntime()
        mine.evaluate("globalThis.whose = 'parent'")
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            own = QuickJSRuntime()
            found = [allocation(own), own.evaluate("typeof whose")]
            os.write(theirs, json.dumps(found).encode())
            os._exit(0)
        os.waitpid(child, 0)
        say(child=json.loads(os.read(ours, 100)), parent=mine.evaluate("whose"))
    """)
    assert said == {"child": ["pooled", "undefined"], "parent": "parent"}


def test_settings_come_before_the_first_runtime() -> None:
    with QuickJSRuntime(), pytest.raises(RuntimeError, match="comes too late"):
        runtimes.configure(slots=3)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"slots": -1}, ValueError),
        ({"slots": 10_001}, ValueError),
        ({"keep_resident_bytes": -1}, ValueError),
        ({"slots": 1.5}, TypeError),
        ({"slots": True}, TypeError),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    settings: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(settings))):
        runtimes.configure(**settings)


def test_settings_are_kept_until_the_first_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pooling, "_in_use", False)
    monkeypatch.setattr(_pooling, "_settings", _pooling.PoolSettings())
    runtimes.configure(slots=5)
    runtimes.configure(keep_resident_bytes=0)
    assert _pooling.settle() == _pooling.PoolSettings(slots=5, keep_resident_bytes=0)


def test_both_allocations_share_what_was_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, guest_bytes: bytes
) -> None:
    monkeypatch.setenv("JSACTORS_CACHE_DIR", str(tmp_path / "cache"))
    for allocation in ("on_demand", "pooled"):
        _engine.load_module(guest_bytes, "check", allocation)  # type: ignore[arg-type]
    assert len(list((tmp_path / "cache").iterdir())) == 1


BOTH = pytest.mark.parametrize("allocation", ["pooled", "on_demand"])
STUBBORN = "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })"
STOPS = pytest.mark.parametrize("hard_stop", ["check", "epoch"])


@BOTH
@STOPS
def test_everything_holds_in_a_slot_as_on_demand(allocation: Any, hard_stop: Any) -> None:
    options = RuntimeOptions(
        allocation=allocation, hard_stop=hard_stop, timeout=0.2, hard_stop_grace=0.05
    )
    with QuickJSRuntime(options) as runtime:
        assert runtime.evaluate("6 * 7") == 42
        with pytest.raises(TimeoutExceeded):
            runtime.evaluate("for (;;);")
        assert runtime.evaluate("6 * 7") == 42
        with pytest.raises(TimeoutExceeded):  # a built-in that never polls: a hard stop
            runtime.evaluate(STUBBORN)
        assert not runtime.usable


@BOTH
def test_the_memory_limit_is_the_same(allocation: Any) -> None:
    options = RuntimeOptions(allocation=allocation, memory_limit_bytes=8 << 20)
    with QuickJSRuntime(options) as runtime, pytest.raises(MemoryLimitError):
        runtime.evaluate("const all = []; for (;;) all.push(new Uint8Array(1 << 16).fill(1))")


@BOTH
def test_without_a_memory_limit_it_may_take_what_it_needs(allocation: Any) -> None:
    with QuickJSRuntime(RuntimeOptions(allocation=allocation, memory_limit_bytes=None)) as runtime:
        assert runtime.evaluate("new Uint8Array(200e6).fill(7)[199_999_999]") == 7


def memory_of(runtime: QuickJSRuntime) -> bytes:
    """All of a runtime's memory, whatever belongs to scripts and whatever does not."""
    return bytes(runtime._guest._instance.refresh())


@BOTH
def test_nothing_of_a_runtime_is_in_those_that_come_after_it(allocation: Any) -> None:
    marker = "TENANT-A-" + "7f3a"
    options = RuntimeOptions(allocation=allocation)
    script = f"globalThis.kept = []; for (let i = 0; i < 20_000; i++) kept.push('{marker}' + i)"
    with QuickJSRuntime(options) as tenant:
        tenant.evaluate(script)
        assert memory_of(tenant).count(marker.encode()) > 1000
    fresh = None
    for _ in range(1000):
        with QuickJSRuntime(options) as other:
            content = memory_of(other)
            assert marker.encode() not in content
            if fresh is not None:
                assert len(content) == len(fresh)
            fresh = content


def test_a_broken_runtime_leaves_nothing_either() -> None:
    options = RuntimeOptions(timeout=0.05, hard_stop_grace=0)
    with QuickJSRuntime(options) as tenant, pytest.raises(TimeoutExceeded):
        tenant.evaluate(f"globalThis.kept = 'TENANT-B-7f3a'.repeat(1000); {STUBBORN}")
    with QuickJSRuntime() as other:
        assert b"TENANT-B-7f3a" not in memory_of(other)


@linux
def test_a_thousand_live_at_once() -> None:
    said = in_a_process("""
        live = [QuickJSRuntime() for _ in range(1000)]
        results = [each.evaluate(f"globalThis.mine = {n}; mine") for n, each in enumerate(live)]
        again = [each.evaluate("mine") for each in live]
        for each in live:
            each.close()
        say(fine=results == again == list(range(1000)))
    """)
    assert said == {"fine": True}


@linux
@BOTH
def test_runtimes_that_come_and_go_on_four_threads_leave_nothing_behind(allocation: Any) -> None:
    said = in_a_process(f"""
        from benchmarks import cycles
        options = RuntimeOptions(allocation={allocation!r})
        say(**cycles.run(total=400, threads=4, warm_up=200, options=options))
    """)
    assert said["maps"] == 0
    assert said["rss_bytes"] < 2 << 20


def test_a_dropped_runtime_is_gone_without_the_garbage_collector() -> None:
    import gc
    import weakref

    gc.disable()
    try:
        runtime = QuickJSRuntime()
        runtime.evaluate("6 * 7")
        guest = runtime._guest
        parts = [weakref.ref(each) for each in (guest, guest._instance, guest._callbacks)]
        runtime.close()
        del runtime, guest
        assert [part() for part in parts] == [None] * 3
    finally:
        gc.enable()


@pytest.fixture
def room(tmp_path: Path) -> Callable[..., Room]:
    """The room in a process with so many mappings of so many."""

    def make(taken: int, most: int = 65_530) -> Room:
        (tmp_path / "limit").write_text(f"{most}\n")
        (tmp_path / "maps").write_text("a mapping\n" * taken)
        return Room(tmp_path / "limit", tmp_path / "maps")

    return make


def test_where_mappings_run_out_a_new_runtime_is_refused(room: Callable[..., Room]) -> None:
    with pytest.raises(MemoryError, match=r"20000 are alive.*vm\.max_map_count"):
        room(taken=62_000).demand(20_000)


def test_mappings_are_counted_again_only_when_they_may_have_run_out(
    room: Callable[..., Room],
) -> None:
    here = room(taken=5000)
    here.demand(1000)
    room(taken=62_000)  # the same files
    here.demand(5000)
    with pytest.raises(MemoryError):
        here.demand(9000)


def test_where_nobody_counts_mappings_nothing_is_refused(tmp_path: Path) -> None:
    Room(tmp_path / "limit", tmp_path / "maps").demand(1_000_000)
