"""Functions and promises held from Python."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from runtimes import (
    BrokenRuntimeError,
    ClosedRuntimeError,
    JSError,
    JSFunction,
    JSPromise,
    QuickJSRuntime,
    RuntimeOptions,
    StaleHandle,
    TimeoutExceeded,
    UnsettledPromise,
    encode_args,
)

MakeRuntime = Callable[..., QuickJSRuntime]


def test_a_function_knows_its_name(runtime: QuickJSRuntime) -> None:
    assert runtime.evaluate("(function named() {})").name == "named"
    assert runtime.evaluate("() => 1").name == ""
    assert runtime.evaluate("Object.defineProperty(() => 1, 'name', { value: 5 })").name == ""


def test_a_function_throws_what_it_throws(runtime: QuickJSRuntime) -> None:
    function = runtime.evaluate("(text) => { throw new RangeError(text) }")
    with pytest.raises(JSError, match="RangeError: no"):
        function("no")


def test_a_function_keeps_its_closure(runtime: QuickJSRuntime) -> None:
    count = runtime.evaluate("let n = 0; () => ++n")
    assert [count() for _ in range(3)] == [1, 2, 3]


def test_a_promise_is_settled_and_awaited(runtime: QuickJSRuntime) -> None:
    fulfilled, rejected = runtime.evaluate(
        "const r = Promise.reject(new TypeError('no')); r.catch(() => {}); [Promise.resolve(5), r]"
    )
    assert isinstance(fulfilled, JSPromise)
    assert fulfilled.result() == 5
    assert fulfilled.result() == 5
    with pytest.raises(JSError, match="TypeError: no"):
        rejected.result()

    async def wait() -> object:
        return await fulfilled

    assert asyncio.run(wait()) == 5


def test_a_promise_that_nothing_settles_is_an_error_until_something_does(
    runtime: QuickJSRuntime,
) -> None:
    (promise,) = runtime.evaluate("let settle; [new Promise((done) => { settle = done })]")
    with pytest.raises(UnsettledPromise):
        promise.result()
    runtime.evaluate("settle('late')")
    assert promise.result() == "late"


def test_a_handle_goes_back_in_wherever_it_stands(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("const f = () => 1, p = Promise.resolve(2);")
    f, held = runtime.evaluate("[f, { p }]")
    runtime.evaluate("function check(o) { return [o.list[0] === f, o.held.p === p] }")
    assert runtime.call_function("check", [{"list": [f], "held": held}]) == [True, True]


def test_a_handle_of_another_runtime_is_stale(make_runtime: MakeRuntime) -> None:
    runtime, other = make_runtime(), make_runtime()
    function = other.evaluate("() => 1")
    (promise,) = other.evaluate("[Promise.resolve(1)]")
    runtime.evaluate("function f() {}")
    for action in (
        lambda: runtime.call_function(function),
        lambda: runtime.call_function("f", [function]),
        lambda: runtime.call_function("f", [{"deep": [promise]}]),
        lambda: runtime.set_global("x", function),
    ):
        with pytest.raises(StaleHandle) as caught:
            action()
        assert caught.value.runtime_usable
    assert function() == 1
    assert runtime.evaluate("1") == 1


def test_a_handle_of_a_closed_runtime_says_so(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime()
    function, promise = runtime.evaluate("[() => 1, Promise.resolve(1)]")
    runtime.close()
    for action in (function, promise.result, lambda: function.name):
        with pytest.raises((ClosedRuntimeError, StaleHandle)):
            action()


def test_handles_that_outlive_their_runtime_are_dropped_without_harm() -> None:
    with QuickJSRuntime() as runtime:
        handles = runtime.evaluate("[() => 1, Promise.resolve(1)]")
    handles.clear()
    gc.collect()


def test_a_handle_of_a_broken_runtime_says_so(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(hard_stop_grace=0.01)
    function = runtime.evaluate("() => 1")
    with pytest.raises(TimeoutExceeded):
        runtime.evaluate("Array.prototype.reverse.call({ length: 2 ** 53 - 1 })", timeout=0.01)
    with pytest.raises(BrokenRuntimeError):
        function()


def test_what_is_no_handle_cannot_be_called(runtime: QuickJSRuntime) -> None:
    (promise,) = runtime.evaluate("[Promise.resolve(1)]")
    bad: object
    for bad in (5, None, promise, print):
        with pytest.raises((StaleHandle, TypeError)):
            runtime.call_function(bad)  # type: ignore[call-overload]


def test_a_handle_cannot_be_pickled(runtime: QuickJSRuntime) -> None:
    for handle in runtime.evaluate("[() => 1, Promise.resolve(1)]"):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(handle)
        with pytest.raises(TypeError):
            copy.deepcopy(handle)


def test_what_is_dropped_is_released(runtime: QuickJSRuntime) -> None:
    runtime.evaluate(
        "var released = 0; const seen = new FinalizationRegistry(() => released++);"
        "function make() { const f = () => 1; seen.register(f, 1); return f }"
    )
    kept = runtime.call_function("make")
    for _ in range(10):
        dropped = runtime.call_function("make")
    del dropped
    runtime.evaluate("1")
    runtime.collect_garbage()
    runtime.evaluate("1")
    assert runtime.get_value("released") == 10
    assert kept() == 1


def test_what_other_threads_drop_is_released(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function make(n) { return Array.from({ length: n }, (_, i) => () => i) }")
    before = runtime.collect_garbage()
    for _ in range(20):
        boxes = [[function] for function in runtime.call_function("make", [200])]

        def drop(part: list[list[JSFunction]]) -> None:
            for box in part:
                box.clear()

        threads = [threading.Thread(target=drop, args=(boxes[i::4],)) for i in range(4)]
        for thread in threads:
            thread.start()
        runtime.call_function("make", [10])
        for thread in threads:
            thread.join()
    del boxes
    runtime.evaluate("1")
    assert runtime.collect_garbage() < before + 100_000


def test_a_million_handles_do_not_leak(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(memory_limit_bytes=16 * 1024 * 1024)
    runtime.evaluate("const f = () => 1; const many = Array(10000).fill(f)")
    runtime.evaluate("many")
    runtime.evaluate("1")
    before = runtime.collect_garbage()
    for _ in range(100):
        assert len(runtime.evaluate("many")) == 10_000
    runtime.evaluate("1")
    assert runtime.collect_garbage() <= before + 10_000


def test_handles_that_are_dropped_while_the_runtime_runs_do_no_harm(
    runtime: QuickJSRuntime,
) -> None:
    kept: list[JSFunction] = []
    runtime.register("keep", kept.append)
    runtime.register("drop", kept.clear)
    runtime.register("back", lambda: runtime.evaluate("1"))
    source = "for (let i = 0; i < 2000; i++) { keep(() => i); if (i % 7 === 0) { drop(); back() } }"
    runtime.evaluate(source)
    runtime.evaluate("1")
    assert all(isinstance(function(), int) for function in kept)


def test_a_handle_keeps_its_runtimes_engine_only_until_it_is_closed() -> None:
    runtime = QuickJSRuntime(RuntimeOptions())
    function = runtime.evaluate("() => 1")
    assert function() == 1
    runtime.close()
    assert isinstance(repr(function), str)


def test_the_number_of_a_released_handle_is_not_mistaken(runtime: QuickJSRuntime) -> None:
    functions = [runtime.evaluate(f"() => {n}") for n in range(50)]
    del functions[::2]
    fresh = [runtime.evaluate(f"() => {n}") for n in range(100, 130)]
    assert [function() for function in functions] == list(range(1, 50, 2))
    assert [function() for function in fresh] == list(range(100, 130))


def test_a_handle_in_encoded_arguments_lives_as_long_as_they_do(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function call(f) { return f() }")
    encoded = encode_args([runtime.evaluate("() => 'right'")])
    other = runtime.evaluate("() => 'wrong'")
    assert runtime.call_function("call", encoded) == "right"
    assert other() == "wrong"


def test_a_handle_that_is_dropped_while_it_is_encoded_still_means_itself(
    runtime: QuickJSRuntime,
) -> None:
    runtime.evaluate("function both(k, f) { return k ? f() : () => 'wrong' }")
    calls = ([k, runtime.evaluate("() => 'right'")] if k else [0, None] for k in range(3))
    assert runtime.call_many("both", calls)[1:] == ["right", "right"]

    class Making(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return runtime.evaluate("() => 'right'")

        def __iter__(self) -> Iterator[str]:
            return iter(["f", "g"])

        def __len__(self) -> int:
            return 2

    runtime.evaluate("function all(made) { return [made.f(), made.g()] }")
    assert runtime.call_function("all", [Making()]) == ["right", "right"]
    runtime.evaluate("function both(a, b) { return [a.f(), a.g(), b.f(), b.g()] }")
    assert runtime.call_function("both", [Making(), Making()]) == ["right"] * 4


def test_what_was_dropped_is_released_in_the_end(runtime: QuickJSRuntime) -> None:
    runtime.evaluate("function call(f) { return f() }; function make() { return () => [1] }")
    for _ in range(3):
        used = runtime.collect_garbage()
        for _ in range(2000):
            runtime.call_function("call", [runtime.call_function("make")])
    assert runtime.collect_garbage() < used + 20_000
