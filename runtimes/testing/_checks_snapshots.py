"""Rules about snapshots, for runtimes that can take them (`runtimes.CanSnapshot`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from runtimes.errors import (
    ClosedRuntimeError,
    JSRuntimeError,
    ModuleNotFound,
    SnapshotMismatch,
    StaleHandle,
    WrongThread,
)
from runtimes.modules import Module
from runtimes.protocol import CanSnapshot, Runtime
from runtimes.snapshots import Snapshot
from runtimes.testing._check import Bench, Checks, on_another_thread
from runtimes.testing._expect import expect_equal, expect_raises, expect_true

SNAPSHOTS = Checks()


class _Capturable(Runtime, CanSnapshot, Protocol):
    """Both in one."""


Make = Callable[..., _Capturable]


def _needing(*needs: str) -> Callable[[Callable[[Bench, Make], None]], None]:
    """Take in a check that applies to runtimes that can take snapshots; the rest pass it."""

    def collect(body: Callable[[Bench, Make], None]) -> None:
        def try_it(bench: Bench) -> None:
            def make(**options: Any) -> Any:
                return bench.make(**options)

            if isinstance(bench.make(), CanSnapshot):
                body(bench, make)

        try_it.__name__ = body.__name__
        SNAPSHOTS.needing(*needs)(try_it)

    return collect


@_needing("definitions")
def a_restored_runtime_goes_on_where_the_captured_one_was(bench: Bench, make: Make) -> None:
    assert bench.dialect.definitions is not None
    runtime = make()
    runtime.evaluate(bench.dialect.definitions)
    expect_equal(runtime.call_function("count"), 1)
    snapshot = runtime.snapshot()
    expect_equal(runtime.call_function("count"), 2)
    for _ in range(2):
        restored = make(snapshot=snapshot)
        expect_equal(restored.get_value("answer"), 42)
        expect_equal(restored.call_function("count"), 2)
        expect_equal(restored.call_function("count"), 3)
    expect_equal(runtime.call_function("count"), 3)


@_needing("definitions")
def a_snapshot_survives_as_bytes(bench: Bench, make: Make) -> None:
    assert bench.dialect.definitions is not None
    runtime = make()
    runtime.evaluate(bench.dialect.definitions)
    runtime.call_function("count")
    snapshot = runtime.snapshot()
    for trusted in (True, False):
        read = Snapshot.from_bytes(snapshot.to_bytes(), trusted=trusted)
        expect_equal(read, snapshot)
        expect_equal(make(snapshot=read).call_function("count"), 2)


@_needing("definitions")
def a_restored_runtime_can_be_captured_again(bench: Bench, make: Make) -> None:
    assert bench.dialect.definitions is not None
    runtime = make()
    runtime.evaluate(bench.dialect.definitions)
    for number in range(1, 4):
        expect_equal(runtime.call_function("count"), number)
        runtime = make(snapshot=runtime.snapshot())


@_needing("module")
def modules_stay_loaded_under_their_names(bench: Bench, make: Make) -> None:
    assert bench.dialect.module is not None
    module = Module("lib.js", bench.dialect.module)
    runtime = make()
    handle = runtime.load_module(module)
    expect_equal(runtime.module("lib.js"), handle)
    runtime.call_function("count", module=handle)
    restored = make(snapshot=runtime.snapshot())
    again = restored.module("lib.js")
    expect_equal((again.name, again.number), (handle.name, handle.number))
    expect_equal(restored.load_module(module), again)
    expect_equal(restored.call_function("count", module=again), 2)
    expect_raises(StaleHandle, lambda: restored.call_function("count", module=handle))
    expect_raises(ModuleNotFound, lambda: restored.module("other.js"))
    other = Module("lib.js", bench.dialect.module + "\n\n")
    expect_raises(ValueError, lambda: restored.load_module(other))


@_needing("module", "importing")
def modules_that_were_handed_over_can_still_be_imported(bench: Bench, make: Make) -> None:
    dialect = bench.dialect
    assert dialect.module is not None
    assert dialect.importing is not None
    before, after = Module("a.js", dialect.module), Module("b.js", dialect.module)
    runtime = make()
    runtime.add_module(before)
    restored = make(snapshot=runtime.snapshot(), modules=[after])
    for number, name in enumerate(("./a.js", "./b.js")):
        handle = restored.load_module(Module(f"user{number}.js", dialect.importing(name)))
        expect_equal(restored.call_function("twice", [4], module=handle), 8)


@_needing("module")
def the_main_module_stays_the_main_module(bench: Bench, make: Make) -> None:
    assert bench.dialect.module is not None
    runtime = make()
    runtime.load_main_module(Module("main.js", bench.dialect.module))
    restored = make(snapshot=runtime.snapshot())
    expect_raises(ValueError, lambda: restored.load_main_module(Module("other.js", "")))


@_needing("calling")
def host_functions_are_bound_again_by_name(bench: Bench, make: Make) -> None:
    calling = bench.dialect.calling
    assert calling is not None
    runtime = make(host_functions={"f": lambda: "old", "space": {"g": lambda: "old g"}})
    snapshot = runtime.snapshot()
    error = expect_raises(SnapshotMismatch, lambda: make(snapshot=snapshot))
    assert isinstance(error, SnapshotMismatch)
    expect_equal(error.missing, ("f", "space.g"))
    restored = make(
        snapshot=snapshot,
        host_functions={
            "extra": lambda: "extra",
            "space": {"g": lambda: "new g"},
            "f": lambda x="new": x,
        },
    )
    expect_equal(restored.evaluate(calling("f", [])), "new")
    expect_equal(restored.evaluate(calling("f", ["given"])), "given")
    expect_equal(restored.evaluate(calling("extra", [])), "extra")
    expect_equal(restored.call_function("f"), "new")


@_needing()
def options_are_those_of_the_new_runtime(bench: Bench, make: Make) -> None:
    runtime = make(globals={"kept": 1, "changed": 1})
    restored = make(snapshot=runtime.snapshot(), globals={"changed": 2, "added": 3})
    for name, value in (("kept", 1), ("changed", 2), ("added", 3)):
        expect_equal(restored.get_value(name), value)


@_needing("calling")
def there_is_no_snapshot_of_a_run_under_way(bench: Bench, make: Make) -> None:
    calling = bench.dialect.calling
    assert calling is not None
    runtime = make()
    caught: list[BaseException] = []

    def capture() -> bool:
        caught.append(expect_raises(JSRuntimeError, runtime.snapshot))
        return True

    runtime.register("capture", capture)
    expect_equal(runtime.evaluate(calling("capture", [])), True)
    expect_equal(len(caught), 1)
    expect_true(runtime.usable, "it stays usable")
    expect_true(isinstance(runtime.snapshot(), Snapshot), "a snapshot can be taken after it")


@_needing()
def a_snapshot_is_taken_by_the_owner_of_a_living_runtime(bench: Bench, make: Make) -> None:
    runtime = make()
    error = on_another_thread(runtime.snapshot)
    expect_true(isinstance(error, WrongThread), f"WrongThread was raised, but {error!r}")
    runtime.close()
    expect_raises(ClosedRuntimeError, runtime.snapshot)
    expect_raises(ClosedRuntimeError, lambda: runtime.module("a.js"))


@_needing()
def a_snapshot_of_another_build_or_engine_is_refused(bench: Bench, make: Make) -> None:
    good = make().snapshot()
    for engine, fingerprint in ((good.engine, bytes(32)), ("unheard-of", good.fingerprint)):
        foreign = Snapshot(
            engine=engine, fingerprint=fingerprint, notes=good.notes, content=good.content
        )
        expect_raises(SnapshotMismatch, lambda other=foreign: make(snapshot=other))


@_needing()
def notes_or_content_that_mean_nothing_are_refused(bench: Bench, make: Make) -> None:
    good = make().snapshot()
    right = bytes(good.content)
    for notes, content in (
        (b"", b""),
        (good.notes, right[:-1]),
        (good.notes, right + b"\0"),
        (good.notes + b"\0", b"\xff" + right),
    ):
        broken = Snapshot(
            engine=good.engine,
            fingerprint=good.fingerprint,
            notes=notes,
            content=content,
            trusted=False,
        )
        expect_raises(SnapshotMismatch, lambda other=broken: make(snapshot=other))
