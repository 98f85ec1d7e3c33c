"""Hostile results: values that lie, change or explode while they are converted."""

from __future__ import annotations

from functools import partial

from attacks.attack import CONVERSION, DONE, MEMORY, RESULT, THROWS, TIMEOUT, Attack

_SMALL = {"result_limit_bytes": 4 * 2**20, "result_limit_nodes": 100_000}
Big = partial(Attack, timeout=5.0, options=_SMALL)
"""Results beyond limits that are small enough for the Python side of the memory bound."""

_GRAPHS = [
    Attack("cycle", "const o = {}; o.o = o; o", CONVERSION),
    Attack("array in itself", "const a = []; a.push(a); a", CONVERSION),
    Attack("map in itself", "const m = new Map(); m.set(1, m); m", CONVERSION),
    Attack("map as its own key", "const m = new Map(); m.set(m, 1); m", CONVERSION),
    Attack("set in itself", "const s = new Set(); s.add(s); s", CONVERSION),
    Attack(
        "cycle of ten",
        "const a = []; let b = a; for (let i = 0; i < 10; i++) { b.push([]); "
        "b = b[0] } b.push(a); a",
        CONVERSION,
    ),
    Big("shared graph of arrays", "let a = []; for (let i = 0; i < 60; i++) a = [a, a]; a", RESULT),
    Big(
        "shared graph of objects",
        "let a = {}; for (let i = 0; i < 60; i++) a = { a, b: a }; a",
        RESULT,
    ),
    Big(
        "shared graph of maps",
        "let a = new Map(); for (let i = 0; i < 60; i++) a = new Map([[1, a], [2, a]]); a",
        RESULT,
    ),
    Big("shared string", "const s = 'x'.repeat(1e6); new Array(1000).fill(s)", RESULT),
    Big("shared bytes", "const u = new Uint8Array(1e6); new Array(1000).fill(u)", RESULT),
    Big("shared big integer", "const n = 7n ** 100000n; new Array(1000).fill(n)", RESULT),
    Attack(
        "shared graph with the limits as they are",
        "let a = []; for (let i = 0; i < 60; i++) a = [a, a]; a",
        RESULT,
        timeout=10.0,
        memory_mib=64,
    ),
    Attack(
        "shared graph just below the limits as they are",
        "let a = []; for (let i = 0; i < 20; i++) a = [a, a]; a",
        RESULT,
        timeout=10.0,
        memory_mib=64,
    ),
    Attack(
        "shared string with the limits as they are",
        "const s = 'x'.repeat(1e6); new Array(1000).fill(s)",
        MEMORY,
        timeout=10.0,
        memory_mib=64,
    ),
    Attack(
        "many empty objects with the limits as they are",
        "new Array(1.5e6).fill({})",
        RESULT,
        timeout=10.0,
        memory_mib=64,
    ),
]

_SIZES = [
    Big("huge sparse array", "new Array(2 ** 32 - 1)", RESULT),
    Big("sparse array with one far element", "const a = []; a[2 ** 31] = 1; a", RESULT),
    Big("long array", "new Array(200_000).fill(1)", RESULT),
    Big("long string", "'x'.repeat(5e6)", RESULT),
    Big("wide string", "'\\u20ac'.repeat(2e6)", RESULT),
    Big(
        "rope",
        "let s = ''; for (let i = 0; i < 1e5; i++) s += "
        "'abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz'; s",
        RESULT,
    ),
    Big("many bytes", "new Uint8Array(5e6)", RESULT),
    Big("large buffer", "new ArrayBuffer(5e6)", RESULT),
    Big("large big integer", "1n << 50_000_000n", THROWS),
    Big(
        "many properties",
        "const o = {}; for (let i = 0; i < 1e5; i++) o['k' + i] = i; o",
        RESULT,
    ),
    Big("large map", "const m = new Map(); for (let i = 0; i < 1e5; i++) m.set(i, i); m", RESULT),
    Big("large set", "const s = new Set(); for (let i = 0; i < 1.2e5; i++) s.add(i); s", RESULT),
    Big(
        "property names of great length",
        "const o = {}; for (let i = 0; i < 50; i++) o['k'.repeat(1e5) + i] = i; o",
        RESULT,
    ),
    Big(
        "boxed string of great length",
        "Object('x'.repeat(5e6))",
        RESULT,
    ),
    Big(
        "functions by the ten thousand",
        "Array.from({ length: 10_000 }, () => () => 1)",
        DONE,
        timeout=10,
    ),
    Big("functions by the million", "Array.from({ length: 1e6 }, () => () => 1)", MEMORY),
    Big("one function a million times", "new Array(1e6).fill(() => 1)", RESULT),
    Big(
        "promises by the ten thousand",
        "Array.from({ length: 10_000 }, () => Promise.resolve(1))",
        DONE,
        timeout=10,
    ),
]

_ODD = [
    Attack("symbol", "Symbol('s')", CONVERSION),
    Attack("symbol deep inside", "({ a: [1, { b: Symbol('s') }] })", CONVERSION),
    Attack("symbol as a key", "({ [Symbol('s')]: 1, a: 2 })", DONE, gives={"a": 2}),
    Attack("invalid date", "new Date(NaN)", CONVERSION),
    Attack("date at the end of time", "new Date(8.64e15)", DONE),
    Attack("detached buffer", "const b = new ArrayBuffer(8); b.transfer(); b", CONVERSION),
    Attack(
        "view of a detached buffer",
        "const u = new Uint8Array(8); u.buffer.transfer(); u",
        CONVERSION,
    ),
    Attack(
        "view out of bounds",
        "const b = new ArrayBuffer(16, { maxByteLength: 32 }); "
        "const u = new Uint8Array(b, 8, 8); b.resize(4); u",
        CONVERSION,
    ),
    Attack(
        "lone surrogates",
        "['\\ud800', '\\udc00\\ud800', 'a\\ud83d']",
        DONE,
        gives=["\ud800", "\udc00\ud800", "a\ud83d"],
    ),
    Attack("lone surrogate as a key", "({ '\\ud800': 1 })", DONE, gives={"\ud800": 1}),
    Attack("NaN as keys", "new Map([[NaN, 1], [0, 2]])", DONE),
    Attack("one and true as keys", "new Map([[1, 'a'], [true, 'b']])", DONE),
    Attack("objects as keys", "new Map([[{}, 1], [[], 2], [new Map(), 3]])", DONE),
    Attack("globalThis", "globalThis", DONE),
    Attack("generator", "(function* () { for (;;) yield 1 })()", CONVERSION),
    Attack("weak map", "new WeakMap()", CONVERSION),
    Attack("data view", "new DataView(new ArrayBuffer(8))", CONVERSION),
    Attack("regular expression", "/x/g", CONVERSION),
    Attack(
        "module namespace",
        "import('evil.js')",
        CONVERSION,
        modules={"evil.js": "export { x as 'a b' }; let x = 1; export * as self from 'evil.js'"},
    ),
    Attack(
        "binding in its dead zone",
        "import('evil.js')",
        DONE,
        modules={
            "evil.js": "import * as me from 'evil.js'; globalThis.me = me; "
            "export let x = (() => { try { return Object.keys(me) } catch (e) { return e.name } "
            "})()"
        },
    ),
    Attack("arguments object", "(function () { return arguments })(1, 2)", DONE),
    Attack("thenable that never settles", "({ then() {} })", DONE),
    Attack("thenable that throws", "({ then() { throw new TypeError('mine') } })", DONE),
    Attack(
        "thenable getter that throws",
        "({ get then() { throw new TypeError('mine') } })",
        THROWS,
        error_name="TypeError",
    ),
    Attack("thenable that settles twice", "({ then(a, b) { a(1); a(2); b(3) } })", DONE),
    Attack("promise of a cycle", "const o = {}; o.o = o; Promise.resolve(o)", CONVERSION),
    Attack(
        "promise with an endless chain behind",
        "(async () => { const f = () => queueMicrotask(f); f(); return 1 })()",
        TIMEOUT,
    ),
    Attack(
        "global getter read from Python",
        "Object.defineProperty(globalThis, 'attack', { get() { for (;;) {} } })",
        TIMEOUT,
        via="call",
    ),
    Attack(
        "global proxy called from Python",
        "globalThis.attack = new Proxy(() => 1, { apply() { for (;;) {} } })",
        TIMEOUT,
        via="call",
    ),
    Attack(
        "call that returns its own arguments in a circle",
        "function attack(a) { a.push(a); return a }",
        CONVERSION,
        via="call",
        args=lambda: [[1]],
    ),
    Attack(
        "argument that is a setter's prey",
        "Object.defineProperty(Object.prototype, 'x', { set(v) { "
        "throw 1 }, configurable: true }); function attack(o) { delete Object.prototype.x; "
        "return o }",
        DONE,
        via="call",
        args=lambda: [{"x": 1, "__proto__": {"y": 2}}],
        gives={"x": 1, "__proto__": {"y": 2}},
    ),
]

ATTACKS = [*_GRAPHS, *_SIZES, *_ODD]
