"""C code of the guest compiled alone, so that it can be tested without the engine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wasmtime

from runtimes.quickjs.guest import build

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent


@dataclass
class Compiled:
    """A compiled C file."""

    engine: wasmtime.Engine
    module: wasmtime.Module


class Library:
    """One instance of a compiled C file; its exports are methods that take and return integers."""

    def __init__(self, compiled: Compiled, *, memory_limit_bytes: int | None = None) -> None:
        self.store = wasmtime.Store(compiled.engine)
        if memory_limit_bytes is not None:
            self.store.set_limits(memory_size=memory_limit_bytes)
        linker = wasmtime.Linker(compiled.engine)
        linker.define_unknown_imports_as_traps(compiled.module)
        self.exports = linker.instantiate(self.store, compiled.module).exports(self.store)
        memory = self.exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        self.memory = memory

    def call(self, name: str, *args: float) -> float:
        """Call an export; a pointer or size comes back as a positive number."""
        function = self.exports[name]
        assert isinstance(function, wasmtime.Func)
        result = function(self.store, *args)
        if isinstance(result, float):
            return result
        return 0 if result is None else result & 0xFFFFFFFF

    def read(self, at: int, count: int) -> bytes:
        """Return bytes of the memory."""
        return bytes(self.memory.read(self.store, at, at + count))

    def write(self, at: int, content: bytes) -> None:
        """Overwrite bytes of the memory."""
        self.memory.write(self.store, content, at)


@pytest.fixture(scope="session")
def compile_c(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Compiled]:
    """Compile files of this folder and of the guest's; skips where there is no compiler."""
    pytest.importorskip("ziglang", reason="no compiler; a stale guest would have brought one")

    def compile_files(*names: str) -> Compiled:
        folder = tmp_path_factory.mktemp("compiled")
        files = [str(next(p for p in (HERE / n, build.HERE / n) if p.exists())) for n in names]
        command = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-O2"]
        command += ["-UNDEBUG", "-Wall", "-Wextra", "-Werror", "-fno-sanitize=all", "-g0"]
        command += [
            "-I",
            str(build.HERE),
            "-include",
            "fast_libc.h",
            "-mexec-model=reactor",
            "-Wl,-z,stack-size=65536",
        ]
        command += [*files, "-o", "library.wasm"]
        subprocess.run(command, cwd=folder, check=True, env=build.zig_environment(folder))
        engine = wasmtime.Engine()
        return Compiled(engine, wasmtime.Module.from_file(engine, str(folder / "library.wasm")))

    return compile_files
