"""Attacks by way of host functions and the console: the way back into Python."""

from __future__ import annotations

from functools import partial

from attacks.attack import CONVERSION, DONE, MEMORY, STACK, THROWS, TIME_OR_MEMORY, TIMEOUT, Attack
from runtimes.errors import WrongThread

Host = partial(Attack, host=True)

ATTACKS = [
    Host("called for ever", "for (;;) host_echo(1)", TIMEOUT),
    Host("failing for ever", "for (;;) try { host_fail() } catch {}", TIMEOUT),
    Host("called with too much for ever", "for (;;) try { host_echo(1, 2, 3) } catch {}", TIMEOUT),
    Host("handed a cycle", "const o = {}; o.o = o; host_echo(o)", THROWS),
    Host(
        "handed a cycle, caught",
        "const o = {}; o.o = o; try { host_echo(o) } catch (e) { typeof e.message }",
        DONE,
        gives="string",
    ),
    Host("handed a symbol", "host_echo(Symbol('s'))", THROWS),
    Host(
        "handed a shared graph",
        "let a = [1]; for (let i = 0; i < 60; i++) a = [a, a]; host_echo(a)",
        THROWS,
        timeout=5.0,
        options={"result_limit_nodes": 100_000},
    ),
    Host(
        "handed a shared graph for ever",
        "let a = [1]; for (let i = 0; i < 60; i++) a = [a, a]; "
        "for (;;) try { host_echo(a) } catch {}",
        TIME_OR_MEMORY,
        options={"result_limit_nodes": 100_000},
    ),
    Host(
        "handed a deep nest",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; host_echo(a)",
        THROWS,
        timeout=2.0,
    ),
    Host("handed a getter that loops", "host_echo({ get a() { for (;;) {} } })", TIMEOUT),
    Host(
        "handed a getter that calls it",
        "const o = { get a() { return host_echo(o) } }; host_echo(o)",
        STACK,
        timeout=2.0,
    ),
    Host(
        "handed a getter that calls it once",
        "host_echo({ get a() { return host_echo([1, 2]) }, b: 3 })",
        DONE,
        gives={"a": [1, 2], "b": 3},
    ),
    Host(
        "handed a getter that shrinks what is read",
        "const a = [1, { get x() { a.length = 0; return host_echo('y'.repeat(1e5)) } }, 3]; "
        "host_echo(a)",
        DONE,
    ),
    Host("handed functions for ever", "for (;;) host_drop(() => 1)", (*TIME_OR_MEMORY,)),
    Host("handed promises for ever", "for (;;) host_drop(Promise.resolve(1))", (*TIME_OR_MEMORY,)),
    Host(
        "keeping functions for ever",
        "for (;;) host_keep(() => 1)",
        (*TIME_OR_MEMORY,),
        memory_mib=16,
    ),
    Host(
        "result of many values kept",
        "const a = []; for (;;) a.push(host_numbers(10000))",
        MEMORY,
        timeout=10.0,
        memory_mib=16,
    ),
    Host("result of huge size", "host_text(2 ** 24)", MEMORY, timeout=5.0, memory_mib=16),
    Host(
        "result of huge size, caught for ever",
        "for (;;) try { host_text(2 ** 24) } catch {}",
        TIME_OR_MEMORY,
        memory_mib=16,
    ),
    Host("result that cannot cross", "host_object()", CONVERSION),
    Host("result that is nested", "host_nested(100000)", CONVERSION, timeout=2.0),
    Host(
        "recursion through Python",
        "function f() { return host_call(f) } f()",
        STACK,
        timeout=5.0,
    ),
    Host(
        "recursion through Python by the runtime",
        "function again() { return host_again() } again()",
        STACK,
        timeout=5.0,
    ),
    Host(
        "recursion through Python, caught for ever",
        "function f() { try { return host_call(f) } catch { return f() } } f()",
        TIMEOUT,
        timeout=1.0,
    ),
    Host("loop through Python", "for (;;) host_call(() => 1)", TIMEOUT),
    Host("loop inside of a call from Python", "host_call(() => { for (;;) {} })", TIMEOUT),
    Host(
        "loop inside of a call from Python, caught",
        "for (;;) try { host_call(() => { for (;;) {} }) } catch {}",
        TIMEOUT,
    ),
    Host(
        "hard loop inside of a call from Python",
        "host_call(() => 'a'.repeat(2 ** 23).indexOf('a'.repeat(2 ** 22) + 'b'))",
        TIMEOUT,
        memory_mib=64,
    ),
    Host(
        "heap filled inside of a call from Python",
        "host_call(() => { const a = []; for (;;) a.push([1]) })",
        MEMORY,
        timeout=10.0,
        memory_mib=16,
    ),
    Host(
        "heap filled, then a call",
        "globalThis.k = []; try { for (;;) k.push(new Uint8Array(64)) } catch {} host_echo(1)",
        DONE,
        timeout=10.0,
        memory_mib=16,
        sane_after=False,
    ),
    Host(
        "call at the bottom of the stack",
        "function f() { try { f() } catch { host_echo([1, [2]]) } } f(); 1",
        DONE,
        timeout=5.0,
    ),
    Host(
        "call from a job that never ends",
        "const f = () => { host_echo(1); queueMicrotask(f) }; f()",
        TIMEOUT,
    ),
    Host(
        "closing the runtime from inside",
        "host_close(); for (;;) {}",
        (WrongThread,),
    ),
    Host("loading a module from inside", "host_load('for (;;) {}')", TIMEOUT),
    Host("stopping Python", "host_exit(); for (;;) {}", (SystemExit,)),
    Host(
        "interrupting Python", "try { host_interrupt() } catch {} for (;;) {}", (KeyboardInterrupt,)
    ),
    Host(
        "name of the secret in an error",
        "try { host_fail() } catch (e) { /secret|\\.py|Traceback/.test(e.message + e.stack) }",
        DONE,
        gives=False,
    ),
    Host("console for ever", "for (;;) console.log(1)", TIMEOUT),
    Host(
        "console with a looping getter",
        "console.log({ get a() { for (;;) {} } })",
        DONE,
    ),
    Host(
        "console with a throwing getter",
        "console.log({ get a() { throw 1 } }, new Proxy({}, { ownKeys() { throw 1 } "
        "}), Symbol('s')); 1",
        DONE,
    ),
    Host(
        "console with a cycle",
        "const o = {}; o.o = o; console.log(o, globalThis); 1",
        DONE,
        gives=1,
    ),
    Host(
        "console in a getter of its own argument",
        "const o = { get a() { console.log(o); return 1 } }; console.log(o); 1",
        DONE,
    ),
    Host("console with a format string", "console.log('%s%n%x%1000000000d', 1); 1", DONE, gives=1),
    Host(
        "console with everything at once",
        "console.log(...new Array(60000).fill('x')); 1",
        DONE,
        timeout=2.0,
    ),
]
