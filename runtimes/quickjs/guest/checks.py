"""What must hold of a guest before anybody can load it: its profile, its validity, its imports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .flags import INTERPRETER, PROFILE

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = ("wasi_snapshot_preview1", "clock_time_get")
"""The only import besides our own; wasmtime answers it by itself."""

UNPROFILED = re.compile(
    r"(?:\(hash mismatch\)|No profile data available for function) (?:\S+;)?(\w+)"
)
"""What the compiler says of a function that the profile does not know, or not in this shape."""


class BuildError(Exception):
    """The guest could not be built; the text says why and what to do."""


def check_profile(said: str, profile: Path) -> None:
    """Check by what the compiler said that the interpreter was compiled with its profile.

    That other functions changed since the training costs speed, and is only reported.

    Raises:
        BuildError: it was not.
    """
    known = f";{INTERPRETER} " in profile.read_text(encoding="utf-8")
    unprofiled = sorted(set(UNPROFILED.findall(said)))
    if INTERPRETER in unprofiled or not known:
        advice = "train it anew: python -m benchmarks.train"
        raise BuildError(f"{INTERPRETER} does not fit {PROFILE}; {advice}")
    if unprofiled:
        names = ", ".join([*unprofiled[:5], "..."] if unprofiled[5:] else unprofiled)
        print(f"{len(unprofiled)} functions changed since, and go without {PROFILE}: {names}")


def check_product(content: bytes) -> None:
    """Check a finished guest before anybody can load it.

    Raises:
        BuildError: it is not valid, or imports more than `host.*` and the clock.
    """
    import wasmtime

    try:
        module = wasmtime.Module(wasmtime.Engine(), content)
    except wasmtime.WasmtimeError as error:
        raise BuildError(f"the guest is not valid: {error}") from error
    for item in module.imports:
        if item.module != "host" and (item.module, item.name) != CLOCK:
            raise BuildError(f"the guest would import {item.module}.{item.name}")
