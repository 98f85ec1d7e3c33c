"""Tampered globals; as with prototypes, conversion, reports and later calls must not notice."""

from __future__ import annotations

from functools import partial

from attacks.attack import DONE, THROWS, Attack

Tamper = partial(Attack, sane_after=False)

_GLOBALS = [
    Tamper("globalThis frozen", "Object.freeze(globalThis); 1", DONE, gives=1),
    Tamper(
        "globalThis with another prototype",
        "Object.setPrototypeOf(globalThis, new Proxy({}, { has: () => true, get() { for (;;) {} "
        "} })); 1",
        DONE,
    ),
    Tamper(
        "every global deleted",
        "const g = globalThis; for (const k of Reflect.ownKeys(g)) if (k !== "
        "'answer') delete g[k]; 1",
        DONE,
        gives=1,
    ),
    Tamper(
        "every global a throwing getter",
        "for (const k of Object.getOwnPropertyNames(globalThis)) if (k !== 'answer') try { "
        "Object.defineProperty(globalThis, k, { get() { throw k } }) } catch {} ; 1",
        DONE,
    ),
    Tamper("globalThis itself replaced", "globalThis.globalThis = null; 1", DONE, gives=1),
    Tamper(
        "undefined, NaN and Infinity",
        "try { undefined = 1 } catch {} (() => { var undefined = 2; return undefined })()",
        DONE,
        gives=2,
    ),
    Tamper(
        "Object replaced",
        "globalThis.Object = globalThis.Array = globalThis.Map = globalThis.Uint8Array = "
        "globalThis.Date = null; [1, {}]",
        DONE,
        gives=[1, {}],
    ),
    Tamper(
        "JSON replaced",
        "globalThis.JSON = { parse() { throw 1 }, stringify() { throw 2 } }; ({ a: 1 })",
        DONE,
        gives={"a": 1},
    ),
    Tamper("console replaced", "globalThis.console = null; 1", DONE, gives=1),
    Tamper(
        "console methods replaced",
        "console.log = console.error = () => { for (;;) {} }; 1",
        DONE,
        gives=1,
    ),
    Tamper(
        "register_entrypoint replaced",
        "globalThis.register_entrypoint = () => { throw 1 }; 1",
        DONE,
        gives=1,
    ),
    Tamper(
        "register_entrypoint with nonsense",
        "for (const x of [1, null, {}, 'x', Symbol('s'), new Proxy({}, {})]) try { "
        "register_entrypoint(x) } catch {} ; 1",
        DONE,
        gives=1,
    ),
    Tamper(
        "queueMicrotask replaced",
        "globalThis.queueMicrotask = () => { throw 1 }; (async () => { await null; return 7 })()",
        DONE,
        gives=7,
    ),
    Tamper(
        "host function replaced",
        "globalThis.host_echo = () => { for (;;) {} }; 1",
        DONE,
        gives=1,
        host=True,
    ),
    Tamper(
        "host function with another prototype",
        "Object.setPrototypeOf(host_echo, null); delete host_echo.name; delete host_echo.length; "
        "host_echo([1])",
        DONE,
        gives=[1],
        host=True,
    ),
    Tamper("host function constructed", "new host_echo([1])", THROWS, host=True),
    Tamper(
        "host function with an evil this",
        "host_echo.call(new Proxy({}, { get() { throw 1 } }), 3)",
        DONE,
        gives=3,
        host=True,
    ),
    Tamper(
        "answer through a lookup getter that throws",
        "Object.defineProperty(globalThis, 'zz', { get() { throw new TypeError('mine') } }); zz",
        THROWS,
        error_name="TypeError",
    ),
    Tamper(
        "constructor chain to the host",
        "answer.constructor('return this')().constructor.constructor('return typeof process + "
        "typeof require + typeof std + typeof os')()",
        DONE,
        gives="undefinedundefinedundefinedundefined",
    ),
    Tamper(
        "constructor chain from a host function",
        "host_echo.constructor('return typeof process + typeof require')()",
        DONE,
        gives="undefinedundefined",
        host=True,
    ),
    Tamper(
        "constructor chain from an error of the host",
        "try { host_fail() } catch (e) { e.constructor.constructor('return this')() === "
        "globalThis && !/[/\\\\]|Traceback|\\.py/.test(e.stack + e.message) }",
        DONE,
        gives=True,
        host=True,
    ),
    Tamper(
        "everything still converts",
        "const v = { a: [1], m: new Map([[1, 2]]), u: new Uint8Array([1]), d: new Date(0) }; "
        "Array.prototype[Symbol.iterator] = Map.prototype.entries = null; v",
        DONE,
    ),
    Tamper(
        "stack of callers",
        "function f() { return f.caller } try { f() } catch {} ; "
        "(() => { try { return arguments.callee } catch { return 1 } })(); 1",
        DONE,
    ),
]

ATTACKS = [*_GLOBALS]
