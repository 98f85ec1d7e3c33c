"""Imports of what nobody handed over: files, URLs, builtins; and modules that tangle themselves."""

from __future__ import annotations

from attacks.attack import (
    DONE,
    MEMORY,
    NO_MODULE,
    STACK,
    SYNTAX,
    THROWS,
    TIMEOUT,
    UNSETTLED,
    Attack,
)

_ELSEWHERE = [
    "/etc/passwd",
    "file:///etc/passwd",
    "../../../../etc/passwd",
    "./../../etc/passwd",
    "..\\\\..\\\\windows\\\\win.ini",
    "C:/Windows/win.ini",
    "//server/share",
    "/proc/self/environ",
    "http://127.0.0.1/x.js",
    "https://example.com/x.js",
    "data:text/javascript,export default 1",
    "blob:x",
    "javascript:1",
    "node:fs",
    "fs",
    "std",
    "os",
    "qjs:std",
    "qjs:os",
    "bjson",
    "",
    ".",
    "..",
    "./",
    "/",
    "a\\0b",
    "\\ud800",
    "__proto__",
    "constructor",
    "env.so",
    "x.so",
    "%2e%2e/%2e%2e/etc/passwd",
]
_DYNAMIC = [
    Attack(
        f"import() of {specifier or 'nothing'}",
        f"import('{specifier}')",
        NO_MODULE,
    )
    for specifier in _ELSEWHERE
]
_STATIC = [
    Attack(
        f"import of {specifier}",
        f"import x from '{specifier}'; globalThis.x = x",
        NO_MODULE,
        via="module",
    )
    for specifier in (
        "/etc/passwd",
        "file:///etc/passwd",
        "../../etc/passwd",
        "https://example.com/x.js",
        "node:fs",
        "std",
        "os",
    )
]

_SPECIFIERS = [
    Attack("specifier of 5 MB", "import('x'.repeat(5e6))", NO_MODULE, timeout=3.0),
    Attack(
        "specifier of many steps up",
        "import('../'.repeat(1e5) + 'etc/passwd')",
        NO_MODULE,
        timeout=3.0,
    ),
    Attack(
        "specifier of many steps nowhere",
        "import('./' + './'.repeat(1e5) + 'x')",
        NO_MODULE,
        timeout=3.0,
    ),
    Attack("specifier that loops", "import({ toString() { for (;;) {} } })", TIMEOUT),
    Attack(
        "specifier that throws",
        "import({ toString() { throw new TypeError('mine') } })",
        THROWS,
        error_name="TypeError",
    ),
    Attack("specifier that is a symbol", "import(Symbol('s'))", THROWS),
    Attack(
        "attributes with a looping getter", "import('x', { get with() { for (;;) {} } })", TIMEOUT
    ),
    Attack(
        "attributes that are a proxy",
        "import('x', { with: new Proxy({}, { ownKeys() { for (;;) {} } }) })",
        TIMEOUT,
    ),
    Attack(
        "attributes of an unknown type",
        "import('good.js', { with: { type: 'evil' } })",
        THROWS,
        modules={"good.js": "export default 1"},
    ),
    Attack(
        "attributes of great size",
        "import('good.js', { with: { type: 'x'.repeat(1e6) } })",
        THROWS,
        modules={"good.js": "export default 1"},
    ),
    Attack(
        "script taken for JSON",
        "import('good.js', { with: { type: 'json' } }).catch(() => globalThis.ran ?? 'refused')",
        DONE,
        modules={"good.js": "globalThis.ran = 1"},
        gives="refused",
    ),
    Attack(
        "JSON taken for a script",
        "import('data.json')",
        DONE,
        modules={"data.json": '{"a": 1}'},
    ),
    Attack(
        "JSON that is no JSON",
        "import('data.json')",
        THROWS,
        modules={"data.json": "(() => { for (;;) {} })()"},
    ),
    Attack(
        "JSON nested",
        "import('data.json').then(() => 1)",
        STACK,
        modules={"data.json": "[" * 100_000 + "]" * 100_000},
    ),
    Attack(
        "failed imports without end",
        "(async () => { for (let i = 0; ; i++) try { await import('m' + i) } catch {} })()",
        (*TIMEOUT, *MEMORY),
    ),
    Attack(
        "failed imports with long names without end",
        "(async () => { for (let i = 0; ; i++) try { await import('m'.repeat(1e5) + i) } "
        "catch {} })()",
        (*TIMEOUT, *MEMORY),
        memory_mib=16,
    ),
    Attack(
        "import.meta",
        "globalThis.meta = Object.keys(import.meta).map((k) => String(import.meta[k])).join(); "
        "if (/[/]/.test(meta)) throw 1",
        DONE,
        via="module",
    ),
]

_TANGLES = [
    Attack(
        "module that imports itself",
        "import * as me from 'attack.js'; export const x = 1; if (me.x !== 1) throw 1",
        DONE,
        via="module",
    ),
    Attack(
        "module that imports itself dynamically",
        "export const me = await import('attack.js')",
        UNSETTLED,
        via="module",
    ),
    Attack(
        "circle of two",
        "import('a.js').then((m) => m.a)",
        DONE,
        modules={
            "a.js": "import { b } from 'b.js'; export const a = 1",
            "b.js": "import { a } from 'a.js'; export const b = 2",
        },
        gives=1,
    ),
    Attack(
        "circle that reads too early",
        "import('a.js')",
        THROWS,
        error_name="ReferenceError",
        modules={
            "a.js": "import { b } from 'b.js'; export const a = b",
            "b.js": "import { a } from 'a.js'; export const b = a",
        },
    ),
    Attack(
        "circle of re-exports",
        "import('a.js')",
        THROWS,
        modules={"a.js": "export { x } from 'b.js'", "b.js": "export { x } from 'a.js'"},
    ),
    Attack(
        "circle of star exports",
        "import('a.js').then((m) => Object.keys(m).length)",
        DONE,
        modules={"a.js": "export * from 'b.js'", "b.js": "export * from 'a.js'"},
        gives=0,
    ),
    Attack(
        "long chain of modules",
        "import('m0.js').then((m) => m.x)",
        STACK,
        timeout=5.0,
        modules={
            f"m{i}.js": f"import {{ x as y }} from 'm{i + 1}.js'; export const x = y"
            if i < 2000
            else "export const x = 1"
            for i in range(2001)
        },
    ),
    Attack(
        "long chain of star exports",
        "import('m0.js').then((m) => m.x)",
        STACK,
        timeout=5.0,
        modules={
            f"m{i}.js": f"export * from 'm{i + 1}.js'" if i < 2000 else "export const x = 1"
            for i in range(2001)
        },
    ),
    Attack(
        "star exports that double",
        "import('m0.js').then((m) => m.x)",
        DONE,
        modules={
            f"m{i}.js": f"export * from 'm{i + 1}.js'; export * from 'n{i}.js'"
            if i < 30
            else "export const x = 1"
            for i in range(31)
        }
        | {f"n{i}.js": f"export * from 'm{i + 1}.js'" for i in range(30)},
    ),
    Attack(
        "missing export",
        "import { nothing } from 'good.js'",
        SYNTAX,
        via="module",
        modules={"good.js": "export default 1"},
    ),
    Attack(
        "import of one that throws",
        "import 'bad.js'",
        THROWS,
        via="module",
        error_name="TypeError",
        modules={"bad.js": "throw new TypeError('mine')"},
    ),
    Attack(
        "import of one that loops",
        "import 'bad.js'",
        TIMEOUT,
        via="module",
        modules={"bad.js": "for (;;) {}"},
    ),
    Attack(
        "import of one that does not parse",
        "import 'bad.js'",
        SYNTAX,
        via="module",
        modules={"bad.js": "let let"},
    ),
    Attack(
        "import of one that waits for the importer",
        "import 'bad.js'; export const x = 1",
        DONE,
        via="module",
        modules={"bad.js": "import('attack.js').then((m) => (globalThis.late = m.x))"},
    ),
    Attack(
        "circle that awaits itself",
        "import('a.js')",
        UNSETTLED,
        modules={"a.js": "await import('a.js')"},
    ),
    Attack(
        "module of the name of a builtin",
        "import('__proto__').then((m) => m.default)",
        DONE,
        modules={"__proto__": "export default 7"},
        gives=7,
    ),
    Attack(
        "module whose export is then",
        "import('bad.js')",
        TIMEOUT,
        modules={"bad.js": "export function then(f) { for (;;) {} }"},
    ),
    Attack(
        "module that replaces what loads it",
        "globalThis.Promise = globalThis.Object = null; await 0; export const x = 1",
        DONE,
        via="module",
        sane_after=False,
    ),
]

ATTACKS = [*_DYNAMIC, *_STATIC, *_SPECIFIERS, *_TANGLES]
