"""Every class of `runtimes.errors` is produced by a real run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import runtimes
from runtimes import JSRuntimeError, Module, QuickJSRuntime, RuntimeOptions, Snapshot

Producer = Callable[[QuickJSRuntime], object]

_NEVER_POLLS = "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })"


def _cancels_itself(runtime: QuickJSRuntime) -> None:
    runtime.register("stop", runtime.cancel)
    runtime.evaluate("stop(); for (;;) {}")


def _is_used_elsewhere(runtime: QuickJSRuntime) -> None:
    with ThreadPoolExecutor(1) as executor:
        executor.submit(runtime.evaluate, "1").result()


def _gets_a_foreign_handle(runtime: QuickJSRuntime) -> None:
    with QuickJSRuntime() as other:
        runtime.call_function(other.evaluate("() => 1"))


def _is_closed(runtime: QuickJSRuntime) -> None:
    runtime.close()
    runtime.evaluate("1")


def _is_broken(runtime: QuickJSRuntime) -> None:
    with pytest.raises(runtimes.TimeoutExceeded):
        runtime.evaluate(_NEVER_POLLS, timeout=0.01)
    runtime.evaluate("1")


def _has_no_entrypoint(runtime: QuickJSRuntime) -> None:
    runtime.call_entrypoint(runtime.load_module(Module("a.js", "")))


PRODUCERS: dict[str, list[Producer]] = {
    "JSError": [
        lambda r: r.evaluate("null.x"),
        lambda r: r.load_module(Module("a.js", "null.x")),
        lambda r: r.evaluate("(() => { throw 5 })")(),
        lambda r: r.evaluate("({ get x() { throw 5 } })"),
        lambda r: r.get_value("nobody.x") if r.evaluate("Promise.reject(1)") else None,
    ],
    "JSSyntaxError": [
        lambda r: r.evaluate("}"),
        lambda r: r.load_module(Module("a.js", "}")),
        lambda r: r.load_module(Module("a.json", "}")),
    ],
    "ValueNotFound": [lambda r: r.get_value("nobody"), lambda r: r.call_function("nobody")],
    "ValueNotCallable": [lambda r: r.call_function("Math")],
    "MissingEntrypoint": [_has_no_entrypoint],
    "ModuleNotFound": [
        lambda r: r.load_module(Module("a.js", "import './gone.js'")),
        lambda r: r.evaluate("import('gone.js')"),
        lambda r: Module.load("/nowhere/a.js"),
        lambda r: Module.load_dir("/nowhere"),
    ],
    "ConversionError": [
        lambda r: r.evaluate("Symbol()"),
        lambda r: r.evaluate("[1]", returns=int),
        lambda r: r.set_global("x", object()),
        lambda r: r.call_function("Boolean", [object()]),
    ],
    "UnsettledPromise": [
        lambda r: r.evaluate("new Promise(() => {})"),
        lambda r: r.load_module(Module("a.js", "await new Promise(() => {})")),
        lambda r: r.evaluate("[new Promise(() => {})]")[0].result(),
    ],
    "TimeoutExceeded": [
        lambda r: r.evaluate("for (;;) {}", timeout=0.01),
        lambda r: r.evaluate(_NEVER_POLLS, timeout=0.01),
        lambda r: r.evaluate("({ get x() { for (;;) {} } })", timeout=0.01),
    ],
    "MemoryLimitError": [
        lambda r: r.evaluate("{ const a = []; for (;;) a.push('x'.repeat(1e4) + a.length) }"),
        lambda r: r.set_global("x", b"x" * 10_000_000),
    ],
    "StackLimitError": [lambda r: r.evaluate("(function f() { f() })()")],
    "ResultLimitError": [
        lambda r: r.evaluate("'x'.repeat(200000)"),
        lambda r: r.evaluate("Array(20000).fill(0)"),
    ],
    "RunCancelled": [_cancels_itself],
    "WrongThread": [_is_used_elsewhere],
    "StaleHandle": [_gets_a_foreign_handle],
    "ClosedRuntimeError": [_is_closed],
    "BrokenRuntimeError": [_is_broken],
    "SnapshotMismatch": [
        lambda r: Snapshot.from_bytes(b"none"),
        lambda r: QuickJSRuntime.from_snapshot(replace(r.snapshot(), fingerprint=bytes(32))),
        lambda r: QuickJSRuntime.from_snapshot(replace(r.snapshot(), content=b"")),
    ],
}

BASES = {"LimitError"}

CASES = [
    pytest.param(name, producer, id=f"{name}-{number}")
    for name, producers in PRODUCERS.items()
    for number, producer in enumerate(producers)
]


@pytest.fixture
def small() -> Iterator[QuickJSRuntime]:
    options = RuntimeOptions(
        memory_limit_bytes=4 * 1024 * 1024,
        result_limit_bytes=100_000,
        result_limit_nodes=10_000,
        hard_stop_grace=0.01,
    )
    with QuickJSRuntime(options) as runtime:
        yield runtime


@pytest.mark.parametrize(("name", "producer"), CASES)
def test_an_error_is_produced_and_tells_whether_the_runtime_is_usable(
    small: QuickJSRuntime, name: str, producer: Producer
) -> None:
    with pytest.raises(JSRuntimeError) as caught:
        producer(small)
    assert type(caught.value).__name__ == name
    assert caught.value.runtime_usable == small.usable
    if small.usable:
        assert small.evaluate("1") == 1


def test_no_class_of_errors_is_left_out() -> None:
    classes = {
        name
        for name in runtimes.__all__
        if isinstance(kind := getattr(runtimes, name), type) and issubclass(kind, JSRuntimeError)
    } - {"JSRuntimeError"}
    assert classes == PRODUCERS.keys() | BASES


def test_no_class_of_the_errors_module_is_missing_at_the_door() -> None:
    defined = {
        name
        for name, kind in vars(runtimes.errors).items()
        if isinstance(kind, type)
        and issubclass(kind, Exception)
        and kind.__module__ == "runtimes.errors"
    }
    assert defined <= set(runtimes.__all__)
