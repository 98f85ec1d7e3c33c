"""The shortest way into a guest: what `Guest.enter` does for a call of a function, written out.

For the usual case only: a short input, under the options' own timeout, not within another run. All
else goes through `Guest.enter`. It saves 0.4 of 2.1 us, by looking up what does not change once for
each guest, and not at every call.
"""

from __future__ import annotations

from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias

from runtimes.errors import BrokenRuntimeError
from runtimes.options import DEFAULT
from runtimes.quickjs._abi import ERROR_BIT, LENGTH, POINTER
from runtimes.quickjs._instance import InstanceUnusableError, stay_behind_at_exit
from runtimes.quickjs._memory import SHORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes.quickjs._guest import Guest


LeanCall: TypeAlias = "Callable[[int, int, int, bytes], Any]"
"""Given an export's three numbers and its input; returns the decoded result."""


def lean_caller(guest: Guest, export: str) -> LeanCall:
    """Return what calls an export that takes three numbers; it is made once for each guest."""
    return guest.leanly.get(export) or guest.leanly.setdefault(export, _make(guest, export))


def _make(guest: Guest, export: str) -> LeanCall:
    guest.check()  # one that is closed has no exports any more
    memory, lease, callbacks = guest._memory, guest._lease, guest._callbacks
    shared = () if guest._shares is None else guest._shares.held
    decode = guest.codec.decode
    seconds, budget = guest._usual_seconds, guest._usual_budget
    call = guest._exports.get(export) or guest._export(export, 3)

    def run(first: int, second: int, third: int, payload: bytes) -> Any:
        size = len(payload)
        if (
            guest._turns
            or guest.deadline is not None
            or guest._ended is not None
            or get_ident() != guest._thread
            or guest.dropped
            or memory.budget != budget
            or size > SHORT
            or size > memory.capacity
        ):
            return guest.enter(export, (first, second, third), payload, DEFAULT)
        guest._turns = 1
        try:
            at = memory.input
            memory.view[at : at + size] = payload
            exiting = False
            try:  # Ctrl-C may come at any line
                guest._depth = 1
                guest._limit = seconds
                lease.begin(None if seconds is None else monotonic() + seconds)
                packed = call(first, second, third)
            except BaseException as error:
                exiting = isinstance(error, InstanceUnusableError)
                guest.left_by(error)
                raise
            finally:
                guest._depth = 0
                lease.end()
                if exiting:
                    stay_behind_at_exit()
                if memory.holds_much:
                    guest.shrink()
            start = packed & POINTER
            end = start + (packed >> 32 & LENGTH)
            view = memory.view
            if packed & ERROR_BIT or callbacks.errors or shared or end > len(view):
                return guest.outcome(packed, seconds)
            try:
                return decode(view[start:end])
            except BrokenRuntimeError:  # the guest talks nonsense
                guest._break()
                raise
        finally:
            guest._turns = 0

    return run
