"""Memory bombs: everything that can be made to grow, grown without end."""

from __future__ import annotations

from functools import partial

from attacks.attack import MEMORY, THROWS, TIME_OR_MEMORY, Attack

Bomb = partial(Attack, timeout=20.0, memory_mib=8)
"""Bombs get time enough to go off, even on a busy machine."""

_TEXT = [
    Bomb("doubled string", "let s = 'x'; for (;;) s += s", THROWS),
    Bomb(
        "rope of additions",
        "let s = ''; for (let i = 0; ; i++) s = s + 'bcdefghijklmnop' + i",
        MEMORY,
    ),
    Bomb(
        "rope built backwards",
        "let s = ''; for (let i = 0; ; i++) s = i + 'bcdefghijklmnop' + s",
        MEMORY,
    ),
    Bomb(
        "strings kept in an array",
        "const a = []; for (let i = 0; ; i++) a.push('x'.repeat(1000) + i)",
        MEMORY,
    ),
    Bomb("repeat in one go", "'x'.repeat(2 ** 28)", MEMORY),
    Bomb("wide repeat in one go", "'\\u20ac'.repeat(2 ** 27)", MEMORY),
    Bomb("padEnd in one go", "'x'.padEnd(2 ** 28, 'ab')", MEMORY),
    Bomb(
        "replaceAll that multiplies",
        "'a'.repeat(2 ** 12).replaceAll('a', 'b'.repeat(2 ** 16))",
        MEMORY,
    ),
    Bomb("replacement patterns that multiply", "'a'.repeat(2 ** 14).replace(/a/g, '$`')", MEMORY),
    Bomb("join with a long separator", "new Array(2 ** 12).join('x'.repeat(2 ** 16))", MEMORY),
    Bomb("template of templates", "let s = 'x'; for (;;) s = `${s}${s}`", MEMORY),
    Bomb("split into pieces", "const a = []; for (;;) a.push('x'.repeat(1e5).split(''))", MEMORY),
    Bomb(
        "case conversion that expands",
        "const a = []; for (;;) a.push('\\u0390'.repeat(1e6).toUpperCase())",
        MEMORY,
    ),
    Bomb(
        "normalisation that expands",
        "const a = []; for (;;) a.push('\\ufdfa'.repeat(1e4).normalize('NFKC'))",
        MEMORY,
    ),
    Bomb(
        "percent encoding that expands",
        "const a = []; for (;;) a.push(encodeURIComponent('\\u20ac'.repeat(1e5)))",
        MEMORY,
    ),
    Bomb("JSON that expands", "JSON.stringify('\\u0001'.repeat(2 ** 22))", MEMORY),
    Bomb(
        "JSON with indentation",
        "let a = []; for (let i = 0; i < 100; i++) a = [a, a.length]; for (const k = []; ; "
        ") k.push(JSON.stringify(a, null, 10))",
        MEMORY,
    ),
    Bomb(
        "JSON of a shared graph",
        "let a = [1]; for (let i = 0; i < 60; i++) a = [a, a]; JSON.stringify(a)",
        MEMORY,
    ),
    Bomb(
        "text of a shared graph",
        "let a = [1]; for (let i = 0; i < 30; i++) a = [a, a]; String(a)",
        MEMORY,
    ),
    Bomb(
        "flat of a shared graph",
        "let a = [1]; for (let i = 0; i < 60; i++) a = [a, a]; a.flat(Infinity)",
        MEMORY,
    ),
    Bomb(
        "symbols with descriptions",
        "const a = []; for (let i = 0; ; i++) a.push(Symbol('x'.repeat(100) + i))",
        MEMORY,
    ),
    Bomb(
        "registered symbols",
        "for (let i = 0; ; i++) Symbol.for('x'.repeat(1000) + i)",
        TIME_OR_MEMORY,
        timeout=2.0,
    ),
    Bomb(
        "property names as atoms",
        "const o = {}; for (let i = 0; ; i++) o['k'.repeat(50) + i] = i",
        MEMORY,
    ),
]

_OBJECTS = [
    Bomb("array pushed", "const a = []; for (;;) a.push(1)", MEMORY),
    Bomb("array doubled by concat", "let a = [1]; for (;;) a = a.concat(a)", MEMORY),
    Bomb("array doubled by spread", "let a = [1]; for (;;) a = [...a, ...a]", MEMORY),
    Bomb("array nested", "let a = []; for (;;) a = [a]", MEMORY),
    Bomb("array made long and filled", "new Array(2 ** 26).fill(0)", MEMORY),
    Bomb(
        "unshift",
        "const a = [1, 2, 3]; for (;;) a.unshift(...a.slice(0, 1000))",
        TIME_OR_MEMORY,
        timeout=1.0,
    ),
    Bomb("objects", "const a = []; for (;;) a.push({ x: 1, y: 2 })", MEMORY),
    Bomb("linked list", "let a = null; for (;;) a = { next: a }", MEMORY),
    Bomb(
        "cyclic garbage kept", "const a = []; for (;;) { const o = {}; o.o = o; a.push(o) }", MEMORY
    ),
    Bomb(
        "hidden classes",
        "const a = []; for (let i = 0; ; i++) a.push({ ['a' + i]: 1, ['b' + i]: 2, ['c' + i]: 3 })",
        MEMORY,
    ),
    Bomb(
        "prototype chain", "let o = {}; for (;;) o = Object.create(o, { x: { value: 1 } })", MEMORY
    ),
    Bomb(
        "accessors",
        "const o = {}; for (let i = 0; ; i++) Object.defineProperty(o, 'p' + i, { get() { "
        "return i } })",
        MEMORY,
    ),
    Bomb("globals", "for (let i = 0; ; i++) globalThis['g' + i] = [i]", MEMORY),
    Bomb("closures", "const a = []; for (;;) a.push(() => a)", MEMORY),
    Bomb(
        "closures over big frames",
        "const a = []; for (;;) { const b = new Array(100).fill(1); a.push(() => b) }",
        MEMORY,
    ),
    Bomb("bound functions", "let f = () => 1; for (;;) f = f.bind(null, 1, 2, 3)", MEMORY),
    Bomb(
        "functions from text",
        "const a = []; for (let i = 0; ; i++) a.push(Function('return ' + i))",
        MEMORY,
    ),
    Bomb("classes", "const a = []; for (;;) a.push(class { m() {} static s = 1 })", MEMORY),
    Bomb(
        "generators suspended",
        "const a = []; function* g() { const b = [1, 2, 3]; yield b } for (;;) { const x = g(); "
        "x.next(); a.push(x) }",
        MEMORY,
    ),
    Bomb(
        "async functions suspended",
        "const a = []; for (;;) a.push((async () => { await new Promise(() => {}) })())",
        MEMORY,
    ),
    Bomb(
        "regular expressions",
        "const a = []; for (let i = 0; ; i++) a.push(new RegExp('(a|b|c)*' + i))",
        MEMORY,
    ),
    Bomb(
        "regular expressions of large sets",
        "const a = []; for (;;) a.push(new RegExp('[^a]'.repeat(1e4), 'iu'))",
        MEMORY,
    ),
    Bomb(
        "regular expression that keeps its states",
        "/^(?:(.)|(.)|x)*$/.exec('ab'.repeat(1e6) + '\\n')",
        TIME_OR_MEMORY,
        timeout=2,
    ),
    Bomb("match of every letter", "'x'.repeat(2e6).match(/x/g)", MEMORY),
    Bomb("map", "const m = new Map(); for (let i = 0; ; i++) m.set(i, i)", MEMORY),
    Bomb("set", "const s = new Set(); for (let i = 0; ; i++) s.add(i)", MEMORY),
    Bomb(
        "weak map",
        "const w = new WeakMap(), a = []; for (;;) { const k = {}; a.push(k); w.set(k, [k]) }",
        MEMORY,
    ),
    Bomb("weak references", "const a = [], o = {}; for (;;) a.push(new WeakRef({ o }))", MEMORY),
    Bomb(
        "finalisation registry",
        "const r = new FinalizationRegistry(() => {}), o = {}; for (;;) r.register(o, [1])",
        TIME_OR_MEMORY,
        timeout=1.0,
    ),
    Bomb("proxies", "const a = []; for (;;) a.push(new Proxy({}, {}))", MEMORY),
    Bomb("dates", "const a = []; for (;;) a.push(new Date())", MEMORY),
    Bomb("errors", "const a = []; for (;;) a.push(new Error('x'))", MEMORY),
    Bomb(
        "error with an endless cause",
        "let e = new Error('x'); for (;;) e = new Error('x', { cause: e })",
        MEMORY,
    ),
    Bomb(
        "big integers",
        "const a = []; for (let i = 0; ; i++) a.push(7n ** 1000n + BigInt(i))",
        MEMORY,
    ),
    Bomb("a big integer shifted", "1n << 1000000000n", THROWS),
    Bomb(
        "arguments objects",
        "const a = []; (function f() { a.push(arguments); })(1); "
        "for (;;) (function () { a.push(arguments) })(1, 2, 3)",
        MEMORY,
    ),
    Bomb("entries of a huge text", "Object.entries(Object('x'.repeat(2e6)))", MEMORY),
    Bomb("keys of huge bytes", "Object.getOwnPropertyNames(new Uint8Array(4e6))", MEMORY),
    Bomb(
        "groupBy",
        "Object.groupBy({ *[Symbol.iterator]() { for (let i = 0; ; i++) yield i } }, (x) => x)",
        MEMORY,
    ),
    Bomb("numeric properties", "const o = {}; for (let i = 0; ; i++) o[i * 2] = [i]", MEMORY),
    Bomb(
        "numeric properties of an object without prototype",
        "const o = Object.create(null); for (let i = 0; ; i++) (o[i] = []).push(i)",
        MEMORY,
    ),
    Bomb(
        "properties deleted and made anew",
        "const a = []; for (let i = 0; ; i++) { const o = { ['k' + i]: 1, b: 2 }; delete o.b; "
        "o['c' + i] = 1; a.push(o) }",
        MEMORY,
    ),
]

_BUFFERS = [
    Bomb("copy, reversed", "Array.prototype.toReversed.call({ length: 2 ** 29 + 1 })", MEMORY),
    Bomb("copy, changed", "Array.prototype.with.call({ length: 2 ** 29 + 1 }, 0, 1)", MEMORY),
    Bomb("copy, spliced", "Array.prototype.toSpliced.call({ length: 2 ** 29 + 1 }, 0, 0)", MEMORY),
    Bomb("array buffers", "const a = []; for (;;) a.push(new ArrayBuffer(2 ** 16))", MEMORY),
    Bomb("array buffer in one go", "new ArrayBuffer(2 ** 30)", MEMORY),
    Bomb("array buffer beyond the address space", "new ArrayBuffer(2 ** 40)", THROWS),
    Bomb("typed arrays", "const a = []; for (;;) a.push(new Float64Array(1000).fill(1))", MEMORY),
    Bomb("typed array in one go", "new Float64Array(2 ** 27)", MEMORY),
    Bomb(
        "resizable buffer",
        "const b = new ArrayBuffer(1, { maxByteLength: 2 ** 28 }); for (let n = 1; ; "
        "n *= 2) b.resize(n)",
        MEMORY,
    ),
    Bomb(
        "resizable buffers with great expectations",
        "const a = []; for (;;) a.push(new ArrayBuffer(1, { maxByteLength: 2 ** 20 }))",
        MEMORY,
    ),
    Bomb(
        "buffers transferred and grown",
        "let b = new ArrayBuffer(1); for (;;) b = b.transfer(b.byteLength * 2)",
        MEMORY,
    ),
    Bomb(
        "buffers sliced",
        "const b = new ArrayBuffer(2 ** 20), a = []; for (;;) a.push(b.slice(0))",
        MEMORY,
    ),
    Bomb("views", "const b = new ArrayBuffer(8), a = []; for (;;) a.push(new DataView(b))", MEMORY),
    Bomb(
        "shared buffers",
        "const a = []; for (;;) a.push(new SharedArrayBuffer(2 ** 16))",
        MEMORY,
    ),
    Bomb(
        "growable shared buffer",
        "const b = new SharedArrayBuffer(1, { maxByteLength: 2 ** 28 }); for (let n = 1; ; "
        "n *= 2) b.grow(n)",
        THROWS,
    ),
]

ATTACKS = [*_TEXT, *_OBJECTS, *_BUFFERS]
