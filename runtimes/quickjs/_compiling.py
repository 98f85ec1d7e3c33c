"""Compiling a guest: on all cores, or on this thread alone where there are no threads to be had.

wasmtime compiles on a pool of threads, one a core; if one of them cannot be started it aborts the
process. So it is tried first whether that many can be.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import wasmtime

if TYPE_CHECKING:
    from collections.abc import Callable


def compile_guest(
    engine: wasmtime.Engine, wasm: bytes, alone: Callable[[], wasmtime.Engine]
) -> wasmtime.Module:
    """Compile a wasm module for an engine (one to two seconds on one core).

    Args:
        engine: Whose module it shall be.
        wasm: The module.
        alone: Makes an engine like that one, except that it compiles on the calling thread.
    """
    if threads_to_be_had(os.cpu_count() or 1):
        return wasmtime.Module(engine, wasm)
    return wasmtime.Module.deserialize(engine, wasmtime.Module(alone(), wasm).serialize())


def threads_to_be_had(count: int) -> bool:
    """Whether `count` threads more can run at once (0.1 ms each)."""
    over = threading.Event()
    started = []
    try:
        for _ in range(count):
            thread = threading.Thread(target=over.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:
        return False
    finally:
        over.set()
        for thread in started:
            thread.join()
    return True
