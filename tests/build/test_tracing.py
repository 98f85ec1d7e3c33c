"""The pass that makes a module note what it touches."""

from __future__ import annotations

import pytest
import wasmtime

from runtimes.quickjs.guest import tracing
from runtimes.quickjs.guest.binary import PassError

MODULE = """
(module
  (type $shape (func (param i32) (result i32)))
  (table 3 funcref)
  (elem (i32.const 1) $double $negate)
  (memory (export "memory") 1)
  (func $double (param i32) (result i32) (i32.add (local.get 0) (local.get 0)))
  (func $negate (param i32) (result i32) (i32.sub (i32.const 0) (local.get 0)))
  (func (export "act") (param i32) (result i32) {act} (i32.const 0))
  (func (export "apply") (param i32 i32) (result i32)
    (call_indirect (type $shape) (local.get 1) (local.get 0))))
"""


class Traced:
    """An instance of the traced module, whose `act` does what the text says."""

    def __init__(self, act: str = "") -> None:
        config = wasmtime.Config()
        config.wasm_multi_memory = True
        content = tracing.traced(bytes(wasmtime.wat2wasm(MODULE.replace("{act}", act))))
        engine = wasmtime.Engine(config)
        module = wasmtime.Module(engine, content)
        self.store = wasmtime.Store(engine)
        self.exports = wasmtime.Instance(self.store, module, []).exports(self.store)

    def call(self, name: str, *arguments: int) -> int:
        """Call an export."""
        function = self.exports[name]
        assert isinstance(function, wasmtime.Func)
        result = function(self.store, *arguments)
        assert isinstance(result, int)
        return result

    def bytes_of(self, memory: str) -> bytes:
        """The content of one of its memories."""
        found = self.exports[memory]
        assert isinstance(found, wasmtime.Memory)
        return bytes(found.read(self.store, 0, found.data_len(self.store)))

    def words(self) -> set[int]:
        """Which words of its memory were written to."""
        return {n for n, mark in enumerate(self.bytes_of("traces")[tracing.SLOTS :]) if mark}

    def slots(self) -> set[int]:
        """Which slots of its table were called by."""
        return {n for n, mark in enumerate(self.bytes_of("traces")[: tracing.SLOTS]) if mark}


@pytest.mark.parametrize(
    ("store", "words", "at", "written"),
    [
        ("(i32.store (local.get 0) (i32.const 7))", {25}, 100, b"\7\0\0\0"),
        ("(i32.store offset=400 (local.get 0) (i32.const 7))", {125}, 500, b"\7\0\0\0"),
        ("(i64.store (local.get 0) (i64.const 7))", {25, 26}, 100, b"\7\0\0\0\0\0\0\0"),
        ("(i32.store8 offset=3 (local.get 0) (i32.const 7))", {25}, 103, b"\7"),
        ("(i32.store16 offset=3 align=1 (local.get 0) (i32.const 7))", {25, 26}, 103, b"\7\0"),
        ("(f64.store (local.get 0) (f64.const 1))", {25, 26}, 106, b"\xf0\x3f"),
        ("(f32.store (local.get 0) (f32.const 1))", {25}, 102, b"\x80\x3f"),
        ("(i64.store32 (local.get 0) (i64.const 7))", {25}, 100, b"\7\0\0\0"),
        ("(memory.fill (local.get 0) (i32.const 7) (i32.const 5))", {25, 26}, 100, b"\7" * 5),
    ],
)
def test_a_store_writes_and_is_noted(store: str, words: set[int], at: int, written: bytes) -> None:
    module = Traced(store)
    module.call("act", 100)
    assert module.words() == words
    assert module.bytes_of("memory")[at : at + len(written)] == written


def test_a_copy_notes_where_it_wrote_to() -> None:
    module = Traced(
        "(i32.store (i32.const 8) (i32.const 9))"
        "(memory.copy (local.get 0) (i32.const 8) (i32.const 4))"
    )
    module.call("act", 101)
    assert module.words() == {2, 25, 26}
    assert module.bytes_of("memory")[101] == 9


def test_a_bulk_move_of_nothing_notes_nothing() -> None:
    module = Traced("(memory.fill (local.get 0) (i32.const 7) (i32.const 0))")
    module.call("act", 100)
    assert module.words() == set()


@pytest.mark.parametrize(("slot", "result"), [(1, 42), (2, -21)])
def test_an_indirect_call_is_made_and_noted(slot: int, result: int) -> None:
    module = Traced()
    assert module.call("apply", slot, 21) == result
    assert module.slots() == {slot}


def test_what_only_reads_leaves_no_trace() -> None:
    module = Traced("(drop (i32.load (local.get 0)))")
    module.call("act", 100)
    assert (module.words(), module.slots()) == (set(), set())


def test_a_copy_out_of_a_segment_is_refused() -> None:
    act = "(memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1))"
    text = MODULE.replace("{act}", act).replace(
        '(memory (export "memory") 1)', '(memory 1)(data "x")'
    )
    with pytest.raises(PassError, match="data segment"):
        tracing.traced(bytes(wasmtime.wat2wasm(text)))
