"""Forged snapshots: a real one's heap with changes, under a checksum that fits.

`python tests/runtimes/quickjs/forgery.py COUNT [SEED]` tries many; the tests try some. Nothing but
the library's own errors may come out, in time, and the process stays whole.
"""

from __future__ import annotations

import random
import struct
import sys
import time
from collections import Counter
from dataclasses import replace

from runtimes import (
    JSRuntimeError,
    MemoryLimitError,
    Module,
    QuickJSRuntime,
    RuntimeOptions,
    Snapshot,
    SnapshotMismatch,
)

MIB = 1024 * 1024
LONGEST = 3.0
"""Seconds that one forgery may take; each of its runs has 0.05."""

SCRIPT = """
var n = 0; const list = [];
for (let i = 0; i < 40; i++) list.push({ i, s: 'text' + i, a: [i, i / 2] });
class P { #x = 1; up() { return ++this.#x; } } const p = new P();
function* g() { for (let i = 0; ; i++) yield i; } const it = g(); it.next();
let settle; const waited = new Promise((r) => { settle = r; });
async function f() { return (await waited) + 1; } const result = f();
const m = new Map([['a', list], [p, 1]]); const re = /a(b+)c/g; const d = new Date(0);
function busy(k) { let s = 0; for (let i = 0; i < k; i++) s += list[i % 40].a[0]; return s; }
const bytes = new Uint8Array(64); const big = 2n ** 300n;
globalThis.registry = new FinalizationRegistry(() => {}); registry.register({}, 1); 0
"""
MODULE = Module(
    "m.js", "let n = 0; export function up() { return ++n; } export default () => twice(n);"
)
PROBES = (
    "busy(2000)",
    "list.map((o) => o.s.toUpperCase()).join()",
    "p.up() + it.next().value",
    "settle(1); result",
    "re.exec('xxabbbc'); [...m.keys()].length",
    "JSON.stringify(list) + big.toString()",
    "list",
    "twice(n++)",
    "console.log(list, d); new Error('x').stack",
    "(function deep(k) { return k ? deep(k - 1) : 0; })(100)",
    "eval('let q = 1; q + n'); [].concat(list, list).sort((a, b) => b.i - a.i).length",
)


def options(snapshot: Snapshot | None = None) -> RuntimeOptions:
    """Small limits, so that a forgery that runs wild soon meets them."""
    return RuntimeOptions(
        timeout=0.05,
        hard_stop_grace=0.02,
        memory_limit_bytes=8 * MIB,
        result_limit_nodes=20_000,
        host_functions={"twice": lambda x: [x, x]},
        console=lambda event: None,
        snapshot=snapshot,
    )


def original() -> Snapshot:
    """What is forged."""
    with QuickJSRuntime(options()) as runtime:
        runtime.evaluate(SCRIPT)
        runtime.load_module(MODULE)
        snapshot = runtime.snapshot()
    # Once in good order: the engine that tests epochs is compiled here, not in somebody's time.
    QuickJSRuntime(options(replace(snapshot, trusted=False))).close()
    return snapshot


def forge(content: bytes, chance: random.Random) -> bytes:
    """Change a heap in one of several ways, from one bit to whole pages."""
    heap = bytearray(content)
    kind = chance.randrange(6)
    for _ in range(chance.choice((1, 1, 2, 5, 20, 200))):
        at = chance.randrange(0, len(heap) - 16, 4)
        if kind == 0:
            heap[at + chance.randrange(4)] ^= 1 << chance.randrange(8)
        elif kind == 1:  # a pointer, or what may pass for one
            struct.pack_into("<I", heap, at, chance.randrange(0, 2 * MIB, 4))
        elif kind == 2:  # a number at an edge
            edge = chance.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 8, 64))
            struct.pack_into("<I", heap, at, edge)
        elif kind == 3:  # what stands elsewhere
            source = chance.randrange(0, len(heap) - 16, 4)
            heap[at : at + 16] = heap[source : source + 16]
        elif kind == 4:
            size = min(chance.choice((8, 64, 1024, 4096)), len(heap) - at)
            heap[at : at + size] = chance.randbytes(size)
        else:  # the globals of the guest's own code: its header, hooks, allocator, tables
            at = chance.randrange(0, min(len(heap) - 16, 128 * 1024), 4)
            struct.pack_into("<I", heap, at, chance.getrandbits(32))
    return bytes(heap)


def attempt(snapshot: Snapshot, chance: random.Random) -> str:
    """Restore a forgery and run scripts in it; return how it ended.

    Raises:
        AssertionError: It took too long, or nonsense came out as if it were in order.
    """
    forged = replace(snapshot, content=forge(bytes(snapshot.content), chance))
    read = Snapshot.from_bytes(forged.to_bytes())
    began = time.monotonic()
    try:
        runtime = QuickJSRuntime(options(read))
    except (SnapshotMismatch, MemoryLimitError) as error:
        _in_time(began)
        return type(error).__name__
    outcome = "fine"
    with runtime:
        for probe in chance.sample(PROBES, 4):
            outcome = _probe(runtime, probe) or outcome
            if not runtime.usable:
                break
        else:
            outcome = _handle(runtime) or outcome
    _in_time(began)
    return outcome


def _probe(runtime: QuickJSRuntime, script: str) -> str | None:
    raised: JSRuntimeError | None = None
    try:
        runtime.evaluate(script)
    except JSRuntimeError as error:
        raised = error
    if raised is None:
        return None
    assert raised.runtime_usable == runtime.usable, raised
    return type(raised).__name__


def _handle(runtime: QuickJSRuntime) -> str | None:
    try:
        runtime.call_function("up", module=runtime.module("m.js"))
        runtime.evaluate("() => 1")("x" * 10_000)
        runtime.collect_garbage()
        runtime.evaluate("'" + "long" * 5000 + "'")
        runtime.snapshot().to_bytes()
    except JSRuntimeError as error:
        return type(error).__name__
    return None


def _in_time(began: float) -> None:
    took = time.monotonic() - began
    assert took < LONGEST, f"it took {took:.1f} s"


def main() -> None:
    """Try many, and count how they ended."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    snapshot, ends = original(), Counter[str]()
    for number in range(count):
        try:
            ends[attempt(snapshot, random.Random(f"{seed} {number}"))] += 1
        except BaseException:
            print(f"seed {seed} number {number}", flush=True)
            raise
        if number % 100 == 99:
            print(number + 1, dict(ends), flush=True)


if __name__ == "__main__":
    main()
