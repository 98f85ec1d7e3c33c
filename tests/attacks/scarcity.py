"""Run scripts with memory that ends at every point of theirs; say what went wrong, as JSON.

Usage: ``python -m attacks.scarcity FIRST LAST STEP``, bytes that are left when a script begins. The
engine is written in C and has thousands of places where memory may end; a wrong one is a script's
way out of the sandbox's promises. Each run is a runtime of its own, so the process is not harmed by
one that is lost.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

from runtimes import (
    JSError,
    JSRuntimeError,
    MemoryLimitError,
    Module,
    QuickJSRuntime,
    RuntimeOptions,
)

LIMIT = 2 * 2**20
BLOCK = 1000
MODULES = (
    Module(
        "a.js", "export const a = [1, 2, 3]; export default class {} export * from 'b.js'; await 0"
    ),
    Module("b.js", "export function f() { return [1] }"),
)
FILL = """
globalThis.ballast = new Array(4000).fill(null);
let held = 0;
try { for (;; held++) ballast[held] = new ArrayBuffer(1000); } catch {}
ballast = null;
held
"""
SCRIPTS = {
    "objects": "const a = []; for (let i = 0; i < 300; i++) a.push({ i, s: 'k' + i }); a.length",
    "properties": "const o = {}; for (let i = 0; i < 300; i++) o['k' + i] = [i]; "
    "for (let i = 0; i < 200; i++) delete o['k' + i]; Object.keys(o).length",
    "numeric properties": "const o = {}; for (let i = 0; i < 300; i++) o[i * 2] = [i]; o",
    "classes": "class A { #x = 1; static y = [1]; get z() { return this.#x } } "
    "class B extends A { m() { return super.z } a = [1] } for (let i = 0; i < 50; i++) new B().m()",
    "generators": "function* g() { for (let i = 0; i < 50; i++) yield [i] } [...g()]; "
    "const [a, ...b] = g(); Object.groupBy(g(), (x) => x[0] % 3); "
    "Map.groupBy(g(), (x) => x[0] % 3); 1",
    "promises": "(async () => { for (let i = 0; i < 30; i++) await Promise.all([i, [i], "
    "new Promise((r) => queueMicrotask(r))]); async function* h() { yield 1; yield [2] } "
    "for await (const x of h()) x; return 7 })()",
    "maps and sets": "const m = new Map(), s = new Set(), w = new WeakMap(); "
    "for (let i = 0; i < 150; i++) { const k = { i }; m.set(k, [i]); s.add(k); w.set(k, [k]); "
    "if (i % 3 == 0) m.delete(k) } new Set(s).union(new Set([1])); m",
    "patterns": "/(?<y>\\\\d{4})-(?<m>\\\\d\\\\d)/u.exec('2020-10'); [...'abc'.repeat(30)"
    ".matchAll(/b/g)]; 'a-b'.repeat(50).split(/-/).join('+').replace(/\\\\+/g, (x) => [x, x]); "
    "for (let i = 0; i < 20; i++) new RegExp('(a|b)*[c-e' + i + ']{2,5}(?=x)(?<!y)', 'giu'); 1",
    "JSON": "JSON.parse(JSON.stringify({ a: [1, { b: 'x'.repeat(99), c: [[[]]] }], d: new Date(0) "
    "}, null, 2), (k, v) => v)",
    "buffers": "const b = new ArrayBuffer(64, { maxByteLength: 4096 }), u = new Uint8Array(b); "
    "for (let n = 64; n < 4096; n += 128) b.resize(n); u.slice().map((x) => x + 1); "
    "b.transfer(100); new Float64Array([1, 2, 3]).toSorted(); BigInt64Array.of(1n, 2n)",
    "strings": "let s = ''; for (let i = 0; i < 200; i++) s += 'abc' + i; s = s + s; "
    "s.charCodeAt(3); s.split('').reverse().join(''); s.normalize('NFD').toUpperCase(); "
    "`${s}${s}`.padEnd(4000, 'ab').replaceAll('a', 'bb').length",
    "big integers": "let x = 3n; for (let i = 0; i < 8; i++) x = x * x; (x ** 3n).toString(); "
    "BigInt('9'.repeat(300)) % 7n; x << 100n",
    "proxies": "const p = new Proxy({ a: 1 }, { ownKeys: (t) => Reflect.ownKeys(t) }); "
    "for (let i = 0; i < 30; i++) ({ ...p }); Object.entries(p); p",
    "errors": "try { null.x } catch (e) { e.stack } class E extends Error { x = [1] } "
    "try { throw new E() } catch (e) { e.stack } "
    "new AggregateError([new Error('a'), new TypeError('b', { cause: new Error('c') })], 'z')",
    "modules": "import('a.js').then((m) => [m.a, typeof m.default, m.f()])",
    "compiling": "Function('a', 'b', 'return a + b')(1, 2); "
    "(0, eval)('function ff(a = 1, { b } = { b: 2 }, ...c) { return arguments.length + b }'); "
    "eval('var z = 1; let q = [1, 2]; ({ a, b: [c, ...d] = [1] }) => { l: for (const k in q) "
    "switch (k) { case 1: break l; default: continue } }; `${z}${class { #p = 1; static {} }}`')",
    "arguments": "echo([1, { a: new Map([[1, new Set([2])]]), b: new Uint8Array(100) }, "
    "new Date(0), 10n ** 30n, new Error('q')])",
    "results": "[{ a: [1, 2], m: new Map([[1, 'x'], [2, [3]]]), s: new Set([1, 'b']) }, "
    "new Uint8Array(300), 'y'.repeat(700), () => 1, Promise.resolve(3), new Error('e')]",
    "weak references": "const f = new FinalizationRegistry(() => {}), refs = []; "
    "for (let i = 0; i < 80; i++) { const o = { i }; f.register(o, [i], o); "
    "refs.push(new WeakRef(o)); if (i % 2) f.unregister(o) } refs.length",
    "arrays": "const a = Array.from({ length: 200 }, (_, i) => (i * 7919) % 997); "
    "a.toSorted((x, y) => x - y); a.slice().sort(); a.flatMap((x) => [x, [x]]).flat(); "
    "a.concat(a).splice(3, 100, 1, 2); a.with(3, 4).toSpliced(1, 2).toReversed().length",
    "chains": "let c = {}; for (let i = 0; i < 60; i++) c = Object.create(c, { ['p' + i]: { "
    "value: i, enumerable: true } }); let n = 0; for (const k in c) n++; let f = () => 1; "
    "for (let i = 0; i < 50; i++) { const g = f.bind(null, i); f = () => g() } f(); n",
}


def make_runtime() -> QuickJSRuntime:
    """Return a runtime with little memory, and with something to lose."""
    options = RuntimeOptions(
        memory_limit_bytes=LIMIT,
        timeout=5.0,
        console=lambda event: None,
        modules=MODULES,
        host_functions={"echo": lambda value: value},
    )
    runtime = QuickJSRuntime(options)
    runtime.evaluate("function answer() { return 42 }")
    return runtime


def live_on(runtime: QuickJSRuntime) -> None:
    """Use a runtime that says it is usable, once it has memory again."""
    runtime.evaluate("globalThis.ballast = null; 1")
    runtime.collect_garbage()
    assert runtime.call_function("answer") == 42
    runtime.evaluate("(() => { const q = []; for (let i = 0; i < 300; i++) q.push({ i }); })()")
    runtime.collect_garbage()


def run(script: str, blocks: int, left: int) -> str | None:
    """Run a script with `left` bytes of memory; return what was wrong, if anything was."""
    with make_runtime() as runtime:
        whole, part = divmod(left, BLOCK)
        ballast = (
            f"globalThis.ballast = new Array(4000).fill(null); for (let i = 0; i < {blocks - whole}"
            f"; i++) ballast[i] = new ArrayBuffer({BLOCK}); "
            f"ballast[3999] = new ArrayBuffer({BLOCK - part}); 1"
        )
        try:
            runtime.evaluate(ballast)
            runtime.evaluate(script)
        except MemoryLimitError:
            pass
        except JSRuntimeError as error:
            name = f" {error.name}" if isinstance(error, JSError) else ""
            return f"{type(error).__name__}{name}: {error!s:.100}"
        try:
            if runtime.usable:
                live_on(runtime)
        except MemoryLimitError:
            return None  # what the script kept leaves no room for more; a worker would go on so
        except JSRuntimeError as error:
            return f"afterwards {type(error).__name__}: {error!s:.100}"
    return None


def main() -> None:
    """Sweep over all scripts and print how many runs went wrong in which way."""
    first, last, step = map(int, sys.argv[1:])
    with make_runtime() as runtime:
        blocks: int = runtime.evaluate(FILL)
    problems: Counter[str] = Counter()
    for name, script in SCRIPTS.items():
        for left in range(first, last, step):
            problem = run(script, blocks, left)
            if problem is not None:
                problems[f"{name}, {left} bytes left: {problem}"] += 1
    json.dump(list(problems), sys.stdout)


if __name__ == "__main__":
    main()
