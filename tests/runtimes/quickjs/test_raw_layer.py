"""What only the raw layer does: self-test, shield, signals at bad moments, forks, epochs."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from runtimes.quickjs import _capi, _instance, _raw_imports, _raw_selftest, _shield
from runtimes.quickjs._abi import CheckPlace
from runtimes.quickjs._instance import GuestTrap, Instance

MakeInstance = Callable[..., tuple[Instance, Any]]
COUNTER = 4096

PRELUDE = """
    import os, signal, sys, threading, time
    from runtimes.quickjs import _engine, _instance
    class Host:
        def on_call(self, function_id, ptr, length): return function_id
        def on_console(self, level, ptr, length): return 0
        def on_resolve(self, ptr, length): return 0
        def on_source(self, ptr, length): return 0
        def on_check(self, where): return 0
    guest = _engine.load_module(sys.stdin.buffer.read(), "check", cached=False)
    def make(layer=None, host=None):
        return _instance.create_instance(
            host or Host(), memory_limit_bytes=None, hard_stop="check", layer=layer, guest=guest
        )
"""


def run_python(code: str, guest: bytes, *options: str) -> str:
    """Run a program in a process of its own, with the tiny guest; return what it prints."""
    program = textwrap.dedent(PRELUDE) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, *options, "-c", program], input=guest, capture_output=True, timeout=50
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout.decode().strip()


def test_it_works_here() -> None:
    assert _raw_selftest.find_problem() is None


def test_it_is_refused_with_another_major_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_capi, "MAJOR", 49)
    problem = _raw_selftest.find_problem()
    assert problem is not None
    assert "49.x is needed" in problem


def test_it_is_refused_without_the_interpreter_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert _raw_selftest.find_problem() is not None


def test_it_is_refused_if_callbacks_cannot_be_shielded(monkeypatch: pytest.MonkeyPatch) -> None:
    def bare() -> None:
        try:
            _shield._caught = None
        except BaseException as error:
            _shield._caught = error

    monkeypatch.setattr(_shield, "_catch", bare)
    assert _raw_selftest.find_problem() == "callbacks cannot be shielded from signals"


def test_the_plain_layer_serves_where_the_self_test_fails(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(_raw_selftest, "find_problem", lambda: "made up")
    with pytest.warns(RuntimeWarning, match="made up"):
        assert _instance._choose("") == "plain"
    with pytest.raises(RuntimeError, match="made up"):
        _instance._choose("raw")


@pytest.mark.parametrize(
    ("named", "chosen"), [("plain", "PlainInstance"), ("raw", "RawInstance"), ("", "RawInstance")]
)
def test_the_environment_forces_a_layer(
    guest_bytes: bytes, monkeypatch: pytest.MonkeyPatch, named: str, chosen: str
) -> None:
    monkeypatch.setenv(_instance.LAYER_VARIABLE, named)
    assert run_python("print(type(make()).__name__)", guest_bytes) == chosen


def test_a_layer_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="must be raw or plain"):
        _instance._choose("fast")


def test_an_exception_that_never_comes_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # As after a thread could not be started, in CPython 3.11.
    lost = SimpleNamespace(PyThreadState_SetAsyncExc=lambda *_: 1)
    monkeypatch.setattr(_shield.ctypes, "pythonapi", lost)
    assert _shield.works()
    monkeypatch.setattr(_shield, "is_shielded", lambda _: False)
    assert not _shield.works()


def test_every_callback_is_shielded() -> None:
    for callback in (*_raw_imports.CALLBACKS.values(), _raw_imports._on_epoch):
        assert _shield.is_shielded(callback)


def test_shielding_changes_nothing_else() -> None:
    def divide(a: int, b: int) -> object:
        try:
            try:
                return a // b
            finally:
                a = 0
        except BaseException as error:
            return type(error)

    assert not _shield.is_shielded(divide)
    shielded = _shield.shield(divide)
    assert _shield.is_shielded(shielded)
    assert shielded(7, 2) == 3
    assert shielded(7, 0) is ZeroDivisionError


def test_a_function_without_a_leading_try_is_left_alone() -> None:
    def late(a: int) -> int:
        total = sum([a, a, a, a, a, a, a, a, a, a])
        total += sum([a, a, a, a, a, a, a, a, a, a])
        try:
            return total
        except BaseException:
            return 0

    assert not _shield.is_shielded(_shield.shield(late))


class LateError(Exception):
    """Raised from another thread, whenever."""


def test_asynchronous_exceptions_at_bad_moments_are_raised_by_the_export(
    make_instance: MakeInstance,
) -> None:
    """An exception that comes at a callback's first instruction would crash an unshielded one."""
    instance, host = make_instance()
    call = instance.caller("call", 3)
    host.answer = lambda *_what: 1
    raise_later = ctypes.pythonapi.PyThreadState_SetAsyncExc
    caught, turns, stop = [0], [0], threading.Event()

    def run() -> None:
        while not stop.is_set():
            try:
                while not stop.is_set():
                    call(0, 0, 0)
                    turns[0] += 1
            except LateError:
                caught[0] += 1

    gc.collect()
    gc.disable()  # one that came while a finaliser runs would be ignored by Python itself
    thread = threading.Thread(target=run)
    thread.start()
    try:
        for goal in range(1, 101):
            before = turns[0]
            while turns[0] < before + 2:  # it is in its inner loop, where it may be hit
                time.sleep(0)
            raise_later(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(LateError))
            while caught[0] < goal and thread.is_alive():
                time.sleep(0)
    finally:
        gc.enable()
        stop.set()
        thread.join(20)
    assert caught[0] == 100
    assert not instance.dead


CTRL_C = """
    from runtimes.quickjs._lease import Lease
    class Host(Host):
        def on_check(self, where):
            if self.lease.should_stop():
                raise SystemError("hard stop")
            return 0
    def interrupt_once_inside(instance):
        count = instance.memory[4096:4104].cast("Q")
        while not count[0]:
            time.sleep(0)
        os.kill(os.getpid(), signal.SIGINT)
    for turn in range(5):
        host = Host()
        instance = make(LAYER, host)
        host.lease = Lease(instance, grace=0.02)
        loop = instance.caller(EXPORT, 1)
        thread = threading.Thread(target=interrupt_once_inside, args=[instance])
        thread.start()
        host.lease.begin(None)
        try:
            loop(0)
        except KeyboardInterrupt:
            print("dead" if instance.dead else "usable")
        host.lease.end()
        thread.join()
        host.lease.close()
        instance.close()
"""


@pytest.mark.parametrize("layer_name", ["raw", "plain"])
@pytest.mark.parametrize(("export", "then"), [("poll", "usable"), ("spin", "dead")])
def test_ctrl_c_ends_a_run_in_the_main_thread(
    guest_bytes: bytes, export: str, then: str, layer_name: str
) -> None:
    """Softly if the guest looks at the soft word, hard after the grace if it does not."""
    code = CTRL_C.replace("LAYER", repr(layer_name)).replace("EXPORT", repr(export))
    assert run_python(code, guest_bytes).split() == [then] * 5


def test_a_storm_of_signals_never_crashes(guest_bytes: bytes) -> None:
    code = """
    class Ring(Exception): pass
    def ring(*_): raise Ring
    instance = make("raw")
    call = instance.caller("call", 3)
    calls = 0
    signal.signal(signal.SIGALRM, ring)
    for turn in range(2000):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.00005 + turn % 50 * 1e-6)
            while True:
                assert call(7, 0, 0) == 7
                calls += 1
        except Ring:
            pass
    print(calls > 2000, call(7, 0, 0), instance.dead)
    """
    assert run_python(code, guest_bytes) == "True 7 False"


TRAPS = """
    import faulthandler
    ENABLE
    for name, args in (("unreachable", ()), ("recurse", ()), ("peek", (0x7fffffff,))):
        instance = make(LAYER)
        try:
            instance.caller(name, len(args))(*args)
        except _instance.GuestTrap as trap:
            print(trap.kind)
    """


@pytest.mark.parametrize("layer_name", ["raw", "plain"])
@pytest.mark.parametrize("when", ["before", "after", "never"])
def test_traps_survive_faulthandler_whenever_it_was_enabled(
    guest_bytes: bytes, when: str, layer_name: str
) -> None:
    enable = "make(); faulthandler.enable()" if when == "after" else ""
    code = TRAPS.replace("ENABLE", enable).replace("LAYER", repr(layer_name))
    options = ["-X", "faulthandler"] if when == "before" else []
    assert run_python(code, guest_bytes, *options).split() == [
        "unreachable",
        "stack_overflow",
        "out_of_bounds",
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no os.fork")
@pytest.mark.parametrize("layer_name", ["raw", "plain"])
def test_a_forked_child_makes_its_own_and_leaves_the_parents_alone(
    guest_bytes: bytes, layer_name: str
) -> None:
    code = """
    import gc, warnings
    warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads, from 3.12 on
    wasm = b"WASM"
    old = make(LAYER)
    join = old.caller("join", 2)
    child = os.fork()
    if not child:
        try:
            try:
                join(1, 2)
            except _instance.InstanceUnusableError as error:
                print(error)
            del join, old
            gc.collect()
            own = _engine.load_module(_selftest.GUEST, "check", cached=False)
            new = _instance.create_instance(
                Host(), memory_limit_bytes=None, hard_stop="check", layer=LAYER, guest=own
            )
            print(new.caller("mix", 2)(0, 7))
            sys.stdout.flush()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    print(join(0, 8))
    """
    code = code.replace("LAYER", repr(layer_name)).replace('    wasm = b"WASM"\n', "")
    prelude = "    from runtimes.quickjs import _raw_selftest as _selftest\n"
    assert run_python(prelude + code, guest_bytes).splitlines() == [
        "the instance belongs to the process this one was forked from",
        "7",
        "8",
    ]


def test_an_export_that_is_called_again_while_its_slots_are_in_use_gets_others(
    make_instance: MakeInstance,
) -> None:
    instance, host = make_instance()
    call, join = instance.caller("call", 3), instance.caller("join", 2)
    host.answer = lambda _what, depth, b, c: (
        call(depth - 1, b + 1, c + 1) * 1000 + join(b, c) % 1000 if depth else join(b, c)
    )
    assert (
        call(2, 10, 20)
        == (((12 << 32 | 22) * 1000) + (11 << 32 | 21) % 1000) * 1000 + (10 << 32 | 20) % 1000
    )


def test_traps_made_in_advance_are_made_again(make_instance: MakeInstance) -> None:
    def stop(*_what: object) -> int:
        raise LateError

    for _ in range(5):
        instance, host = make_instance()
        host.answer = stop
        with pytest.raises(LateError):
            instance.caller("check", 1)(CheckPlace.LOOK)
        assert _raw_imports.threads.visitor.trap
        with pytest.raises(GuestTrap):
            instance.caller("join", 2)(1, 2)
