"""Does the raw layer do here what it was written for? Asked once per process, before its first use.

It makes, with the process's own engine, an instance of a tiny guest (200 bytes) and tries every way
in and out that the layer has. Some 0.5 ms where the cache of
compiled guests has it, else 2 ms and more.
"""

from __future__ import annotations

import base64
import sys
from typing import Final

from runtimes.quickjs import _capi, _engine, _shield
from runtimes.quickjs._abi import STOP_REPLY, CheckPlace
from runtimes.quickjs._instance import GuestTrap, InstanceUnusableError

# (module
#   (import "host" "call" (func $call (param i32 i32 i32) (result i64)))
#   (import "host" "check" (func $check (param i32) (result i32)))
#   (memory (export "memory") 1)
#   (global (export "mark") i32 (i32.const 16))
#   (func (export "mix") (param i32 i32) (result i64)
#     (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32))
#             (i64.extend_i32_u (local.get 1))))
#   (func (export "ask") (param i32 i32 i32) (result i64)
#     (call $call (local.get 0) (local.get 1) (local.get 2)))
#   (func (export "check") (param i32) (result i64)
#     (i64.extend_i32_u (call $check (local.get 0))))
#   (func (export "grow") (param i32) (result i64)
#     (drop (memory.grow (local.get 0)))
#     (i64.extend_i32_u (i32.load (i32.const 16)))))
GUEST: Final = base64.b64decode(
    "AGFzbQEAAAABGARgA39/fwF+YAF/AX9gAn9/AX5gAX8BfgIaAgRob3N0BGNhbGwAAARob3N0BWNoZWNrAAEDBQQCAAMDBQMBAAEG"
    "BgF/AEEQCwcsBgZtZW1vcnkCAARtYXJrAwADbWl4AAIDYXNrAAMFY2hlY2sABARncm93AAUKLwQMACAArUIghiABrYQLCgAgACAB"
    "IAIQAAsHACAAEAGtCw0AIABAABpBECgCAK0LABUEbmFtZQEOAgAEY2FsbAEFY2hlY2s="
)
_PAGE = 65536
_BIG = 0xFFFF_FFF0


class _Fatal(BaseException):
    """What the probe's callbacks raise."""


class _Probe:
    """A host whose guest is asked to come back, to a given depth, and then to fail."""

    def __init__(self) -> None:
        from runtimes.quickjs._raw import RawInstance

        self.instance = RawInstance(self, _engine.load_module(GUEST, "check"), 4 * _PAGE)
        self.ask = self.instance.caller("ask", 3)
        self.failure: _Fatal | None = None

    def on_call(self, function_id: int, ptr: int, length: int) -> int:
        if self.failure is not None:
            raise self.failure
        if ptr == 0:
            return length
        return self.ask(function_id, ptr - 1, length) + 1

    def on_console(self, level: int, ptr: int, length: int) -> int:
        return 0

    def on_resolve(self, ptr: int, length: int) -> int:
        return 0

    def on_source(self, ptr: int, length: int) -> int:
        return 0

    def on_check(self, where: int) -> int:
        raise self.failure or _Fatal


def find_problem() -> str | None:
    """Return None if the raw layer works here, else what does not."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return "it relies on the interpreter lock"
    try:
        problem = _capi.version_problem()
        if problem is None and not _shield.works():
            problem = "callbacks cannot be shielded from signals"
        return problem or _try_everything()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _try_everything() -> str | None:
    probe = _Probe()
    instance = probe.instance
    mix, check = instance.caller("mix", 2), instance.caller("check", 1)
    if mix(_BIG, 7) != _BIG << 32 | 7 or instance.exported_global("mark") != 16:
        return "numbers do not cross"
    if probe.ask(1, 5, _BIG) != _BIG + 5:
        return "nested calls do not cross"
    instance.memory[16:20] = b"\1\2\3\4"
    if instance.caller("grow", 1)(1) != 0x04030201 or len(instance.refresh()) != 2 * _PAGE:
        return "the memory is not where it should be"
    if instance.caller("grow", 1)(100) != 0x04030201 or len(instance.refresh()) != 2 * _PAGE:
        return "the memory limit does not hold"
    probe.failure = failure = _Fatal()
    if not _raises(failure, lambda: probe.ask(0, 0, 0)) or instance.dead:
        return "exceptions do not cross"
    if not _raises(failure, lambda: check(CheckPlace.HANDLER)) or instance.dead:
        return "a soft stop does not cross"
    if not _raises(failure, lambda: check(CheckPlace.LOOK)) or not instance.dead:
        return "a trap does not cross"
    if not _raises(GuestTrap, lambda: mix(0, 0)):
        return "dead instances answer"
    instance.close()
    return None if _raises(InstanceUnusableError, lambda: mix(0, 0)) else "closed instances answer"


def _raises(wanted: BaseException | type[BaseException], action: object) -> bool:
    try:
        if callable(action):
            action()
    except BaseException as error:
        return error is wanted or type(error) is wanted
    return False


assert STOP_REPLY > _BIG  # what a failing host.call answers is none of the numbers above
