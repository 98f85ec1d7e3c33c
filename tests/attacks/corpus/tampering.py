"""Tampered prototypes and globals: conversion, reports and later calls must not notice.

Each of these runs to its end. Then the function that was loaded before must answer on the same
runtime, and so must a call whose arguments and result hold every kind of value.
"""

from __future__ import annotations

from functools import partial

from attacks.attack import DONE, THROWS, TIMEOUT, Attack

Tamper = partial(Attack, sane_after=False)

_PROTOTYPES = [
    Tamper(
        "setter on Object.prototype",
        "Object.defineProperty(Object.prototype, 'a', { set() { throw 1 }, get() { throw 2 } }); 1",
        DONE,
        gives=1,
    ),
    Tamper(
        "setters for every name the bridge may use",
        """
        const names = ['name', 'message', 'stack', 'cause', 'errors', 'value', 'done', 'then'];
        for (const name of [...names, 'get', 'set', 'length', 'default', '0', '1']) {
            const set = () => { throw 'set ' + name };
            Object.defineProperty(Object.prototype, name, { __proto__: null, set });
        }
        1
    """,
        DONE,
        gives=1,
    ),
    Tamper(
        "then on Object.prototype",
        "Object.prototype.then = function (r) { for (;;) {} }; 1",
        DONE,
    ),
    Tamper(
        "toJSON on Object.prototype",
        "Object.prototype.toJSON = () => { for (;;) {} }; ({ a: [1] })",
        DONE,
        gives={"a": [1]},
    ),
    Tamper(
        "frozen Object.prototype",
        "Object.freeze(Object.prototype); ({ toString: 1 })",
        DONE,
        gives={"toString": 1},
    ),
    Tamper(
        "Object.prototype with a proxy ahead",
        "Object.setPrototypeOf(Array.prototype, new Proxy({}, { get() { throw 1 }, has() { "
        "throw 2 } })); [1, 2]",
        DONE,
        gives=[1, 2],
    ),
    Tamper(
        "accessor elements on Array.prototype",
        "Object.defineProperty(Array.prototype, 0, { set() { throw 1 }, get() { throw 2 } }); "
        "[1, 2]",
        DONE,
        gives=[1, 2],
    ),
    Tamper(
        "Array.prototype[Symbol.iterator]",
        "Array.prototype[Symbol.iterator] = function* () { for (;;) yield 1 }; [1, 2]",
        DONE,
        gives=[1, 2],
    ),
    Tamper(
        "Array.prototype.push",
        "Array.prototype.push = () => { throw 1 }; [1, 2]",
        DONE,
        gives=[1, 2],
    ),
    Tamper(
        "ArrayIteratorPrototype.next",
        "Object.getPrototypeOf([][Symbol.iterator]()).next = () => { for (;;) {} }; [1, 2]",
        DONE,
        gives=[1, 2],
    ),
    Tamper(
        "Map and Set methods",
        "for (const C of [Map, Set]) for (const k of Reflect.ownKeys(C.prototype)) if (k !== "
        "'constructor') Object.defineProperty(C.prototype, k, { get() { throw k } }); new Set([])",
        THROWS,
    ),
    Tamper(
        "Map.prototype.set",
        "Map.prototype.set = () => { for (;;) {} }; Map.prototype.entries = null; 1",
        DONE,
        gives=1,
    ),
    Tamper(
        "Set.prototype.add",
        "Set.prototype.add = () => { throw 1 }; Set.prototype.values = null; 1",
        DONE,
        gives=1,
    ),
    Tamper(
        "Map.prototype.size and Symbol.iterator",
        "Object.defineProperty(Map.prototype, 'size', { get: () => 1e9 }); "
        "delete Map.prototype[Symbol.iterator]; new Map().set(1, 2)",
        DONE,
        gives={1: 2},
    ),
    Tamper(
        "typed array getters",
        "const P = Object.getPrototypeOf(Uint8Array.prototype); "
        "for (const k of ['length', 'byteLength', 'byteOffset', "
        "'buffer']) Object.defineProperty(P, k, { get() { return 1e9 } }); new Uint8Array([1, 2])",
        DONE,
        gives=b"\x01\x02",
    ),
    Tamper(
        "array buffer getters",
        "Object.defineProperty(ArrayBuffer.prototype, 'byteLength', { get: () => 1e9 }); "
        "new Uint8Array([1, 2])",
        DONE,
        gives=b"\x01\x02",
    ),
    Tamper(
        "Date methods",
        "for (const k of ['getTime', 'valueOf', 'toISOString', "
        "Symbol.toPrimitive]) Object.defineProperty(Date.prototype, k, { value: () => NaN }); "
        "new Date(0).constructor === Date",
        DONE,
        gives=True,
    ),
    Tamper(
        "Error getters",
        "for (const k of ['name', 'message', 'stack']) Object.defineProperty(Error.prototype, k, "
        "{ get() { throw k } }); null.x",
        THROWS,
    ),
    Tamper(
        "Error getters that loop",
        "Object.defineProperty(Error.prototype, 'name', { get() { for (;;) {} } }); "
        "throw new Error('x')",
        TIMEOUT,
    ),
    Tamper(
        "Error.prototype.toString",
        "Error.prototype.toString = () => { for (;;) {} }; throw new Error('x')",
        THROWS,
        error_name="Error",
    ),
    Tamper(
        "Error.prepareStackTrace that throws",
        "Error.prepareStackTrace = () => { throw 1 }; null.x",
        THROWS,
    ),
    Tamper(
        "Error.prepareStackTrace that loops",
        "Error.prepareStackTrace = () => { for (;;) {} }; null.x",
        TIMEOUT,
    ),
    Tamper(
        "Error.prepareStackTrace that returns a graph",
        "let a = [1]; for (let i = 0; i < 60; i++) a = [a, a]; "
        "Error.prepareStackTrace = () => a; null.x",
        THROWS,
    ),
    Tamper(
        "Error.stackTraceLimit",
        "Error.stackTraceLimit = Infinity; Error.stackTraceLimit = { valueOf() { throw 1 } }; "
        "null.x",
        THROWS,
    ),
    Tamper(
        "Error constructor replaced",
        "globalThis.Error = globalThis.TypeError = globalThis.RangeError = null; null.x",
        THROWS,
        error_name="TypeError",
    ),
    Tamper(
        "Symbol.hasInstance of Error",
        "Object.defineProperty(Error, Symbol.hasInstance, { value: () => { throw 1 } }); "
        "new TypeError('x')",
        DONE,
    ),
    Tamper(
        "Function.prototype.call and apply",
        "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { "
        "throw 1 }; 1",
        DONE,
        gives=1,
    ),
    Tamper(
        "Function.prototype[Symbol.hasInstance]",
        "Object.setPrototypeOf(answer, null); Object.setPrototypeOf(Function.prototype, null); 1",
        DONE,
        gives=1,
    ),
    Tamper(
        "String.prototype and Number.prototype",
        "for (const C of [String, Number, Boolean, BigInt, Symbol]) { "
        "C.prototype.toString = C.prototype.valueOf = () => { throw 1 } } 'x'",
        DONE,
        gives="x",
    ),
    Tamper(
        "RegExp.prototype",
        "RegExp.prototype.exec = RegExp.prototype[Symbol.replace] = () => { throw 1 }; 1",
        DONE,
        gives=1,
    ),
    Tamper(
        "every function of every builtin",
        """
        const { defineProperty, ownKeys, getOwnPropertyDescriptor } = Reflect;
        const list = [globalThis], seen = new Set([globalThis, globalThis.answer, globalThis.echo]);
        for (let i = 0; i < list.length; i++) {
            for (const key of ownKeys(list[i])) {
                const { value } = getOwnPropertyDescriptor(list[i], key);
                if (Object(value) !== value || seen.has(value)) continue;
                seen.add(value);
                list.push(value);
            }
        }
        const kept = new Set(['prototype', 'answer', 'echo']);
        const spoil = { __proto__: null, value: 1 };
        const wanted = list.map((o) => ownKeys(o).filter((k) => !kept.has(k)));
        for (let i = 0; i < list.length; i++)
            for (let k = 0; k < wanted[i].length; k++)
                try { defineProperty(list[i], wanted[i][k], spoil) } catch {}
        1
    """,
        DONE,
        timeout=5.0,
    ),
]

_PROMISES = [
    Tamper(
        "Promise.prototype.then throws",
        "Promise.prototype.then = () => { throw 1 }; Promise.resolve(7)",
        DONE,
        gives=7,
    ),
    Tamper(
        "Promise.prototype.then loops",
        "Promise.prototype.then = () => { for (;;) {} }; (async () => 7)()",
        DONE,
        gives=7,
    ),
    Tamper(
        "Promise.prototype.then lies",
        "Promise.prototype.then = function (f) { f('lie') }; Promise.resolve(7)",
        DONE,
        gives=7,
    ),
    Tamper(
        "Promise replaced",
        "globalThis.Promise = function () { throw 1 }; (async () => 7)()",
        DONE,
        gives=7,
    ),
    Tamper(
        "Promise.resolve replaced",
        "Promise.resolve = () => { throw 1 }; (async () => await 7)()",
        DONE,
        gives=7,
    ),
    Tamper(
        "Promise.prototype.constructor",
        "Object.defineProperty(Promise.prototype, 'constructor', { get() { throw 1 } }); "
        "Promise.resolve.call(Promise, 7); new Promise((r) => r(7))",
        DONE,
        gives=7,
    ),
    Tamper(
        "Promise species",
        "Object.defineProperty(Promise, Symbol.species, { get() { for (;;) {} } }); "
        "Promise.resolve(7)",
        DONE,
        gives=7,
    ),
    Tamper(
        "Promise with a foreign prototype",
        "const p = Promise.resolve(7); Object.setPrototypeOf(p, null); p",
        DONE,
        gives=7,
    ),
]

ATTACKS = [*_PROTOTYPES, *_PROMISES]
