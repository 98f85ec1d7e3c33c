"""The scenes of the rehearsal: what runtimes do first, as a rule.

They are short, since what runs long writes to pages of its own in any case, and none is among the
benchmarks. A scene that must fail says so by its last line.
"""

from __future__ import annotations

from dataclasses import dataclass

ONE_AND_TWO, TEXT_AND_LIST = b"\x92\x01\x02", b"\x92\xa3abc\x93\x01\x02\x03"
ONE_MAP = b"\x91\x82\xa4name\xa3Ada\xa4tags\x92\xa1a\xa1b"
"""Arguments as they cross: arrays in MessagePack."""


@dataclass(frozen=True)
class Step:
    """A call of an export.

    Attributes:
        export: Its name.
        texts: What is put into the input buffer; the lengths are the last arguments.
        first: The arguments before those.
        fails: Whether it must report an error.
    """

    export: str
    texts: tuple[bytes, ...] = ()
    first: tuple[int, ...] = ()
    fails: bool = False


def script(source: str, *, fails: bool = False) -> Step:
    """Run a script."""
    return Step("guest_evaluate", (b"<eval>", source.encode()), fails=fails)


def module(source: str, name: str = "scene.js") -> Step:
    """Load a module."""
    return Step("guest_load_module", (name.encode(), source.encode()))


def call(
    name: str, arguments: bytes = ONE_AND_TWO, *, number: int = 0, fails: bool = False
) -> Step:
    """Call a function, of the module with that number + 1 or a global one."""
    return Step("guest_call", (name.encode(), arguments), (number,), fails)


def host_function(number: int, name: str) -> Step:
    """Register a function of the host."""
    return Step("guest_register", (b"", name.encode()), (number, 0))


IMPORTED = "export const unit = 'm'; export default function half(x) { return x / 2; }"
"""What an import gets, whatever it names."""

SCENES: tuple[tuple[Step, ...], ...] = (
    (),
    (script("6 * 7"),),
    (script("'a' + 1"), script("'b'.repeat(3)")),
    (script("let total = 0; for (let i = 0; i < 9; i++) total += i; total"),),
    (script("function area(w, h) { return w * h; } area(3, 4)"), call("area"), call("area")),
    (script("const twice = (x) => x * 2; var seen = [1, 2, 3].map(twice); seen"),),
    (script("({ id: 7, name: 'Ada', tags: ['x', 'y'], at: null })"),),
    (script("globalThis.answer = 42; answer"), Step("guest_get_value", (b"answer",), (0,))),
    (Step("guest_set_global", (b"config", ONE_MAP)), script("config[0].name.toUpperCase()")),
    (module("export function sum(a, b) { return a + b; }"), call("sum", number=1)),
    (
        module("const rate = 0.2; export default function price(net) { return net * (1 + rate); }"),
        Step("guest_bind", (b"default",), (1,)),
        Step("guest_call_handle", (ONE_AND_TWO,), (0, 1)),
        Step("guest_call_entrypoint", (b"", ONE_AND_TWO), (1,)),
    ),
    (
        module("import half, { unit } from './lib.js'; export const show = (x) => half(x) + unit;"),
        call("show", number=1),
    ),
    (module("export async function later(x) { await null; return x; }"), call("later", number=1)),
    (script("console.log('hello', 1, [2], { three: 3 })"), script("console.error('no')")),
    (host_function(0, "ask"), script("ask('a', 1)"), script("[1, 2].map((x) => ask(x))")),
    (script("throw new Error('wrong')", fails=True), script("1")),
    (script("missing", fails=True), script("null.field", fails=True), script("(", fails=True)),
    (call("nowhere", fails=True),),
    (script("try { JSON.parse('{') } catch (error) { error.name + error.message }"),),
    (script("const data = JSON.parse('{\"a\":[1,2]}'); JSON.stringify(data)"),),
    (script("Promise.resolve(1).then((x) => x + 1)"),),
    (script("(async () => { const x = await 5; return [x, x]; })()"),),
    (
        script(
            "class Shape { #n = 2; constructor(w) { this.w = w; } get n() { return this.#n; } }"
            "class Square extends Shape { side() { return this.w * this.n; } } new Square(3).side()"
        ),
    ),
    (script("const { a, ...rest } = { a: 1, b: 2 }; const [x, y = 3] = [a]; [...[x, y], rest]"),),
    (script("new Map([[1, 'a']]).get(1); new Set([1, 2]).size; new Date(0).getTime()"),),
    (script("'k=v; x=y'.split(/;\\s*/).map((p) => p.replace(/=(.)/, ':$1')).join()"),),
    (script("function* steps() { yield 1; yield 2; } [...steps()].length"),),
    (script("[3, 1, 2].sort((a, b) => a - b).filter((x) => x > 1).reduce((a, b) => a + b)"),),
    (script("Object.keys({ a: 1 }).concat(Object.entries({ b: 2 }).flat())"),),
    (script("new Uint8Array([1, 2, 3]).map((x) => x + 1)"), script("Math.random() < 1")),
    (script("`${Math.max(1, 2)} ${(0.1).toFixed(2)} ${parseInt('12')} ${10n ** 20n}`"),),
    (script("function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); } fib(9)"),),
    (
        script("function words(text, list) { return { text, count: list.length }; }"),
        call("words", TEXT_AND_LIST),
        call("words", TEXT_AND_LIST),
    ),
    (
        script("const counts = {}; const add = (k) => (counts[k] = (counts[k] ?? 0) + 1);"),
        call("add", TEXT_AND_LIST),
        call("add"),
    ),
)
