"""What both layers promise about an instance, on real wasmtime."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
import wasmtime

from runtimes.quickjs import _engine
from runtimes.quickjs._abi import STOP_REPLY, CheckPlace
from runtimes.quickjs._instance import (
    GuestTrap,
    Instance,
    InstanceBusyError,
    InstanceUnusableError,
    Layer,
    create_instance,
    view,
)

pytestmark = pytest.mark.usefixtures("layer")

MakeInstance = Callable[..., tuple[Instance, Any]]
PAGE = 65536
COUNTER = 4096
SOFT = 1032
HARD = 2048
BIG = 0xFFFF_FFF0


class Answering(Protocol):
    """As much of the noting host as a helper needs."""

    answer: Callable[..., int]


class FatalError(BaseException):
    """Neither an Exception nor anything that Python knows."""


@contextmanager
def running(
    instance: Instance, name: str, caught: list[BaseException] | None = None
) -> Iterator[None]:
    """Run an endless export in a thread, for the time of the block; the block must stop it."""

    def run() -> None:
        try:
            call(0)
        except BaseException as error:
            if caught is None:
                raise
            caught.append(error)

    call = instance.caller(name, 1)
    before = instance.memory[COUNTER : COUNTER + 8].tobytes()
    thread = threading.Thread(target=run)
    thread.start()
    while instance.memory[COUNTER : COUNTER + 8].tobytes() == before:
        time.sleep(0)
    try:
        yield
    finally:
        thread.join(20)
        assert not thread.is_alive()


def test_numbers_cross_unsigned_and_whole(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    assert instance.caller("join", 2)(BIG, 7) == BIG << 32 | 7
    assert instance.caller("echo32", 1)(BIG) == BIG
    assert instance.caller("echo64", 1)(2**64 - 1) == 2**64 - 1
    assert instance.caller("sum", 4)(1, 2, 3, 4) == 10
    assert instance.caller("nothing", 1)(5) == 0


def test_exported_globals_are_unsigned(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    assert instance.exported_global("guest_header") == 1024
    assert instance.exported_global("big") == 2**64 - 2


def test_a_wrong_number_of_arguments_is_a_type_error(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    with pytest.raises(TypeError):
        instance.caller("join", 3)
    with pytest.raises(TypeError):
        instance.caller("join", 2)(1)
    with pytest.raises(TypeError):
        instance.caller("sum", 4)(1)


def test_what_is_not_exported_is_a_key_error(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    with pytest.raises(KeyError):
        instance.caller("missing", 0)
    with pytest.raises(KeyError):
        instance.exported_global("missing")


def test_memory_is_shared_with_the_guest(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    instance.memory[64:72] = b"\1\2\3\4\5\6\7\x88"
    assert instance.caller("peek", 1)(64) == 0x8807060504030201


def test_memory_grows_where_it_is(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    address = instance.address(64)
    instance.memory[64] = 42
    assert instance.caller("grow", 1)(2) == 1
    assert len(instance.memory) == PAGE
    assert len(instance.refresh()) == len(instance.memory) == 3 * PAGE
    assert instance.memory[64] == 42
    assert instance.address(64) == address


def test_memory_does_not_grow_beyond_its_limit(make_instance: MakeInstance) -> None:
    instance, _ = make_instance(memory_limit_bytes=2 * PAGE)
    grow = instance.caller("grow", 1)
    assert grow(1) == 1
    assert grow(1) == 0xFFFF_FFFF
    assert len(instance.refresh()) == 2 * PAGE


def test_a_limit_below_what_the_guest_needs_is_a_value_error(make_instance: MakeInstance) -> None:
    with pytest.raises(ValueError, match="memory limit of 100 bytes"):
        make_instance(memory_limit_bytes=100)


def test_an_address_outside_of_the_memory_is_a_value_error(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    for offset, size in ((PAGE - 3, 4), (-1, 4), (2**40, 1), (0, -1)):
        with pytest.raises(ValueError, match="not inside the memory"):
            instance.address(offset, size)


def test_a_view_is_checked_against_the_memory_as_it_is_now(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    instance.caller("grow", 1)(1)
    assert len(view(instance, PAGE, 10)) == 10  # outside of `memory` as last seen
    for ptr, length in ((2 * PAGE - 1, 2), (0xFFFF_FFFF, 0x7FFF_FFFF), (-1, 1), (0, -1)):
        with pytest.raises(GuestTrap, match="outside of its memory"):
            view(instance, ptr, length)


def test_every_import_reaches_its_own_method(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    host.answer = lambda *_what: 9
    assert instance.caller("call", 3)(BIG, 2, 3) == 9
    assert instance.caller("console", 3)(1, BIG, 3) == 9
    assert instance.caller("resolve", 2)(1, BIG) == 9
    assert instance.caller("source", 2)(BIG, 2) == 9
    assert instance.caller("check", 1)(1) == 9
    assert host.seen == [
        ("call", BIG, 2, 3),
        ("console", 1, BIG, 3),
        ("resolve", 1, BIG),
        ("source", BIG, 2),
        ("check", 1),
    ]


def test_replies_of_the_host_are_64_bits(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    host.answer = lambda *_what: 2**63 + 5
    assert instance.caller("call", 3)(1, 2, 3) == 2**63 + 5


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, FatalError])
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("call", (1, 2, 3)),
        ("console", (1, 2, 3)),
        ("resolve", (1, 2)),
        ("source", (1, 2)),
        ("check", (CheckPlace.HANDLER,)),
    ],
)
def test_what_a_callback_raises_comes_out_of_the_export(
    make_instance: MakeInstance, name: str, args: tuple[int, ...], kind: type[BaseException]
) -> None:
    instance, host = make_instance()
    error = kind("from the callback")

    def fail(*_what: object) -> int:
        raise error

    host.answer = fail
    with pytest.raises(kind) as caught:
        instance.caller(name, len(args))(*args)
    assert caught.value is error
    assert not instance.dead
    assert instance.caller("join", 2)(0, 7) == 7


def test_a_failing_callback_tells_the_guest_to_stop(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    replies = []

    def answer(_what: str, depth: int, *_rest: int) -> int:
        if depth == 0:
            raise ValueError("inner")
        try:
            call(depth - 1, 0, 0)
        except ValueError:
            replies.append("raised")
        return STOP_REPLY

    host.answer = answer
    call = instance.caller("call", 3)
    assert call(1, 0, 0) == STOP_REPLY
    assert replies == ["raised"]


def test_of_several_exceptions_the_first_is_raised(make_instance: MakeInstance) -> None:
    instance, host = make_instance()

    def fail(*_what: object) -> int:
        raise ValueError(len(host.seen))

    host.answer = fail
    with pytest.raises(ValueError, match="1"):
        instance.caller("call_twice", 3)(0, 0, 0)
    assert len(host.seen) == 2


def test_an_exception_from_a_loop_check_traps(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    error = FatalError()

    def fail(*_what: object) -> int:
        raise error

    host.answer = fail
    with pytest.raises(FatalError) as caught:
        instance.caller("check", 1)(CheckPlace.LOOK)
    assert caught.value is error
    assert instance.dead
    with pytest.raises(GuestTrap, match="dead"):
        instance.caller("join", 2)(1, 2)


@pytest.mark.parametrize(
    ("name", "args", "kind"),
    [
        ("unreachable", (), "unreachable"),
        ("recurse", (), "stack_overflow"),
        ("peek", (0x7FFF_FFFF,), "out_of_bounds"),
    ],
)
def test_traps_say_what_kind_they_are(
    make_instance: MakeInstance, name: str, args: tuple[int, ...], kind: str
) -> None:
    instance, _ = make_instance()
    with pytest.raises(GuestTrap) as caught:
        instance.caller(name, len(args))(*args)
    assert caught.value.kind == kind
    assert "\n" not in str(caught.value)
    assert instance.dead


def test_a_callback_may_call_the_same_export_again(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    call = instance.caller("call", 3)

    def answer(_what: str, depth: int, factor: int, _length: int) -> int:
        if depth == 0:
            return factor
        inner = call(depth - 1, factor + 1, 0)
        return inner * 10 + depth

    host.answer = answer
    assert call(5, 1, 0) == 612345
    assert [seen[1] for seen in host.seen] == [5, 4, 3, 2, 1, 0]


def test_an_exception_unwinds_every_level(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    call = instance.caller("call", 3)
    passed = []

    def answer(_what: str, depth: int, *_rest: int) -> int:
        if depth == 0:
            raise FatalError
        try:
            return call(depth - 1, 0, 0)
        except FatalError:
            passed.append(depth)
            raise

    host.answer = answer
    with pytest.raises(FatalError):
        call(3, 0, 0)
    assert passed == [1, 2, 3]
    assert not instance.dead


def test_guests_that_call_each_other_keep_their_hosts(make_instance: MakeInstance) -> None:
    first, first_host = make_instance()
    second, second_host = make_instance()
    calls = {"first": first.caller("call", 3), "second": second.caller("call", 3)}
    hosts: list[str] = []

    def answer(me: str, other: str) -> Callable[..., int]:
        def reply(_what: str, depth: int, *_rest: int) -> int:
            hosts.append(me)
            return calls[other](depth - 1, 0, 0) + 1 if depth else 100

        return reply

    first_host.answer = answer("first", "second")
    second_host.answer = answer("second", "first")
    assert calls["first"](5, 0, 0) == 105
    assert hosts == ["first", "second"] * 3


def test_a_trap_inside_unwinds_what_is_outside_too(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    trap = instance.caller("unreachable", 0)

    def answer(*_what: object) -> int:
        with pytest.raises(GuestTrap):
            trap()
        return 0

    host.answer = answer
    with pytest.raises(GuestTrap):
        instance.caller("call_twice", 3)(0, 0, 0)
    assert len(host.seen) == 1
    assert instance.dead


def test_nothing_is_called_in_a_dead_instance_even_from_inside(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    trap, join = instance.caller("unreachable", 0), instance.caller("join", 2)

    def answer(*_what: object) -> int:
        with pytest.raises(GuestTrap):
            trap()
        return join(1, 2)

    host.answer = answer
    with pytest.raises(GuestTrap):
        instance.caller("call", 3)(0, 0, 0)


def test_after_close_everything_raises(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    join, echo, total = (
        instance.caller("join", 2),
        instance.caller("echo32", 1),
        instance.caller("sum", 4),
    )
    join(1, 2)
    instance.close()
    instance.close()
    for use in (
        lambda: join(1, 2),
        lambda: echo(1),
        lambda: total(1, 2, 3, 4),
        lambda: instance.caller("join", 2),
        lambda: instance.exported_global("big"),
        lambda: instance.address(0),
        instance.refresh,
    ):
        with pytest.raises(InstanceUnusableError, match="closed"):
            use()
    with pytest.raises(ValueError, match="released"):
        bytes(instance.memory)


def test_a_dead_instance_can_be_closed(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    trap = instance.caller("unreachable", 0)
    with pytest.raises(GuestTrap):
        trap()
    instance.close()
    with pytest.raises(InstanceUnusableError):
        trap()


def test_a_slice_that_was_kept_outlives_the_instance(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    instance.memory[:4] = b"kept"
    kept = instance.memory[:4]
    instance.close()
    gc.collect()
    assert bytes(kept) == b"kept"


def test_an_instance_is_not_closed_from_inside(make_instance: MakeInstance) -> None:
    instance, host = make_instance()

    def close(*_what: object) -> int:
        instance.close()
        return 0

    host.answer = close
    with pytest.raises(InstanceBusyError):
        instance.caller("call", 3)(0, 0, 0)
    assert instance.caller("join", 2)(0, 7) == 7


def test_a_second_thread_is_refused_while_one_is_inside(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    inside, leave = threading.Event(), threading.Event()

    def stay(*_what: object) -> int:
        inside.set()
        leave.wait(20)
        return 5

    host.answer = stay
    call, join, total = (
        instance.caller("call", 3),
        instance.caller("join", 2),
        instance.caller("sum", 4),
    )
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(call(0, 0, 0)))
    thread.start()
    assert inside.wait(20)
    for use in (
        lambda: call(0, 0, 0),
        lambda: join(1, 2),
        lambda: total(1, 2, 3, 4),
        instance.close,
    ):
        with pytest.raises(InstanceBusyError):
            use()
    leave.set()
    thread.join(20)
    assert results == [5]
    assert join(0, 7) == 7


def test_exceptions_of_four_threads_never_mix(make_instance: MakeInstance) -> None:
    rounds = 150
    start = threading.Barrier(4)
    wrong: list[Any] = []

    def run(number: int, instance: Instance, host: Answering) -> None:
        def fail(_what: str, turn: int, *_rest: int) -> int:
            raise FatalError(number, turn)

        host.answer = fail
        call = instance.caller("call", 3)
        start.wait(20)
        for turn in range(rounds):
            try:
                call(turn, 0, 0)
                wrong.append("nothing was raised")
            except FatalError as error:
                if error.args != (number, turn):
                    wrong.append(error.args)
            except BaseException as error:
                wrong.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [
            threading.Thread(target=run, args=(number, *make_instance())) for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []


def test_an_instance_goes_away_with_its_last_reference(
    guests: dict[str, _engine.LoadedGuest], layer: Layer
) -> None:
    class Owner:
        """Host and owner in one, as the runtime is."""

        def __init__(self) -> None:
            self.instance = create_instance(
                self, memory_limit_bytes=None, hard_stop="check", layer=layer, guest=guests["check"]
            )
            self.call = self.instance.caller("call", 3)

        def on_call(self, function_id: int, ptr: int, length: int, /) -> int:
            return function_id

        on_console = on_call

        def on_resolve(self, ptr: int, length: int, /) -> int:
            return 0

        on_source = on_resolve

        def on_check(self, where: int, /) -> int:
            return 0

    owner = Owner()
    assert owner.call(3, 0, 0) == 3
    gone = weakref.ref(owner.instance)
    del owner
    gc.collect()
    assert gone() is None


def test_the_clock_needs_no_python(make_instance: MakeInstance) -> None:
    instance, _ = make_instance()
    count = instance.memory[COUNTER : COUNTER + 8].cast("Q")
    interval = sys.getswitchinterval()
    with running(instance, "watch_clock"):
        sys.setswitchinterval(1000)  # from here on this thread keeps Python's lock to itself
        try:
            seen, goal = count[0], count[0] + 1000
            for _ in range(200_000_000):
                seen = count[0]
                if seen >= goal:
                    break
        finally:
            instance.memory[SOFT] = 1
            sys.setswitchinterval(interval)
    assert seen >= goal


def test_a_loop_that_is_told_to_stop_ends_by_a_trap(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    error = FatalError()

    def stop(*_what: object) -> int:
        raise error

    host.answer = stop
    caught: list[BaseException] = []
    with running(instance, "spin", caught):
        instance.memory[HARD] = 1
    assert caught == [error]
    assert host.seen == [("check", CheckPlace.LOOK)]


def test_a_loop_check_that_is_answered_goes_on(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    answered = threading.Event()

    def answer(*_what: object) -> int:
        if answered.is_set():
            raise FatalError
        instance.memory[HARD] = 0
        answered.set()
        return 0

    host.answer = answer
    caught: list[BaseException] = []
    with running(instance, "spin", caught):
        instance.memory[HARD] = 1
        assert answered.wait(20)
        before = instance.memory[COUNTER : COUNTER + 8].tobytes()
        while instance.memory[COUNTER : COUNTER + 8].tobytes() == before:
            time.sleep(0)
        instance.memory[HARD] = 1
    assert isinstance(caught[0], FatalError)


def test_an_epoch_stops_a_loop_without_checks(make_instance: MakeInstance) -> None:
    instance, host = make_instance(hard_stop="epoch")
    started = threading.Event()

    def stop(*_what: object) -> int:
        if not started.is_set():
            return 0
        raise FatalError

    host.answer = stop
    errors: list[BaseException] = []

    def run() -> None:
        try:
            instance.caller("stuck", 1)(0)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    count = instance.memory[COUNTER : COUNTER + 8].cast("Q")
    while not count[0]:
        time.sleep(0)
    assert instance.bump_epoch is not None
    instance.bump_epoch()  # answered by 0: it goes on
    while not host.seen:
        time.sleep(0)
    before = count[0]
    while count[0] == before:
        time.sleep(0)
    started.set()
    instance.bump_epoch()
    thread.join(20)
    assert isinstance(errors[0], FatalError)
    assert instance.dead
    assert {seen for seen in host.seen} == {("check", CheckPlace.LOOK)}


def test_nobody_gets_in_once_python_exits(make_instance: MakeInstance) -> None:
    instance, host = make_instance()
    join, call = instance.caller("join", 2), instance.caller("call", 3)
    instance.retire()
    for use in (lambda: join(1, 2), lambda: call(0, 0, 0)):
        with pytest.raises(InstanceUnusableError, match="exiting"):
            use()
    assert host.seen == []


def test_who_is_inside_gets_nothing_out_once_python_exits(make_instance: MakeInstance) -> None:
    instance, host = make_instance()

    def exit_meanwhile(*_what: object) -> int:
        instance.retire()
        return 0

    host.answer = exit_meanwhile
    with pytest.raises(InstanceUnusableError, match="exiting"):
        instance.caller("call_twice", 3)(0, 0, 0)
    assert len(host.seen) == 1


@pytest.mark.parametrize(
    ("module", "name"), [("env", "call"), ("host", "open"), ("wasi_snapshot_preview1", "fd_write")]
)
def test_no_guest_imports_anything_else(module: str, name: str) -> None:
    wasm = wasmtime.wat2wasm(f'(module (import "{module}" "{name}" (func)))')
    with pytest.raises(ValueError, match=f"may not import {module}.{name}"):
        _engine.load_module(bytes(wasm), "check", cached=False)
