"""Rules about scripts, functions, values by name, host functions and the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtimes.errors import (
    HostError,
    JSError,
    JSSyntaxError,
    UnsettledPromise,
    ValueNotCallable,
    ValueNotFound,
)
from runtimes.testing._check import Bench, Checks
from runtimes.testing._expect import expect_equal, expect_raises, expect_true

if TYPE_CHECKING:
    from runtimes.console import ConsoleEvent
    from runtimes.protocol import Runtime

CALLS = Checks()


def _defined(bench: Bench, **options: Any) -> Runtime:
    """Make a runtime that has the dialect's definitions."""
    assert bench.dialect.definitions is not None
    runtime = bench.make(**options)
    runtime.evaluate(bench.dialect.definitions)
    return runtime


@CALLS.needing("definitions")
def state_stays_between_runs(bench: Bench) -> None:
    runtime = _defined(bench)
    expect_equal([runtime.call_function("count") for _ in range(3)], [1, 2, 3])


@CALLS.needing("definitions")
def a_global_function_is_called_with_its_arguments(bench: Bench) -> None:
    runtime = _defined(bench)
    expect_equal(runtime.call_function("add", [1, 2]), 3)
    expect_equal(runtime.call_function("add", ("a", "b")), "ab")


@CALLS.needing("definitions")
def a_missing_function_is_not_found(bench: Bench) -> None:
    runtime = _defined(bench)
    for name in ("nobody", "missing"):
        error = expect_raises(ValueNotFound, runtime.call_function, name)
        expect_true(name in str(error), "the error names it")
    expect_equal(runtime.usable, True, "usable")


@CALLS.needing("definitions")
def a_value_that_is_no_function_is_not_callable(bench: Bench) -> None:
    runtime = _defined(bench)
    for name in ("answer", "nothing"):
        error = expect_raises(ValueNotCallable, runtime.call_function, name)
        expect_true(name in str(error), "the error names it")


@CALLS.needing("definitions")
def a_value_is_found_by_name_and_null_is_a_value(bench: Bench) -> None:
    runtime = _defined(bench)
    expect_equal(runtime.get_value("answer"), 42)
    expect_equal(runtime.get_value("answer", returns=int), 42)
    expect_equal(runtime.get_value("nothing"), None)


@CALLS.needing("definitions")
def undefined_is_not_found(bench: Bench) -> None:
    runtime = _defined(bench)
    expect_raises(ValueNotFound, lambda: runtime.get_value("missing"))
    expect_raises(ValueNotFound, lambda: runtime.get_value("nobody"))


@CALLS.needing("definitions")
def what_a_function_throws_reaches_the_caller(bench: Bench) -> None:
    runtime = _defined(bench)
    error = expect_raises(JSError, lambda: runtime.call_function("fail", ["too bad"]))
    expect_equal((error.name, error.message), ("Error", "too bad"), "name and message")
    expect_equal(error.runtime_usable, True, "runtime_usable")
    expect_equal(runtime.call_function("add", [1, 2]), 3)


@CALLS.needing("definitions")
def a_function_is_looked_up_once_and_called_often(bench: Bench) -> None:
    runtime = _defined(bench)
    add = runtime.function("add", returns=int)
    expect_equal([add(1, 2), add.call([3, 4]), add(5, 6, timeout=5.0)], [3, 7, 11])
    expect_equal(add.name, "add", "its name")


@CALLS.needing("definitions")
def what_cannot_be_called_is_refused_when_it_is_looked_up(bench: Bench) -> None:
    runtime = _defined(bench)
    expect_raises(ValueNotFound, lambda: runtime.function("nobody"))
    expect_raises(ValueNotCallable, lambda: runtime.function("answer"))


@CALLS.needing("definitions")
def a_batch_gives_its_results_in_their_order(bench: Bench) -> None:
    runtime = _defined(bench)
    expect_equal(runtime.call_many("add", [[1, 2], (3, 4)]), [3, 7])
    expect_equal(runtime.function("add").call_many([]), [])
    expect_equal(runtime.call_many("count", ([] for _ in range(3)), returns=int), [1, 2, 3])


@CALLS.needing("definitions")
def the_first_error_ends_a_batch_and_says_which_call_it_was(bench: Bench) -> None:
    runtime = _defined(bench)
    error = expect_raises(JSError, lambda: runtime.call_many("fail", [["one"], ["two"]]))
    expect_equal((error.message, error.call_index), ("one", 0), "message and call_index")
    expect_equal(runtime.call_function("add", [1, 2]), 3)


@CALLS.needing("throwing")
def what_a_script_throws_reaches_the_caller(bench: Bench) -> None:
    assert bench.dialect.throwing is not None
    source = bench.dialect.throwing("too bad")
    error = expect_raises(JSError, lambda: bench.make().evaluate(source, filename="job.js"))
    expect_equal((error.name, error.message), ("Error", "too bad"), "name and message")
    expect_equal((error.filename, error.line), ("job.js", 1), "the place")


@CALLS.needing("unparsable", "value")
def a_script_that_does_not_parse_is_a_syntax_error(bench: Bench) -> None:
    unparsable, value = bench.dialect.unparsable, bench.dialect.value
    assert unparsable is not None
    assert value is not None
    runtime = bench.make()
    error = expect_raises(
        JSSyntaxError, lambda: runtime.evaluate("\n" + unparsable, filename="job.js")
    )
    expect_equal((error.filename, error.line), ("job.js", 2), "the place")
    expect_equal(error.source_line, unparsable, "the source line")
    expect_equal(runtime.evaluate(value(1)), 1)


@CALLS.needing("promise")
def a_promise_is_awaited(bench: Bench) -> None:
    assert bench.dialect.promise is not None
    expect_equal(bench.make().evaluate(bench.dialect.promise([1, 2])), [1, 2])


@CALLS.needing("never", "value")
def a_promise_that_nothing_settles_is_an_error_at_once(bench: Bench) -> None:
    never, value = bench.dialect.never, bench.dialect.value
    assert never is not None
    assert value is not None
    runtime = bench.make(timeout=None)
    expect_raises(UnsettledPromise, lambda: runtime.evaluate(never))
    expect_equal(runtime.evaluate(value(1)), 1)


@CALLS.needing("calling")
def a_host_function_is_called_with_values_and_returns_one(bench: Bench) -> None:
    assert bench.dialect.calling is not None
    runtime = bench.make()
    seen: list[tuple[object, ...]] = []

    def host(*args: object) -> object:
        seen.append(args)
        return {"got": len(args)}

    runtime.register("host", host)
    result = runtime.evaluate(bench.dialect.calling("host", [1, "two", [3]]))
    expect_equal(result, {"got": 3})
    expect_equal(seen, [(1, "two", [3])], "the arguments")


@CALLS.needing("calling")
def host_functions_and_globals_come_with_the_options(bench: Bench) -> None:
    assert bench.dialect.calling is not None
    runtime = bench.make(
        host_functions={"double": lambda x: 2 * x, "maths": {"half": lambda x: x // 2}},
        globals={"limits": {"most": 7}},
    )
    expect_equal(runtime.evaluate(bench.dialect.calling("double", [21])), 42)
    expect_equal(runtime.evaluate(bench.dialect.calling("maths.half", [42])), 21)
    expect_equal(runtime.get_value("limits"), {"most": 7})


@CALLS.needing("catching")
def a_host_error_shows_its_text_to_the_script_and_no_other_error_does(bench: Bench) -> None:
    assert bench.dialect.catching is not None

    def told() -> None:
        raise HostError("no such account")

    def leaks() -> None:
        raise FileNotFoundError("/home/secret/key.pem")

    runtime = bench.make(host_functions={"told": told, "leaks": leaks})
    caught = runtime.evaluate(bench.dialect.catching("told", []))
    expect_equal(caught, ["HostError", "no such account"], "what was caught")
    name, message = runtime.evaluate(bench.dialect.catching("leaks", []))
    expect_equal(name, "FileNotFoundError", "the name")
    expect_true("secret" not in message, "the text does not leak")


@CALLS.needing("calling")
def an_error_of_a_host_function_that_nobody_catches_is_the_cause(bench: Bench) -> None:
    assert bench.dialect.calling is not None
    original = LookupError("in Python")

    def fails() -> None:
        raise original

    runtime = bench.make(host_functions={"fails": fails})
    source = bench.dialect.calling("fails", [])
    error = expect_raises(JSError, lambda: runtime.evaluate(source))
    expect_equal(error.name, "LookupError", "the name")
    expect_true(error.__cause__ is original, "the original is chained")
    expect_equal(runtime.usable, True, "usable")


@CALLS.needing("calling")
def an_interrupt_in_a_host_function_leaves_as_it_is(bench: Bench) -> None:
    assert bench.dialect.calling is not None

    def interrupts() -> None:
        raise KeyboardInterrupt

    runtime = bench.make(host_functions={"interrupts": interrupts})
    source = bench.dialect.calling("interrupts", [])
    expect_raises(KeyboardInterrupt, lambda: runtime.evaluate(source))
    runtime.register("one", lambda: 1)
    expect_equal(runtime.evaluate(bench.dialect.calling("one", [])), 1)


@CALLS.needing("saying")
def console_lines_reach_the_callable_of_the_options(bench: Bench) -> None:
    assert bench.dialect.saying is not None
    events: list[ConsoleEvent] = []
    bench.make(console=events.append).evaluate(bench.dialect.saying(["hello", [1], None]))
    expect_equal(
        [(event.level, event.arguments) for event in events], [("log", ("hello", [1], None))]
    )


@CALLS.needing("saying", "value")
def without_a_callable_console_lines_go_nowhere(bench: Bench) -> None:
    saying, value = bench.dialect.saying, bench.dialect.value
    assert saying is not None
    assert value is not None
    runtime = bench.make()
    runtime.evaluate(saying(["hello"]))
    expect_equal(runtime.evaluate(value(1)), 1)
