"""What is said of a guest that was lost, when those who lost it could not say so themselves."""

from __future__ import annotations

import pytest

from runtimes import BrokenRuntimeError, QuickJSRuntime, RunCancelled, TimeoutExceeded
from runtimes.quickjs._abi import StopReason
from runtimes.quickjs._instance import STOPPED_BY_HOST, GuestTrap


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (StopReason.TIMEOUT, TimeoutExceeded),
        (StopReason.CANCELLED, RunCancelled),
        (StopReason.NONE, BrokenRuntimeError),
    ],
)
def test_a_stop_by_force_is_known_though_its_callback_failed(
    reason: StopReason, kind: type[Exception]
) -> None:
    with QuickJSRuntime() as runtime:
        guest = runtime._guest
        guest._lease.reason = reason
        loss = guest._lost(GuestTrap(STOPPED_BY_HOST))
        assert type(loss) is kind
        assert not runtime.usable


def test_another_trap_is_no_stop_even_if_one_was_asked_for() -> None:
    with QuickJSRuntime() as runtime:
        guest = runtime._guest
        guest._lease.reason = StopReason.TIMEOUT
        assert type(guest._lost(GuestTrap("out of bounds"))) is BrokenRuntimeError
