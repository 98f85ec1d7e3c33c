"""Regular expressions, numbers and bytes that take ages."""

from __future__ import annotations

from attacks.attack import DONE, MEMORY, THROWS, TIME_OR_MEMORY, TIMEOUT, Attack

_REGEXPS = [
    Attack("nested stars", "/(a*)*b/.test('a'.repeat(40))", TIMEOUT),
    Attack("nested pluses", "/^(a+)+$/.test('a'.repeat(40) + 'b')", TIMEOUT),
    Attack("overlapping alternatives", "/^(a|a)*$/.test('a'.repeat(40) + 'b')", TIMEOUT),
    Attack("alternatives of classes", "/^([a-z]|\\w)+$/.test('a'.repeat(40) + '!')", TIMEOUT),
    Attack("backreference", "/(a*)*\\1b/.exec('a'.repeat(40))", TIMEOUT),
    Attack("look-behind", "/(?<=(a+)+b)c/.test('a'.repeat(40) + 'c')", DONE),
    Attack("look-ahead", "/^(?=(a+)+$)b/.test('a'.repeat(40) + 'b')", TIMEOUT),
    Attack("case-insensitive unicode", "/^(\\u017f|s|S)*$/iu.test('s'.repeat(40) + '!')", TIMEOUT),
    Attack("quadratic in a loop", "const s = 'a'.repeat(1e5); for (;;) /a*b/.test(s)", TIMEOUT),
    Attack("counted repetitions", "/^((a{0,9}){0,9}){0,9}$/.test('a'.repeat(60) + 'b')", TIMEOUT),
    Attack(
        "exec that always matches",
        "const r = /x/g; r.exec = () => ['']; 'a'.match(r)",
        TIME_OR_MEMORY,
    ),
    Attack(
        "replace whose exec always matches",
        "const r = /x/g; r.exec = () => ['']; 'a'.replace(r, '')",
        TIME_OR_MEMORY,
    ),
    Attack(
        "matchAll drained",
        "const r = /x/g; r.exec = () => ['']; class R extends RegExp { exec() { return [''] } } "
        "for (const m of 'a'.matchAll(new R('x', 'g'))) m",
        TIMEOUT,
    ),
    Attack(
        "split whose exec never moves",
        "class R extends RegExp { exec() { this.lastIndex = 0; "
        "return null } } for (;;) 'abc'.split(new R('x'))",
        TIMEOUT,
    ),
    Attack("compilations in a loop", "for (let i = 0; ; i++) new RegExp('(a|b|c)*' + i)", TIMEOUT),
]

_NUMBERS = [
    Attack("BigInt power and text", "for (;;) (3n ** 600000n).toString()", TIMEOUT),
    Attack("BigInt squared for ever", "let x = 3n; for (;;) x = x * x", (*TIME_OR_MEMORY, *THROWS)),
    Attack("BigInt factorial", "let x = 1n; for (let i = 1n; ; i++) x *= i", TIMEOUT),
    Attack("BigInt from a long text", "BigInt('9'.repeat(1e6))", THROWS),
    Attack(
        "BigInt division in a loop",
        "const a = 7n ** 20000n, b = 3n ** 20000n; for (;;) a % b",
        TIMEOUT,
    ),
    Attack("BigInt shifts", "let x = 1n; for (;;) x <<= 1000n", THROWS),
    Attack("BigInt shifted out of the world", "1n << (2n ** 62n)", THROWS),
    Attack(
        "BigInt.asUintN of astronomic width",
        "BigInt.asUintN(2 ** 53 - 1, -1n)",
        THROWS,
    ),
    Attack(
        "bytes moved in a loop",
        "const u = new Uint8Array(2 ** 24); for (;;) u.copyWithin(1, 0)",
        TIMEOUT,
    ),
    Attack(
        "typed fill in a loop", "const u = new Float64Array(2 ** 20); for (;;) u.fill(1)", TIMEOUT
    ),
    Attack(
        "typed sort in a loop",
        "const u = new Float64Array(2 ** 19).map((_, i) => (i * 7919) % 524287); "
        "for (;;) u.slice().sort()",
        TIMEOUT,
    ),
    Attack(
        "typed sort with a comparator that detaches",
        "const b = new ArrayBuffer(4096), u = new Uint8Array(b); "
        "for (;;) u.sort(() => { b.transfer?.(); return 1 })",
        THROWS,
    ),
    Attack(
        "typed search in a loop",
        "const u = new Uint8Array(2 ** 24); for (;;) u.indexOf(1)",
        TIMEOUT,
    ),
    Attack(
        "typed set in a loop",
        "const u = new Uint8Array(2 ** 22), f = new Float64Array(2 ** 20); for (;;) u.set(f)",
        TIMEOUT,
    ),
    Attack(
        "typed array from an endless iterator",
        "new Uint8Array({ *[Symbol.iterator]() { for (;;) yield 1 } })",
        TIME_OR_MEMORY,
    ),
    Attack(
        "typed array of a huge array-like",
        "new Uint8Array({ length: 2 ** 31 - 1 })",
        MEMORY,
    ),
    Attack(
        "waiting with Atomics",
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
        THROWS,
    ),
    Attack(
        "spinning with Atomics",
        "const u = new Int32Array(4); for (;;) Atomics.compareExchange(u, 0, 0, 0)",
        TIMEOUT,
    ),
    Attack("random numbers for ever", "for (;;) Math.random()", TIMEOUT),
    Attack(
        "digits of numbers in a loop",
        "for (;;) (1.7976931348623157e308).toString(2) + (5e-324).toFixed(100)",
        TIMEOUT,
    ),
]

ATTACKS = [*_REGEXPS, *_NUMBERS]
