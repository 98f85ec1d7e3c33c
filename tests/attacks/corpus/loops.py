"""Code that never ends: statements, accessors, coercions, proxies, eval."""

from __future__ import annotations

from attacks.attack import THROWS, TIMEOUT, Attack

_STATEMENTS = [
    Attack("for", "for (;;) {}", TIMEOUT),
    Attack(
        "while with a condition that is always true", "let i = 0; while (i < 1 / 0) i++", TIMEOUT
    ),
    Attack("do while", "do {} while (true)", TIMEOUT),
    Attack("labelled continue", "outer: for (;;) { for (;;) continue outer; }", TIMEOUT),
    Attack(
        "switch in a loop",
        "let s = 0; for (;;) switch (s) { case 0: s = 1; break; default: s = 0 }",
        TIMEOUT,
    ),
    Attack("catch swallows", "for (;;) { try { for (;;) {} } catch {} }", TIMEOUT),
    Attack(
        "catch swallows calls",
        "function f() { for (;;) {} } for (;;) { try { f() } catch (e) { e } }",
        TIMEOUT,
    ),
    Attack(
        "finally starts again", "function f() { try { for (;;) {} } finally { f() } } f()", TIMEOUT
    ),
    Attack(
        "finally returns",
        "const f = () => { try { for (;;) {} } finally { return 1 } }; for (;;) f()",
        TIMEOUT,
    ),
    Attack("finally continues", "for (;;) { try { for (;;) {} } finally { continue } }", TIMEOUT),
    Attack(
        "finally continues an outer label",
        "outer: for (;;) { for (;;) { try { for (;;) {} } finally { continue outer } } }",
        TIMEOUT,
    ),
    Attack(
        "finally breaks into another loop",
        "a: { try { for (;;) {} } finally { break a } } for (;;) {}",
        TIMEOUT,
    ),
    Attack(
        "nested finally blocks",
        "try { try { try { for (;;) {} } finally { for (;;) {} } } finally { for (;;) {} } } "
        "finally { for (;;) {} }",
        TIMEOUT,
    ),
    Attack("throwing and catching", "for (;;) { try { throw new Error('x') } catch {} }", TIMEOUT),
    Attack(
        "exponential calls", "function f(n) { return n ? f(n - 1) + f(n - 1) : 1 } f(60)", TIMEOUT
    ),
    Attack(
        "for in over a proxy that never ends",
        "for (;;) for (const k in new Proxy({ a: 1 }, {})) k",
        TIMEOUT,
    ),
    Attack("class static block", "class A { static { for (;;) {} } }", TIMEOUT),
    Attack("class field", "class A { x = (() => { for (;;) {} })() } new A()", TIMEOUT),
    Attack("computed class key", "class A { [(() => { for (;;) {} })()]() {} }", TIMEOUT),
    Attack("class heritage", "class A extends (() => { for (;;) {} })() {}", TIMEOUT),
    Attack("parameter default", "(function (a = (() => { for (;;) {} })()) {})()", TIMEOUT),
    Attack("destructuring default", "const { a = (() => { for (;;) {} })() } = {}", TIMEOUT),
    Attack("tagged template", "(() => { for (;;) {} })`x`", TIMEOUT),
    Attack("eval of a loop", "eval('for (;;) {}')", TIMEOUT),
    Attack("indirect eval of a loop", "(0, eval)('for (;;) {}')", TIMEOUT),
    Attack("eval in a loop", "for (;;) eval('1 + 1')", TIMEOUT),
    Attack("Function in a loop", "for (;;) new Function('a', 'return a')(1)", TIMEOUT),
    Attack("loop in a Function", "Function('for (;;) {}')()", TIMEOUT),
    Attack(
        "generator drained", "function* g() { for (;;) yield 1 } for (const x of g()) x", TIMEOUT
    ),
    Attack(
        "generator delegating to itself in turns",
        "function* g() { for (;;) yield* [1, 2] } for (const x of g()) x",
        TIMEOUT,
    ),
    Attack(
        "generator that loops when it is closed",
        "function* g() { try { yield 1 } finally { for (;;) {} } } for (const x of g()) break",
        TIMEOUT,
    ),
    Attack(
        "generator that refuses to be closed",
        "function* g() { for (;;) try { yield 1 } finally { continue } } "
        "for (;;) for (const x of g()) break",
        TIMEOUT,
    ),
    Attack("garbage for ever", "for (;;) { const a = {}; a.a = a; }", TIMEOUT),
    Attack(
        "deadline met while an error is thrown",
        "for (;;) { try { null.x } catch (e) { e.stack } }",
        TIMEOUT,
    ),
]

_HOOKS = [
    Attack("getter", "({ get x() { for (;;) {} } }).x", TIMEOUT),
    Attack("setter", "({ set x(v) { for (;;) {} } }).x = 1", TIMEOUT),
    Attack(
        "getter on Object.prototype",
        "Object.defineProperty(Object.prototype, 'zz', { get() { for (;;) {} } }); [].zz",
        TIMEOUT,
    ),
    Attack("toString", "'' + { toString() { for (;;) {} } }", TIMEOUT),
    Attack("valueOf", "+{ valueOf() { for (;;) {} } }", TIMEOUT),
    Attack("Symbol.toPrimitive", "`${{ [Symbol.toPrimitive]() { for (;;) {} } }}`", TIMEOUT),
    Attack(
        "Symbol.toPrimitive in a comparison",
        "({ [Symbol.toPrimitive]() { for (;;) {} } }) < 1",
        TIMEOUT,
    ),
    Attack(
        "Symbol.hasInstance", "1 instanceof { [Symbol.hasInstance]() { for (;;) {} } }", TIMEOUT
    ),
    Attack(
        "Symbol.species",
        "class A extends Array { static get [Symbol.species]() { for (;;) {} } } "
        "new A(3).map(String)",
        TIMEOUT,
    ),
    Attack(
        "Symbol.isConcatSpreadable",
        "[].concat({ get [Symbol.isConcatSpreadable]() { for (;;) {} } })",
        TIMEOUT,
    ),
    Attack(
        "Symbol.toStringTag",
        "Object.prototype.toString.call({ get [Symbol.toStringTag]() { for (;;) {} } })",
        TIMEOUT,
    ),
    Attack(
        "Symbol.unscopables",
        "with ({ x: 1, get [Symbol.unscopables]() { for (;;) {} } }) x",
        TIMEOUT,
    ),
    Attack("Symbol.replace", "'a'.replace({ [Symbol.replace]() { for (;;) {} } })", TIMEOUT),
    Attack("toJSON", "JSON.stringify({ toJSON() { for (;;) {} } })", TIMEOUT),
    Attack("JSON reviver", "JSON.parse('[1]', () => { for (;;) {} })", TIMEOUT),
    Attack(
        "JSON reviver that renews what it walks",
        "JSON.parse('[1, 2]', function (k, v) { for (;;) this[1] = [1, 2] })",
        TIMEOUT,
    ),
    Attack("JSON replacer", "JSON.stringify([1], () => { for (;;) {} })", TIMEOUT),
    Attack("length coercion", "'x'.repeat({ valueOf() { for (;;) {} } })", TIMEOUT),
    Attack("array length coercion", "[].length = { valueOf() { for (;;) {} } }", TIMEOUT),
    Attack("property key coercion", "({})[{ toString() { for (;;) {} } }]", TIMEOUT),
    Attack("date coercion", "new Date({ [Symbol.toPrimitive]() { for (;;) {} } })", TIMEOUT),
    Attack(
        "lastIndex coercion",
        "const r = /a/g; r.lastIndex = { valueOf() { for (;;) {} } }; r.exec('a')",
        TIMEOUT,
    ),
    Attack("comparator", "[2, 1].sort(() => { for (;;) {} })", TIMEOUT),
    Attack("replace callback", "'a'.replace(/a/, () => { for (;;) {} })", TIMEOUT),
    Attack(
        "Error.prepareStackTrace",
        "Error.prepareStackTrace = () => { for (;;) {} }; new Error('x').stack",
        TIMEOUT,
        sane_after=False,
    ),
    Attack(
        "getter defined by Object.groupBy", "Object.groupBy([1, 2], () => { for (;;) {} })", TIMEOUT
    ),
    Attack(
        "disposal",
        "const d = new DisposableStack(); d.defer(() => { for (;;) {} }); d.dispose()",
        TIMEOUT,
    ),
    Attack(
        "register_entrypoint with a loop",
        "register_entrypoint({ get name() { for (;;) {} } })",
        THROWS,
    ),
]

_TRAPS = {
    "get": "p.x",
    "set": "p.x = 1",
    "has": "'x' in p",
    "deleteProperty": "delete p.x",
    "ownKeys": "Reflect.ownKeys(p)",
    "getOwnPropertyDescriptor": "Object.getOwnPropertyDescriptor(p, 'x')",
    "defineProperty": "Object.defineProperty(p, 'x', { value: 1 })",
    "getPrototypeOf": "p instanceof Object",
    "setPrototypeOf": "Object.setPrototypeOf(p, null)",
    "isExtensible": "Object.isExtensible(p)",
    "preventExtensions": "Object.freeze(p)",
    "apply": "p()",
    "construct": "new p()",
}
_PROXIES = [
    Attack(
        f"proxy trap {trap}",
        f"const p = new Proxy(function () {{}}, {{ {trap}() {{ for (;;) {{}} }} }}); {use}",
        TIMEOUT,
    )
    for trap, use in _TRAPS.items()
] + [
    Attack(
        "proxy handler that is a proxy",
        "const p = new Proxy({}, new Proxy({}, { get() { for (;;) {} } })); p.x",
        TIMEOUT,
    ),
    Attack("proxy as a with scope", "with (new Proxy({}, { has() { for (;;) {} } })) x", TIMEOUT),
    Attack(
        "proxy as a prototype", "Object.create(new Proxy({}, { get() { for (;;) {} } })).x", TIMEOUT
    ),
]

ATTACKS = [*_STATEMENTS, *_HOOKS, *_PROXIES]
