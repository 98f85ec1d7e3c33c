"""What a script says to its console, and what is told of promises that nobody handled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runtimes import ConsoleEvent, JSError, JSFunction, JSPromise, Module, QuickJSRuntime, undefined

MakeRuntime = Callable[..., QuickJSRuntime]


@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("debug", "debug"),
        ("trace", "debug"),
        ("log", "log"),
        ("dir", "log"),
        ("info", "info"),
        ("warn", "warn"),
        ("error", "error"),
    ],
)
def test_a_method_has_its_level(
    talking: QuickJSRuntime, events: list[ConsoleEvent], method: str, level: str
) -> None:
    assert talking.evaluate(f"console.{method}('a', 1)") is undefined
    assert [(event.level, event.arguments) for event in events] == [(level, ("a", 1))]


def test_assert_speaks_only_if_it_fails(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    talking.evaluate("console.assert(true, 'no'); console.assert(0, 'yes', 1); console.assert();")
    assert [(event.level, event.arguments) for event in events] == [
        ("error", ("yes", 1)),
        ("error", ()),
    ]


def test_arguments_are_values(talking: QuickJSRuntime, events: list[ConsoleEvent]) -> None:
    talking.evaluate(
        "console.log(null, undefined, 1.5, 10n, [1], { a: 1 }, new Set([1]), new Uint8Array(2));"
    )
    assert events[0].arguments == (None, undefined, 1.5, 10, [1], {"a": 1}, {1}, b"\0\0")


def test_an_event_has_the_position_of_the_call(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    talking.evaluate(
        "\n  console.log(1);\nfunction f() {\n console.warn(2) }\nf();", filename="a.js"
    )
    places = [(event.filename, event.line) for event in events]
    assert places == [("a.js", 2), ("a.js", 4)]
    assert events[0].column is not None
    assert 3 <= events[0].column <= 14


def test_an_event_in_a_module_names_the_module(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    talking.load_module(Module("lib/a.js", "const say = () => {\n\nconsole.log(1); }; say();"))
    assert (events[0].filename, events[0].line) == ("lib/a.js", 3)


def test_an_event_in_a_job_has_its_position(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    talking.evaluate("Promise.resolve()\n.then(() =>\n console.log(1))", filename="a.js")
    assert (events[0].filename, events[0].line) == ("a.js", 3)


@pytest.mark.parametrize(
    "argument",
    [
        "Symbol('secret')",
        "() => 1",
        "class A {}",
        "Promise.resolve()",
        "(() => { const a = {}; a.self = a; return a; })()",
        "({ list: [Symbol('x'), () => 1] })",
        "new WeakMap()",
        "globalThis",
        "new Proxy({}, { ownKeys() { throw new Error('no') } })",
        "({ get x() { throw new Error('no') } })",
        "new Proxy({}, { getPrototypeOf() { throw 1 }, get() { throw 2 } })",
        "Object.create(null)",
        "new Date(NaN)",
        "(() => { let a = []; for (let i = 0; i < 1000; i++) a = [a]; return a; })()",
    ],
)
def test_an_argument_that_cannot_cross_arrives_somehow(
    talking: QuickJSRuntime, events: list[ConsoleEvent], argument: str
) -> None:
    talking.evaluate(f"console.log('before', {argument}, 'after')")
    ((before, shown, after),) = [event.arguments for event in events]
    assert (before, after) == ("before", "after")
    assert not isinstance(shown, (JSFunction, JSPromise))
    assert isinstance(events[0].text, str)


def test_a_symbol_and_a_function_are_shown_as_what_they_are(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    talking.evaluate("console.log(Symbol('id'), function name() {})")
    symbol, function = events[0].arguments
    assert "symbol" in symbol.lower()
    assert "function" in function.lower()


def test_an_error_arrives_as_an_error(talking: QuickJSRuntime, events: list[ConsoleEvent]) -> None:
    talking.evaluate("console.error('failed:', new TypeError('bad'))")
    error = events[0].arguments[1]
    assert isinstance(error, JSError)
    assert (error.name, error.message) == ("TypeError", "bad")


def test_no_handle_is_left_behind_by_what_was_logged(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    talking.evaluate("for (let i = 0; i < 100; i++) console.log(() => i, { f() {} });")
    events.clear()
    before = talking.collect_garbage()
    talking.evaluate("for (let i = 0; i < 100; i++) console.log(() => i, { f() {} });")
    events.clear()
    talking.evaluate("1")
    assert talking.collect_garbage() <= before + 2000


def test_logging_runs_no_getter(talking: QuickJSRuntime, events: list[ConsoleEvent]) -> None:
    talking.evaluate("var ran = 0; console.log({ a: 1, get b() { ran++; return 2; }, c: 3 })")
    shown = events[0].arguments[0]
    assert (shown["a"], shown["c"]) == (1, 3)
    assert "getter" in shown["b"]
    assert talking.evaluate("ran") == 0


def test_the_callable_runs_on_the_runtimes_thread_and_may_come_back(
    make_runtime: MakeRuntime,
) -> None:
    seen: list[Any] = []
    runtime: QuickJSRuntime

    def console(event: ConsoleEvent) -> None:
        seen.append(runtime.evaluate(f"'got ' + {event.arguments[0]}"))

    runtime = make_runtime(console=console)
    runtime.evaluate("console.log(5)")
    assert seen == ["got 5"]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_the_callable_raises_stops_the_run_and_leaves_as_it_is(
    make_runtime: MakeRuntime, kind: type[BaseException]
) -> None:
    error = kind("from the console")

    def console(event: ConsoleEvent) -> None:
        raise error

    runtime = make_runtime(console=console)
    with pytest.raises(kind) as caught:
        runtime.evaluate("for (;;) { try { console.log(1) } catch {} }")
    assert caught.value is error
    assert runtime.usable
    assert runtime.evaluate("1") == 1


def test_a_console_that_a_script_replaced_is_its_own_affair(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    talking.evaluate("var said = []; console = { log: (x) => said.push(x) }; console.log(1);")
    assert talking.evaluate("said") == [1]
    assert events == []


def test_a_rejection_that_nobody_handles_is_told_to_the_console(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    assert talking.evaluate("Promise.reject(new RangeError('lost')); 5") == 5
    (event,) = events
    assert event.level == "error"
    assert event.arguments[0] == "Uncaught"
    assert isinstance(event.arguments[1], JSError)
    assert (event.arguments[1].name, event.arguments[1].message) == ("RangeError", "lost")


@pytest.mark.parametrize("reason", ["'text'", "5", "null", "undefined", "{ a: 1 }", "[1]"])
def test_whatever_a_promise_was_rejected_with_is_told(
    talking: QuickJSRuntime, events: list[ConsoleEvent], reason: str
) -> None:
    talking.evaluate(f"(async () => {{ throw ({reason}); }})(); 1")
    assert events[0].arguments == ("Uncaught", talking.evaluate(f"({reason})"))


def test_a_rejection_that_is_handled_later_in_the_run_is_not_told(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    source = "const p = Promise.reject(1); Promise.resolve().then(() => p.catch(() => {})); 1"
    talking.evaluate(source)
    talking.evaluate("(async () => { try { await Promise.reject(2); } catch {} })()")
    talking.evaluate("Promise.allSettled([Promise.reject(3)])")
    assert events == []


def test_a_rejection_that_is_raised_to_the_caller_is_not_told_as_well(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    with pytest.raises(JSError):
        talking.evaluate("Promise.reject(new Error('raised'))")
    with pytest.raises(JSError):
        talking.evaluate("(async () => { await null; throw new Error('raised') })()")
    with pytest.raises(JSError):
        talking.load_module(Module("a.js", "await null; throw new Error('raised')"))
    assert events == []


def test_many_lost_rejections_do_no_harm(
    talking: QuickJSRuntime, events: list[ConsoleEvent]
) -> None:
    talking.evaluate("for (let i = 0; i < 1000; i++) Promise.reject(i); 1")
    assert 1 <= len(events) <= 1000
    assert talking.evaluate("1") == 1


def test_a_rejection_in_a_stopped_run_is_not_told(
    make_runtime: MakeRuntime, events: list[ConsoleEvent]
) -> None:
    runtime = make_runtime(console=events.append, timeout=0.05)
    with pytest.raises(TimeoutError):
        runtime.evaluate("Promise.reject(1); for (;;) {}")
    assert runtime.evaluate("1") == 1
    assert events == []
