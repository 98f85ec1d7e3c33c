"""Functions that are looked up once, and batches of calls in one run."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest

from runtimes import (
    BrokenRuntimeError,
    ClosedRuntimeError,
    ConversionError,
    EncodedArgs,
    JSError,
    JSFunction,
    Module,
    ModuleHandle,
    QuickJSRuntime,
    ResultLimitError,
    RuntimeOptions,
    StaleHandle,
    TimeoutExceeded,
    encode_args,
    encode_calls,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = """
export const key = 7;
export function add(a, b) { return a + b; }
export function own() { return this === undefined ? undefined : this.key; }
export async function later(x) { await null; return x * 2; }
export function picky(x) { if (x === 2) throw new Error("two"); last = x; return x; }
export let last = -1;
const state = { n: 0 };
export function count() { state.n++; return state; }
export function spin(x) { if (x === 1) for (;;); return x; }
export function make() { return () => 1; }
export function stuck() { Array.prototype.reverse.call({ length: 2 ** 53 - 1 }); }
export function many(...all) { return all.length; }
"""


@pytest.fixture
def runtime() -> Iterator[QuickJSRuntime]:
    with QuickJSRuntime() as runtime:
        yield runtime


@pytest.fixture
def module(runtime: QuickJSRuntime) -> ModuleHandle:
    return runtime.load_module(Module("m.js", SOURCE))


def test_this_is_the_modules_namespace(runtime: QuickJSRuntime, module: ModuleHandle) -> None:
    assert runtime.function("own", module=module)() == 7
    assert runtime.call_many("own", [[], []], module=module) == [7, 7]
    runtime.evaluate("function own() { 'use strict'; return this; }")
    assert runtime.function("own").call_many([[]]) == runtime.call_many("own", [[]])


def test_it_stays_what_it_was_when_the_name_is_taken_by_another(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function f() { return 1; }")
    bound = runtime.function("f")
    runtime.evaluate("function f() { return 2; }")
    assert (bound(), runtime.call_function("f")) == (1, 2)


def test_a_timeout_may_be_given_with_a_call(runtime: QuickJSRuntime, module: ModuleHandle) -> None:
    spin = runtime.function("spin", module=module)
    with pytest.raises(TimeoutExceeded):
        spin(1, timeout=0.02)
    assert spin(3) == 3


def test_it_is_no_use_after_its_runtime(runtime: QuickJSRuntime, module: ModuleHandle) -> None:
    add = runtime.function("add", module=module)
    with QuickJSRuntime() as other, pytest.raises(StaleHandle):
        other.function("add", module=module)
    runtime.close()
    for call in (lambda: add(1, 2), lambda: add.call_many([[1, 2]])):
        with pytest.raises(ClosedRuntimeError):
            call()


def test_results_are_checked_each(runtime: QuickJSRuntime, module: ModuleHandle) -> None:
    add = runtime.function("add", module=module, returns=int)
    assert add.call_many([[1, 2]]) == [3]
    with pytest.raises(ConversionError) as caught:
        add.call_many([[1, 2], ["a", "b"]])
    assert caught.value.path == "$[1]"


def test_each_result_is_taken_as_it_is_after_its_call(
    runtime: QuickJSRuntime, module: ModuleHandle
) -> None:
    assert runtime.call_many("count", [[]] * 3, module=module) == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_promises_are_awaited_each(runtime: QuickJSRuntime, module: ModuleHandle) -> None:
    assert runtime.call_many("later", [[n] for n in range(50)], module=module) == [
        2 * n for n in range(50)
    ]


def test_the_first_error_says_which_call_it_was_and_ends_the_batch(
    runtime: QuickJSRuntime, module: ModuleHandle
) -> None:
    with pytest.raises(JSError, match="two") as caught:
        runtime.call_many("picky", [[n] for n in range(5)], module=module)
    assert caught.value.call_index == 2
    assert any("call 2" in note for note in caught.value.__notes__)
    assert runtime.get_value("last", module=module) == 1


def test_one_deadline_is_for_all(runtime: QuickJSRuntime, module: ModuleHandle) -> None:
    with pytest.raises(TimeoutExceeded) as caught:
        runtime.call_many("spin", [[0], [1], [2]], module=module, timeout=0.02)
    assert caught.value.call_index == 1
    assert caught.value.runtime_usable


def test_the_hard_stop_reaches_a_batch() -> None:
    with QuickJSRuntime(RuntimeOptions(hard_stop_grace=0.01)) as runtime:
        module = runtime.load_module(Module("m.js", SOURCE))
        with pytest.raises(TimeoutExceeded) as caught:
            runtime.call_many("stuck", [[]], module=module, timeout=0.02)
        assert caught.value.call_index == 0
        with pytest.raises(BrokenRuntimeError):
            runtime.call_many("add", [[1, 2]], module=module)


def test_the_limit_of_results_counts_over_all() -> None:
    with QuickJSRuntime(RuntimeOptions(result_limit_nodes=10)) as runtime:
        runtime.evaluate("function id(x) { return x; }")
        assert runtime.call_many("id", [[n] for n in range(5)]) == list(range(5))
        with pytest.raises(ResultLimitError) as caught:
            runtime.call_many("id", [[n] for n in range(20)])
        assert caught.value.call_index == 10
        assert runtime.call_many("id", [[1]]) == [1]


@pytest.mark.parametrize("n_args", [0, 1, 8, 9, 300])
def test_any_number_of_arguments_is_right(
    runtime: QuickJSRuntime, module: ModuleHandle, n_args: int
) -> None:
    args = list(range(n_args))
    assert runtime.call_many("many", [args, args], module=module) == [n_args, n_args]


def test_a_host_function_may_be_called_and_may_run_a_batch_itself(
    runtime: QuickJSRuntime, module: ModuleHandle
) -> None:
    def twice(n: int) -> Any:
        return runtime.call_many("add", [[n, n], [n, 1]], module=module)

    def fails(n: int) -> Any:
        if n == 1:
            with pytest.raises(JSError):
                runtime.call_many("picky", [[0], [1], [2]], module=module)
        if n == 4:
            raise ValueError("four")
        return "x" * 10_000

    runtime.register("twice", twice)
    runtime.register("fails", fails)
    assert runtime.call_many("twice", [[1], [2]]) == [[2, 2], [4, 3]]
    with pytest.raises(JSError) as caught:
        runtime.call_many("fails", [[n] for n in range(6)])
    assert caught.value.call_index == 4


def test_functions_in_results_are_handles_and_are_let_go_when_the_batch_fails(
    runtime: QuickJSRuntime, module: ModuleHandle
) -> None:
    made = runtime.call_many("make", [[], []], module=module)
    assert [type(each) for each in made] == [JSFunction, JSFunction]
    assert [each() for each in made] == [1, 1]
    assert made[0]._handle_id != made[1]._handle_id
    runtime.evaluate("function half(x) { if (x) throw new Error('no'); return half; }")
    numbers = set()
    for _ in range(3):
        with pytest.raises(JSError):
            runtime.call_many("half", [[0], [1]])
        numbers.add(runtime.evaluate("half")._handle_id)
    assert len(numbers) == 1


def test_a_function_that_was_handed_out_is_called_in_a_batch_too(runtime: QuickJSRuntime) -> None:
    double = runtime.evaluate("x => 2 * x")
    assert runtime.call_many(double, [[1], [2]], returns=int) == [2, 4]


@pytest.mark.parametrize("args_list", ["ab", ["ab"], [{"a": 1}], {"a": [1]}, [b"x"], [[1], 2]])
def test_what_is_no_list_of_arguments_is_refused(
    runtime: QuickJSRuntime, module: ModuleHandle, args_list: Any
) -> None:
    with pytest.raises(TypeError, match=r"list of lists or tuples|list or tuple of values"):
        runtime.call_many("add", args_list, module=module)


def test_what_never_ends_is_refused_as_arguments_and_as_a_batch(
    runtime: QuickJSRuntime, module: ModuleHandle
) -> None:
    add = runtime.function("add", module=module)
    endless: Any = repeat(1)
    for call in (
        lambda: runtime.call_many("add", repeat((1, 2)), module=module),
        lambda: add.call_many(repeat((1, 2))),
        lambda: add.call_many([(1, 2), endless]),
        lambda: add.call(endless),
        lambda: runtime.call_function("add", endless, module=module),
        lambda: encode_args(endless),
        lambda: encode_calls(repeat((1, 2))),
    ):
        with pytest.raises(ValueError, match="at most 4,000,000"):
            call()
    assert add(1, 2) == 3


def test_the_error_says_which_call_has_no_list_of_arguments(
    runtime: QuickJSRuntime, module: ModuleHandle
) -> None:
    bad: Any = [[1, 2], (3, 4), 5]
    rule = "^call 2: arguments are a list or tuple of values, not int$"
    with pytest.raises(TypeError, match=rule):
        runtime.call_many("add", bad, module=module)
    bad = 5
    with pytest.raises(TypeError, match=r"^the calls of a batch are .*, not int$"):
        runtime.call_many("add", bad, module=module)


def test_arguments_may_be_anything_that_has_an_order(
    runtime: QuickJSRuntime, module: ModuleHandle
) -> None:
    class Pair:
        def __getitem__(self, index: int) -> int:
            return (20, 22)[index]

    pair: Any = Pair()
    assert runtime.call_function("add", pair, module=module) == 42
    assert runtime.call_many("add", (each for each in (pair, range(2))), module=module) == [42, 1]


def test_arguments_may_be_encoded_before(runtime: QuickJSRuntime, module: ModuleHandle) -> None:
    calls = [[1, [2]], [3, [4]]]
    encoded: EncodedArgs = encode_calls(calls)
    calls.clear()
    assert runtime.call_many("add", encoded, module=module) == ["12", "34"]
    with pytest.raises(JSError, match="array"):
        runtime.call_many("add", encode_args([1, 2]), module=module)


def test_a_worn_runtime_still_gives_the_results_of_the_batch() -> None:
    with QuickJSRuntime(RuntimeOptions(memory_limit_bytes=4 * 1024 * 1024)) as runtime:
        runtime.evaluate(
            "let kept = []; function hoard() {"
            " try { for (;;) kept.push(new Uint8Array(10000)); } catch { return 'full'; } }"
        )
        assert runtime.call_many("hoard", [[], []]) == ["full", "full"]
        assert not runtime.usable
