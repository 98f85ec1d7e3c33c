"""Host functions: where they stand, what they are passed, what they return."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from runtimes import BigInt, ConversionError, JSError, JSFunction, QuickJSRuntime, undefined

MakeRuntime = Callable[..., QuickJSRuntime]


def _caught(runtime: QuickJSRuntime, call: str) -> list[str]:
    """Name and message of what a call throws in JavaScript."""
    source = f"try {{ {call}; ['nothing', 'was thrown']; }} catch (e) {{ [e.name, e.message]; }}"
    return runtime.evaluate(source, returns=list[str])


def test_a_function_is_registered_as_a_global(runtime: QuickJSRuntime) -> None:
    runtime.register("double", lambda x: 2 * x)
    assert runtime.evaluate("double(21)") == 42
    assert runtime.evaluate("[typeof double, double.name, double.length]") == [
        "function",
        "double",
        1,
    ]


def test_a_function_is_registered_under_a_namespace(runtime: QuickJSRuntime) -> None:
    runtime.register("get", lambda key: f"value of {key}", namespace="store")
    runtime.register("size", lambda: 1, namespace="store")
    assert runtime.evaluate("[store.get('a'), store.size()]") == ["value of a", 1]


def test_a_namespace_may_be_an_object_that_is_there(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var app = { version: 1 };")
    runtime.register("quit", lambda: "bye", namespace="app")
    assert runtime.evaluate("[app.version, app.quit()]") == [1, "bye"]


def test_a_namespace_that_is_no_object_is_refused(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("var app = 5;")
    with pytest.raises(JSError, match="no object"):
        runtime.register("quit", lambda: "bye", namespace="app")


def test_a_decorator_registers_by_the_functions_own_name(runtime: QuickJSRuntime) -> None:
    @runtime.host_function()
    def double(x: int) -> int:
        return 2 * x

    @runtime.host_function("half", namespace="maths")
    def any_name(x: int) -> float:
        return x / 2

    assert runtime.evaluate("[double(2), maths.half(3)]") == [4, 1.5]
    assert double(3) == 6


def test_a_name_that_is_registered_again_stands_for_the_new_function(
    runtime: QuickJSRuntime,
) -> None:
    runtime.register("f", lambda: "old")
    runtime.evaluate("const kept = f;")
    runtime.register("f", lambda: "new")
    assert runtime.evaluate("[f(), kept()]") == ["new", "old"]


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_a_name_that_is_none_is_refused(runtime: QuickJSRuntime, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        runtime.register(name, lambda: 1)
    with pytest.raises(ValueError, match="no name"):
        runtime.register("f", lambda: 1, namespace=name)


def test_what_is_not_callable_is_refused(runtime: QuickJSRuntime) -> None:
    with pytest.raises(TypeError, match="not callable"):
        runtime.register("f", 5)  # type: ignore[arg-type]


def test_an_async_function_is_refused(runtime: QuickJSRuntime) -> None:
    async def later() -> None: ...

    with pytest.raises(TypeError, match="async"):
        runtime.register("f", later)


def test_builtins_methods_partials_and_classes_are_callables(runtime: QuickJSRuntime) -> None:
    seen: list[object] = []
    runtime.register("push", seen.append)
    runtime.register("largest", max)
    runtime.register("power", functools.partial(pow, 2))
    runtime.register("complexity", str)
    assert runtime.evaluate("push('a'); [largest(1, 3, 2), power(10), complexity(5)]") == [
        3,
        1024,
        "5",
    ]
    assert seen == ["a"]


VALUES = [
    None,
    undefined,
    True,
    0,
    -1,
    2**53 - 1,
    2**70,
    BigInt(5),
    1.5,
    math.inf,
    "text \0 ü \U0001f600",
    "\ud800",
    b"bytes",
    [],
    [1, [undefined]],
    {},
    {"a": {"__proto__": 1}},
    {1: "one", "two": 2},
    {1, "a"},
    datetime(2020, 1, 2, tzinfo=UTC),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_value_is_passed_and_returned(runtime: QuickJSRuntime, value: Any) -> None:
    seen: list[object] = []

    def same(given: Any) -> Any:
        seen.append(given)
        return value

    runtime.register("same", same)
    runtime.set_global("value", value)
    assert runtime.evaluate("same(value)") == value
    assert seen == [value]
    assert type(seen[0]) is type(value)


def test_a_megabyte_is_passed_and_returned(runtime: QuickJSRuntime) -> None:
    runtime.register("same", lambda x: x)
    runtime.evaluate("const text = 'x'.repeat(1e6), bytes = new Uint8Array(1e6).fill(7);")
    assert runtime.evaluate("same(text) === text") is True
    assert runtime.evaluate("same(bytes)") == b"\x07" * 1_000_000


def test_no_return_value_is_null(runtime: QuickJSRuntime) -> None:
    runtime.register("f", lambda: None)
    assert runtime.evaluate("f() === null") is True


def test_what_cannot_be_returned_is_an_error_with_its_path(runtime: QuickJSRuntime) -> None:
    runtime.register("f", lambda: {"a": [object()]})
    name, message = _caught(runtime, "f()")
    assert name == "ConversionError"
    assert "$.a[0]" in message
    with pytest.raises(ConversionError) as caught:
        runtime.evaluate("f()")
    assert caught.value.path == "$.a[0]"


@pytest.mark.parametrize(
    "argument", ["Symbol()", "(() => { const a = []; a[0] = a; return a; })()"]
)
def test_what_cannot_be_passed_is_a_type_error_for_the_script(
    runtime: QuickJSRuntime, argument: str
) -> None:
    calls: list[object] = []
    runtime.register("f", calls.append)
    name, message = _caught(runtime, f"f({argument})")
    assert name == "TypeError"
    assert "$" in message
    assert calls == []


def test_a_function_is_passed_as_a_handle_and_may_be_returned(runtime: QuickJSRuntime) -> None:
    kept: list[JSFunction] = []
    runtime.register("keep", kept.append)
    runtime.register("give", lambda: kept[0])
    assert runtime.evaluate("const f = (x) => x + 1; keep(f); give() === f") is True
    assert kept[0](1) == 2


def test_a_plain_object_at_the_end_fills_keyword_only_parameters(runtime: QuickJSRuntime) -> None:
    def search(text: str, limit: int = 3, *, reverse: bool = False, **more: Any) -> list[Any]:
        return [text, limit, reverse, more]

    runtime.register("search", search)
    assert runtime.evaluate("search('a')") == ["a", 3, False, {}]
    assert runtime.evaluate("search('a', { reverse: true })") == ["a", 3, True, {}]
    assert runtime.evaluate("search('a', 5, { reverse: true, x: 1 })") == ["a", 5, True, {"x": 1}]
    assert runtime.evaluate("search.length") == 1


def test_a_plain_object_at_the_end_is_an_argument_if_there_are_no_keywords(
    runtime: QuickJSRuntime,
) -> None:
    runtime.register("f", lambda *args: list(args))
    assert runtime.evaluate("f(1, { a: 2 })") == [1, {"a": 2}]


def test_unknown_and_missing_keywords_are_type_errors(runtime: QuickJSRuntime) -> None:
    def f(*, needed: int, other: int = 0) -> int:
        return needed + other

    runtime.register("f", f)
    assert runtime.evaluate("f({ needed: 1 })") == 1
    assert _caught(runtime, "f()") == ["TypeError", "f(): missing named argument needed"]
    name, message = _caught(runtime, "f({ needed: 1, wrong: 2 })")
    assert name == "TypeError"
    assert message == "f(): unknown named argument wrong"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("one()", "one() takes 1 argument, got 0"),
        ("one(1, 2)", "one() takes 1 argument, got 2"),
        ("none(1)", "none() takes 0 arguments, got 1"),
        ("some()", "some() takes 1 to 2 arguments, got 0"),
        ("some(1, 2, 3)", "some() takes 1 to 2 arguments, got 3"),
        ("many()", "many() takes at least 1 argument, got 0"),
        ("space.one()", "space.one() takes 1 argument, got 0"),
    ],
)
def test_a_wrong_number_of_arguments_is_a_type_error(
    make_runtime: MakeRuntime, call: str, message: str
) -> None:
    def one(a: int) -> None: ...
    def none() -> None: ...
    def some(a: int, b: int = 0) -> None: ...
    def many(a: int, *more: int) -> None: ...

    functions = {"one": one, "none": none, "some": some, "many": many, "space": {"one": one}}
    runtime = make_runtime(host_functions=functions)
    assert _caught(runtime, call) == ["TypeError", message]
    assert runtime.evaluate(f"try {{ {call} }} catch (e) {{ e instanceof TypeError }}") is True


def test_a_type_error_inside_the_function_does_not_pass_for_a_wrong_number(
    runtime: QuickJSRuntime,
) -> None:
    def inner(a: int) -> int:
        return a

    runtime.register("f", lambda: inner())  # type: ignore[call-arg]
    name, message = _caught(runtime, "f()")
    assert name == "TypeError"
    assert "inner" not in message


def test_a_host_function_is_called_in_order_within_jobs(runtime: QuickJSRuntime) -> None:
    seen: list[int] = []
    runtime.register("note", seen.append)
    runtime.evaluate("(async () => { for (let i = 0; i < 5; i++) { note(i); await null; } })()")
    assert seen == [0, 1, 2, 3, 4]


def test_a_host_function_works_as_a_callback_of_builtins(runtime: QuickJSRuntime) -> None:
    runtime.register("double", lambda x, index, array: 2 * x)
    assert runtime.evaluate("[1, 2, 3].map(double)") == [2, 4, 6]
    runtime.register("compare", lambda a, b: b - a)
    assert runtime.evaluate("[1, 3, 2].sort(compare)") == [3, 2, 1]


def test_thousands_of_calls_in_one_run_work(runtime: QuickJSRuntime) -> None:
    runtime.register("up", lambda x: x + 1)
    assert runtime.evaluate("let x = 0; for (let i = 0; i < 20000; i++) x = up(x); x") == 20_000


def test_a_getter_that_calls_a_host_function_while_its_object_is_passed_works(
    runtime: QuickJSRuntime,
) -> None:
    seen: list[object] = []
    runtime.register("note", lambda x: seen.append(x) or "noted")
    source = "note({ a: 'x'.repeat(100), get b() { return note({ inner: [1, 2] }); }, c: [3] })"
    assert runtime.evaluate(source) == "noted"
    assert seen == [{"inner": [1, 2]}, {"a": "x" * 100, "b": "noted", "c": [3]}]


def test_a_getter_in_a_result_may_call_a_host_function_that_calls_back(
    runtime: QuickJSRuntime,
) -> None:
    runtime.register("back", lambda: runtime.evaluate("({ deep: [1, 'x'.repeat(5000)] })"))
    result = runtime.evaluate("({ before: 'a', get inner() { return back(); }, after: 'z' })")
    assert result == {"before": "a", "inner": {"deep": [1, "x" * 5000]}, "after": "z"}
