"""What is said of a guest that a stop by force lost, wherever in it that happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtimes import JSRuntimeError, QuickJSRuntime, RunCancelled, RuntimeOptions, TimeoutExceeded
from runtimes.quickjs._abi import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes import FunctionHandle


def lost_in_a_nested_call(
    reason: StopReason, before: Callable[[FunctionHandle], object], *args: Any
) -> BaseException:
    """Stop by force while a host function is to call back into the guest; return what came out."""

    def call_back(make: FunctionHandle) -> Any:
        before(make)
        runtime._guest._lease.stop_hard(reason)
        return make(*args)

    runtime = QuickJSRuntime(RuntimeOptions(host_functions={"call_back": call_back}))
    with runtime:
        with pytest.raises(JSRuntimeError) as caught:
            runtime.evaluate("try { call_back((x) => () => x) } catch {} for (;;) {}")
        # Now and then the engine looks at the soft word first, and unwinds by itself.
        assert runtime.usable is caught.value.runtime_usable
        assert runtime.usable is ("by force" not in str(caught.value))
    return caught.value


REASONS = pytest.mark.parametrize(
    ("reason", "kind"),
    [(StopReason.TIMEOUT, TimeoutExceeded), (StopReason.CANCELLED, RunCancelled)],
)


@REASONS
def test_a_stop_while_handles_are_released_is_a_stop(
    reason: StopReason, kind: type[Exception]
) -> None:
    # Each call drops what it returned; the next one has that released first.
    loss = lost_in_a_nested_call(reason, lambda make: make(1))
    assert type(loss) is kind


@REASONS
def test_a_stop_while_the_input_buffer_grows_is_a_stop(
    reason: StopReason, kind: type[Exception]
) -> None:
    loss = lost_in_a_nested_call(reason, lambda make: None, "long" * 1_000_000)
    assert type(loss) is kind


@REASONS
def test_a_stop_in_the_nested_run_itself_is_a_stop(
    reason: StopReason, kind: type[Exception]
) -> None:
    assert type(lost_in_a_nested_call(reason, lambda make: None)) is kind
