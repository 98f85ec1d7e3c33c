"""Rules about limits and stops. What is stopped softly leaves the runtime usable."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from runtimes.errors import (
    MemoryLimitError,
    ResultLimitError,
    RunCancelled,
    StackLimitError,
    TimeoutExceeded,
)
from runtimes.testing._check import Bench, Checks
from runtimes.testing._expect import expect_equal, expect_raises, expect_true

if TYPE_CHECKING:
    from runtimes.protocol import Runtime

LIMITS = Checks()

_MIB = 1024 * 1024


def _defined(bench: Bench, **options: Any) -> Runtime:
    assert bench.dialect.definitions is not None
    runtime = bench.make(**options)
    runtime.evaluate(bench.dialect.definitions)
    return runtime


@LIMITS.needing("endless", "definitions")
def an_endless_script_is_stopped_at_its_timeout(bench: Bench) -> None:
    assert bench.dialect.endless is not None
    source = bench.dialect.endless
    runtime = _defined(bench)
    error = expect_raises(TimeoutExceeded, lambda: runtime.evaluate(source, timeout=0.05))
    expect_true(isinstance(error, TimeoutError), "it is a TimeoutError too")
    expect_equal(error.timeout, 0.05, "the timeout that it names")
    expect_equal(error.runtime_usable, True, "runtime_usable")
    expect_equal(runtime.call_function("add", [1, 2]), 3)


@LIMITS.needing("endless")
def the_timeout_of_the_options_holds_unless_another_is_given(bench: Bench) -> None:
    assert bench.dialect.endless is not None
    source = bench.dialect.endless
    runtime = bench.make(timeout=0.05)
    error = expect_raises(TimeoutExceeded, lambda: runtime.evaluate(source))
    expect_equal(error.timeout, 0.05, "the timeout that it names")
    error = expect_raises(TimeoutExceeded, lambda: runtime.evaluate(source, timeout=0.07))
    expect_equal(error.timeout, 0.07, "the timeout that it names")


@LIMITS.needing("uncatchable", "definitions")
def a_script_cannot_catch_its_stop(bench: Bench) -> None:
    assert bench.dialect.uncatchable is not None
    source = bench.dialect.uncatchable
    runtime = _defined(bench)
    error = expect_raises(TimeoutExceeded, lambda: runtime.evaluate(source, timeout=0.05))
    expect_equal(error.runtime_usable, runtime.usable, "runtime_usable")
    expect_equal(runtime.call_function("add", [1, 2]), 3)


@LIMITS.needing("endless", "definitions", "calling")
def a_run_is_cancelled_from_another_thread(bench: Bench) -> None:
    assert bench.dialect.endless is not None
    assert bench.dialect.calling is not None
    runtime = _defined(bench, timeout=30.0)
    begun = threading.Event()
    runtime.register("begun", begun.set)

    def cancel() -> None:
        begun.wait(10)
        runtime.cancel()

    canceller = threading.Thread(target=cancel, daemon=True)
    canceller.start()
    source = f"{bench.dialect.calling('begun', [])};\n{bench.dialect.endless}"
    error = expect_raises(RunCancelled, lambda: runtime.evaluate(source))
    canceller.join(10)
    expect_equal(error.runtime_usable, True, "runtime_usable")
    expect_equal(runtime.call_function("add", [1, 2]), 3)


@LIMITS.needing("deep", "definitions")
def endless_recursion_is_a_stack_limit_error(bench: Bench) -> None:
    assert bench.dialect.deep is not None
    source = bench.dialect.deep
    runtime = _defined(bench)
    error = expect_raises(StackLimitError, lambda: runtime.evaluate(source))
    expect_equal(error.runtime_usable, True, "runtime_usable")
    expect_equal(runtime.call_function("add", [1, 2]), 3)


@LIMITS.needing("greedy", "definitions")
def filling_the_memory_is_a_memory_limit_error(bench: Bench) -> None:
    assert bench.dialect.greedy is not None
    source = bench.dialect.greedy
    runtime = _defined(bench, memory_limit_bytes=8 * _MIB)
    error = expect_raises(MemoryLimitError, lambda: runtime.evaluate(source))
    expect_equal(error.limit_bytes, 8 * _MIB, "the limit that it names")
    expect_equal(error.runtime_usable, runtime.usable, "runtime_usable")
    if runtime.usable:
        expect_equal(runtime.call_function("add", [1, 2]), 3)


@LIMITS.needing("definitions")
def a_result_of_too_many_bytes_is_refused(bench: Bench) -> None:
    runtime = _defined(bench, result_limit_bytes=1000)
    expect_equal(len(runtime.call_function("same", ["x" * 900])), 900, "the length")
    error = expect_raises(ResultLimitError, lambda: runtime.call_function("same", ["x" * 1100]))
    expect_equal((error.limit, error.unit), (1000, "bytes"), "the limit")
    expect_equal(runtime.call_function("add", [1, 2]), 3)


@LIMITS.needing("definitions")
def a_result_of_too_many_values_is_refused(bench: Bench) -> None:
    runtime = _defined(bench, result_limit_nodes=100)
    expect_equal(len(runtime.call_function("same", [[0] * 90])), 90, "the length")
    error = expect_raises(ResultLimitError, lambda: runtime.call_function("same", [[0] * 110]))
    expect_equal((error.limit, error.unit), (100, "nodes"), "the limit")
    expect_equal(runtime.call_function("add", [1, 2]), 3)
