"""Runaway recursion of every kind is an error, and the runtime goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtimes import JSError, QuickJSRuntime, StackLimitError

MakeRuntime = Callable[..., QuickJSRuntime]

DEEP = {
    "call": "(function f() { return f() + 1 })()",
    "mutual": "function a() { return b() + 1 } function b() { return a() + 1 } a()",
    "getter": "const o = { get x() { return this.x } }; o.x",
    "proxy": "let p = {}; p = new Proxy(p, { get: (t, k) => p[k] }); p.x",
    "constructor": "class A { constructor() { new A() } } new A()",
    "callback": "const f = () => [1].map(f); f()",
    "sort": "const f = () => [1, 2].sort(f); f()",
    "replace": "const f = () => 'a'.replace('a', f); f()",
    "toString": "const o = { toString() { return String(o) } }; String(o)",
    "valueOf": "const o = { valueOf() { return +o } }; +o",
    "toJSON": "const o = { toJSON() { return JSON.stringify(o) } }; JSON.stringify(o)",
    "JSON out": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)",
    "JSON in": "JSON.parse('['.repeat(1e5))",
    "flat": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity)",
    "iterator": "const o = { *[Symbol.iterator]() { yield* o } }; [...o]",
    "bind": "let f = () => 1; for (let i = 0; i < 2e3; i++) f = f.bind(null); f()",
    "apply": "function f() { return f.apply(null, arguments) } f()",
    "Reflect": "function f() { return Reflect.apply(f, null, []) } f()",
    "template": "function f() { return f`` } f()",
    "eval": "globalThis.f = () => eval('f()'); f()",
    "async": "async function f() { return await f() } f()",
    "generator": "function* g() { yield* g() } [...g()]",
    "instanceof": "class A { static [Symbol.hasInstance]() { 1 instanceof A } } 1 instanceof A",
    "parser": "eval('('.repeat(1e5))",
    "parser of arrays": "eval('['.repeat(1e5))",
    "parser of functions": "eval('()=>'.repeat(1e5) + '1')",
    "parser of templates": "eval('`${'.repeat(1e5))",
    "regular expression": "new RegExp('('.repeat(1e5) + ')'.repeat(1e5))",
}


@pytest.mark.parametrize("source", DEEP.values(), ids=DEEP)
def test_recursion_without_end_is_a_stack_limit_error(runtime: QuickJSRuntime, source: str) -> None:
    runtime.evaluate("var kept = 1;")
    with pytest.raises((StackLimitError, JSError)) as caught:
        runtime.evaluate(source)
    assert caught.value.runtime_usable
    if isinstance(caught.value, JSError):  # the engine's own word for it, in parsers
        assert caught.value.name in ("SyntaxError", "InternalError", "RangeError")
    assert runtime.evaluate("kept") == 1


@pytest.mark.parametrize("kind", ["call", "getter", "proxy", "callback", "JSON out", "JSON in"])
def test_the_common_kinds_are_told_by_their_class(runtime: QuickJSRuntime, kind: str) -> None:
    with pytest.raises(StackLimitError):
        runtime.evaluate(DEEP[kind])


def test_a_script_may_catch_it_and_go_on(runtime: QuickJSRuntime) -> None:
    source = "try { (function f() { f() })() } catch (e) { [e instanceof RangeError, e.name] }"
    assert runtime.evaluate(source) == [True, "RangeError"]


def test_a_forged_one_is_an_error_of_the_script(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSError, match="Maximum"):
        runtime.evaluate("throw new RangeError('Maximum call stack size exceeded')")


def test_some_hundreds_of_calls_fit(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f(n) { return n === 0 ? 0 : 1 + f(n - 1) }")
    assert runtime.call_function("f", [400]) == 400
    with pytest.raises(StackLimitError):
        runtime.call_function("f", [5000])


def test_a_smaller_limit_holds(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(stack_limit_bytes=32 * 1024)
    runtime.evaluate("function f(n) { return n === 0 ? 0 : 1 + f(n - 1) }")
    assert runtime.call_function("f", [50]) == 50
    with pytest.raises(StackLimitError):
        runtime.call_function("f", [400])


def test_a_result_deeper_than_allowed_is_a_conversion_error(runtime: QuickJSRuntime) -> None:
    source = "{ let a = []; for (let i = 0; i < 100000; i++) a = [a]; a }"
    with pytest.raises(Exception, match="200 containers") as caught:
        runtime.evaluate(source)
    assert type(caught.value).__name__ == "ConversionError"
    assert runtime.evaluate("1") == 1


def test_recursion_through_host_functions_ends_in_a_clear_error(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f() { return back() + 1 }")
    runtime.register("back", lambda: runtime.call_function("f"))
    with pytest.raises(StackLimitError) as caught:
        runtime.call_function("f")
    assert caught.value.runtime_usable
    assert runtime.evaluate("1") == 1


def test_running_over_the_end_of_the_guests_own_stack_is_a_stack_limit_error(
    runtime: QuickJSRuntime,
) -> None:
    deep = "let i = [1].values(); for (let k = 0; k < 20000; k++) i = i.map((x) => x); i.next()"
    with pytest.raises(StackLimitError):
        runtime.evaluate(deep)
