from __future__ import annotations

import json

import pytest
import wasmtime

from runtimes.quickjs.guest import booting, build, flags
from runtimes.quickjs.guest.binary import MAGIC, Reader, skip_locals
from runtimes.quickjs.guest.module import Module


@pytest.fixture(scope="module")
def guest() -> wasmtime.Module:
    """The guest as it was built."""
    return wasmtime.Module.from_file(wasmtime.Engine(), str(build.Guest().wasm))


def test_no_ambient_capability(guest: wasmtime.Module) -> None:
    imports = {(item.module, item.name) for item in guest.imports}
    ours = {name for module, name in imports if module == "host"}
    assert ours == {"call", "check", "console", "resolve", "source"}
    assert {item for item in imports if item[0] != "host"} == {
        ("wasi_snapshot_preview1", "clock_time_get")
    }


def test_exports_are_ours_alone(guest: wasmtime.Module) -> None:
    names = {item.name for item in guest.exports}
    assert {"memory", "guest_header", "guest_hard_stop"} <= names
    assert {name for name in names if not name.startswith("guest_")} == {"memory"}


def test_nobody_can_boot_it_a_second_time(guest: wasmtime.Module) -> None:
    names = {item.name for item in guest.exports}
    assert "guest_adopt" in names
    assert not names & {booting.INITIALIZE, booting.BOOT}


def test_atomics_are_atomic_and_nothing_waits() -> None:
    # The compiler makes plain loads and stores of them if it believes that there are no threads.
    content = build.Guest().wasm.read_bytes()
    assert content.startswith(MAGIC)
    used = set()
    for body in Module.parse(content).functions:
        reader = Reader(body)
        skip_locals(reader)
        while not reader.at_end:
            used.add(reader.instruction())
    atomic = {opcode for opcode in used if opcode >> 8 == 0xFE}
    assert len(atomic) > 20  # for each operation and each size one
    assert not atomic & {0xFE00, 0xFE01, 0xFE02}


def test_the_memory_that_a_new_instance_takes_is_small(guest: wasmtime.Module) -> None:
    (memory,) = (item.type for item in guest.exports if item.name == "memory")
    assert isinstance(memory, wasmtime.MemoryType)
    stack_pages = flags.STACK_BYTES // 65536  # reserved, but touched only as far as it is used
    assert memory.limits.min <= stack_pages + 5  # of which the booted heap takes less than 4
    assert memory.limits.max is None


def test_variables_lie_behind_the_stack() -> None:
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    module = wasmtime.Module.from_file(engine, str(build.Guest().wasm))
    linker = wasmtime.Linker(engine)
    linker.define_unknown_imports_as_traps(module)
    exports = linker.instantiate(store, module).exports(store)
    for name in ("guest_header", "guest_hard_stop"):
        address = exports[name]
        assert isinstance(address, wasmtime.Global)
        assert address.value(store) >= flags.STACK_BYTES


def test_the_stamp_belongs_to_the_guest() -> None:
    facts = json.loads(build.Guest().stamp.read_text())
    assert facts["abi"] == build.abi_number()
    assert facts["engine"] == f"{build.ENGINE} {build.ENGINE_VERSION}"
    assert facts["debug"] is False
