"""Rules about what crosses: results, arguments, checked types."""

from __future__ import annotations

import math
from typing import Any

from runtimes.errors import ConversionError
from runtimes.shared import SharedBuffer
from runtimes.testing._check import Bench, Checks
from runtimes.testing._expect import expect_equal, expect_raises, expect_true
from runtimes.values import undefined

VALUES = Checks()

_PLAIN: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    255,
    2**31,
    -(2**31),
    2**53 - 1,
    1.5,
    -0.25,
    "",
    "text",
    "NUL \0, umlaut ä, astral \U0001f600",
    [],
    [1, [2, [3]]],
    {},
    {"a": 1, "b": {"c": [None, True]}},
)


@VALUES.needing("value")
def plain_values_come_out(bench: Bench) -> None:
    assert bench.dialect.value is not None
    runtime = bench.make()
    for value in _PLAIN:
        expect_equal(runtime.evaluate(bench.dialect.value(value)), value)


@VALUES.needing("definitions")
def plain_values_go_in_and_come_back(bench: Bench) -> None:
    assert bench.dialect.definitions is not None
    runtime = bench.make()
    runtime.evaluate(bench.dialect.definitions)
    for value in (*_PLAIN, undefined, b"bytes", 2**64, -(10**30), {1, 2}, {1: "one"}):
        expect_equal(runtime.call_function("same", [value]), value)


@VALUES.needing("definitions")
def odd_floats_go_in_and_come_back(bench: Bench) -> None:
    assert bench.dialect.definitions is not None
    runtime = bench.make()
    runtime.evaluate(bench.dialect.definitions)
    expect_equal(runtime.call_function("same", [math.inf]), math.inf)
    expect_equal(runtime.call_function("same", [-math.inf]), -math.inf)
    expect_true(math.isnan(runtime.call_function("same", [math.nan])), "NaN stays NaN")
    zero = runtime.call_function("same", [-0.0])
    expect_equal(math.copysign(1.0, zero), -1.0, "the sign of minus zero")


@VALUES.needing("definitions")
def arguments_are_copied(bench: Bench) -> None:
    assert bench.dialect.definitions is not None
    runtime = bench.make()
    runtime.evaluate(bench.dialect.definitions)
    value = {"list": [1, 2]}
    result = runtime.call_function("same", [value])
    expect_equal(result, value)
    expect_true(result is not value, "what comes back is another object")


@VALUES.needing("definitions")
def a_shared_buffer_is_shared_or_refused(bench: Bench) -> None:
    assert bench.dialect.definitions is not None
    runtime = bench.make(allocation="on_demand")
    runtime.evaluate(bench.dialect.definitions)
    try:
        buffer = SharedBuffer(16)
    except NotImplementedError:  # the platform has none
        return
    try:
        results = [runtime.call_function("same", [buffer]) for _ in range(2)]
    except ConversionError:
        expect_equal(runtime.call_function("add", [1, 2]), 3)
        return
    expect_true(all(result is buffer for result in results), "what comes back is the buffer itself")
    (inner,) = runtime.call_function("same", [[buffer]])
    expect_true(inner is buffer, "inside of a list too")


@VALUES.needing("definitions")
def a_large_text_goes_in_and_comes_back(bench: Bench) -> None:
    assert bench.dialect.definitions is not None
    runtime = bench.make()
    runtime.evaluate(bench.dialect.definitions)
    text = "0123456789" * 100_000
    expect_true(runtime.call_function("same", [text]) == text, "a megabyte comes back as it was")


@VALUES.needing("value")
def a_result_of_the_asked_type_is_converted(bench: Bench) -> None:
    assert bench.dialect.value is not None
    runtime = bench.make()
    expect_equal(runtime.evaluate(bench.dialect.value(3), returns=int), 3)
    expect_equal(runtime.evaluate(bench.dialect.value(3), returns=float), 3.0)
    pair = runtime.evaluate(bench.dialect.value([1, 2]), returns=tuple[int, int])
    expect_equal(pair, (1, 2))


@VALUES.needing("value")
def a_result_of_another_type_is_a_conversion_error_with_its_path(bench: Bench) -> None:
    assert bench.dialect.value is not None
    runtime = bench.make()
    source = bench.dialect.value({"a": [1, "two"]})
    error = expect_raises(
        ConversionError, lambda: runtime.evaluate(source, returns=dict[str, list[int]])
    )
    expect_true("[1]" in error.path, f"the path {error.path!r} names the member")
    expect_equal(runtime.evaluate(bench.dialect.value(1)), 1)


@VALUES.needing("definitions")
def an_argument_that_cannot_cross_is_a_conversion_error_with_its_path(bench: Bench) -> None:
    assert bench.dialect.definitions is not None
    runtime = bench.make()
    runtime.evaluate(bench.dialect.definitions)
    error = expect_raises(
        ConversionError, lambda: runtime.call_function("same", [{"a": [1, object()]}])
    )
    expect_true("a[1]" in error.path, f"the path {error.path!r} names the member")
    expect_equal(error.runtime_usable, True, "runtime_usable")
    expect_equal(runtime.call_function("add", [1, 2]), 3)
