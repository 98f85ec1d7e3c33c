"""The pass that names first what runtimes call by a slot of the table."""

from __future__ import annotations

import pytest
import wasmtime

from runtimes.quickjs.guest.binary import PassError, sections
from runtimes.quickjs.guest.callees import ELEMENT_SECTION, with_callees_first

MODULE = """
(module
  (type $shape (func (param i32) (result i32)))
  (table 4 funcref)
  {elements}
  (func $double (param i32) (result i32) (i32.add (local.get 0) (local.get 0)))
  (func $negate (param i32) (result i32) (i32.sub (i32.const 0) (local.get 0)))
  (func $same (param i32) (result i32) (local.get 0))
  (func (export "apply") (param i32 i32) (result i32)
    (call_indirect (type $shape) (local.get 1) (local.get 0))))
"""
USUAL = "(elem (i32.const 1) $double $negate $same)"


def module(elements: str = USUAL) -> bytes:
    return bytes(wasmtime.wat2wasm(MODULE.replace("{elements}", elements)))


def elements_of(content: bytes) -> bytes:
    return next(body for number, body in sections(content) if number == ELEMENT_SECTION)


def test_what_is_called_is_named_before_the_table() -> None:
    before, after = elements_of(module()), elements_of(with_callees_first(module(), [3, 2]))
    declared = bytes([3, 0, 2, 2, 1])  # functions 2 and 1
    assert after == bytes([2]) + declared + before[1:]


def test_a_function_in_two_slots_is_named_once() -> None:
    content = module("(elem (i32.const 1) $negate $negate $same)")
    assert elements_of(with_callees_first(content, [1, 2]))[1:5] == bytes([3, 0, 1, 1])


def test_calls_are_what_they_were() -> None:
    store = wasmtime.Store()
    made = wasmtime.Module(store.engine, with_callees_first(module(), [3, 1]))
    apply = wasmtime.Instance(store, made, []).exports(store)["apply"]
    assert isinstance(apply, wasmtime.Func)
    assert [apply(store, slot, 7) for slot in (1, 2, 3)] == [14, -7, 7]


def test_a_module_whose_table_nobody_calls_by_stays_as_it_is() -> None:
    assert with_callees_first(module(), []) == module()


@pytest.mark.parametrize("slot", [0, 4])
def test_an_empty_slot_is_refused(slot: int) -> None:
    with pytest.raises(PassError, match="empty"):
        with_callees_first(module(), [slot])


COMPUTED = """
(module (import "env" "at" (global $at i32)) (table 4 funcref)
  (elem (global.get $at) $same) (func $same))
"""


@pytest.mark.parametrize(
    "content",
    [
        module(f"{USUAL} (elem (i32.const 0) $same)"),
        module("(elem func $double $negate $same)"),
        bytes(wasmtime.wat2wasm(COMPUTED)),
    ],
    ids=["two segments", "a passive one", "a computed place"],
)
def test_a_table_that_is_filled_in_another_way_is_refused(content: bytes) -> None:
    with pytest.raises(PassError, match="element segment"):
        with_callees_first(content, [1])
