"""Promise jobs, async functions, thenables and finalisers that never end."""

from __future__ import annotations

from attacks.attack import DONE, TIME_OR_MEMORY, TIMEOUT, UNSETTLED, Attack

ATTACKS = [
    # Each promise of these chains waits for the next one, so they grow, too.
    Attack("chain of jobs", "const f = () => Promise.resolve().then(f); f(); 1", TIME_OR_MEMORY),
    Attack("chain of microtasks", "const f = () => queueMicrotask(f); f(); 1", TIMEOUT),
    Attack(
        "jobs that double",
        "const f = () => { queueMicrotask(f); queueMicrotask(f) }; f()",
        TIME_OR_MEMORY,
    ),
    Attack(
        "chain of rejections",
        "const f = () => Promise.reject(1).catch(f); f()",
        TIME_OR_MEMORY,
    ),
    Attack("chain of finally", "const f = () => Promise.resolve().finally(f); f()", TIME_OR_MEMORY),
    Attack("job that loops", "Promise.resolve().then(() => { for (;;) {} })", TIMEOUT),
    Attack("microtask that loops", "queueMicrotask(() => { for (;;) {} }); 42", TIMEOUT),
    Attack(
        "loop that leaves a chain behind",
        "const f = () => queueMicrotask(f); f(); for (;;) {}",
        TIMEOUT,
    ),
    Attack(
        "loop that leaves many looping jobs behind",
        "for (let i = 0; i < 1000; i++) queueMicrotask(() => { for (;;) {} }); for (;;) {}",
        TIMEOUT,
    ),
    Attack(
        "chain that queues again from finally",
        "const f = () => { try { for (;;) {} } finally { queueMicrotask(f) } }; f()",
        TIMEOUT,
    ),
    Attack("async loop", "(async () => { for (;;) await null })()", TIMEOUT),
    Attack(
        "async loop that catches",
        "(async () => { for (;;) try { await Promise.reject(1) } catch {} })()",
        TIMEOUT,
    ),
    Attack(
        "async loop that catches a loop",
        "(async () => { for (;;) try { await null; for (;;) {} } catch {} })()",
        TIMEOUT,
    ),
    Attack(
        "async function that continues in finally",
        "(async () => { for (;;) try { await null } finally { continue } })()",
        TIMEOUT,
    ),
    Attack(
        "two async functions that wake each other",
        "const f = async () => { await null; g() }; const g = async () => { await null; f() }; f()",
        TIMEOUT,
    ),
    Attack(
        "async generator drained",
        "async function* g() { for (;;) yield 1 } (async () => { for await (const x of g()) x })()",
        TIMEOUT,
    ),
    Attack(
        "async generator that loops when it is closed",
        "async function* g() { try { yield 1 } finally { for (;;) {} } } (async () => { "
        "for await (const x of g()) break })()",
        TIMEOUT,
    ),
    Attack(
        "async iterator whose return never settles",
        """
        const source = { next: async () => ({ value: 1 }), return: () => new Promise(() => {}) };
        (async () => { for await (const x of { [Symbol.asyncIterator]: () => source }) break })()
        """,
        UNSETTLED,
    ),
    Attack(
        "thenable that resolves with itself",
        "const t = { then(resolve) { resolve(t) } }; (async () => await t)()",
        TIMEOUT,
    ),
    Attack(
        "thenable that resolves with another",
        "const t = () => ({ then(resolve) { resolve(t()) } }); (async () => t())()",
        TIMEOUT,
    ),
    Attack("thenable whose then is a looping getter", "({ get then() { for (;;) {} } })", TIMEOUT),
    Attack("thenable whose then loops", "Promise.resolve({ then() { for (;;) {} } })", TIMEOUT),
    Attack(
        "promise whose then was replaced by a loop",
        "const p = Promise.resolve(1); p.then = () => { for (;;) {} }; p",
        DONE,
    ),
    Attack(
        "promise whose constructor is a looping getter",
        "const p = Promise.resolve(1); Object.defineProperty(p, 'constructor', { get() { "
        "for (;;) {} } }); p.then(() => 1)",
        TIMEOUT,
    ),
    Attack("executor that loops", "new Promise(() => { for (;;) {} })", TIMEOUT),
    Attack(
        "promise that resolves with itself later",
        "let r; const p = new Promise((f) => (r = f)); queueMicrotask(() => r(p)); "
        "p.catch(() => 7)",
        DONE,
        gives=7,
    ),
    Attack(
        "all over an endless iterable",
        "Promise.all({ *[Symbol.iterator]() { for (;;) yield 1 } })",
        TIME_OR_MEMORY,
    ),
    Attack(
        "race over an endless iterable",
        "Promise.race({ *[Symbol.iterator]() { for (;;) yield 1 } })",
        TIME_OR_MEMORY,
    ),
    Attack(
        "fromAsync over an endless iterable",
        "Array.fromAsync({ *[Symbol.iterator]() { for (;;) yield 1 } })",
        TIME_OR_MEMORY,
    ),
    Attack("promise that never settles", "new Promise(() => {})", UNSETTLED),
    Attack(
        "await that never settles", "(async () => { await new Promise(() => {}) })()", UNSETTLED
    ),
    Attack(
        "finalisation callback that loops",
        "new FinalizationRegistry(() => { for (;;) {} }).register({}, 1); 1",
        DONE,
    ),
    Attack(
        "finalisation callbacks that register more",
        "const r = new FinalizationRegistry(() => r.register({}, 1)); r.register({}, 1); 1",
        TIMEOUT,
    ),
    Attack(
        "weak references for ever",
        "const a = []; for (;;) { a[0] = new WeakRef({}); a[0].deref() }",
        TIMEOUT,
    ),
    Attack(
        "async disposal that loops",
        "const d = new AsyncDisposableStack(); d.defer(async () => { for (;;) await null }); "
        "d.disposeAsync()",
        TIMEOUT,
    ),
    Attack(
        "call whose promise loops later",
        "async function attack() { await null; for (;;) await null }",
        TIMEOUT,
        via="call",
    ),
    Attack("module that awaits for ever", "for (;;) await null", TIMEOUT, via="module"),
    Attack(
        "module that awaits what never settles",
        "await new Promise(() => {})",
        UNSETTLED,
        via="module",
    ),
    Attack(
        "import in a loop",
        "(async () => { for (;;) try { await import('nothing') } catch {} })()",
        TIMEOUT,
    ),
]
