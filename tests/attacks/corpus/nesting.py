"""Nesting without end: in sources, in patterns, and in values that cross the bridge."""

from __future__ import annotations

from functools import partial
from typing import Any

from attacks.attack import CONVERSION, DONE, MEMORY, STACK, THROWS, Attack

Deep = partial(Attack, timeout=5.0, memory_mib=64)
"""Deep things need some time and memory to be built; neither is what the attack is about."""


def nested_list(depth: int) -> list[Any]:
    """Return lists within lists."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def nested_dict(depth: int) -> dict[str, Any]:
    """Return dicts within dicts."""
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


_REPEATED = {
    "parentheses": "'('.repeat(1e5) + '1' + ')'.repeat(1e5)",
    "arrays": "'['.repeat(1e5) + ']'.repeat(1e5)",
    "array patterns": "'(' + '['.repeat(1e5) + 'a' + ']'.repeat(1e5) + ') => 1'",
    "unary operators": "'!'.repeat(2e5) + '1'",
    "typeof": "'typeof '.repeat(1e5) + '1'",
    "new": "'new '.repeat(1e5) + 'Object'",
    "blocks": "'{'.repeat(1e5) + '}'.repeat(1e5)",
    "if statements": "'if (1) '.repeat(1e5) + '1'",
    "else branches": "'if (0) 1; else '.repeat(1e5) + '1'",
    "loops": "'while (0) '.repeat(1e5) + '1'",
    "labels": "Array.from({ length: 1e5 }, (_, i) => 'l' + i + ':').join('') + '1'",
    "try blocks": "'try {'.repeat(5e4) + '} finally {}'.repeat(5e4)",
    "switches": "'switch (1) { case 1:'.repeat(5e4) + '}'.repeat(5e4)",
    "arrows": "'a=>'.repeat(5e4) + '1'",
    "classes": "'(class extends '.repeat(2e4) + 'Object' + '{})'.repeat(2e4)",
    "class fields": "'class A { x = '.repeat(2e4) + '1' + '}'.repeat(2e4)",
    "templates": "'`${'.repeat(5e4) + '1' + '}`'.repeat(5e4)",
    "conditionals": "'1?'.repeat(1e5) + '1' + ':1'.repeat(1e5)",
    "conditionals on the right": "'0?1:'.repeat(1e5) + '1'",
    "powers": "'2**'.repeat(1e5) + '1'",
    "assignments": "'a='.repeat(1e5) + '1'",
    "calls": "'f('.repeat(1e5) + ')'.repeat(1e5)",
    "await": "'async()=>' + 'await '.repeat(1e5) + '1'",
    "yield": "'function*g(){' + 'yield '.repeat(1e5) + '1}'",
    "functions": "'function f(){'.repeat(2e4) + '}'.repeat(2e4)",
    "dynamic imports": "'import('.repeat(1e5) + \"'x'\" + ')'.repeat(1e5)",
}
_REFUSED = {
    "objects": "'({a:'.repeat(1e5) + '1' + '})'.repeat(1e5)",
    "object patterns": "'function f(' + '{a:'.repeat(1e5) + 'a' + '}'.repeat(1e5) + '){}'",
}
"""Here the parser's look-ahead may give up before its stack does, and calls it a SyntaxError."""
_FLAT = {
    "additions": "'1' + '+1'.repeat(2e5)",
    "commas": "'1' + ',1'.repeat(2e5)",
    "members": "'a=1;a' + '?.b'.repeat(1e5)",
    "or chains": "'0' + '||0'.repeat(1e5)",
    "elements": "'[' + '1,'.repeat(2e5) + ']'",
    "statements": "';'.repeat(1e6) + '1'",
}
_PARSER = [
    *(Deep(f"parser: {name}", f"eval({text})", STACK) for name, text in _REPEATED.items()),
    *(
        Deep(f"parser: {name}", f"eval({text})", (*THROWS, *STACK))
        for name, text in _REFUSED.items()
    ),
    *(
        Deep(f"long but flat: {name}", f"eval({text}); 1", DONE, gives=1)
        for name, text in _FLAT.items()
    ),
    Deep("parser: the script itself", lambda: "(" * 100_000 + "1" + ")" * 100_000, STACK),
    Deep(
        "parser: a module",
        lambda: "export default " + "[" * 100_000 + "]" * 100_000,
        STACK,
        via="module",
    ),
]

_PATTERNS = {
    "groups": "'('.repeat(1e5) + ')'.repeat(1e5)",
    "groups that do not capture": "'(?:'.repeat(1e5) + ')'.repeat(1e5)",
    "look-aheads": "'(?='.repeat(1e5) + ')'.repeat(1e5)",
    "look-behinds": "'(?<='.repeat(1e5) + ')'.repeat(1e5)",
    "alternatives": "'(a|'.repeat(1e5) + 'b' + ')'.repeat(1e5)",
    "repetitions": "'(?:'.repeat(1e5) + 'a' + ')*'.repeat(1e5)",
}
_REGEXPS = [
    *(
        Deep(f"regexp compiler: {name}", f"new RegExp({text})", THROWS, error_name="SyntaxError")
        for name, text in _PATTERNS.items()
    ),
    Deep(
        "regexp compiler: sets",
        "new RegExp('['.repeat(1e5) + 'a' + ']'.repeat(1e5), 'v')",
        THROWS,
    ),
    Deep(
        "regexp run over a long text",
        "/^(?:a|b|(c))*$/.exec('abc'.repeat(5e5)); 1",
        MEMORY,
    ),
    Deep(
        "regexp with deep look-aheads",
        "new RegExp('(?='.repeat(200) + 'a' + ')'.repeat(200)).test('a')",
        DONE,
    ),
]

_CODEC = [
    Deep("result nested", "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a", CONVERSION),
    Deep(
        "result nested in objects",
        "let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; a",
        CONVERSION,
    ),
    Deep(
        "result nested in maps",
        "let a = new Map(); for (let i = 0; i < 1e5; i++) a = new Map([[1, a]]); a",
        CONVERSION,
    ),
    Deep(
        "result nested in sets",
        "let a = new Set(); for (let i = 0; i < 1e5; i++) a = new Set([a]); a",
        CONVERSION,
    ),
    Deep(
        "result nested in causes",
        "let e = new Error(); for (let i = 0; i < 1e5; i++) e = new Error('x', { cause: e }); e",
        DONE,
    ),
    Deep(
        "result nested by a getter", "const f = () => ({ get a() { return f() } }); f()", CONVERSION
    ),
    Deep(
        "result nested by a proxy",
        "const f = () => new Proxy({}, { ownKeys: () => ['a'], getOwnPropertyDescriptor: () => "
        "({ configurable: true, enumerable: true, value: 1 }), get: f }); f()",
        CONVERSION,
    ),
    Deep(
        "result just within the depth", "let a = 1; for (let i = 0; i < 190; i++) a = [a]; a", DONE
    ),
    Deep(
        "thrown value nested", "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; throw a", THROWS
    ),
    Deep(
        "thrown error with nested causes",
        "let e = new Error(); for (let i = 0; i < 1e5; i++) e = new Error('x', { cause: e }); "
        "throw e",
        THROWS,
    ),
    Deep(
        "console argument nested",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; console.log(a); 1",
        DONE,
        gives=1,
    ),
    Deep(
        "argument nested",
        "function attack(x) { return 1 }",
        CONVERSION,
        via="call",
        args=lambda: [nested_list(100_000)],
    ),
    Deep(
        "argument nested in dicts",
        "function attack(x) { return 1 }",
        CONVERSION,
        via="call",
        args=lambda: [nested_dict(100_000)],
    ),
    Deep(
        "argument nested a little too deep",
        "function attack(x) { return 1 }",
        CONVERSION,
        via="call",
        args=lambda: [nested_list(250)],
    ),
    Deep(
        "getter at the bottom of the stack",
        "function f() { try { f() } catch { return 1 } return { get a() { f(); return 1 } } } f()",
        DONE,
    ),
    Deep(
        "conversion that recurses through a getter",
        "const o = { get a() { return o } }; o",
        CONVERSION,
    ),
]

ATTACKS = [*_PARSER, *_REGEXPS, *_CODEC]
