"""Leases and the watchdog: flags reach the run they are meant for, and no other."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runtimes.quickjs._abi import SOFT_STOP, HardWord, StopReason
from runtimes.quickjs._instance import Instance
from runtimes.quickjs._lease import NUDGE_INTERVAL, Lease
from runtimes.quickjs._watchdog import LINGER, LONGEST_NAP, Bell, Watchdog

MakeInstance = Callable[..., tuple[Instance, Any]]
HEADER, HARD = 64, 128
GRACE = 0.5


class FakeMemory:
    """As much of an instance as a lease needs: some memory and its addresses."""

    def __init__(self) -> None:
        self.memory = (ctypes.c_ubyte * 256)()
        self.bumps = 0

    def bump_epoch(self) -> None:
        self.bumps += 1

    def exported_global(self, name: str) -> int:
        return {"guest_header": HEADER, "guest_hard_stop": HARD}[name]

    def address(self, offset: int, size: int = 4) -> int:
        return ctypes.addressof(self.memory) + offset

    @property
    def soft(self) -> int:
        return self.memory[HEADER + SOFT_STOP]

    @property
    def hard(self) -> int:
        return self.memory[HARD]


class FakeClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def watchdog(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Watchdog:
    """A watchdog whose thread is never started: the tests look themselves."""
    monkeypatch.setattr(Watchdog, "_start", lambda self: None)
    return Watchdog(clock)


@pytest.fixture
def memory() -> FakeMemory:
    return FakeMemory()


@pytest.fixture
def lease(memory: FakeMemory, watchdog: Watchdog) -> Lease:
    """A lease of a worker's thread, to which nobody sends Ctrl-C."""
    return lease_of_a_worker(memory, watchdog)


def lease_of_a_worker(
    memory: Instance | FakeMemory, watchdog: Watchdog | None, grace: float = GRACE
) -> Lease:
    made: list[Lease] = []
    thread = threading.Thread(
        target=lambda: made.append(Lease(memory, grace=grace, watchdog=watchdog))  # type: ignore[arg-type]
    )
    thread.start()
    thread.join()
    return made[0]


def test_a_run_that_nobody_stops_sees_no_flag(
    lease: Lease, memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease.begin(clock.now + 1)
    watchdog.look(clock.now + 1)
    assert (memory.soft, memory.hard) == (0, 0)
    lease.end()
    assert lease.reason is StopReason.NONE


def test_the_hard_stop_comes_at_the_deadline_plus_the_grace(
    lease: Lease, memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease.begin(clock.now + 1)
    assert watchdog.look(clock.now) == clock.now + 1 + GRACE
    watchdog.look(clock.now + 1 + GRACE - 0.001)
    assert not memory.hard
    watchdog.look(clock.now + 1 + GRACE)
    assert (memory.soft, memory.hard) == (StopReason.TIMEOUT, HardWord.STOP)
    assert lease.should_stop()
    assert memory.hard  # it stays until the run has ended
    assert lease.reason is StopReason.TIMEOUT
    assert memory.bumps == 1


def test_the_end_of_a_run_clears_both_words(
    lease: Lease, memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease.begin(clock.now)
    watchdog.look(clock.now + GRACE)
    lease.end()
    assert (memory.soft, memory.hard) == (0, 0)
    assert lease.reason is StopReason.TIMEOUT  # of the last run
    lease.begin(None)
    assert not lease.should_stop()
    assert lease.reason is StopReason.NONE


def test_a_stop_that_comes_too_late_does_not_reach_the_next_run(
    lease: Lease, memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    token = lease.begin(clock.now)
    lease.end()
    assert not lease.request_soft(StopReason.CANCELLED, token)
    assert not lease.stop_hard(StopReason.TIMEOUT)
    watchdog.look(clock.now + 100)
    lease.begin(None)
    assert not lease.request_soft(StopReason.CANCELLED, token)
    assert (memory.soft, memory.hard) == (0, 0)


def test_a_cancellation_is_soft_first_and_hard_after_the_grace(
    lease: Lease, memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    token = lease.begin(clock.now + 100)
    clock.now += 1
    assert lease.request_soft(StopReason.CANCELLED, token)
    assert (memory.soft, memory.hard) == (StopReason.CANCELLED, 0)
    assert watchdog.look(clock.now) == clock.now + GRACE
    watchdog.look(clock.now + GRACE)
    assert (memory.soft, memory.hard) == (StopReason.CANCELLED, HardWord.STOP)
    assert lease.reason is StopReason.CANCELLED


def test_a_cancellation_without_a_token_means_whatever_runs(
    lease: Lease, memory: FakeMemory
) -> None:
    assert not lease.request_soft(StopReason.CANCELLED)
    lease.begin(None)
    assert lease.request_soft(StopReason.CANCELLED)
    assert memory.soft == StopReason.CANCELLED


def test_every_run_has_another_token(lease: Lease) -> None:
    tokens = []
    for _ in range(3):
        tokens.append(lease.begin(None))
        lease.end()
    assert len(set(tokens)) == 3


def test_nothing_is_written_after_close(
    lease: Lease, memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease.begin(clock.now)
    lease.close()
    lease.close()
    watchdog.look(clock.now + 100)
    assert not lease.request_soft(StopReason.CANCELLED)
    assert not lease.stop_hard(StopReason.HOST)
    lease.end()
    assert bytes(memory.memory) == bytes(256)


def test_a_begin_without_an_end_leaves_no_flag_for_the_next_run(
    lease: Lease, memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease.begin(clock.now)
    watchdog.look(clock.now + GRACE)
    lease.begin(clock.now + 100)
    assert (memory.soft, memory.hard) == (0, 0)
    assert not lease.should_stop()


def test_a_run_in_the_main_thread_is_nudged_until_it_ends(
    memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease = Lease(memory, grace=GRACE, watchdog=watchdog)  # type: ignore[arg-type]
    lease.begin(None)
    assert watchdog.look(clock.now) == clock.now + NUDGE_INTERVAL
    assert not memory.hard  # it may have begun just now
    for _ in range(3):
        clock.now += NUDGE_INTERVAL
        watchdog.look(clock.now)
        assert (memory.soft, memory.hard) == (0, HardWord.LOOK)
        assert not lease.should_stop()
        assert not memory.hard
    lease.end()
    assert lease.reason is StopReason.NONE


def test_a_nudge_does_not_outlast_its_run(
    memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease = Lease(memory, grace=GRACE, watchdog=watchdog)  # type: ignore[arg-type]
    lease.begin(None)
    watchdog.look(clock.now)
    watchdog.look(clock.now + NUDGE_INTERVAL)
    lease.end()
    assert not memory.hard


def test_a_run_in_a_worker_is_not_nudged(
    lease: Lease, memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease.begin(None)
    for turn in range(4):
        assert watchdog.look(clock.now + turn) == float("inf")
    assert not memory.hard


def test_the_watchdog_is_woken_only_by_what_is_due_before_it_looks(
    lease: Lease, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease.begin(clock.now + 30)
    assert watchdog._wake.is_set()
    watchdog._wake.clear()
    watchdog.next_look = watchdog.look(clock.now)
    for later in range(1, 20):
        lease.end()
        lease.begin(clock.now + 30 + later)
    assert not watchdog._wake.is_set()
    lease.end()
    lease.begin(clock.now + 5)
    assert watchdog._wake.is_set()


def test_an_idle_lease_is_forgotten(lease: Lease, watchdog: Watchdog, clock: FakeClock) -> None:
    lease.begin(clock.now + 30)
    lease.end()
    assert watchdog.look(clock.now) == clock.now + 30 + GRACE
    assert watchdog.look(clock.now + 31) == float("inf")
    assert not watchdog._listed
    watchdog._wake.clear()
    lease.begin(clock.now + 60)
    assert watchdog._wake.is_set()


def test_a_closed_lease_is_forgotten_at_once(
    lease: Lease, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease.begin(clock.now + 30)
    lease.end()
    lease.close()
    assert watchdog.look(clock.now) == float("inf")
    assert not watchdog._listed
    assert not watchdog.leases()


def test_a_new_run_does_not_wake_a_watchdog_that_will_look_in_time(
    memory: FakeMemory, watchdog: Watchdog, clock: FakeClock
) -> None:
    watchdog.next_look = clock.now + LINGER
    lease = lease_of_a_worker(memory, watchdog)
    lease.begin(clock.now + 30)
    assert not watchdog._wake.is_set()
    lease.end()
    lease.close()  # nor does its end, since the thread will see it soon enough
    assert not watchdog._wake.is_set()


def test_the_end_of_the_last_lease_wakes_a_watchdog_that_sleeps_for_long(
    lease: Lease, watchdog: Watchdog, clock: FakeClock
) -> None:
    lease.begin(clock.now + 30)
    watchdog._wake.clear()
    watchdog.next_look = watchdog.look(clock.now)
    lease.end()
    lease.close()
    assert watchdog._wake.is_set()


def test_the_watchdog_keeps_no_lease_alive(watchdog: Watchdog) -> None:
    lease = lease_of_a_worker(FakeMemory(), watchdog)
    lease.begin(None)
    gone = weakref.ref(lease)
    del lease
    gc.collect()
    assert gone() is None
    watchdog.look(0)
    assert not watchdog._listed
    assert not watchdog._known


def test_at_exit_every_run_is_stopped_and_every_later_one_too(
    lease: Lease, memory: FakeMemory, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = iter([1, 0])
    monkeypatch.setattr("runtimes.quickjs._instance.retire_all", lambda: next(inside))
    lease.begin(None)
    assert watchdog.shut_down(patience=0) == 1
    assert (memory.soft, memory.hard) == (StopReason.HOST, HardWord.STOP)
    lease.end()
    assert watchdog.shut_down(patience=0) == 0
    assert not memory.hard
    lease.begin(None)
    assert (memory.soft, memory.hard) == (StopReason.HOST, HardWord.STOP)


def test_a_signal_handler_may_cancel_the_run_it_interrupts(lease: Lease) -> None:
    with lease._lock:  # as if it came while this thread was in there
        lease.begin(None)
        assert lease.request_soft(StopReason.CANCELLED)
        lease.end()


# -- with the real thread, the real clock and real guests


class StoppedError(BaseException):
    """What a host raises whose lease says stop."""


@pytest.fixture
def real_watchdog() -> Iterator[Watchdog]:
    watchdog = Watchdog()
    yield watchdog
    watchdog._exiting = True
    watchdog._wake.set()
    if watchdog._thread is not None:
        watchdog._thread.join(20)


def stop_if_told(lease: Lease) -> Callable[..., int]:
    def answer(*_what: object) -> int:
        if lease.should_stop():
            raise StoppedError
        return 0

    return answer


@pytest.mark.parametrize("hard_stop", ["check", "epoch"])
def test_a_loop_ends_at_its_deadline(
    make_instance: MakeInstance, real_watchdog: Watchdog, hard_stop: str
) -> None:
    instance, host = make_instance(hard_stop=hard_stop)
    lease = lease_of_a_worker(instance, real_watchdog, grace=0.01)
    host.answer = stop_if_told(lease)
    loop = instance.caller("spin" if hard_stop == "check" else "stuck", 1)
    began = time.monotonic()
    lease.begin(began + 0.03)
    with pytest.raises(StoppedError):
        loop(0)
    took = time.monotonic() - began
    lease.end()
    assert took >= 0.04
    assert lease.reason is StopReason.TIMEOUT


def test_the_thread_ends_after_the_last_lease_and_comes_back_for_the_next() -> None:
    naps: list[float | None] = []
    napping = threading.Semaphore(0)
    awake = threading.Semaphore(0)

    def nap(_wake: Bell, timeout: float) -> None:
        naps.append(timeout)
        napping.release()
        awake.acquire(timeout=20)

    watchdog = Watchdog(wait=nap)
    for _ in range(2):
        lease = lease_of_a_worker(FakeMemory(), watchdog)
        lease.begin(None)
        thread = watchdog._thread
        assert thread is not None
        assert napping.acquire(timeout=20)  # with the lease
        lease.end()
        lease.close()
        awake.release()
        assert napping.acquire(timeout=20)  # without
        awake.release()
        thread.join(20)
        assert not thread.is_alive()
    assert naps == [LONGEST_NAP, LINGER] * 2


def test_a_soft_stop_from_another_thread_lets_the_guest_end_by_itself(
    make_instance: MakeInstance, real_watchdog: Watchdog
) -> None:
    instance, _ = make_instance()
    lease = lease_of_a_worker(instance, real_watchdog)
    token = lease.begin(None)
    threading.Timer(0.01, lease.request_soft, (StopReason.CANCELLED, token)).start()
    assert instance.caller("wait", 1)(0) == StopReason.CANCELLED
    lease.end()
    assert not instance.dead


def test_an_epoch_stops_only_the_run_that_is_due(
    make_instance: MakeInstance, real_watchdog: Watchdog
) -> None:
    stopped = threading.Event()
    ended: list[str] = []

    def run(name: str, export: str, deadline: float | None) -> None:
        instance, host = make_instance(hard_stop="epoch")
        lease = Lease(instance, grace=0, watchdog=real_watchdog)
        leases[name] = lease
        host.answer = stop_if_told(lease)
        loop = instance.caller(export, 1)
        lease.begin(deadline)
        ready.wait(20)
        try:
            loop(0)
        except StoppedError:
            stopped.set()
        lease.end()
        ended.append(name)

    leases: dict[str, Lease] = {}
    ready = threading.Barrier(2)
    patient = threading.Thread(target=run, args=("patient", "wait", None))
    hasty = threading.Thread(target=run, args=("hasty", "stuck", time.monotonic() + 0.05))
    patient.start()
    hasty.start()
    assert stopped.wait(20)
    hasty.join(20)
    assert ended == ["hasty"]
    assert leases["patient"].request_soft(StopReason.CANCELLED)
    patient.join(20)
    assert ended == ["hasty", "patient"]


def test_closing_while_the_watchdog_fires_is_safe(
    make_instance: MakeInstance, real_watchdog: Watchdog
) -> None:
    """Each run is due just when it ends and its instance is closed."""
    wrong: list[BaseException] = []

    def run() -> None:
        try:
            for turn in range(150):
                instance, host = make_instance()
                lease = Lease(instance, grace=0, watchdog=real_watchdog)
                host.answer = stop_if_told(lease)
                lease.begin(time.monotonic() + turn % 10 * 1e-5)
                for _ in range(turn % 7 * 5):
                    instance.caller("join", 2)(1, 2)
                lease.end()
                if instance.memory[2048] or instance.memory[1032]:
                    raise AssertionError("a flag outlived its run")
                lease.close()
                instance.close()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert wrong == []


def test_stops_and_ends_that_race_never_reach_the_next_run(memory: FakeMemory) -> None:
    """One thread runs, another stops by token whatever it saw last."""
    lease = lease_of_a_worker(memory, Watchdog(wait=lambda event, timeout: event.wait(timeout)))
    wrong, done = [], threading.Event()

    def stop() -> None:
        while not done.is_set():
            lease.request_soft(StopReason.CANCELLED, lease.token)
            lease.stop_hard(StopReason.TIMEOUT)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=stop)
    thread.start()
    try:
        for _ in range(20_000):
            lease.begin(None)
            lease.end()
            if memory.soft or memory.hard:
                wrong.append((memory.soft, memory.hard))
    finally:
        done.set()
        thread.join(20)
        sys.setswitchinterval(interval)
        lease._watchdog._exiting = True
        lease._watchdog._wake.set()
    assert wrong == []


PROGRAM = """
    import os, sys, threading, time
    from runtimes.quickjs import _engine, _instance, _lease
    guest = _engine.load_module(sys.stdin.buffer.read(), "check", cached=False)
    inside = threading.Event()
    class Host:
        def on_call(self, function_id, ptr, length):
            inside.set()
            return 0
        def on_check(self, where):
            if self.lease.should_stop():
                raise SystemExit
            return 0
        on_console = on_resolve = on_source = None
    def make():
        host = Host()
        instance = _instance.create_instance(
            host, memory_limit_bytes=None, hard_stop="check", guest=guest
        )
        host.lease = _lease.Lease(instance, grace=0.01)
        return instance, host.lease
    def spin(deadline=None):
        instance, lease = make()
        lease.begin(deadline)
        inside.set()
        try:
            instance.caller("spin", 1)(0)
        finally:
            lease.end()
"""


def run_python(code: str, guest: bytes) -> str:
    """Run a program in a process of its own; return what it prints."""
    Host = textwrap.dedent(PROGRAM).replace("on_console = on_resolve = on_source = None", UNUSED)
    done = subprocess.run(
        [sys.executable, "-c", Host + textwrap.dedent(code)],
        input=guest,
        capture_output=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().strip()


UNUSED = "on_console = on_resolve = on_source = lambda *_: 0"


def test_python_exits_beside_a_daemon_thread_in_an_endless_loop(guest_bytes: bytes) -> None:
    code = """
    threading.excepthook = lambda *_: None
    threading.Thread(target=spin, daemon=True).start()
    inside.wait(20)
    print("exits")
    """
    assert run_python(code, guest_bytes) == "exits"


def test_python_exits_beside_daemon_threads_that_call_for_ever(guest_bytes: bytes) -> None:
    code = """
    def call_for_ever():
        instance, lease = make()
        call = instance.caller("call", 3)
        while True:
            lease.begin(None)
            try:
                call(0, 0, 0)
            except _instance.InstanceUnusableError:
                pass  # as if nothing had happened
            finally:
                lease.end()
    for _ in range(3):
        threading.Thread(target=call_for_ever, daemon=True).start()
    inside.wait(20)
    print("exits")
    """
    for _ in range(3):
        assert run_python(code, guest_bytes) == "exits"


def test_the_watchdog_still_looks_while_python_waits_for_threads(guest_bytes: bytes) -> None:
    code = """
    early = make()  # from Python 3.12 on, no thread can be started when the main one has ended
    early[1].begin(None)
    early[1].end()
    def run():
        inside.wait(20)
        try:
            spin(time.monotonic() + 0.05)
        except SystemExit:
            print("stopped")
    threading.Thread(target=run).start()
    inside.set()
    """
    assert run_python(code, guest_bytes) == "stopped"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no os.fork")
def test_a_forked_child_has_a_watchdog_of_its_own(guest_bytes: bytes) -> None:
    code = """
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
        spin(time.monotonic())
    except SystemExit:
        print("stopped in the parent", flush=True)
    child = os.fork()
    if not child:
        try:
            from runtimes.quickjs import _raw_selftest
            instance_guest = _engine.load_module(WASM, "check", cached=False)
            guest = instance_guest
            spin(time.monotonic())
        except SystemExit:
            print("stopped in the child", flush=True)
        finally:
            os._exit(0)
    print("child:", os.waitpid(child, 0)[1])
    """
    code = "    WASM = bytes.fromhex('" + guest_bytes.hex() + "')\n" + code
    assert run_python(code, guest_bytes).splitlines() == [
        "stopped in the parent",
        "stopped in the child",
        "child: 0",
    ]
