"""What the build finds out about the blocks that runtimes write to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import wasmtime

from runtimes.quickjs.guest import rehearsal
from runtimes.quickjs.guest.binary import PassError
from runtimes.quickjs.guest.booting import BootBlock
from runtimes.quickjs.guest.rehearsal import Heat, blocks_written, order
from runtimes.quickjs.guest.scenes import SCENES, Step

if TYPE_CHECKING:
    from pathlib import Path

GUEST = """
(module
  (import "host" "console" (func $console (param i32 i32 i32) (result i32)))
  (import "host" "call" (func $call (param i32 i32 i32) (result i64)))
  (table 1 funcref)
  (memory (export "memory") 2)
  (global (export "guest_header") i32 (i32.const 1024))
  (func (export "guest_boot") (param i32 i32 i32) (result i64)
    (i32.store (i32.const 1036) (i32.const 2048))  ;; input_ptr
    (i32.store (i32.const 1040) (i32.const 64))    ;; input_capacity
    (i32.store (local.get 2) (i32.const 100000))   ;; a block that nobody writes to
    (i32.store offset=4 (local.get 2) (i32.const 40))
    (i32.store offset=8 (local.get 2) (i32.const 100048))
    (i32.store offset=12 (local.get 2) (i32.const 40))
    (i64.const 2))
  (func (export "guest_adopt") (param i64) (result i64)
    (i32.store (i32.const 100052) (i32.const 1)) (i64.const 0))
  (func (export "ask") (result i64) (call $call (i32.const 0) (i32.const 0) (i32.const 0)))
  (func (export "fail") (result i64) (i64.const 0x8000000000000000))
  (func (export "say") (param i32) (result i64) (i64.const 0)))
"""


def stage() -> rehearsal.Stage:
    """Where scenes are played by a guest that hardly does anything."""
    return rehearsal.Stage(bytes(wasmtime.wat2wasm(GUEST)))


def test_a_scene_tells_what_was_written_to_after_boot() -> None:
    blocks, words, _ = stage().play(())
    assert blocks == [BootBlock(100000, 40), BootBlock(100048, 40)]
    assert words == {100052}
    assert blocks_written(blocks, words) == {1}


def test_the_host_answers_where_the_guest_looks_for_it() -> None:
    stage().play((Step("ask"),))


@pytest.mark.parametrize("step", [Step("fail"), Step("ask", fails=True)])
def test_a_scene_that_ends_in_another_way_fails_the_build(step: Step) -> None:
    with pytest.raises(PassError, match="did not end as the scene says"):
        stage().play((step,))


def test_a_scene_that_is_too_long_for_the_input_buffer_fails_the_build() -> None:
    with pytest.raises(PassError, match="into a buffer of 64"):
        stage().play((Step("say", (b"x" * 65,)),))


def test_a_module_that_is_no_guest_fails_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in.wasm", tmp_path / "hot.json"
    source.write_bytes(bytes(wasmtime.wat2wasm(GUEST)))  # it has nothing that scenes call
    monkeypatch.setattr(sys, "argv", ["rehearsal", str(source), str(target)])
    assert rehearsal.main() == 1
    assert "guest_evaluate" in capsys.readouterr().err
    assert not target.exists()


def test_a_block_that_lies_where_another_one_was_freed_is_the_one_that_is_meant() -> None:
    blocks = [BootBlock(64, 40), BootBlock(128, 40), BootBlock(64, 20)]
    assert blocks_written(blocks, {64}) == {2}
    assert blocks_written(blocks, {100}) == set()
    assert blocks_written(blocks, {60, 168}) == set()


def test_what_most_scenes_write_to_comes_first_and_large_blocks_behind_small_ones() -> None:
    blocks = [BootBlock(0, 2048), BootBlock(4096, 40), BootBlock(8192, 40), BootBlock(9000, 40)]
    heat = Heat()
    for words in ({0, 4096}, {0, 4096, 8192}, {0, 4096, 8192}, {0, 9000}):
        heat.note(blocks, words)
    assert [hot.number for hot in order(blocks, heat)] == [1, 0, 2, 3]


def test_large_blocks_lie_such_that_what_is_written_to_is_near() -> None:
    blocks = [BootBlock(0, 2048), BootBlock(4096, 2048)]
    heat = Heat()
    heat.note(blocks, {0, 4096 + 2000})  # the front of the first, the end of the second
    assert [hot.number for hot in order(blocks, heat)] == [1, 0]


def test_no_scene_takes_more_input_than_there_is_room_for_at_first() -> None:
    assert all(sum(map(len, step.texts)) < 1020 for scene in SCENES for step in scene)
