"""Hostile errors: what is thrown tries to fool, fill or crash the one who reports it."""

from __future__ import annotations

from attacks.attack import (
    DONE,
    MEMORY,
    SYNTAX,
    THROWS,
    TIME_OR_MEMORY,
    TIMEOUT,
    Attack,
)

_VALUES = {
    "undefined": "undefined",
    "null": "null",
    "a number": "42",
    "NaN": "NaN",
    "a string": "'x'",
    "an empty string": "''",
    "a lone surrogate": "'\\ud800'",
    "a symbol": "Symbol('s')",
    "a big integer": "10n ** 30n",
    "an object": "({ a: 1 })",
    "an object without prototype": "Object.create(null)",
    "a function": "(() => 1)",
    "a promise": "Promise.resolve(1)",
    "a rejected promise": "Promise.reject(1)",
    "a proxy": "new Proxy({}, {})",
    "a proxy of an error": "new Proxy(new Error('x'), {})",
    "globalThis": "globalThis",
    "a cyclic object": "(() => { const o = {}; o.o = o; return o })()",
    "a huge sparse array": "new Array(2 ** 32 - 1)",
    "a detached buffer": "(() => { const u = new Uint8Array(8); u.buffer.transfer(); return u })()",
    "an error without anything": "Object.setPrototypeOf(new Error('x'), null)",
    "an object that claims to be an error": "Object.create(Error.prototype)",
    "a proxy that throws at everything": "new Proxy({}, new Proxy({}, { get() { throw 1 } }))",
    "a revoked proxy": "((r) => { r.revoke(); return r.proxy })(Proxy.revocable({}, {}))",
}
_THROWN = [
    *(Attack(f"throws {what}", f"throw {value}", THROWS) for what, value in _VALUES.items()),
    *(
        Attack(f"rejects with {what}", f"Promise.reject({value})", THROWS)
        for what, value in _VALUES.items()
        if what
        in {
            "undefined",
            "null",
            "a symbol",
            "a revoked proxy",
            "a cyclic object",
            "a proxy that throws at everything",
        }
    ),
]

_GETTERS = {
    "throws": ("throw e", THROWS),
    "loops": ("for (;;) {}", TIMEOUT),
    "recurses": ("return f()", THROWS),
    "is itself": ("return e", THROWS),
    # With time enough to fill it, the getter fails, and the error crosses without what it hides.
    "fills the heap": ("const a = []; for (;;) a.push([1])", (*TIME_OR_MEMORY, *THROWS)),
}
_PARTS = [
    Attack(
        f"error whose {part} {what}",
        f"const e = new Error('x'); function f() {{ {code} }} "
        f"Object.defineProperty(e, '{part}', {{ get: f }}); throw e",
        # The stack is read from where the engine keeps it, so that no getter runs.
        THROWS if part == "stack" else expect,
    )
    for part in ("name", "message", "stack", "cause")
    for what, (code, expect) in _GETTERS.items()
]

_SHAPES = [
    Attack(
        "error whose name is a symbol",
        "const e = new Error('x'); e.name = Symbol('s'); throw e",
        THROWS,
    ),
    Attack(
        "error whose name is a proxy",
        "const e = new Error('x'); e.name = new Proxy({}, { get() { throw 1 } }); throw e",
        THROWS,
    ),
    Attack(
        "error whose name has a looping toString",
        "const e = new Error('x'); e.name = { toString() { for (;;) {} } }; throw e",
        THROWS,
    ),
    Attack(
        "error whose message has a throwing toString",
        "const e = new Error('x'); e.message = { toString() { throw e } }; throw e",
        THROWS,
    ),
    Attack(
        "error with a message of 20 MB",
        "throw new Error('x'.repeat(2e7))",
        THROWS,
        timeout=5.0,
        memory_mib=64,
    ),
    Attack(
        "error with a message of 100 MB",
        "throw new Error('x'.repeat(1e8))",
        MEMORY,
        timeout=5.0,
        memory_mib=64,
    ),
    Attack(
        "error with a wide message of 10 MB",
        "throw new Error('\\u20ac'.repeat(5e6))",
        THROWS,
        timeout=5.0,
        memory_mib=64,
    ),
    Attack(
        "error with a name of 10 MB",
        "const e = new Error('x'); e.name = 'N'.repeat(1e7); throw e",
        THROWS,
        timeout=5.0,
        memory_mib=64,
    ),
    Attack(
        "error with a stack of 10 MB",
        "const e = new Error('x'); e.stack = 'at x\\n'.repeat(2e6); throw e",
        THROWS,
        timeout=5.0,
        memory_mib=64,
    ),
    Attack(
        "string of 20 MB thrown",
        "throw 'x'.repeat(2e7)",
        THROWS,
        timeout=5.0,
        memory_mib=64,
    ),
    Attack(
        "error with lone surrogates",
        "const e = new Error('\\ud800'); e.name = '\\udfff'; e.stack = '\\udc00'; throw e",
        THROWS,
    ),
    Attack("error with NUL bytes", "const e = new Error('a\\0b'); e.name = '\\0'; throw e", THROWS),
    Attack(
        "error that calls itself a limit",
        "const e = new Error('interrupted'); e.name = 'InternalError'; throw e",
        THROWS,
        error_name="InternalError",
    ),
    Attack(
        "error that says out of memory",
        "throw new InternalError('out of memory')",
        THROWS,
        error_name="InternalError",
    ),
    Attack(
        "error that says stack overflow",
        "throw new RangeError('Maximum call stack size exceeded')",
        THROWS,
        error_name="RangeError",
    ),
    Attack(
        "error that says interrupted",
        "throw new InternalError('interrupted')",
        THROWS,
        error_name="InternalError",
    ),
    Attack(
        "error with a forged place",
        "const e = new Error('x'); e.fileName = '/etc/passwd'; e.lineNumber = -1e308; "
        "e.stack = '    at f (/etc/passwd:99999999999999999999:1)'; throw e",
        THROWS,
    ),
    Attack(
        "cause that is the error itself", "const e = new Error('x'); e.cause = e; throw e", THROWS
    ),
    Attack(
        "causes in a circle",
        "const a = new Error('a'), b = new Error('b', { cause: a }); a.cause = b; throw a",
        THROWS,
    ),
    Attack(
        "cause that is a graph",
        "let g = [1]; for (let i = 0; i < 60; i++) g = [g, g]; throw new Error('x', { cause: g })",
        THROWS,
    ),
    Attack("cause that is a symbol", "throw new Error('x', { cause: Symbol('s') })", THROWS),
    Attack(
        "aggregate in a circle",
        "const e = new AggregateError([], 'x'); e.errors.push(e); throw e",
        THROWS,
    ),
    Attack(
        "aggregate of a million",
        "throw new AggregateError(new Array(1e5).fill(new Error('x')), 'many')",
        THROWS,
    ),
    Attack(
        "aggregate whose errors are a proxy",
        "const e = new AggregateError([], 'x'); e.errors = new Proxy([], { "
        "get: (t, k) => k === 'length' ? 2 ** 32 - 1 : 1 }); throw e",
        THROWS,
    ),
    Attack(
        "suppressed errors in a circle",
        "const e = new SuppressedError(1, 2, 'x'); e.error = e.suppressed = e; throw e",
        THROWS,
    ),
    Attack(
        "subclass with hostile statics",
        "class E extends Error { static get name() { throw 1 } get ['constructor']() { throw 2 } "
        "get [Symbol.toStringTag]() { throw 3 } } throw new E('x')",
        THROWS,
    ),
    Attack(
        "error thrown by a getter of the thrown",
        "throw { get message() { throw { get message() { throw 1 } } } }",
        THROWS,
    ),
    Attack(
        "throw while the error is read",
        "const e = new Error(); Object.defineProperty(e, 'stack', { get() { "
        "queueMicrotask(() => { throw 1 }); return 'x' } }); throw e",
        THROWS,
    ),
    Attack(
        "error handed back as a value",
        "const e = new Error('x'); e.cause = e; e",
        DONE,
    ),
    Attack(
        "error value with a looping getter",
        "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { for (;;) {} } "
        "}); e",
        TIMEOUT,
    ),
    Attack("rejection in a module", "await Promise.reject(Symbol('s'))", THROWS, via="module"),
    Attack("throw of null in a module", "throw null", THROWS, via="module"),
    Attack(
        "throw from a call",
        "function attack() { throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { "
        "throw 2 } }) }",
        THROWS,
        via="call",
    ),
    Attack(
        "uncaught in a job",
        "queueMicrotask(() => { throw new Error('later') }); 1",
        DONE,
    ),
    Attack("syntax error", "let let = 1", SYNTAX),
    Attack("syntax error in a long line", lambda: "x" * 1_000_000 + " y", SYNTAX),
    Attack("syntax error after many lines", lambda: "\n" * 1_000_000 + "(", SYNTAX, timeout=3.0),
    Attack(
        "syntax error thrown by hand",
        "throw new SyntaxError('mine')",
        THROWS,
        error_name="SyntaxError",
    ),
    Attack("syntax error of eval", "eval('(')", THROWS, error_name="SyntaxError"),
]

ATTACKS = [*_THROWN, *_PARTS, *_SHAPES]
