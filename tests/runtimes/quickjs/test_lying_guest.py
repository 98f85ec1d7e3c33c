"""What the guest says is checked: one that lies is broken, and harms nobody."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from runtimes import BrokenRuntimeError, JSRuntimeError, QuickJSRuntime

MakeRuntime = Callable[..., QuickJSRuntime]

MIB = 1024 * 1024
ERROR = 1 << 63


def _answering(runtime: QuickJSRuntime, packed: int) -> QuickJSRuntime:
    """Let the guest's next answers be this number."""
    runtime.evaluate("1")
    runtime._guest._exports["guest_evaluate"] = lambda *_: packed
    return runtime


@pytest.mark.parametrize(
    "packed",
    [
        0x7FFFFFFF << 32,
        0xFFFFFFF0 | 100 << 32,
        0xFFFFFFFF | 0x7FFFFFFF << 32,
        ERROR | 0xFFFFFFF0 | 100 << 32,
        (1 << 64) - 1,
    ],
    ids=hex,
)
def test_memory_that_it_does_not_have_is_not_read(runtime: QuickJSRuntime, packed: int) -> None:
    _answering(runtime, packed)
    with pytest.raises(BrokenRuntimeError) as caught:
        runtime.evaluate("1")
    assert not caught.value.runtime_usable
    assert not runtime.usable
    with pytest.raises(BrokenRuntimeError):
        runtime.call_function("f")


@pytest.mark.parametrize("error", [0, ERROR], ids=["result", "report"])
def test_bytes_that_mean_nothing_are_an_error_of_the_family(
    make_runtime: MakeRuntime, error: int
) -> None:
    chance = random.Random(1)
    for _ in range(200):
        runtime = make_runtime(memory_limit_bytes=MIB)
        memory = runtime._guest._instance.refresh()
        length = chance.randrange(1, 40)
        memory[4096 : 4096 + length] = chance.randbytes(length)
        _answering(runtime, error | length << 32 | 4096)
        try:
            runtime.evaluate("1")
        except JSRuntimeError as raised:
            usable = raised.runtime_usable
            assert usable == runtime.usable
        runtime.close()
