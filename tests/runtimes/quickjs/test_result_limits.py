"""Limits of results: bytes and values."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtimes import QuickJSRuntime, ResultLimitError

MakeRuntime = Callable[..., QuickJSRuntime]

MIB = 1024 * 1024


@pytest.mark.parametrize(
    "source",
    [
        "'x'.repeat(2000)",
        "new Uint8Array(2000)",
        "Array(2000).fill(1.5)",
        "({ a: 'ü'.repeat(600) })",
    ],
)
def test_too_many_bytes_are_refused(make_runtime: MakeRuntime, source: str) -> None:
    runtime = make_runtime(result_limit_bytes=1000)
    with pytest.raises(ResultLimitError, match="larger than 1000 bytes") as caught:
        runtime.evaluate(source)
    assert (caught.value.limit, caught.value.unit) == (1000, "bytes")
    assert caught.value.runtime_usable
    assert runtime.evaluate("'x'.repeat(900).length") == 900
    assert len(runtime.evaluate("'x'.repeat(900)")) == 900


@pytest.mark.parametrize(
    "source",
    [
        "Array(200).fill(0)",
        "Array(60).fill([[]])",
        "Object.fromEntries(Array.from({ length: 200 }, (_, i) => ['k' + i, i]))",
        "new Set(Array.from({ length: 200 }, (_, i) => i))",
        "new Map(Array.from({ length: 200 }, (_, i) => [i, i]))",
    ],
)
def test_too_many_values_are_refused(make_runtime: MakeRuntime, source: str) -> None:
    runtime = make_runtime(result_limit_nodes=100)
    with pytest.raises(ResultLimitError, match="larger than 100 nodes") as caught:
        runtime.evaluate(source)
    assert (caught.value.limit, caught.value.unit) == (100, "nodes")
    assert runtime.evaluate("Array(50).fill(0).length") == 50


def test_the_limits_hold_for_what_a_script_throws(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(result_limit_bytes=1000)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        runtime.evaluate("throw Array(5000).fill('x')")
    assert type(caught.value).__name__ in ("JSError", "ResultLimitError")
    assert runtime.evaluate("1") == 1


def test_the_limits_hold_for_arguments_of_host_functions(make_runtime: MakeRuntime) -> None:
    seen: list[object] = []
    runtime = make_runtime(result_limit_nodes=100, host_functions={"f": seen.append})
    with pytest.raises(Exception) as caught:  # noqa: PT011
        runtime.evaluate("f(Array(5000).fill(0))")
    assert type(caught.value).__name__ in ("JSError", "ResultLimitError")
    assert seen == []


def test_none_is_unlimited(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(result_limit_bytes=None, result_limit_nodes=None)
    assert len(runtime.evaluate("Array(100000).fill('text')")) == 100_000


@pytest.mark.parametrize(
    ("memory_limit_bytes", "limit"),
    [(MIB, MIB // 64), (16 * MIB, 16 * MIB // 64), (None, 4_000_000)],
)
def test_the_default_of_nodes_follows_the_memory_limit(
    make_runtime: MakeRuntime, memory_limit_bytes: int | None, limit: int
) -> None:
    runtime = make_runtime(memory_limit_bytes=memory_limit_bytes)
    with pytest.raises(ResultLimitError) as caught:
        runtime.evaluate("{ let a = []; for (let i = 0; i < 24; i++) a = [a, a]; a }")
    assert (caught.value.limit, caught.value.unit) == (limit, "nodes")


def test_the_default_of_nodes_refuses_a_graph_of_shared_parts(runtime: QuickJSRuntime) -> None:
    with pytest.raises(ResultLimitError):
        runtime.evaluate("{ let a = []; for (let i = 0; i < 40; i++) a = [a, a]; a }")
    assert runtime.evaluate("1") == 1
