"""Values that lie about themselves, or change while they are converted."""

from __future__ import annotations

from attacks.attack import CONVERSION, DONE, MEMORY, RESULT, THROWS, TIME_OR_MEMORY, TIMEOUT, Attack

_SMALL = {"result_limit_bytes": 4 * 2**20, "result_limit_nodes": 100_000}

_LIARS = [
    Attack(
        "array proxy with an endless length",
        "new Proxy([], { get: (t, k) => k === 'length' ? 2 ** 53 - 1 : 0 })",
        RESULT,
        options=_SMALL,
    ),
    Attack(
        "array proxy with a negative length",
        "new Proxy([], { get: (t, k) => k === 'length' ? -1 : 0 })",
        DONE,
    ),
    Attack(
        "array proxy with a length of NaN",
        "new Proxy([], { get: (t, k) => k === 'length' ? NaN : 0 })",
        DONE,
    ),
    Attack(
        "array proxy whose length loops",
        "new Proxy([], { get(t, k) { if (k === 'length') for (;;) {} } })",
        TIMEOUT,
    ),
    Attack(
        "array proxy whose length grows",
        "let n = 0; new Proxy([], { get: (t, k) => k === 'length' ? (n += 10) : k })",
        DONE,
    ),
    Attack(
        "object proxy without end",
        "new Proxy({}, { ownKeys: () => Array.from({ "
        "length: 1e5 }, (_, i) => 'k' + i), getOwnPropertyDescriptor: () => ({ "
        "enumerable: true, configurable: true, value: 1 }) })",
        TIME_OR_MEMORY,
        options=_SMALL,
    ),
    Attack(
        "object proxy that says one thing and does another",
        "let n = 0; new Proxy({}, { ownKeys: () => ['a', 'b'], getOwnPropertyDescriptor: (t, "
        "k) => n++ ? undefined : { enumerable: true, configurable: true, value: 1 } })",
        DONE,
    ),
    Attack("proxy whose ownKeys loops", "new Proxy({}, { ownKeys() { for (;;) {} } })", TIMEOUT),
    Attack(
        "proxy whose ownKeys throws",
        "new Proxy({}, { ownKeys() { throw new TypeError('mine') } })",
        THROWS,
        error_name="TypeError",
    ),
    Attack(
        "proxy whose ownKeys fills the heap",
        "const a = []; new Proxy({}, { ownKeys() { for (;;) a.push([1]) } })",
        MEMORY,
        timeout=10.0,
        memory_mib=16,
    ),
    Attack(
        "revoked proxy",
        "const r = Proxy.revocable({}, {}); r.revoke(); r.proxy",
        THROWS,
    ),
    Attack(
        "revoked proxy of an array",
        "const r = Proxy.revocable([], {}); r.revoke(); [r.proxy]",
        THROWS,
    ),
    Attack("proxy of a function", "new Proxy(() => 1, { apply() { throw 1 } })", DONE),
    Attack("proxy of a map", "new Proxy(new Map([[1, 2]]), {})", DONE),
    Attack("proxy of a date", "new Proxy(new Date(0), {})", DONE),
    Attack("proxy of a typed array", "new Proxy(new Uint8Array(3), {})", DONE),
    Attack(
        "getter that throws",
        "({ get a() { throw new RangeError('mine') } })",
        THROWS,
        error_name="RangeError",
    ),
    Attack("getter that loops", "({ a: [{ get b() { for (;;) {} } }] })", TIMEOUT),
    Attack(
        "getter in an array",
        "const a = [1, 2]; Object.defineProperty(a, 1, { get() { for (;;) {} } }); a",
        TIMEOUT,
    ),
    Attack(
        "getter that makes a new getter",
        "const f = (o) => Object.defineProperty(o, 'a', { get() { "
        "return f({}) }, enumerable: true }); f({})",
        CONVERSION,
    ),
    Attack("object with its own toJSON", "({ a: 1, toJSON() { for (;;) {} } }).a", DONE, gives=1),
    Attack(
        "object with __proto__ as its own key",
        'JSON.parse(\'{"__proto__": {"a": 1}}\')',
        DONE,
        gives={"__proto__": {"a": 1}},
    ),
]

_CHANGING = [
    Attack(
        "array emptied while it is read",
        "const a = [{ get x() { a.length = 0; return 1 } }, 2, 3]; a",
        DONE,
    ),
    Attack(
        "array grown while it is read",
        "const a = [1, { get x() { for (let i = 0; i < 1e4; i++) a.push(i); return 1 } }, 3]; a",
        DONE,
    ),
    Attack(
        "array made slow while it is read",
        "const a = [{ get x() { a[1e6] = 1; delete a[1]; return 1 } }, 2, 3]; a",
        DONE,
        options=_SMALL,
    ),
    Attack(
        "array frozen and replaced while it is read",
        "const a = [{ get x() { a[1] = { get y() { a.length = 0; return a } }; return 1 } }, 2]; a",
        CONVERSION,
    ),
    Attack(
        "object emptied while it is read",
        "const o = { get a() { delete o.b; delete o.c; return 1 }, b: 'x'.repeat(9), c: [1] }; o",
        DONE,
    ),
    Attack(
        "object grown while it is read",
        "const o = { get a() { for (let i = 0; i < 1e4; i++) o['k' + i] = i; return 1 }, b: 1 }; o",
        DONE,
    ),
    Attack(
        "object reshaped while it is read",
        "const o = { get a() { Object.defineProperty(o, 'b', { get() { delete o.a; "
        "return [o.c] } }); Object.setPrototypeOf(o, null); return 1 }, b: 1, c: 2 }; o",
        DONE,
    ),
    Attack(
        "map cleared while it is read",
        "const m = new Map([[1, { get x() { m.clear(); return 1 } }], [2, 2], [3, 3]]); m",
        DONE,
    ),
    Attack(
        "map grown while it is read",
        "const m = new Map([[1, { get x() { for (let i = 0; i < 1e4; i++) m.set('k' + i, i); "
        "return 1 } }]]); m",
        DONE,
    ),
    Attack(
        "map that grows without end while it is read",
        "let n = 0; const v = () => ({ get x() { m.set(n++, v()); return 1 } }); "
        "const m = new Map([['a', v()]]); m",
        DONE,
        options=_SMALL,
    ),
    Attack(
        "map entry deleted while it is read",
        "const m = new Map(); for (let i = 0; i < 9; i++) m.set(i, { get x() { m.delete(i); "
        "m.delete(i + 1); return 1 } }); m",
        DONE,
    ),
    Attack(
        "set cleared while it is read",
        "const s = new Set([{ get x() { s.clear(); for (let i = 0; i < 99; i++) s.add(i); "
        "return 1 } }, 2]); s",
        DONE,
    ),
    Attack(
        "typed array detached while it is read",
        "const u = new Uint8Array(1e5); [{ get x() { u.buffer.transfer(); return 1 } }, u]",
        CONVERSION,
    ),
    Attack(
        "typed array shrunk while it is read",
        "const b = new ArrayBuffer(1e5, { maxByteLength: 1e6 }); const u = new Uint8Array(b); "
        "[u, { get x() { b.resize(1); return 1 } }, u]",
        DONE,
    ),
    Attack(
        "last reference dropped while it is read",
        "let o = { get a() { o = null; globalThis.keep = null; "
        "return new Array(100).fill(1) }, b: 'x'.repeat(1000) }; globalThis.keep = o; keep",
        DONE,
    ),
    Attack(
        "error changed while it is read",
        "const e = new Error('x'); Object.defineProperty(e, 'name', { get() { delete e.message; "
        "delete e.stack; e.cause = e; return 'N' } }); e",
        DONE,
    ),
    Attack(
        "garbage made while it is read",
        "({ get a() { for (let i = 0; i < 1e4; i++) { const o = {}; "
        "o.o = o } return [{ get b() { return 'x'.repeat(1e4) } }] } })",
        DONE,
    ),
]

ATTACKS = [*_LIARS, *_CHANGING]
