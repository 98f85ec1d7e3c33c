"""Hostile uses of memory that is shared with the host and with other runtimes."""

from __future__ import annotations

from functools import partial

from attacks.attack import DONE, MEMORY, THROWS, TIME_OR_MEMORY, TIMEOUT, Attack
from runtimes import SharedBuffer

MIB = 1024 * 1024

Given = partial(
    Attack,
    via="call",
    args=lambda: [SharedBuffer(MIB)],
    options={"allocation": "on_demand"},
)
"""The script defines ``attack(b)``, and ``b`` is a megabyte that the host shares."""

_STUBBORN = [
    Given(
        "waiting for a number that never comes",
        "function attack(b) { const a = new Int32Array(b); while (Atomics.load(a, 0) === 0); }",
        TIMEOUT,
    ),
    Given(
        "a lock that nobody opens",
        "function attack(b) { const a = new Int32Array(b); a[0] = 1; "
        "while (Atomics.compareExchange(a, 0, 0, 1) !== 0) Atomics.pause(); }",
        TIMEOUT,
    ),
    Given(
        "waiting in finally",
        "function attack(b) { const a = new Int32Array(b); "
        "for (;;) try { while (!Atomics.load(a, 0)); } finally { continue } }",
        TIMEOUT,
    ),
    Given(
        "filling for ever",
        "function attack(b) { for (;;) new Uint8Array(b).fill(1) }",
        TIMEOUT,
    ),
    Given(
        "looking for what is not there for ever",
        "function attack(b) { for (;;) new Float64Array(b).indexOf(1) }",
        TIMEOUT,
    ),
    Given(
        "sorting for ever",
        "function attack(b) { const a = new Int32Array(b); "
        "for (;;) { for (let i = 0; i < a.length; i += 7) a[i] = -i; a.sort() } }",
        TIMEOUT,
    ),
    Given(
        "sorting by a function that writes",
        "function attack(b) { const a = new Int32Array(b); "
        "a.sort((x, y) => { a.fill(x - y); return Math.random() - 0.5 }) }",
        TIMEOUT,
    ),
    Given(
        "waiting",
        "function attack(b) { Atomics.wait(new Int32Array(b), 0, 0) }",
        THROWS,
        error_name="TypeError",
    ),
]

_SHAPES = [
    Given("resized", "function attack(b) { ArrayBuffer.prototype.resize.call(b, 1) }", THROWS),
    Given("grown", "function attack(b) { b.grow(2 ** 21) }", THROWS),
    Given("transferred", "function attack(b) { ArrayBuffer.prototype.transfer.call(b) }", THROWS),
    Given(
        "with the prototype of what can be detached",
        "function attack(b) { Object.setPrototypeOf(b, ArrayBuffer.prototype); b.transfer() }",
        THROWS,
    ),
    Given(
        "sliced into itself",
        "function attack(b) { b.constructor = { [Symbol.species]: function () { return b } }; "
        "b.slice(0, 8) }",
        THROWS,
    ),
    Given(
        "read and written behind its end",
        "function attack(b) { const v = new DataView(b); v.setBigUint64(2 ** 20 - 7, -1n) }",
        THROWS,
    ),
    Given(
        "an index that shrinks what it indexes",
        "function attack(b) { const a = new BigInt64Array(b); "
        "Atomics.add(a, { valueOf() { return 2 ** 17 } }, 1n) }",
        THROWS,
    ),
    Given(
        "atomics that are not aligned",
        "function attack(b) { new BigInt64Array(b, 4) }",
        THROWS,
    ),
    Given("thrown", "function attack(b) { throw b }", THROWS),
    Given(
        "dropped by a getter while it is converted",
        "let kept; function attack(b) { kept = { b, get c() { kept.b = null; return 1 } }; "
        "return [kept, b] }",
        DONE,
    ),
    Given(
        "without a prototype",
        "function attack(b) { Object.setPrototypeOf(b, null); b.x = 1; return [b] }",
        DONE,
    ),
    Given(
        "watched while it is collected",
        "const registry = new FinalizationRegistry(() => {}); "
        "function attack(b) { registry.register(b, 1); globalThis.ref = new WeakRef(b) }",
        DONE,
    ),
    Given(
        "named a hundred thousand times",
        "function attack(b) { return new Array(100000).fill(b).length }",
        DONE,
        gives=100_000,
    ),
]

_MANY = [
    Given(
        "five hundred of them in knots",
        "function attack(...all) { for (const b of all) { const a = { b }; a.a = a } return 1 }",
        DONE,
        args=lambda: [SharedBuffer(1 + i) for i in range(500)],
        gives=1,
    ),
    Given(
        "its own, until there is no memory",
        "function attack(b) { const a = []; for (;;) a.push(new SharedArrayBuffer(2 ** 16)) }",
        MEMORY,
    ),
    Given(
        "copies of it, until there is no memory",
        "function attack(b) { const a = []; for (;;) a.push(b.slice(0)) }",
        TIME_OR_MEMORY,
    ),
    Given(
        "a heap that is full beside it",
        "function attack(b) { const a = []; for (;;) a.push(new ArrayBuffer(2 ** 16)) }",
        MEMORY,
        args=lambda: [SharedBuffer(20 * MIB)],
    ),
]

ATTACKS = [*_STUBBORN, *_SHAPES, *_MANY]
