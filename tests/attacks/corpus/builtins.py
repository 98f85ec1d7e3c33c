"""Builtins that run for ages in C without asking anybody: only the hard stop reaches these."""

from __future__ import annotations

from attacks.attack import DONE, THROWS, TIME_OR_MEMORY, TIMEOUT, Attack

_ENDLESS = "{ length: 2 ** 53 - 1 }"
_CALLS = {
    "indexOf": "1",
    "lastIndexOf": "1",
    "includes": "1",
    "reverse": "",
    "shift": "",
    "fill": "1",
    "copyWithin": "1, 0",
    "every": "Boolean",
    "some": "Boolean",
    "find": "Boolean",
    "findLast": "Boolean",
    "findIndex": "Boolean",
    "filter": "Boolean",
    "forEach": "Boolean",
    "reduce": "Boolean, 0",
    "reduceRight": "Boolean, 0",
    "flat": "",
    "splice": "0, 1",
    "sort": "",
}
_ARRAY_LIKES = [
    Attack(
        f"{name} of a huge array-like",
        f"Array.prototype.{name}.call({_ENDLESS}{', ' * bool(args)}{args})",
        TIME_OR_MEMORY if name == "fill" else TIMEOUT,
    )
    for name, args in _CALLS.items()
]

_ARRAYS = [
    Attack(
        "fill of a huge sparse array",
        "const a = []; a.length = 2 ** 32 - 2; a.fill(1)",
        TIME_OR_MEMORY,
    ),
    Attack("join of a huge sparse array", "new Array(2 ** 32 - 1).join()", TIME_OR_MEMORY),
    Attack(
        "join of a huge array-like without text",
        "Array.prototype.join.call({ length: 2 ** 32 - 1 }, '')",
        TIME_OR_MEMORY,
    ),
    Attack(
        "concat of a huge sparse array",
        "[].concat(new Array(2 ** 32 - 1))",
        TIME_OR_MEMORY,
    ),
    Attack(
        "concat of a spreadable",
        f"[].concat({{ ...{_ENDLESS}, [Symbol.isConcatSpreadable]: true }})",
        TIME_OR_MEMORY,
    ),
    Attack(
        "Array.from of a huge array-like",
        "Array.from({ length: 2 ** 32 - 1 })",
        TIME_OR_MEMORY,
    ),
    Attack("toSorted of a sparse array", "new Array(2 ** 26).toSorted()", TIME_OR_MEMORY),
    Attack(
        "toReversed of a sparse array",
        "new Array(2 ** 32 - 1).toReversed()",
        THROWS,
    ),
    Attack("slice of a sparse array", "new Array(2 ** 32 - 1).slice(1)", TIME_OR_MEMORY),
    Attack("spread of a sparse array", "[...new Array(2 ** 32 - 1)]", TIME_OR_MEMORY),
    Attack(
        "arguments from a sparse array",
        "Math.max(...new Array(2 ** 24))",
        TIME_OR_MEMORY,
    ),
    Attack("apply with a huge array-like", f"Math.max.apply(null, {_ENDLESS})", THROWS),
    Attack(
        "Reflect.construct with a huge array-like", f"Reflect.construct(Object, {_ENDLESS})", THROWS
    ),
    Attack(
        "truncation of a sparse array",
        "const a = []; a[2 ** 32 - 2] = 1; a.length = 0; a.length",
        DONE,
        gives=0,
    ),
    Attack(
        "sort of many strings",
        "const a = Array.from({ length: 1e5 }, (_, i) => 'k' + (i * 7919) % 99991); "
        "for (;;) a.slice().sort()",
        TIMEOUT,
    ),
    Attack(
        "sort with a random comparator",
        "const a = Array.from({ length: 1e5 }, (_, i) => i); "
        "for (;;) a.sort(() => Math.random() - 0.5)",
        TIMEOUT,
    ),
    Attack(
        "sort with a comparator that is never content",
        "const a = Array.from({ length: 3e5 }, (_, i) => i); for (;;) a.sort(() => 1)",
        TIMEOUT,
    ),
    Attack(
        "sort with a comparator that grows the array",
        "const a = [3, 2, 1]; for (;;) a.sort(() => { a.push(1); return -1 }).length = 3",
        TIMEOUT,
    ),
    Attack(
        "sort with a comparator that empties the array",
        "const a = [3, 2, 1, 0]; for (;;) { a.sort(() => { a.length = 0; return 1 }); "
        "a.push(3, 2, 1) }",
        TIME_OR_MEMORY,
    ),
    Attack(
        "array that grows under for of",
        "const a = [1]; for (const x of a) a.push(x)",
        TIME_OR_MEMORY,
    ),
    Attack(
        "array that grows under forEach by proxy",
        "const a = new Proxy([1], {}); for (;;) a.forEach((x) => x)",
        TIMEOUT,
    ),
    Attack(
        "set that grows under forEach",
        "const s = new Set([1]); s.forEach((x) => { s.delete(x); s.add(x) })",
        TIMEOUT,
    ),
    Attack(
        "map that grows under forEach",
        "const m = new Map([[1, 1]]); m.forEach((_, k) => m.set(k + 1, 1))",
        TIME_OR_MEMORY,
    ),
]

_STRINGS = [
    Attack(
        "long search",
        "'a'.repeat(2 ** 24).indexOf('a'.repeat(2 ** 23) + 'b')",
        TIMEOUT,
        memory_mib=64,
    ),
    Attack(
        "long search from the end",
        "'a'.repeat(2 ** 24).lastIndexOf('a'.repeat(2 ** 23) + 'b')",
        TIMEOUT,
        memory_mib=64,
    ),
    Attack("long inclusion", "'a'.repeat(2 ** 23).includes('a'.repeat(2 ** 22) + 'b')", TIMEOUT),
    Attack("long split", "'a'.repeat(2 ** 23).split('a'.repeat(2 ** 22) + 'b')", TIMEOUT),
    Attack(
        "long replaceAll", "'a'.repeat(2 ** 23).replaceAll('a'.repeat(2 ** 22) + 'b', '')", TIMEOUT
    ),
    Attack("searches in a loop", "const s = 'a'.repeat(1e7); for (;;) s.indexOf('ab')", TIMEOUT),
    Attack(
        "split and join in a loop",
        "const s = 'x'.repeat(1e5); for (;;) s.split('').join('-')",
        TIMEOUT,
    ),
    Attack(
        "case conversions in a loop",
        "const s = '\\u0130'.repeat(1e6); for (;;) s.toLowerCase()",
        TIMEOUT,
    ),
    Attack(
        "normalisations in a loop",
        "const s = '\\u1e9b\\u0323'.repeat(2e4); for (;;) s.normalize('NFKD')",
        TIMEOUT,
    ),
    Attack(
        "normalisation of one endless cluster",
        "('a' + '\\u0300\\u0316'.repeat(1e5)).normalize('NFD')",
        TIME_OR_MEMORY,
    ),
    Attack(
        "comparisons in a loop",
        "const a = 'x'.repeat(1e7), b = 'x'.repeat(1e7); for (;;) a === b",
        TIMEOUT,
    ),
    Attack(
        "percent encodings in a loop",
        "const s = '\\u20ac'.repeat(3e4); for (;;) decodeURIComponent(encodeURIComponent(s))",
        TIMEOUT,
    ),
    Attack(
        "String.raw of a huge array-like",
        f"String.raw({{ raw: {_ENDLESS} }})",
        TIME_OR_MEMORY,
    ),
    Attack(
        "number from a long text in a loop",
        "const s = '9'.repeat(1e6); for (;;) Number(s)",
        TIMEOUT,
    ),
    Attack(
        "parseInt of a long text in a loop",
        "const s = '7'.repeat(1e6); for (;;) parseInt(s, 7)",
        TIMEOUT,
    ),
    Attack(
        "date from a long text in a loop",
        "const s = '2020-01-01' + ' '.repeat(1e6); for (;;) Date.parse(s)",
        TIMEOUT,
    ),
    Attack(
        "JSON both ways in a loop",
        "const o = [1, { a: 'x'.repeat(1e4) }]; for (;;) JSON.parse(JSON.stringify(o))",
        TIMEOUT,
    ),
    Attack(
        "JSON of a long array in one go",
        "for (;;) JSON.parse('[' + '1,'.repeat(1e5) + '1]')",
        TIMEOUT,
    ),
    Attack(
        "stringify of a proxy without end",
        "JSON.stringify(new Proxy([], { get: (t, k) => k === 'length' ? 2 ** 53 - 1 : 0 }))",
        TIME_OR_MEMORY,
    ),
]

_ITERATORS = [
    Attack(
        "spread of an endless iterator",
        "[...{ [Symbol.iterator]: () => ({ next: () => ({}) }) }]",
        TIME_OR_MEMORY,
    ),
    Attack(
        "rest of an endless iterator",
        "const [...x] = { *[Symbol.iterator]() { for (;;) yield 1 } }",
        TIME_OR_MEMORY,
    ),
    Attack(
        "iterator whose return loops",
        "const [a] = { [Symbol.iterator]: () => ({ next: () => ({}), return() { for (;;) {} } }) }",
        TIMEOUT,
    ),
    Attack(
        "iterator whose next loops",
        "for (const x of { [Symbol.iterator]: () => ({ next() { for (;;) {} } }) }) x",
        TIMEOUT,
    ),
    Attack(
        "iterator whose done loops",
        "for (const x of { [Symbol.iterator]: () => ({ next: () => ({ get done() { for (;;) {} } "
        "}) }) }) x",
        TIMEOUT,
    ),
    Attack(
        "drop without end", "(function* () { for (;;) yield 1 })().drop(Infinity).next()", TIMEOUT
    ),
    Attack(
        "filter without end",
        "(function* () { for (;;) yield 1 })().filter(() => false).next()",
        TIMEOUT,
    ),
    Attack(
        "toArray without end", "(function* () { for (;;) yield 1 })().toArray()", TIME_OR_MEMORY
    ),
    Attack(
        "flatMap of nothing without end",
        "(function* () { for (;;) yield [] })().flatMap((x) => x).next()",
        TIMEOUT,
    ),
    Attack(
        "Map of an endless iterator",
        "new Map({ *[Symbol.iterator]() { for (let i = 0; ; i++) yield [i, i] } })",
        TIME_OR_MEMORY,
    ),
    Attack(
        "Set of one value without end",
        "new Set({ *[Symbol.iterator]() { for (;;) yield 1 } })",
        TIMEOUT,
    ),
    Attack(
        "fromEntries without end",
        "Object.fromEntries({ *[Symbol.iterator]() { for (;;) yield ['a', 1] } })",
        TIMEOUT,
    ),
    Attack(
        "union with a liar",
        "new Set().union({ size: 0, has: () => true, keys: () => ({ next: () => ({}) }) })",
        TIMEOUT,
    ),
    Attack(
        "Object.assign from a huge string",
        "for (;;) Object.assign({}, 'x'.repeat(1e5))",
        TIME_OR_MEMORY,
    ),
]

ATTACKS = [*_ARRAY_LIKES, *_ARRAYS, *_STRINGS, *_ITERATORS]
