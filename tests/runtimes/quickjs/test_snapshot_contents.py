"""What a snapshot carries over: all that scripts can see."""

from __future__ import annotations

from typing import Any

import pytest

from runtimes import Module, QuickJSRuntime, RuntimeOptions

SURVIVORS: dict[str, tuple[str, str, Any]] = {
    # what survives: the script before, an expression after, its value in both runtimes
    "globals": (
        "var a = 1; let b = 2; const c = 3; globalThis.d = 4;",
        "[a, b, c, d]",
        [1, 2, 3, 4],
    ),
    "a const stays one": (
        "const fixed = 1;",
        "try { fixed = 2; } catch (error) { error.name }",
        "TypeError",
    ),
    "closures": (
        "const counter = (() => { let n = 0; return () => ++n; })(); counter();",
        "[counter(), counter()]",
        [2, 3],
    ),
    "private fields": (
        "class P { #x = 1; static #made = 0; constructor() { P.#made++; }"
        " inc() { return ++this.#x; } static made() { return P.#made; }"
        " static has(o) { return #x in o; } } const p = new P(); p.inc();",
        "[p.inc(), P.made(), P.has(p), P.has({})]",
        [3, 1, True, False],
    ),
    "accessors and inheritance": (
        "class A { get v() { return 1; } static s = 5; }"
        " class B extends A { get v() { return super.v + 1; } } const o = new B();",
        "[o.v, o instanceof A, B.s, Object.getPrototypeOf(B) === A]",
        [2, True, 5, True],
    ),
    "generators": (
        "function* g() { let n = 0; try { for (;;) n += yield n; } finally { done = true; } }"
        " var done = false; const it = g(); it.next(); it.next(5);",
        "[it.next(7).value, it.return(9).value, it.next().done, done]",
        [12, 9, True, True],
    ),
    "async generators": (
        "async function* g() { let n = 10; while (true) yield n++; } const it = g(); it.next();",
        "it.next().then((step) => [step.value, step.done])",
        [11, False],
    ),
    "suspended async functions": (
        "let settle; const waited = new Promise((resolve) => { settle = resolve; });"
        " async function f(x) { const y = await waited; const z = await y; return x + z; }"
        " const result = f(1);",
        "settle(Promise.resolve(41)); result",
        42,
    ),
    "async functions in a finally": (
        "let fail; const doomed = new Promise((_, reject) => { fail = reject; }); const log = [];"
        " async function f() { try { await doomed; } catch (e) { log.push(e.message); await null; }"
        " finally { log.push('finally'); } return log; } const result = f();",
        "fail(new Error('late')); result",
        ["late", "finally"],
    ),
    "promises in each state": (
        "const yes = Promise.resolve(1), no = Promise.reject(new Error('no'));"
        " const wait = new Promise(() => {}); no.catch(() => {});",
        "Promise.race([wait, yes]).then(async (y) => [y, await no.catch((e) => e.message)])",
        [1, "no"],
    ),
    "promise reactions": (
        "const seen = []; let go; new Promise((r) => { go = r; }).then((v) => seen.push(v))"
        ".then(() => seen.push('after'));",
        "go('now'); Promise.resolve().then(() => 0).then(() => 0).then(() => seen)",
        ["now", "after"],
    ),
    "maps and sets": (
        "const key = {}; const m = new Map([[key, 1], ['x', 2], [NaN, 3], [-0, 4]]);"
        " const s = new Set([key, 1, '1']); const walk = m.keys(); walk.next();",
        "[m.get(key), m.get('x'), m.get(NaN), m.get(0), s.has(key), s.size, walk.next().value]",
        [1, 2, 3, 4, True, 3, "x"],
    ),
    "weak maps and weak sets": (
        "const key = {}; const m = new WeakMap([[key, 7]]); const s = new WeakSet([key]);",
        "[m.get(key), m.has({}), s.has(key)]",
        [7, False, True],
    ),
    "weak references": (
        "let held = { v: 1 }; const ref = new WeakRef(held);",
        "ref.deref().v",
        1,
    ),
    "symbols": (
        "const own = Symbol('own'); const shared = Symbol.for('shared');"
        " const o = { [own]: 1, [shared]: 2, [Symbol.toPrimitive]: () => 3 };",
        "[o[own], o[Symbol.for('shared')], +o, own.description, Symbol.keyFor(shared)]",
        [1, 2, 3, "own", "shared"],
    ),
    "a regexp's lastIndex": (
        "const re = /a(?<n>\\d)/g; re.exec('a1a2a3');",
        "[re.lastIndex, re.exec('a1a2a3').groups.n, re.lastIndex]",
        [2, "2", 4],
    ),
    "typed arrays and their buffers": (
        "const buffer = new ArrayBuffer(8); const bytes = new Uint8Array(buffer, 2, 4);"
        " const words = new DataView(buffer); bytes.set([1, 2, 3, 4]);",
        "words.setUint8(2, 9); [...bytes, bytes.byteOffset, words.getUint16(2), buffer.byteLength]",
        [9, 2, 3, 4, 2, 2306, 8],
    ),
    "resizable buffers": (
        "const b = new ArrayBuffer(4, { maxByteLength: 16 }); const v = new Uint8Array(b);",
        "b.resize(8); v[7] = 5; [v.length, v[7], b.maxByteLength]",
        [8, 5, 16],
    ),
    "dates": ("const d = new Date(86400000);", "[d.getTime(), d.toISOString()]", None),
    "bigints": (
        "const n = 2n ** 200n + 1n;",
        "n % 1000003n === (2n ** 200n + 1n) % 1000003n",
        True,
    ),
    "numbers of every kind": (
        "const f = [NaN, Infinity, -0, 5e-324, 1.5, 2 ** 53];",
        "[Number.isNaN(f[0]), f[1] === Infinity, Object.is(f[2], -0), f[3] > 0, f[4], f[5]]",
        None,
    ),
    "proxies": (
        "let asked = 0;"
        " const p = new Proxy({ a: 1 }, { get: (t, k) => { asked++; return t[k] ?? k; } }); p.a;"
        " const { proxy, revoke } = Proxy.revocable({}, {}); revoke();",
        "let dead; try { proxy.x; } catch (e) { dead = e.name; } [p.a, p.other, asked, dead]",
        [1, "other", 3, "TypeError"],
    ),
    "errors": (
        "let e; try { null.x; } catch (error) { e = error; } e.cause = new RangeError('why');",
        "[e.name, e instanceof TypeError, e.cause.message, e.stack.includes('<eval>')]",
        ["TypeError", True, "why", True],
    ),
    "strings and ropes": (
        "let rope = ''; for (let i = 0; i < 5000; i++) rope += i;"
        " const wide = '\\u{1f600}\\ud800\\0é';",
        "[rope.length, rope.slice(-4), wide.length, wide.charCodeAt(2)]",
        [18890, "4999", 5, 0xD800],
    ),
    "frozen and sealed objects": (
        "const f = Object.freeze({ a: 1 }), s = Object.seal([1]);",
        "[Object.isFrozen(f), Object.isSealed(s), Object.isExtensible({})]",
        [True, True, True],
    ),
    "changed builtins": (
        "Array.prototype.last = function () { return this[this.length - 1]; };"
        " delete globalThis.Map;",
        "[[1, 2].last(), typeof Map]",
        [2, "undefined"],
    ),
    "cycles": ("const o = {}; o.self = o; o.list = [o];", "o.self.list[0].self === o", True),
    "functions made of text": (
        "const add = new Function('a', 'b', 'return a + b');",
        "add(2, 3)",
        5,
    ),
    "bound functions": (
        "const bound = function (x) { return [this.v, x]; }.bind({ v: 1 }, 2);",
        "bound()",
        [1, 2],
    ),
    "iterator helpers": (
        "const it = [1, 2, 3, 4].values().map((x) => x * x).filter((x) => x % 2 === 0); ",
        "[...it]",
        [4, 16],
    ),
}


@pytest.mark.parametrize("what", SURVIVORS)
def test_what_survives(runtime: QuickJSRuntime, what: str) -> None:
    before, after, value = SURVIVORS[what]
    runtime.evaluate(before + "; 0")
    snapshot = runtime.snapshot()
    with QuickJSRuntime.from_snapshot(snapshot) as restored:
        again = restored.evaluate(after)
    assert again == runtime.evaluate(after)
    assert value is None or again == value
    with QuickJSRuntime.from_snapshot(snapshot) as another:
        assert another.evaluate(after) == again


def test_an_object_that_is_dropped_after_the_restore_is_finalised_there(
    runtime: QuickJSRuntime,
) -> None:
    runtime.evaluate(
        "var gone = []; const registry = new FinalizationRegistry((name) => gone.push(name));"
        " var kept = { big: 1 }; const ref = new WeakRef(kept); registry.register(kept, 'kept'); 0"
    )
    with QuickJSRuntime.from_snapshot(runtime.snapshot()) as restored:
        restored.evaluate("kept = null; 0")
        restored.collect_garbage()
        assert restored.evaluate("[gone, ref.deref() === undefined]") == [["kept"], True]
    assert runtime.evaluate("[gone, ref.deref().big]") == [[], 1]


def test_what_only_a_handle_kept_alive_is_dropped(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var ref = new WeakRef(() => 1); 0")
    handle = runtime.evaluate("var f = () => 1; var ref = new WeakRef(f); const h = f; f = null; h")
    runtime.evaluate("var made = { f() { return () => 1; } }; 0")
    kept = runtime.evaluate("(() => { const f = made.f(); ref = new WeakRef(f); return f; })()")
    with QuickJSRuntime.from_snapshot(runtime.snapshot()) as restored:
        restored.collect_garbage()
        assert restored.evaluate("ref.deref() === undefined")
    assert kept() == handle() == 1
    assert runtime.evaluate("ref.deref() !== undefined")


def test_modules_live_on_with_their_state_and_their_imports(runtime: QuickJSRuntime) -> None:
    runtime.add_module(Module("lib/count.js", "export let n = 0; export function up() { n++; }"))
    main = runtime.load_module(
        Module(
            "main.js",
            "import { n, up } from './lib/count.js'; up(); export const get = () => n;"
            " export const more = () => import('./later.js').then((m) => m.default);"
            " export { up }; register_entrypoint((x) => x + n);",
        )
    )
    runtime.call_function("up", module=main)
    later = Module("later.js", "import { n } from './lib/count.js'; export default n * 10;")
    options = RuntimeOptions(modules=[later])
    with QuickJSRuntime.from_snapshot(runtime.snapshot(), options) as restored:
        again = restored.module("main.js")
        assert restored.call_function("get", module=again) == 2
        restored.call_function("up", module=again)
        assert restored.call_function("more", module=again) == 30
        assert restored.call_entrypoint(again, [1]) == 4
        second = restored.load_module(Module("other.js", "export default 1;"))
        assert (again.number, second.number) == (0, 1)
    assert runtime.call_function("get", module=main) == 2


def test_an_error_in_a_module_still_shows_its_line(runtime: QuickJSRuntime) -> None:
    source = "export function f(o) {\n  const a = 1;\n  return o.x; // here\n}"
    runtime.load_module(Module("m.js", source))
    with (
        QuickJSRuntime.from_snapshot(runtime.snapshot()) as restored,
        pytest.raises(Exception, match="TypeError") as caught,
    ):
        restored.call_function("f", [None], module=restored.module("m.js"))
    assert caught.value.source_line == "  return o.x; // here"  # type: ignore[attr-defined]


def test_a_module_that_failed_can_be_mended_after_the_restore(runtime: QuickJSRuntime) -> None:
    with pytest.raises(Exception, match="broken"):
        runtime.load_module(Module("m.js", "throw new Error('broken')"))
    with QuickJSRuntime.from_snapshot(runtime.snapshot()) as restored:
        restored.load_module(Module("m.js", "export const x = 1;"))
        assert restored.get_value("x", module=restored.module("m.js")) == 1


def test_random_numbers_differ_and_time_goes_on(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var born = performance.timeOrigin; Math.random()")
    snapshot = runtime.snapshot()
    draws = {runtime.evaluate("Math.random()")}
    for _ in range(5):
        with QuickJSRuntime.from_snapshot(snapshot) as restored:
            draws.add(restored.evaluate("Math.random()"))
            assert restored.evaluate("performance.timeOrigin >= born")
            assert 0 <= restored.evaluate("performance.now()") < 60_000
    assert len(draws) == 6


def test_snapshots_of_snapshots(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var n = 0; function* g() { for (;;) yield n++; } const it = g(); 0")
    held = [runtime]
    try:
        for expected in range(10):
            assert held[-1].evaluate("it.next().value") == expected
            held.append(QuickJSRuntime.from_snapshot(held[-1].snapshot()))
    finally:
        for each in held[1:]:
            each.close()


def test_a_snapshot_changes_nothing(runtime: QuickJSRuntime) -> None:
    runtime.evaluate(
        "var log = []; const s = new Set([1]); Promise.resolve().then(() => log.push(1)); 0"
    )
    first = runtime.snapshot()
    assert runtime.snapshot() == first
    assert runtime.evaluate("log") == [1]
