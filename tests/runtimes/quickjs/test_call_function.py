"""Functions and values by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runtimes import (
    JSError,
    JSFunction,
    Module,
    QuickJSRuntime,
    UnsettledPromise,
    ValueNotCallable,
    ValueNotFound,
    undefined,
)

MakeRuntime = Callable[..., QuickJSRuntime]


def test_the_export_comes_before_the_global(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function who() { return 'global'; } var only = () => 'only global';")
    module = runtime.load_module(Module("a.js", "export function who() { return 'export'; }"))
    assert runtime.call_function("who", module=module) == "export"
    assert runtime.call_function("who") == "global"
    assert runtime.call_function("only", module=module) == "only global"


def test_an_undefined_export_gives_way_to_the_global(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var x = 'global';")
    module = runtime.load_module(Module("a.js", "export let x;"))
    assert runtime.get_value("x", module=module) == "global"


def test_a_null_export_is_found_and_not_callable(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var f = () => 1;")
    module = runtime.load_module(Module("a.js", "export let f = null;"))
    assert runtime.get_value("f", module=module) is None
    with pytest.raises(ValueNotCallable, match="f is no function"):
        runtime.call_function("f", module=module)


def test_this_is_the_namespace_for_an_export(runtime: QuickJSRuntime) -> None:
    source = "export const x = 5; export function f() { return [this.x, Object.keys(this)]; }"
    module = runtime.load_module(Module("a.js", source))
    assert runtime.call_function("f", module=module) == [5, ["f", "x"]]


def test_this_is_undefined_for_a_global(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f() { 'use strict'; return this === undefined; }")
    assert runtime.call_function("f") is True


def test_an_export_sees_the_live_state_of_its_module(runtime: QuickJSRuntime) -> None:
    source = "export let n = 0; export function up() { return ++n; }"
    module = runtime.load_module(Module("a.js", source))
    assert [runtime.call_function("up", module=module) for _ in range(3)] == [1, 2, 3]
    assert runtime.get_value("n", module=module) == 3


@pytest.mark.parametrize("word", ["var", "let", "const", "class", "function"])
def test_globals_are_found_however_they_were_declared(runtime: QuickJSRuntime, word: str) -> None:
    declared = {"class": "class f {}", "function": "function f() {}"}
    runtime.evaluate(declared.get(word, f"{word} f = () => 7;"))
    if word == "class":
        with pytest.raises(JSError, match="TypeError"):
            runtime.call_function("f")
    else:
        assert runtime.call_function("f") in (7, undefined)


def test_a_let_in_its_dead_zone_is_not_found_but_an_error(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSError):
        runtime.evaluate("throw new Error('before'); let x = 1;")
    with pytest.raises((JSError, ValueNotFound)):
        runtime.get_value("x")
    assert runtime.evaluate("1") == 1


def test_an_async_function_is_awaited(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("async function f(x) { await null; return x * 2; }")
    assert runtime.call_function("f", [21]) == 42


def test_a_value_that_is_a_promise_is_awaited(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var p = Promise.resolve(1), q = Promise.resolve(undefined), n = 0;")
    assert runtime.get_value("p") == 1
    assert runtime.get_value("q") is undefined


def test_a_function_that_returns_a_hopeless_promise_is_an_error(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f() { return new Promise(() => {}); }")
    with pytest.raises(UnsettledPromise):
        runtime.call_function("f", timeout=None)


def test_missing_is_not_found_and_not_callable_is_not(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var n = 1, o = {}, u;")
    for name in ("nobody", "u", "", "a.b"):
        with pytest.raises(ValueNotFound):
            runtime.call_function(name)
        with pytest.raises(ValueNotFound):
            runtime.get_value(name)
    for name in ("n", "o"):
        with pytest.raises(ValueNotCallable, match=f"{name} is no function"):
            runtime.call_function(name)


def test_a_name_of_any_length_and_character_is_looked_up(runtime: QuickJSRuntime) -> None:
    name = "ü" * 5_000 + "\0 \U0001f600"
    runtime.set_global(name, 5)
    assert runtime.get_value(name) == 5
    with pytest.raises(ValueNotFound):
        runtime.get_value(name + "x")


def test_arguments_arrive_one_by_one(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f(...args) { return [args.length, arguments.length, ...args]; }")
    assert runtime.call_function("f") == [0, 0]
    assert runtime.call_function("f", []) == [0, 0]
    assert runtime.call_function("f", [None, undefined]) == [2, 2, None, undefined]
    assert runtime.call_function("f", (1, [2])) == [2, 2, 1, [2]]
    assert runtime.call_function("f", list(range(1000)))[:2] == [1000, 1000]


def test_arguments_that_are_no_sequence_are_refused(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f() {}")
    bad: Any
    for bad in (5, {"a": 1}, "ab"):
        rule = f"^arguments are a list or tuple of values, not {type(bad).__name__}$"
        with pytest.raises(TypeError, match=rule):
            runtime.call_function("f", bad)


def test_a_handed_out_function_is_called_with_this_undefined(runtime: QuickJSRuntime) -> None:
    f = runtime.evaluate("(function (a, b) { 'use strict'; return [this === undefined, a, b]; })")
    assert isinstance(f, JSFunction)
    assert f(1, 2) == [True, 1, 2]
    assert runtime.call_function(f, [3, 4]) == [True, 3, 4]


def test_a_handed_out_function_goes_back_in_as_itself(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("const f = () => 1; function same(g) { return g === f; }")
    f = runtime.get_value("f")
    assert runtime.call_function("same", [f]) is True
    assert runtime.call_function("same", [[f]]) is False


def test_a_callback_may_be_passed_on(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function map(list, f) { return list.map((x) => f(x)); }")
    double = runtime.evaluate("(x) => x * 2")
    assert runtime.call_function("map", [[1, 2], double]) == [2, 4]


def test_a_getter_on_the_global_object_does_not_disturb_the_arguments(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(host_functions={"host": lambda: ["x" * 500] * 3})
    runtime.evaluate(
        "Object.defineProperty(globalThis, 'f', { get() { host(); return (...a) => a; } })"
    )
    assert runtime.call_function("f", [1, "two", {"three": 3}]) == [1, "two", {"three": 3}]
    assert runtime.get_value("f")(4) == [4]


def test_globals_of_the_options_are_there_before_any_script(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(globals={"config": {"list": [1, None]}, "flag": False})
    assert runtime.evaluate("[config.list, flag]") == [[1, None], False]


def test_a_global_is_set_and_replaced(runtime: QuickJSRuntime) -> None:
    runtime.set_global("x", 1)
    runtime.set_global("x", [2])
    assert runtime.evaluate("x") == [2]
    assert runtime.evaluate("x = 3; delete globalThis.x") is True


@pytest.mark.parametrize(
    "use",
    [
        lambda runtime, name: runtime.call_function(name),
        lambda runtime, name: runtime.call_many(name, [()]),
        lambda runtime, name: runtime.function(name),
        lambda runtime, name: runtime.get_value(name),
        lambda runtime, name: runtime.set_global(name, 1),
        lambda runtime, name: runtime.register(name, abs),
        lambda runtime, name: runtime.register("f", abs, namespace=name),
    ],
    ids=["call", "call_many", "function", "get", "set", "register", "namespace"],
)
def test_a_name_with_a_lone_surrogate_is_a_clear_error(
    runtime: QuickJSRuntime, use: Callable[[QuickJSRuntime, str], object]
) -> None:
    with pytest.raises(ValueError, match="is no name: it has a lone surrogate"):
        use(runtime, "a\ud800")


@pytest.mark.parametrize("name", [5, None, b"f"])
def test_a_function_is_looked_up_by_a_text(runtime: QuickJSRuntime, name: Any) -> None:
    with pytest.raises(TypeError, match="a name is a text"):
        runtime.function(name)
