from __future__ import annotations

import struct
import threading
import time
from typing import Any

import pytest
import wasmtime

from runtimes.quickjs.guest.binary import MAGIC, PassError, Reader, block, unsigned
from runtimes.quickjs.guest.module import Module
from runtimes.quickjs.guest.stop_checks import (
    LOOK_PLACE,
    STOP_PLACE,
    insert_checks,
    stop_check,
)

WORD = 64
START = f"""
  (import "host" "check" (func $check (param i32) (result i32)))
  (memory (export "memory") 1)
  (global (export "guest_hard_stop") i32 (i32.const {WORD}))
  (func $interpreter (export "interpreter") (param $n i32) (result i32)
    (loop $restart
      (loop $again
        (block $two (block $one (br_table $one $two (i32.and (local.get $n) (i32.const 1)))))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (i32.const 7))
"""


class Told(Exception):
    """What the host raises to stop the guest."""


class Guest:
    """A module after the pass, whose host stops it at every check that may not return."""

    def __init__(self, functions: str, **options: Any) -> None:
        content = wasmtime.wat2wasm(f"(module {START} {functions})")
        self.wasm = insert_checks(bytes(content), "interpreter", **options)
        self.seen: list[int] = []
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        linker = wasmtime.Linker(engine)
        kind = wasmtime.FuncType([wasmtime.ValType.i32()], [wasmtime.ValType.i32()])
        linker.define_func("host", "check", kind, self.check)
        module = wasmtime.Module(engine, self.wasm)  # which also validates it
        self.exports = linker.instantiate(self.store, module).exports(self.store)

    def check(self, place: int) -> int:
        self.seen.append(place)
        if place == STOP_PLACE:
            raise Told
        self.write(0)
        return 0

    def write(self, word: int) -> None:
        memory = self.exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        memory.write(self.store, struct.pack("<I", word), WORD)

    def call(self, name: str, *args: int) -> Any:
        function = self.exports[name]
        assert isinstance(function, wasmtime.Func)
        return function(self.store, *args)


COUNT = """(func (export "count") (param $n i32) (result i32)
  (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (local.get $n))"""


def test_a_module_that_nobody_stops_does_what_it_did() -> None:
    guest = Guest(COUNT)
    assert guest.call("count", 1000) == 0
    assert guest.seen == []


def test_a_loop_is_stopped() -> None:
    guest = Guest(COUNT)
    guest.write(2)
    with pytest.raises(Told):
        guest.call("count", 1000)
    assert guest.seen == [STOP_PLACE]


def test_an_endless_loop_is_stopped_from_another_thread() -> None:
    guest = Guest('(func (export "spin") (loop $again (br $again)))')
    memory = guest.exports["memory"]
    assert isinstance(memory, wasmtime.Memory)
    word = memory.get_buffer_ptr(guest.store)
    stopper = threading.Timer(0.02, lambda: word.__setitem__(WORD, 2))
    stopper.start()
    begin = time.monotonic()
    with pytest.raises(Told):
        guest.call("spin")
    assert time.monotonic() - begin >= 0.015
    stopper.join()


def test_an_inner_loop_is_stopped() -> None:
    guest = Guest(
        """(func (export "nested") (param $p i32)
          (block $out (loop $outer (loop $inner
            (if (i32.load (i32.const 0)) (then (br $inner)))
            (i32.store (i32.const 64) (i32.const 2))
            (i32.store (i32.const 0) (i32.const 1))
            (br $inner)))))"""
    )
    with pytest.raises(Told):
        guest.call("nested", 0)


def test_a_request_to_look_does_not_stop_a_loop() -> None:
    guest = Guest(COUNT)
    guest.write(1)
    assert guest.call("count", 1000) == 0
    assert guest.seen == []


def test_a_function_that_looks_goes_on_if_the_host_returns() -> None:
    guest = Guest(
        """(func $get (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "sum") (param $n i32) (result i32) (local $s i32)
          (loop $again
            (local.set $s (i32.add (local.get $s) (call $get (local.get $n))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (local.get $s))""",
        look=["get"],
    )
    guest.write(1)
    assert guest.call("sum", 4) == 14
    assert guest.seen == [LOOK_PLACE]


@pytest.mark.parametrize("move", ["memory.fill", "memory.copy"])
def test_a_bulk_move_is_preceded_by_a_check(move: str) -> None:
    guest = Guest(
        f"""(func (export "move") (param i32 i32 i32)
          ({move} (local.get 0) (local.get 1) (local.get 2)))
        (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))"""
    )
    guest.call("move", 1000, 1, 4)
    guest.write(2)
    before = guest.call("peek", 2000)
    with pytest.raises(Told):
        guest.call("move", 2000, 255, 4)
    assert guest.call("peek", 2000) == before


def test_the_dispatch_of_the_interpreter_gets_no_checks() -> None:
    guest = Guest(COUNT)
    guest.write(2)
    assert guest.call("interpreter", 1000) == 7
    assert guest.seen == []


INSTRUCTIONS = """
  (func $machine (export "machine") (param $n i32) (result i32)
    (loop $again
      (block $three (block $two (block $one
        (br_table $one $two $three (i32.and (local.get $n) (i32.const 3))))
        (loop $plain (br_table $plain $two (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (loop $calls (br_if $calls (call $interpreter (local.get $n))))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.const 7))"""


def test_a_loop_with_a_call_in_line_in_the_interpreter_is_stopped() -> None:
    content = bytes(wasmtime.wat2wasm(f"(module {START} {INSTRUCTIONS})"))
    before, after = (Module.parse(each) for each in (content, insert_checks(content, "machine")))
    body = after.functions[-1]
    check = stop_check(WORD, 0)
    assert body.count(check) == 1
    assert body.replace(check, b"") == before.functions[-1]
    assert body.index(check) > body.index(bytes([0x0E]))


def test_an_interpreter_without_a_dispatch_is_refused() -> None:
    with pytest.raises(PassError, match="no dispatch"):
        insert_checks(_of("(func $x (loop $again (br $again)))"), "x")


def test_values_below_a_loop_on_the_operand_stack_survive() -> None:
    guest = Guest(
        """(func (export "stacked") (param $n i32) (result i32)
          (i32.const 5)
          (loop $again (param i32) (result i32)
            (i32.add (i32.const 1))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          )"""
    )
    assert guest.call("stacked", 10) == 15


EVERY_SHAPE = """
  (type $binary (func (param i32 i32) (result i32)))
  (table 4 funcref) (elem (i32.const 0) $add)
  (global $g (mut i64) (i64.const -9)) (global f64 (f64.const 1.5))
  (data $d "abc")
  (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func (export "all") (param $n i32) (result i32) (local f32 f64 i64 funcref)
    (local.set 1 (f32.const 1.25)) (local.set 2 (f64.const -2.5))
    (local.set 3 (i64.const 0x7fffffffffffffff))
    (global.set $g (i64.add (global.get $g) (local.get 3)))
    (i64.store offset=300 (i32.const 8) (i64.extend32_s (local.get 3)))
    (drop (memory.size)) (drop (memory.grow (i32.const 0)))
    (drop (i32.trunc_sat_f64_s (local.get 2)))
    (drop (ref.is_null (ref.null func))) (local.set 4 (ref.func $add))
    (drop (select (result i32) (i32.const 1) (i32.const 2) (local.get $n)))
    (drop (select (i32.const 1) (i32.const 2) (local.get $n)))
    (memory.init $d (i32.const 400) (i32.const 0) (i32.const 3)) (data.drop $d)
    (block $a (block $b (block $c (br_table $a $b $c $a (local.get $n)))))
    (if (result i32) (local.get $n)
      (then (call_indirect (type $binary) (i32.const 3) (i32.const 4) (i32.const 0)))
      (else (return (call $add (i32.const 1) (i32.const 1))))))
"""


def test_every_shape_of_instruction_is_passed_over() -> None:
    assert Guest(EVERY_SHAPE).call("all", 1) == 7
    assert Guest(EVERY_SHAPE).call("all", 0) == 2


def _of(functions: str) -> bytes:
    return bytes(wasmtime.wat2wasm(f"(module {START} {functions})"))


def _inserted(content: bytes, **options: Any) -> bytes:
    return insert_checks(content, "interpreter", **options)


ATOMICS = """(func (export "count") (param $n i32) (result i32)
  (loop $again
    (drop (i32.atomic.rmw.add (i32.const 128) (i32.const 1)))
    (i64.atomic.store offset=8 (i32.const 128) (i64.atomic.load (i32.const 136)))
    (drop (i32.atomic.rmw8.cmpxchg_u (i32.const 160) (i32.const 0) (i32.const 1)))
    (atomic.fence)
    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (i32.atomic.load (i32.const 128)))"""


def test_a_loop_of_atomics_runs_as_it_did_and_is_stopped() -> None:
    guest = Guest(ATOMICS)
    assert guest.call("count", 1000) == 1000
    guest.write(2)
    with pytest.raises(Told):
        guest.call("count", 1000)


def test_an_instruction_that_waits_is_refused() -> None:
    wait = "(memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))"
    with pytest.raises(PassError, match="unknown opcode 0xfe01"):
        Guest(f'(func (export "wait") (result i32) {wait})')


def test_an_opcode_that_is_not_known_is_refused() -> None:
    vector = "(func (param v128) (result v128) (i32x4.add (local.get 0) (local.get 0)))"
    with pytest.raises(PassError, match="unknown opcode 0xfd"):
        _inserted(_of(vector))


def test_an_opcode_that_is_not_known_is_refused_in_the_interpreter_too() -> None:
    body = "(func $x (param v128) (result v128) (i32x4.add (local.get 0) (local.get 0)))"
    with pytest.raises(PassError, match="unknown opcode"):
        insert_checks(_of(body), "x")


@pytest.mark.parametrize("name", ["missing", "twice"])
def test_the_function_to_skip_must_be_there_exactly_once(name: str) -> None:
    content = _renamed(_of("(func $twica) (func $twicb)"), b"twica", b"twice")
    content = _renamed(content, b"twicb", b"twice")
    with pytest.raises(PassError, match=f"functions are named {name}, not one"):
        insert_checks(content, name)
    with pytest.raises(PassError, match="not one"):
        insert_checks(content, "interpreter", [name])


def _renamed(content: bytes, old: bytes, new: bytes) -> bytes:
    assert content.count(old) == 1
    return content.replace(old, new)


def test_a_module_without_names_is_refused() -> None:
    without = _inserted(_of(COUNT))
    with pytest.raises(PassError, match="0 functions are named"):
        _inserted(without)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"guest_hard_stop", b"guest_hard_stap", "exports no constant global"),
        (b"check\0\0", b"chack\0\0", "host.check is not imported exactly once"),
        (MAGIC, b"\0asm\2\0\0\0", "not a WebAssembly module"),
    ],
)
def test_a_module_without_what_the_checks_need_is_refused(
    old: bytes, new: bytes, message: str
) -> None:
    content = _of(COUNT)
    assert old in content
    with pytest.raises(PassError, match=message):
        _inserted(content.replace(old, new))


def test_an_import_of_another_type_is_refused() -> None:
    content = wasmtime.wat2wasm(
        f"""(module (import "host" "check" (func (param i64) (result i32)))
        (memory 1) (global (export "guest_hard_stop") i32 (i32.const {WORD}))
        (func $interpreter))"""
    )
    with pytest.raises(PassError, match="exactly once as"):
        _inserted(bytes(content))


def test_a_module_cut_short_is_refused() -> None:
    content = _of(COUNT)
    for length in range(len(content) - 1):
        with pytest.raises(PassError):
            _inserted(content[:length])


def _custom_sections(content: bytes) -> list[str]:
    return [Reader(body).name() for number, body in Module.parse(content).sections if number == 0]


def test_custom_sections_are_dropped() -> None:
    content = _of(COUNT) + b"\0" + block(block(b"producers") + b"somebody")
    assert _custom_sections(content) == ["name", "producers"]
    assert _custom_sections(_inserted(content)) == []
    assert _custom_sections(_inserted(content, keep_names=True)) == ["name"]


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 16384, 2**32 - 1])
def test_numbers_are_written_as_they_are_read(number: int) -> None:
    reader = Reader(unsigned(number))
    assert reader.unsigned() == number
    assert reader.at_end


@pytest.mark.parametrize(
    ("encoded", "number"),
    [(b"\x00", 0), (b"\x3f", 63), (b"\x40", -64), (b"\x7f", -1), (b"\xff\x7e", -129)],
)
def test_signed_numbers_are_read(encoded: bytes, number: int) -> None:
    assert Reader(encoded).signed() == number
