"""What host functions raise: names, texts, causes; what leaks and what stops."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from runtimes import (
    BrokenRuntimeError,
    HostError,
    JSError,
    Module,
    ModuleNotFound,
    QuickJSRuntime,
    TimeoutExceeded,
)

MakeRuntime = Callable[..., QuickJSRuntime]

SECRET = "/home/secret/key.pem"


def _raiser(error: BaseException) -> Callable[[], NoReturn]:
    def fails() -> NoReturn:
        raise error

    return fails


def _caught(runtime: QuickJSRuntime, call: str = "fails()") -> Any:
    source = f"try {{ {call} }} catch (e) {{ [e.name, e.message, String(e.stack), e + ''] }}"
    return runtime.evaluate(source, filename="job.js")


def test_an_exception_arrives_with_its_types_name_and_a_general_text(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(host_functions={"fails": _raiser(FileNotFoundError(2, "no", SECRET))})
    name, message, stack, text = _caught(runtime)
    assert (name, message) == ("FileNotFoundError", "the host function failed")
    assert text == "FileNotFoundError: the host function failed"
    assert "job.js:1" in stack


def test_it_is_an_error_for_the_script(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(host_functions={"fails": _raiser(ValueError(SECRET))})
    assert _caught(runtime, "try { fails() } catch (e) { throw e }")[0] == "ValueError"
    source = "try { fails() } catch (e) { [e instanceof Error, Object.keys(e)] }"
    assert runtime.evaluate(source) == [True, []]


def test_nothing_of_the_host_leaks(make_runtime: MakeRuntime) -> None:
    error = RuntimeError(SECRET)
    error.__cause__ = OSError(SECRET)
    error.add_note(SECRET)
    runtime = make_runtime(host_functions={"fails": _raiser(error)})
    source = """
        try { fails() } catch (e) {
            const seen = [];
            for (let o = e; o; o = Object.getPrototypeOf(o))
                for (const key of Reflect.ownKeys(o)) seen.push(String(key), String(e[key]));
            seen.join("\\n");
        }
    """
    shown = runtime.evaluate(source)
    for word in ("secret", ".py", "Traceback", "/home", "site-packages"):
        assert word not in shown


def test_the_text_of_a_host_error_is_shown(make_runtime: MakeRuntime) -> None:
    class NoAccount(HostError):
        pass

    runtime = make_runtime(
        host_functions={"a": _raiser(HostError("no ü")), "b": _raiser(NoAccount("none"))}
    )
    assert _caught(runtime, "a()")[:2] == ["HostError", "no ü"]
    assert _caught(runtime, "b()")[:2] == ["NoAccount", "none"]


def test_a_js_error_is_thrown_as_the_error_that_it_describes(make_runtime: MakeRuntime) -> None:
    error = JSError("out of range", name="RangeError")
    runtime = make_runtime(host_functions={"fails": _raiser(error)})
    assert _caught(runtime)[:2] == ["RangeError", "out of range"]


def test_an_uncaught_one_is_the_cause_of_the_callers_error(make_runtime: MakeRuntime) -> None:
    original = LookupError(SECRET)
    runtime = make_runtime(host_functions={"fails": _raiser(original)})
    with pytest.raises(JSError) as caught:
        runtime.evaluate("\nfails()", filename="job.js")
    error = caught.value
    assert (error.name, error.message) == ("LookupError", "the host function failed")
    assert error.__cause__ is original
    assert (error.filename, error.line) == ("job.js", 2)
    assert error.runtime_usable
    assert SECRET in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "source",
    [
        "(async () => fails())()",
        "(async () => { await null; fails(); })()",
        "Promise.resolve().then(() => fails())",
        "try { fails() } catch (e) { throw e }",
        "[1].map(() => fails())",
        "({ get x() { return fails(); } })",
        "new Proxy({ a: 1 }, { ownKeys: () => fails() })",
    ],
)
def test_the_original_is_chained_whichever_way_it_came(
    make_runtime: MakeRuntime, source: str
) -> None:
    original = LookupError(SECRET)
    runtime = make_runtime(host_functions={"fails": _raiser(original)})
    with pytest.raises(JSError) as caught:
        runtime.evaluate(source)
    assert caught.value.__cause__ is original


def test_the_right_one_of_several_is_chained(make_runtime: MakeRuntime) -> None:
    errors = [ValueError(n) for n in range(50)]
    runtime = make_runtime(host_functions={"fails": lambda n: _raiser(errors[n])()})
    source = """
        let last;
        for (let n = 0; n < 50; n++) try { fails(n); } catch (e) { if (n === 40) last = e; }
        throw last;
    """
    with pytest.raises(JSError) as caught:
        runtime.evaluate(source)
    assert caught.value.__cause__ is errors[40]


def test_another_error_of_the_script_has_no_cause(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(host_functions={"fails": _raiser(ValueError())})
    with pytest.raises(JSError, match="my own") as caught:
        runtime.evaluate("try { fails() } catch (e) { throw new Error('my own') }")
    assert caught.value.__cause__ is None


def test_a_forged_error_has_no_cause(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(host_functions={"fails": _raiser(ValueError())})
    source = """
        try { fails() } catch (e) {
            const forged = new Error(e.message);
            forged.name = e.name; forged.stack = e.stack;
            throw forged;
        }
    """
    with pytest.raises(JSError) as caught:
        runtime.evaluate(source)
    assert caught.value.__cause__ is None


def test_an_error_of_an_earlier_run_is_not_chained(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(host_functions={"fails": _raiser(ValueError())})
    runtime.evaluate("var kept; try { fails() } catch (e) { kept = e }")
    with pytest.raises(JSError) as caught:
        runtime.evaluate("throw kept")
    assert caught.value.name == "ValueError"
    assert caught.value.__cause__ is None


def test_an_error_of_the_runtime_itself_comes_out_as_it_is(runtime: QuickJSRuntime) -> None:
    runtime.register("load", lambda: runtime.load_module(Module("a.js", "import 'gone.js'")))
    with pytest.raises(ModuleNotFound, match="gone"):
        runtime.evaluate("load()")
    assert _caught(runtime, "load()")[0] == "ModuleNotFound"


class Fatal(BaseException):
    """Not an Exception."""


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), Fatal(), GeneratorExit()])
@pytest.mark.parametrize(
    "source",
    [
        "fails()",
        "for (;;) { try { fails() } catch {} finally { continue } }",
        "(async () => { try { await null; fails() } catch {} for (;;) await null; })()",
        "[1, 2].sort(() => fails())",
        "({ get x() { for (;;) try { fails() } catch {} } })",
    ],
)
def test_what_is_no_exception_stops_the_run_and_leaves_as_it_is(
    make_runtime: MakeRuntime, error: BaseException, source: str
) -> None:
    runtime = make_runtime(host_functions={"fails": _raiser(error)})
    runtime.evaluate("var kept = 1")
    with pytest.raises(type(error)) as caught:
        runtime.evaluate(source)
    assert caught.value is error
    assert runtime.usable
    assert runtime.evaluate("kept") == 1


def test_a_fatal_one_leaves_through_nested_runs(runtime: QuickJSRuntime) -> None:
    runtime.register("fails", _raiser(KeyboardInterrupt()))
    runtime.register("nested", lambda: runtime.evaluate("try { fails() } catch { 'caught' }"))
    with pytest.raises(KeyboardInterrupt):
        runtime.evaluate("try { nested() } catch { 'caught' }")
    assert runtime.evaluate("1") == 1


def test_a_fatal_one_that_python_catches_in_between_is_over(runtime: QuickJSRuntime) -> None:
    def nested() -> str:
        try:
            runtime.evaluate("fails()")
        except KeyboardInterrupt:
            return "caught in Python"
        return "not raised"

    runtime.register("fails", _raiser(KeyboardInterrupt()))
    runtime.register("nested", nested)
    assert runtime.evaluate("nested() + '!'") == "caught in Python!"
    assert runtime.evaluate("let n = 0; for (let i = 0; i < 1e5; i++) n++; n") == 100_000


def test_stop_iteration_and_deep_recursion_are_exceptions_like_others(
    make_runtime: MakeRuntime,
) -> None:
    def deep(n: int) -> int:
        return deep(n + 1) + 1

    runtime = make_runtime(host_functions={"stop": _raiser(StopIteration()), "deep": deep})
    assert _caught(runtime, "stop()")[0] == "StopIteration"
    assert _caught(runtime, "deep(0)")[0] == "RecursionError"


def test_an_exception_with_an_odd_text_does_no_harm(make_runtime: MakeRuntime) -> None:
    class Odd(HostError):
        def __str__(self) -> str:
            raise ValueError(SECRET)

    class Long(HostError):
        pass

    runtime = make_runtime(
        host_functions={
            "odd": _raiser(Odd()),
            "long": _raiser(Long("x" * 1_000_000)),
            "lone": _raiser(HostError("\ud800\0")),
        }
    )
    assert _caught(runtime, "odd()")[0] in ("Odd", "HostError", "ValueError")
    assert len(_caught(runtime, "long()")[1]) <= 65536
    assert _caught(runtime, "lone()")[1] == "\ud800\0"


def test_the_loss_of_another_runtime_is_not_this_ones(make_runtime: MakeRuntime) -> None:
    other = make_runtime(hard_stop_grace=0.01)
    with pytest.raises(TimeoutExceeded):
        other.evaluate("Array.prototype.reverse.call({ length: 2 ** 53 - 1 })", timeout=0.05)
    runtime = make_runtime(host_functions={"ask": lambda: other.evaluate("1")})
    with pytest.raises(BrokenRuntimeError):
        runtime.evaluate("ask()")
    assert runtime.usable
    assert runtime.evaluate("6 * 7") == 42
