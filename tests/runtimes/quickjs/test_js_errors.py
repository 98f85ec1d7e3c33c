"""What the caller learns of an error of the script."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from runtimes import JSError, JSFunction, Module, QuickJSRuntime, TimeoutExceeded, undefined

MakeRuntime = Callable[..., QuickJSRuntime]


def _error(runtime: QuickJSRuntime, source: str) -> JSError:
    with pytest.raises(JSError) as caught:
        runtime.evaluate(source, filename="job.js")
    return caught.value


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("throw new Error('text')", "Error"),
        ("throw new TypeError('text')", "TypeError"),
        ("throw new RangeError('text')", "RangeError"),
        ("throw new EvalError('text')", "EvalError"),
        ("throw Object.assign(new Error('text'), { name: 'Custom' })", "Custom"),
        ("class Mine extends Error { name = 'Mine' } throw new Mine('text')", "Mine"),
    ],
)
def test_name_and_message_are_those_of_the_error(
    runtime: QuickJSRuntime, source: str, name: str
) -> None:
    error = _error(runtime, source)
    assert (error.name, error.message) == (name, "text")
    assert error.runtime_usable
    assert error.value is None


def test_the_place_is_where_it_was_thrown(runtime: QuickJSRuntime) -> None:
    error = _error(runtime, "function f() {\n    null.x;\n}\n\nf();")
    assert (error.filename, error.line) == ("job.js", 2)
    assert error.column is not None
    assert "f (job.js:2:" in error.stack
    assert "job.js:5:" in error.stack


def test_the_stack_shows_no_frame_of_the_host(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f() { throw new Error('here') }", filename="lib.js")
    with pytest.raises(JSError) as caught:
        runtime.call_function("f")
    stack = caught.value.stack
    assert "lib.js:1" in stack
    for word in (".py", "guest", "wasm", "quickjs"):
        assert word not in stack


def test_the_source_line_of_a_module_is_known_and_highlighted(runtime: QuickJSRuntime) -> None:
    source = "export function f(x) {\n  return x.a.b;\n}\n"
    module = runtime.load_module(Module("lib/a.js", source))
    with pytest.raises(JSError) as caught:
        runtime.call_function("f", [{}], module=module)
    error = caught.value
    assert (error.filename, error.line) == ("lib/a.js", 2)
    assert error.source_line == "  return x.a.b;"
    line, caret = error.highlight().split("\n")
    assert line == "  return x.a.b;"
    assert caret.strip() == "^"
    assert 2 <= len(caret) - 1 < len(line)


def test_the_cause_is_kept(runtime: QuickJSRuntime) -> None:
    source = "throw new Error('outer', { cause: new TypeError('inner', { cause: { a: 1 } }) })"
    cause = _error(runtime, source).cause
    assert isinstance(cause, JSError)
    assert (cause.name, cause.message, cause.cause) == ("TypeError", "inner", {"a": 1})


@pytest.mark.parametrize(
    ("source", "value"), [("null", None), ("0", 0), ("[undefined]", [undefined])]
)
def test_a_cause_of_any_value_is_kept(runtime: QuickJSRuntime, source: str, value: object) -> None:
    assert _error(runtime, f"throw new Error('x', {{ cause: {source} }})").cause == value


def test_the_members_of_an_aggregate_error_are_kept(runtime: QuickJSRuntime) -> None:
    error = _error(runtime, "Promise.any([Promise.reject(new TypeError('a')), Promise.reject(5)])")
    assert error.name == "AggregateError"
    first, second = error.errors
    assert isinstance(first, JSError)
    assert (first.name, first.message, second) == ("TypeError", "a", 5)


@pytest.mark.parametrize(
    ("source", "value", "text"),
    [
        ("'text'", "text", "text"),
        ("5", 5, "5"),
        ("null", None, "null"),
        ("undefined", undefined, "undefined"),
        ("{ a: [1] }", {"a": [1]}, "an object"),
        ("[1, 2]", [1, 2], "an array"),
        ("10n ** 30n", 10**30, str(10**30)),
    ],
)
def test_a_thrown_value_that_is_no_error_is_kept(
    runtime: QuickJSRuntime, source: str, value: Any, text: str
) -> None:
    error = _error(runtime, f"throw ({source})")
    assert (error.name, error.message, error.value) == ("Uncaught", text, value)
    assert error.runtime_usable


def test_a_thrown_value_that_cannot_cross_is_shown(runtime: QuickJSRuntime) -> None:
    error = _error(runtime, "throw Symbol('id')")
    assert (error.name, error.value) == ("Uncaught", None)
    error = _error(runtime, "const a = {}; a.a = a; a.toString = () => 'round'; throw a")
    assert (error.message, error.value) == ("a value that is no Error", None)


def test_a_thrown_function_is_a_handle(runtime: QuickJSRuntime) -> None:
    error = _error(runtime, "throw (x) => x + 1")
    assert isinstance(error.value, JSFunction)
    assert error.value(1) == 2


@pytest.mark.parametrize(
    "source",
    [
        "throw { toString() { throw 1 } }",
        "throw { get message() { throw 1 }, get name() { throw 2 } }",
        "const e = Error(); Object.defineProperty(e, 'message', { get() { throw 1 } }); throw e",
        "const e = new Error('x'); e.message = e.name = e.stack = Symbol('s'); throw e",
        "const e = new Error('x'); e.cause = e; throw e",
        "const e = new Error('x'); e.message = { toString() { throw e } }; throw e",
        "throw new Proxy(new Error('x'), { get() { throw 1 }, getPrototypeOf() { throw 2 } })",
        "throw new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 } })",
        "Error.prepareStackTrace = () => { throw 1 }; throw new Error('x')",
        "Error.prepareStackTrace = () => ({}); null.x",
        "throw Object.create(null)",
        "throw Object.create(Error.prototype)",
        "delete Error.prototype.name; throw new Error('x')",
        "Error.prototype.toString = () => { throw 1 }; throw new Error('x')",
        "throw 'x'.repeat(1e7)",
        "throw new Error('x'.repeat(1e7))",
        "const e = new Error(); e.stack = 'x:'.repeat(1e6); throw e",
        "const e = new Error(); e.stack = '    at f (a:99999999999999999999:1)'; throw e",
        "let e = 1; for (let i = 0; i < 1e4; i++) e = new Error('x', { cause: e }); throw e",
    ],
)
def test_a_hostile_error_is_still_an_error(runtime: QuickJSRuntime, source: str) -> None:
    error = _error(runtime, source)
    assert isinstance(str(error), str)
    assert isinstance(error.highlight(), str)
    assert isinstance(error.message, str)
    assert isinstance(error.name, str)
    assert isinstance(error.stack, str)
    assert len(error.message) + len(error.name) + len(error.stack) < 2_000_000
    assert runtime.evaluate("1") == 1


@pytest.mark.parametrize(
    "source",
    [
        "throw { toString() { for (;;) {} } }",
        "throw { get a() { for (;;) {} } }",
        "const e = Error(); Object.defineProperty(e, 'name', { get() { for (;;) {} } }); throw e",
        "throw new Proxy({}, { ownKeys() { for (;;) {} }, get() { for (;;) {} } })",
        "Error.prepareStackTrace = () => { for (;;) {} }; throw new Error()",
    ],
)
def test_an_error_that_never_lets_itself_be_read_runs_into_the_timeout(
    runtime: QuickJSRuntime, source: str
) -> None:
    with pytest.raises((TimeoutExceeded, JSError)) as caught:
        runtime.evaluate(source, timeout=0.05)
    assert caught.value.runtime_usable
    assert runtime.evaluate("1") == 1


def test_an_error_with_its_cause_survives_pickling(runtime: QuickJSRuntime) -> None:
    error = _error(runtime, "throw new Error('outer', { cause: new TypeError('inner') })")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.message, copy.line, copy.stack) == ("outer", 1, error.stack)
    assert copy.cause.message == "inner"


def test_an_error_may_be_returned_as_a_value_and_sent_back(runtime: QuickJSRuntime) -> None:
    error = runtime.evaluate("new RangeError('kept', { cause: 1 })")
    assert isinstance(error, JSError)
    runtime.evaluate("function f(e) { return [e instanceof Error, e.name, e.message, e.cause] }")
    assert runtime.call_function("f", [error]) == [True, "RangeError", "kept", 1]


def test_an_error_in_a_job_names_its_place(runtime: QuickJSRuntime) -> None:
    error = _error(runtime, "(async () => {\n await null;\n throw new Error('late')\n})()")
    assert (error.filename, error.line) == ("job.js", 3)


def test_a_long_line_is_cut_when_it_is_highlighted(runtime: QuickJSRuntime) -> None:
    module = Module("a.js", "/* " + "x" * 100_000 + " */ null.x;")
    with pytest.raises(JSError) as caught:
        runtime.load_module(module)
    assert len(caught.value.highlight()) < 500
