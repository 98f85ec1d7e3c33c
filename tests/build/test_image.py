"""The step that keeps a booted memory in the module."""

from __future__ import annotations

import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import wasmtime

from runtimes.quickjs.guest import booting, build, image
from runtimes.quickjs.guest.binary import PassError

if TYPE_CHECKING:
    from pathlib import Path

GUEST = """
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "host" "check" (func $check (param i32) (result i32)))
  (memory (export "memory") 2)
  (global $stack (mut i32) (i32.const 65536))
  (global (export "guest_header") i32 (i32.const 65544))
  (data (i32.const 65536) "given")
  (func (export "_initialize") (i32.store8 (i32.const 65541) (i32.const 33)))
  (func (export "guest_boot") (param i32 i32 i32) (result i64)
    (i32.store (i32.const 65000) (i32.const 7))  ;; on the stack
    (drop (call $time (i32.const 0) (i64.const 1) (i32.const 65544)))
    (drop (memory.grow (i32.const 3)))
    (i32.store8 (i32.const 200000) (i32.const 9))
    {boot}
    (i64.const {count}))
  (func (export "guest_adopt") (param i64) (result i64)
    (i64.load (i32.const 65544))))
"""


def wasm(boot: str = "", count: int = 1) -> bytes:
    """A guest that does this, too, while it boots."""
    text = GUEST.replace("{boot}", boot).replace("{count}", str(count))
    return bytes(wasmtime.wat2wasm(text))


def memory_of(content: bytes) -> bytes:
    """The memory that an instance of the module starts with."""
    engine = wasmtime.Engine()
    module = wasmtime.Module(engine, content)
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    linker.define_unknown_imports_as_traps(module)
    memory = linker.instantiate(store, module).exports(store)["memory"]
    assert isinstance(memory, wasmtime.Memory)
    return bytes(memory.read(store, 0, memory.data_len(store)))


def exports_of(content: bytes) -> set[str]:
    """The names of what the module exports."""
    module = wasmtime.Module(wasmtime.Engine(), content)
    return {name for name in (item.name for item in module.exports) if name is not None}


def test_an_instance_starts_with_the_booted_memory() -> None:
    memory = memory_of(image.make_image(wasm()))
    assert len(memory) == 5 * image.WASM_PAGE
    assert memory[65536:65542] == b"given!"
    assert int.from_bytes(memory[65544:65552], "little") == booting.BOOT_TIME_NS
    assert memory[200000] == 9
    assert memory.count(0) == len(memory) - 6 - 1 - len(
        booting.BOOT_TIME_NS.to_bytes(8, "little").replace(b"\0", b"")
    )


def test_what_lies_on_the_stack_is_left_out() -> None:
    assert memory_of(image.make_image(wasm()))[65000:65004] == bytes(4)


def test_boot_is_told_which_blocks_are_hot() -> None:
    told = (
        "(i32.store (i32.const 65600) (i32.load (local.get 0)))"
        "(i32.store offset=4 (i32.const 65600) (i32.load offset=4 (local.get 0)))"
        "(i32.store offset=8 (i32.const 65600) (local.get 1))"
    )
    hot = [booting.HotBlock(3, 40), booting.HotBlock(1, 60)]
    memory = memory_of(image.make_image(wasm(told, count=0x500), hot))
    assert struct.unpack_from("<3I", memory, 65600) == (3, 40, 2)


def test_more_hot_blocks_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(PassError, match="more than boot can place"):
        image.make_image(wasm(), [booting.HotBlock(number, 8) for number in range(10_000)])


def test_nobody_can_boot_it_again() -> None:
    assert exports_of(image.make_image(wasm())) == {"memory", "guest_header", "guest_adopt"}


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "in.wasm").write_bytes(wasm())
    for name in ("one.wasm", "two.wasm"):  # in processes of their own, as the build does
        command = [sys.executable, "-m", "runtimes.quickjs.guest.image"]
        command += [str(tmp_path / "in.wasm"), str(tmp_path / name)]
        subprocess.run(command, check=True, cwd=build.HERE.parents[2])
    assert (tmp_path / "one.wasm").read_bytes() == (tmp_path / "two.wasm").read_bytes()
    assert (tmp_path / "one.wasm").read_bytes() == image.make_image(wasm())


def test_a_memory_that_is_its_own_image_gives_the_shipped_guest_again() -> None:
    shipped = build.Guest().wasm.read_bytes()
    assert image.make_image(shipped) == shipped


@pytest.mark.parametrize(
    ("boot", "problem"),
    [
        ("(global.set $stack (i32.const 65520))", "global 0 is not at rest"),
        ("(drop (call $check (i32.const 0)))", "does not boot"),
        ("unreachable", "does not boot"),
    ],
)
def test_a_guest_that_is_not_at_rest_is_refused(boot: str, problem: str) -> None:
    with pytest.raises(PassError, match=problem):
        image.make_image(wasm(boot))


def test_a_guest_that_says_it_did_not_boot_is_refused() -> None:
    with pytest.raises(PassError, match="guest_boot failed"):
        image.make_image(wasm(count=0))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('(module (memory (export "memory") 1 2))', "largest size"),
        ('(module (memory (export "memory") 1) (global (mut i64) (i64.const 1)))', "no i32"),
    ],
)
def test_what_it_does_not_understand_it_refuses(text: str, problem: str) -> None:
    with pytest.raises(PassError, match=problem):
        image.make_image(bytes(wasmtime.wat2wasm(text)))


def test_a_refusal_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(wasm("unreachable"))
    monkeypatch.setattr(sys, "argv", ["image", str(source), str(target)])
    assert image.main() == 1
    assert "does not boot" in capsys.readouterr().err
    assert not target.exists()
