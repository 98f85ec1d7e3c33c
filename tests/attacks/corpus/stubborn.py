"""Memory bombs that are caught and lit again, or that come by unusual ways."""

from __future__ import annotations

from functools import partial

from attacks.attack import DONE, MEMORY, THROWS, TIME_OR_MEMORY, TIMEOUT, Attack

Bomb = partial(Attack, timeout=20.0, memory_mib=8)
"""Bombs get time enough to go off, even on a busy machine."""

_JOBS = [
    Bomb("microtasks queued", "for (;;) queueMicrotask(() => {})", MEMORY),
    Bomb("promises pending", "const a = []; for (;;) a.push(new Promise(() => {}))", MEMORY),
    Bomb(
        "reactions on one promise",
        "const p = new Promise(() => {}); for (;;) p.then(() => {})",
        MEMORY,
    ),
    Bomb(
        "rejections that nobody handles",
        "for (;;) Promise.reject(new Error('x'.repeat(100)))",
        TIME_OR_MEMORY,
        timeout=2,
    ),
    Attack(
        "jobs that double",
        "const f = () => { queueMicrotask(f); queueMicrotask(f) }; f()",
        TIME_OR_MEMORY,
        memory_mib=16,
        timeout=1.0,
    ),
    Bomb(
        "async generator requests",
        "async function* g() { yield 1 } const x = g(); for (;;) x.next()",
        MEMORY,
    ),
]

_STUBBORN = [
    Attack(
        "out of memory caught and retried",
        "for (;;) { try { const a = []; for (;;) a.push([1]) } catch {} }",
        TIME_OR_MEMORY,
        memory_mib=16,
    ),
    Attack(
        "out of memory retried in finally",
        "function f() { try { const a = []; for (;;) a.push([1]) } finally { f() } } f()",
        TIME_OR_MEMORY,
        memory_mib=16,
    ),
    Attack(
        "memory kept while it is retried",
        "const a = []; for (;;) { try { for (;;) a.push([1]) } catch {} }",
        TIME_OR_MEMORY,
        memory_mib=16,
    ),
    Attack(
        "allocation in catch",
        "const a = []; for (;;) try { for (;;) a.push([1]) } catch (e) { "
        "a.push(e, e.stack + 'x') }",
        TIME_OR_MEMORY,
        memory_mib=16,
    ),
    Attack(
        "buffers retried",
        "const a = []; for (;;) try { a.push(new ArrayBuffer(2 ** 20)) } catch {}",
        TIME_OR_MEMORY,
        memory_mib=16,
    ),
    Attack(
        "memory crumbs",
        "const a = []; for (let n = 2 ** 20; ; n = n > 1 ? n / 2 : 1) try { "
        "for (;;) a.push(new Uint8Array(n)) } catch {}",
        TIME_OR_MEMORY,
        memory_mib=16,
    ),
    Attack(
        "out of memory in a promise that is caught",
        "(async () => { for (;;) try { await null; const a = []; "
        "for (;;) a.push([1]) } catch {} })()",
        TIME_OR_MEMORY,
        memory_mib=16,
    ),
    Attack(
        "full heap and a getter that fills it again",
        "const a = []; const o = { get x() { for (;;) a.push([1]) } }; "
        "for (;;) try { o.x } catch { a.length = 0 }",
        TIME_OR_MEMORY,
        memory_mib=16,
    ),
    Bomb(
        "caught once, and went on with less",
        "let a = []; let n = 0; try { for (;;) a.push([1]) } catch { n = a.length; "
        "a = null } n > 1000",
        DONE,
        gives=True,
    ),
    Bomb(
        "left full at the end",
        "globalThis.keep = []; try { for (;;) keep.push(new Uint8Array(256)) } catch {} 'full'",
        DONE,
        sane_after=False,
    ),
    Bomb(
        "thrown while full",
        "globalThis.keep = []; try { for (;;) keep.push(new Uint8Array(64)) } catch {} "
        "throw new TypeError('full')",
        (*THROWS, *MEMORY),  # there may be no room for that error
        sane_after=False,
    ),
    Bomb(
        "syntax error while full",
        "globalThis.keep = []; try { for (;;) keep.push(new Uint8Array(64)) } catch {} eval('(((')",
        MEMORY,
        sane_after=False,
    ),
    Bomb(
        "out of memory thrown as null by the engine",
        "let e = 1; try { const a = []; for (;;) a.push('x'.repeat(99)) } catch (x) { e = x } "
        "e === null",
        DONE,
        gives=False,
    ),
    Bomb("parser", lambda: "[" + "1," * 3_000_000 + "1]", MEMORY),
    Bomb("parser of generated text", "eval('[' + '{},'.repeat(2 ** 20) + ']')", MEMORY),
    Bomb("console lines", "for (;;) console.log('x'.repeat(1e6), [1, 2, 3])", TIMEOUT, timeout=0.5),
    Bomb(
        "console argument of huge size",
        "console.log('x'.repeat(2 ** 22), new Array(1e5).fill('x'))",
        DONE,
    ),
    Bomb(
        "console argument that is a shared graph",
        "let a = [1]; for (let i = 0; i < 60; i++) a = [a, a]; console.log(a)",
        DONE,
    ),
    Bomb(
        "exports of a module",
        lambda: "".join(f"export const e{i} = [{i}];" for i in range(5_000)),
        DONE,
        via="module",
    ),
    Bomb("module that fills the heap", "const a = []; for (;;) a.push([1])", MEMORY, via="module"),
    Bomb(
        "call that fills the heap",
        "function attack() { const a = []; for (;;) a.push([1]) }",
        MEMORY,
        via="call",
    ),
    Bomb(
        "argument of huge size",
        "function attack(x) { return x.length }",
        MEMORY,
        via="call",
        args=lambda: ["x" * 2**25],
    ),
    Bomb(
        "bytes of huge size",
        "function attack(x) { return x.length }",
        MEMORY,
        via="call",
        args=lambda: [bytes(2**25)],
    ),
    Bomb(
        "argument of many small values",
        "function attack(x) { return x.length }",
        MEMORY,
        via="call",
        args=lambda: [[[]] * 500_000],
    ),
]

ATTACKS = [*_JOBS, *_STUBBORN]
