"""Scripts: the global scope, promises, syntax errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import msgspec
import pytest

from runtimes import (
    ConversionError,
    JSError,
    JSFunction,
    JSPromise,
    JSSyntaxError,
    QuickJSRuntime,
    UnsettledPromise,
    undefined,
)


def test_the_last_expression_is_the_result(runtime: QuickJSRuntime) -> None:
    assert runtime.evaluate("const a = 6; a * 7") == 42


def test_a_script_without_an_expression_gives_undefined(runtime: QuickJSRuntime) -> None:
    assert runtime.evaluate("let a = 1;") is undefined
    assert runtime.evaluate("") is undefined


@pytest.mark.parametrize("word", ["var", "let", "const"])
def test_what_a_script_declares_stays(runtime: QuickJSRuntime, word: str) -> None:
    runtime.evaluate(f"{word} x = 41;")
    assert runtime.evaluate("x + 1") == 42
    assert runtime.get_value("x") == 41


def test_functions_and_classes_that_a_script_declares_stay(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f() { return 1; } class C { g() { return 2; } }")
    assert runtime.evaluate("[f(), new C().g()]") == [1, 2]


def test_a_script_runs_sloppily_unless_it_asks_otherwise(runtime: QuickJSRuntime) -> None:
    assert runtime.evaluate("made = 1; made") == 1
    with pytest.raises(JSError, match="ReferenceError"):
        runtime.evaluate("'use strict'; made2 = 1;")


def test_this_is_the_global_object(runtime: QuickJSRuntime) -> None:
    assert runtime.evaluate("this === globalThis") is True


def test_a_returned_promise_is_awaited(runtime: QuickJSRuntime) -> None:
    assert runtime.evaluate("(async () => { await null; return [1, 2]; })()") == [1, 2]


def test_a_promise_that_another_job_settles_is_awaited(runtime: QuickJSRuntime) -> None:
    source = "new Promise((done) => Promise.resolve().then(() => done('late')))"
    assert runtime.evaluate(source) == "late"


def test_what_a_returned_promise_rejects_with_is_raised(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSError) as caught:
        runtime.evaluate("(async () => { throw new RangeError('no'); })()")
    assert (caught.value.name, caught.value.message) == ("RangeError", "no")


def test_jobs_run_before_the_result_is_returned(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("let log = []; Promise.resolve().then(() => log.push('job')); 1")
    assert runtime.evaluate("log") == ["job"]


def test_a_promise_inside_the_result_is_a_handle(runtime: QuickJSRuntime) -> None:
    (promise,) = runtime.evaluate("[Promise.resolve(5)]")
    assert isinstance(promise, JSPromise)
    assert promise.result() == 5


def test_a_thenable_is_no_promise(runtime: QuickJSRuntime) -> None:
    result = runtime.evaluate("({ then: (done) => done(1), x: 1 })")
    assert result["x"] == 1
    assert isinstance(result["then"], JSFunction)


def test_a_promise_that_can_never_settle_is_an_error_at_once(runtime: QuickJSRuntime) -> None:
    with pytest.raises(UnsettledPromise, match="pending") as caught:
        runtime.evaluate("new Promise(() => {})", timeout=None)
    assert caught.value.runtime_usable
    assert runtime.evaluate("1") == 1


def test_an_async_function_that_waits_for_ever_is_an_error_at_once(
    runtime: QuickJSRuntime,
) -> None:
    with pytest.raises(UnsettledPromise):
        runtime.evaluate("(async () => { await new Promise(() => {}); })()", timeout=None)


@pytest.mark.parametrize(
    "source",
    [
        "import { a } from 'a.js';",
        "import 'a.js';",
        "const x = 1;\nimport a from './a.js';\na",
        "export const a = 1;",
        "export default function () {}",
        "import a, { b } from 'a.js'; a(b);",
        "import * as a from 'a.js'",
    ],
)
def test_module_syntax_says_what_to_use_instead(runtime: QuickJSRuntime, source: str) -> None:
    with pytest.raises(JSSyntaxError) as caught:
        runtime.evaluate(source)
    assert any("load_module" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    "source", ["await 1", "const x = await f()", "let a;\nawait a", "() => {\n  await 1\n}"]
)
def test_an_await_outside_of_async_functions_says_what_to_use_instead(
    runtime: QuickJSRuntime, source: str
) -> None:
    with pytest.raises(JSSyntaxError) as caught:
        runtime.evaluate(source)
    assert any("async function" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    "source", ["let let = 1;", "'export'; }", "// import x\n }", "// await 1\n }", "'await ' 1"]
)
def test_another_syntax_error_does_not_speak_of_modules(
    runtime: QuickJSRuntime, source: str
) -> None:
    with pytest.raises(JSSyntaxError) as caught:
        runtime.evaluate(source)
    assert not hasattr(caught.value, "__notes__")


def test_a_syntax_error_names_its_place(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSSyntaxError) as caught:
        runtime.evaluate("let a = 1;\nlet b = = 2;\nlet c;", filename="job.js")
    error = caught.value
    assert (error.name, error.filename, error.line) == ("SyntaxError", "job.js", 2)
    assert error.column == 9
    assert error.source_line == "let b = = 2;"
    assert error.highlight() == "let b = = 2;\n        ^"


def test_a_script_that_does_not_parse_runs_not_at_all(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSSyntaxError):
        runtime.evaluate("globalThis.ran = 1; }")
    assert runtime.evaluate("typeof ran") == "undefined"


def test_a_syntax_error_thrown_at_run_time_is_no_syntax_error_of_the_script(
    runtime: QuickJSRuntime,
) -> None:
    for source in ("eval('}')", "new Function('}')", "JSON.parse('{')", "new RegExp('(')"):
        with pytest.raises(JSError) as caught:
            runtime.evaluate(source)
        assert caught.value.name == "SyntaxError"
        assert not isinstance(caught.value, JSSyntaxError)


def test_redeclaring_a_let_is_an_error_and_keeps_the_old_one(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("let once = 1;")
    with pytest.raises(JSError) as caught:
        runtime.evaluate("let once = 2;")
    assert caught.value.name == "SyntaxError"
    assert runtime.evaluate("once") == 1


def test_the_filename_is_what_stack_traces_call_it(runtime: QuickJSRuntime) -> None:
    source = "(function f() { return new Error('here').stack; })()"
    assert "job ü.js:1" in runtime.evaluate(source, filename="job ü.js")


def test_a_source_may_hold_nul_and_every_character(runtime: QuickJSRuntime) -> None:
    assert runtime.evaluate("'a\0b ü \U0001f600'.length") == 8


def test_a_lone_surrogate_in_a_source_becomes_the_replacement_character(
    runtime: QuickJSRuntime,
) -> None:
    assert runtime.evaluate("'\ud800x'") == "\ufffdx"


def test_a_source_of_a_megabyte_runs(runtime: QuickJSRuntime) -> None:
    assert runtime.evaluate("1;" * 500_000 + "'end'") == "end"


def test_the_result_is_converted_to_the_type_that_is_asked_for(runtime: QuickJSRuntime) -> None:
    @dataclass
    class Point:
        x: int
        y: float = 0.0

    class Named(msgspec.Struct):
        name: str

    class Typed(TypedDict):
        a: int

    assert runtime.evaluate("({ x: 1, y: 2 })", returns=Point) == Point(1, 2.0)
    assert runtime.evaluate("[{ name: 'a' }]", returns=list[Named]) == [Named("a")]
    assert runtime.evaluate("({ a: 1 })", returns=Typed) == {"a": 1}
    assert runtime.evaluate("null", returns=type(None)) is None


def test_a_result_of_another_type_says_where_it_differs(runtime: QuickJSRuntime) -> None:
    with pytest.raises(ConversionError) as caught:
        runtime.evaluate("({ list: [1, 'two'] })", returns=dict[str, list[int]])
    assert "[1]" in caught.value.path
    assert caught.value.runtime_usable


def test_no_capability_of_the_host_is_in_sight(runtime: QuickJSRuntime) -> None:
    names = runtime.evaluate("Object.getOwnPropertyNames(globalThis)")
    assert not {"std", "os", "bjson", "scriptArgs", "print", "require", "process"} & set(names)
    for specifier in ("std", "os", "fs", "file:///etc/passwd", "https://example.org/a.js"):
        source = f"import({specifier!r}).catch((error) => error.name)"
        assert runtime.evaluate(source) == "ModuleNotFound"
