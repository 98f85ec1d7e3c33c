"""Fixtures for what lies below the runtime: tiny guests, hosts that note what reaches them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
import wasmtime

from runtimes import QuickJSRuntime
from runtimes.quickjs import _engine
from runtimes.quickjs._instance import Instance, Layer, create_instance

if TYPE_CHECKING:
    from .values import Echo

GUEST = """
(module
  (import "host" "call" (func $call (param i32 i32 i32) (result i64)))
  (import "host" "console" (func $console (param i32 i32 i32) (result i32)))
  (import "host" "resolve" (func $resolve (param i32 i32) (result i64)))
  (import "host" "source" (func $source (param i32 i32) (result i64)))
  (import "host" "check" (func $check (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (global (export "guest_header") i32 (i32.const 1024))
  (global (export "guest_hard_stop") i32 (i32.const 2048))
  (global (export "big") i64 (i64.const -2))

  (func (export "join") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32))
            (i64.extend_i32_u (local.get 1))))
  (func (export "echo32") (param i32) (result i32) (local.get 0))
  (func (export "echo64") (param i64) (result i64) (local.get 0))
  (func (export "nothing") (param i32))
  (func (export "sum") (param i32 i32 i32 i32) (result i64)
    (i64.extend_i32_u (i32.add (i32.add (local.get 0) (local.get 1))
                               (i32.add (local.get 2) (local.get 3)))))
  (func (export "peek") (param i32) (result i64) (i64.load (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))

  (func (export "call") (param i32 i32 i32) (result i64)
    (call $call (local.get 0) (local.get 1) (local.get 2)))
  (func (export "call_twice") (param i32 i32 i32) (result i64)
    (drop (call $call (local.get 0) (local.get 1) (local.get 2)))
    (call $call (local.get 0) (local.get 1) (local.get 2)))
  (func (export "console") (param i32 i32 i32) (result i32)
    (call $console (local.get 0) (local.get 1) (local.get 2)))
  (func (export "resolve") (param i32 i32) (result i64)
    (call $resolve (local.get 0) (local.get 1)))
  (func (export "source") (param i32 i32) (result i64)
    (call $source (local.get 0) (local.get 1)))
  (func (export "check") (param i32) (result i32) (call $check (local.get 0)))

  (func (export "unreachable") unreachable)
  (func $down (export "recurse") (call $down) (drop (i32.const 0)))

  ;; Run until the hard word is seen and the host traps. Counts at 4096.
  (func (export "spin") (param i32) (result i64)
    (loop $again
      (if (i32.load (i32.const 2048)) (then (drop (call $check (i32.const 0)))))
      (i64.store (i32.const 4096) (i64.add (i64.load (i32.const 4096)) (i64.const 1)))
      (br $again))
    (i64.const 0))
  ;; The same, but end by itself once the soft word is seen.
  (func (export "poll") (param i32) (result i64)
    (loop $again
      (if (i32.load (i32.const 2048)) (then (drop (call $check (i32.const 0)))))
      (i64.store (i32.const 4096) (i64.add (i64.load (i32.const 4096)) (i64.const 1)))
      (br_if $again (i32.eqz (i32.load (i32.const 1032)))))
    (i64.const 0))
  ;; Run until the soft word is seen, and return it.
  (func (export "wait") (param i32) (result i64)
    (loop $again (br_if $again (i32.eqz (i32.load (i32.const 1032)))))
    (i64.load32_u (i32.const 1032)))
  ;; Run for ever, without any check of its own.
  (func (export "stuck") (param i32) (result i64)
    (loop $again
      (i64.store (i32.const 4096) (i64.add (i64.load (i32.const 4096)) (i64.const 1)))
      (br $again))
    (i64.const 0))
  ;; Read the clock until the soft word is seen. Counts at 4096.
  (func (export "watch_clock") (param i32) (result i64)
    (loop $again
      (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 4104)))
      (i64.store (i32.const 4096) (i64.add (i64.load (i32.const 4096)) (i64.const 1)))
      (br_if $again (i32.eqz (i32.load (i32.const 1032)))))
    (i64.load (i32.const 4104))))
"""
COUNTER = 4096


class NotingHost:
    """A host that notes what reaches it and answers what it was told to."""

    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []
        self.answer: Callable[..., int] = lambda *_arguments: 0

    def _note(self, *what: object) -> int:
        self.seen.append(what)
        return self.answer(*what)

    def on_call(self, function_id: int, ptr: int, length: int, /) -> int:
        return self._note("call", function_id, ptr, length)

    def on_console(self, level: int, ptr: int, length: int, /) -> int:
        return self._note("console", level, ptr, length)

    def on_resolve(self, ptr: int, length: int, /) -> int:
        return self._note("resolve", ptr, length)

    def on_source(self, ptr: int, length: int, /) -> int:
        return self._note("source", ptr, length)

    def on_check(self, where: int, /) -> int:
        return self._note("check", where)


MakeInstance = Callable[..., tuple[Instance, NotingHost]]


@pytest.fixture(scope="session")
def guest_bytes() -> bytes:
    return bytes(wasmtime.wat2wasm(GUEST))


@pytest.fixture(scope="session")
def guests(guest_bytes: bytes) -> dict[str, _engine.LoadedGuest]:
    """The tiny guest, compiled for either engine."""
    return {
        "check": _engine.load_module(guest_bytes, "check", cached=False),
        "epoch": _engine.load_module(guest_bytes, "epoch", cached=False),
    }


@pytest.fixture(params=["raw", "plain"])
def layer(request: pytest.FixtureRequest) -> Layer:
    chosen: Layer = request.param
    return chosen


@pytest.fixture
def make_instance(
    guests: dict[str, _engine.LoadedGuest], request: pytest.FixtureRequest
) -> Iterator[MakeInstance]:
    """Make instances of the tiny guest on the test's `layer` (raw if it has none)."""
    made: list[Instance] = []
    usual = request.getfixturevalue("layer") if "layer" in request.fixturenames else "raw"

    def make(
        *, hard_stop: _engine.HardStop = "check", memory_limit_bytes: int | None = None
    ) -> tuple[Instance, NotingHost]:
        host = NotingHost()
        instance = create_instance(
            host,
            memory_limit_bytes=memory_limit_bytes,
            hard_stop=hard_stop,
            layer=usual,
            guest=guests[hard_stop],
        )
        made.append(instance)
        return instance, host

    yield make
    for instance in made:
        instance.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[QuickJSRuntime]:
    """One runtime for all examples: none of them leaves anything behind."""
    with QuickJSRuntime() as runtime:
        runtime.evaluate("globalThis.echo = x => x; globalThis.last = (...all) => all.at(-1); 0")
        yield runtime


@pytest.fixture(scope="module")
def echo(shared: QuickJSRuntime) -> Echo:
    """Send a value, get it back."""
    return lambda value: shared.call_function("echo", [value])
