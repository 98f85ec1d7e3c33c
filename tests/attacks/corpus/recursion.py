"""Recursion without end, of every kind, in the interpreter, the parser and the codec."""

from __future__ import annotations

from functools import partial

from attacks.attack import DONE, STACK, TIMEOUT, Attack

Deep = partial(Attack, timeout=5.0, memory_mib=64)
"""Deep things need some time and memory to be built; neither is what the attack is about."""


_CALLS = [
    Deep("function", "function f() { f() } f()", STACK),
    Deep(
        "function with arguments and locals",
        "function f(a, b, c, d) { const x = [a, b, c]; return f(x, a, b, c) + d } f(1, 2, 3, 4)",
        STACK,
    ),
    Deep("arrow", "const f = () => f(); f()", STACK),
    Deep("mutual", "const f = () => g(), g = () => f(); f()", STACK),
    Deep("method with spread", "const o = { m(...a) { return this.m(...a, 1) } }; o.m()", STACK),
    Deep("constructor", "class C { constructor() { new C() } } new C()", STACK),
    Deep(
        "super constructor",
        "class A { constructor() { new B() } } class B extends A {} new B()",
        STACK,
    ),
    Deep("class field", "class C { x = new C() } new C()", STACK),
    Deep("getter", "const o = { get x() { return this.x } }; o.x", STACK),
    Deep("setter", "const o = { set x(v) { this.x = v } }; o.x = 1", STACK),
    Deep("toString", "const o = { toString() { return '' + this } }; '' + o", STACK),
    Deep("valueOf", "const o = { valueOf() { return +this } }; +o", STACK),
    Deep("Symbol.toPrimitive", "const o = { [Symbol.toPrimitive]() { return +this } }; +o", STACK),
    Deep(
        "Symbol.hasInstance",
        "const o = { [Symbol.hasInstance](x) { return x instanceof o } }; 1 instanceof o",
        STACK,
    ),
    Deep("sort comparator", "function f() { [2, 1].sort(f) } f()", STACK),
    Deep("map callback", "function f() { [1].map(f) } f()", STACK),
    Deep("typed array callback", "function f() { new Uint8Array(1).map(f) } f()", STACK),
    Deep("replace callback", "function f() { 'a'.replace(/a/, f) } f()", STACK),
    Deep(
        "Map.forEach callback",
        "const m = new Map([[1, 1]]); function f() { m.forEach(f) } f()",
        STACK,
    ),
    Deep("apply", "function f() { return f.apply(this, arguments) } f(1, 2, 3)", STACK),
    Deep("Reflect.apply", "function f() { return Reflect.apply(f, null, [1]) } f()", STACK),
    Deep("Reflect.construct", "function F() { Reflect.construct(F, []) } new F()", STACK),
    Deep(
        "chain of bound functions",
        "let g = () => 1; for (let i = 0; i < 3000; i++) g = g.bind(null); g()",
        STACK,
    ),
    Deep("generator that delegates", "function* g() { yield* g() } [...g()]", STACK),
    Deep("iterator", "const o = { [Symbol.iterator]() { return [...this] } }; [...o]", STACK),
    Deep("destructuring default", "function f({ a = f({}) }) {} f({})", STACK),
    Deep("parameter default", "function f(a = f()) {} f()", STACK),
    Deep("tagged template", "function f() { return f`x` } f()", STACK),
    Deep("eval", "function f() { eval('f()') } f()", STACK),
    Deep("Function", "globalThis.f = () => Function('f()')(); f()", STACK),
    Deep("async function", "async function f() { await f() } f()", STACK),
    Deep(
        "async generator",
        "async function* g() { yield* g() } g().next()",
        STACK,
    ),
    Deep("promise executor", "function f() { new Promise(f) } f()", DONE),
    Deep(
        "Error.prepareStackTrace",
        "Error.prepareStackTrace = () => new Error('x').stack; new Error('x').stack",
        DONE,
        sane_after=False,
    ),
    Deep(
        "species",
        "class A extends Array { map(f) { return super.map((x) => this.map(f)) } } "
        "A.from([1]).map((x) => x)",
        STACK,
    ),
    Deep(
        "disposal",
        "function f() { const d = new DisposableStack(); d.defer(f); d.dispose() } f()",
        STACK,
    ),
    Deep(
        "caught and tried again",
        "let n = 0; function f() { try { f() } catch { if (n++ < 50) f() } } f(); n > 0",
        DONE,
        gives=True,
    ),
    Deep(
        "caught and tried again for ever",
        "function f() { try { f() } catch { f() } } f()",
        TIMEOUT,
        timeout=0.3,
    ),
    Deep("finally", "let n = 0; function f() { try { f() } finally { n++ } } f()", STACK),
    Deep("error made at the bottom", "function f() { new Error().stack; f() } f()", STACK),
    Deep(
        "caught",
        "let k; function f() { f() } try { f() } catch (e) { k = e instanceof Error } k",
        DONE,
        gives=True,
    ),
    Deep(
        "regular expression run at the bottom",
        "function f() { try { f() } catch { /(a|b)*c/.exec('ab'.repeat(99)) } } f(); 1",
        DONE,
    ),
    Deep(
        "parser run at the bottom",
        "function f() { try { f() } catch { eval('1 + 1') } } f(); 1",
        DONE,
    ),
    Deep("call", "function attack() { attack() }", STACK, via="call"),
    Deep("module", "function f() { f() } f()", STACK, via="module"),
]

_PROXY = "let p = {}; for (let i = 0; i < 100000; i++) p = new Proxy(p, {});"
_OBJECTS = [
    Deep("proxies get", f"{_PROXY} p.x", STACK),
    Deep("proxies set", f"{_PROXY} p.x = 1", STACK),
    Deep("proxies has", f"{_PROXY} 'x' in p", STACK),
    Deep("proxies keys", f"{_PROXY} Object.keys(p)", STACK),
    # Its last call is one that a compiler may turn into a jump; then it needs no stack, and ends.
    Deep("proxies prototype", f"{_PROXY} p instanceof Object", (*STACK, *DONE)),
    Deep(
        "proxies isArray",
        "let p = []; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); Array.isArray(p)",
        DONE,
    ),
    Deep(
        "proxies called",
        "let p = () => 1; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); p()",
        STACK,
    ),
    Deep(
        "proxy whose get asks itself",
        "const p = new Proxy({}, { get(t, k, r) { return r[k] } }); p.a",
        STACK,
    ),
    Deep(
        "proxy whose ownKeys asks itself",
        "const p = new Proxy({}, { ownKeys: () => Object.keys(p) }); Object.keys(p)",
        STACK,
    ),
    Deep(
        "proxy that is its own handler",
        "const h = {}; const p = new Proxy({}, h); Object.setPrototypeOf(h, p); p.x",
        STACK,
    ),
    Deep(
        "prototypes in a circle through a proxy",
        "const p = new Proxy({}, {}); Object.setPrototypeOf(p, Object.create(p)); 'x' in p",
        STACK,
        timeout=1.0,
    ),
    Deep(
        "prototypes in a circle through a proxy, instanceof",
        "const p = new Proxy({}, {}); Object.setPrototypeOf(p, Object.create(p)); "
        "p instanceof Array",
        TIMEOUT,
        timeout=1.0,
    ),
    Deep(
        "long prototype chain",
        "let p = {}; for (let i = 0; i < 100000; i++) p = Object.create(p); p.zz",
        DONE,
    ),
    Deep(
        "long list freed",
        "let a = null; for (let i = 0; i < 500000; i++) a = { n: a }; a = null; 1",
        DONE,
        gives=1,
    ),
    Deep(
        "nested closures freed",
        "let f = () => 0; for (let i = 0; i < 200000; i++) { const g = f; "
        "f = () => g } f = null; 1",
        DONE,
        gives=1,
    ),
    Deep(
        "cyclic list collected",
        "let a = {}; const h = a; for (let i = 0; i < 200000; i++) { a.n = { p: a }; "
        "a = a.n } h.p = a; a = null; 1",
        DONE,
        gives=1,
    ),
    Deep(
        "long rope flattened",
        "let s = 'a'; for (let i = 0; i < 200000; i++) s = s + 'bcdefghijklm'.slice(i % 9) + i; "
        "s.charCodeAt(5) > 0",
        DONE,
        gives=True,
    ),
    Deep(
        "long rope flattened from the other end",
        "let s = ''; for (let i = 0; i < 100000; i++) s = i + 'bcdefghijklmnop' + s; "
        "s.charCodeAt(5) > 0",
        DONE,
        gives=True,
    ),
    Deep(
        "long promise chain",
        "let p = Promise.resolve(); for (let i = 0; i < 30000; i++) p = p.then(() => 1); p",
        DONE,
        gives=1,
    ),
    Deep(
        "promises resolved with promises",
        "let p = Promise.resolve(1); for (let i = 0; i < 50000; i++) { const q = p; "
        "p = new Promise((r) => r(q)) } p",
        DONE,
        gives=1,
    ),
    Deep(
        "long chain of causes shown",
        "let e = new Error(); for (let i = 0; i < 100000; i++) e = new Error('x', { cause: e }); "
        "'' + e",
        DONE,
        gives="Error: x",
    ),
    Deep(
        "nested array flattened",
        "let a = []; for (let i = 0; i < 100000; i++) a = [a]; a.flat(Infinity)",
        STACK,
    ),
    Deep(
        "nested array as text",
        "let a = []; for (let i = 0; i < 100000; i++) a = [a]; a.toString()",
        STACK,
    ),
    Deep("cyclic array as text", "const a = []; a.push(a, a); String(a)", STACK),
    Deep(
        "array in a circle of two as text",
        "const a = [1], b = [a]; a[1] = b; a.join()",
        STACK,
    ),
    Deep(
        "nested iterator helpers",
        "let i = [1].values(); for (let k = 0; k < 20000; k++) i = i.map((x) => x); i.next()",
        STACK,
    ),
]

_JSON = [
    Deep("JSON text of arrays", "JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))", STACK),
    Deep(
        "JSON text of objects", "JSON.parse('{\"a\":'.repeat(1e5) + '1' + '}'.repeat(1e5))", STACK
    ),
    Deep(
        "JSON of nested arrays",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)",
        STACK,
    ),
    Deep(
        "JSON of nested objects",
        "let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; JSON.stringify(a)",
        STACK,
    ),
    Deep(
        "toJSON", "const o = { toJSON() { return JSON.stringify(this) } }; JSON.stringify(o)", STACK
    ),
    Deep(
        "toJSON that nests",
        "const f = () => ({ a: { toJSON: f } }); JSON.stringify({ toJSON: f })",
        STACK,
    ),
    Deep("reviver", "const f = () => JSON.parse('[1]', f); f()", STACK),
    Deep(
        "reviver over nested arrays",
        "JSON.parse('['.repeat(900) + ']'.repeat(900), (k, v) => v); 1",
        DONE,
    ),
    Deep(
        "reviver that nests",
        "JSON.parse('[1]', function (k, v) { return (this[0] = [1]), v })",
        DONE,
        timeout=1.0,
    ),
    Deep("replacer that nests", "JSON.stringify({}, (k, v) => ({ v: {} }))", STACK),
]

ATTACKS = [*_CALLS, *_OBJECTS, *_JSON]
