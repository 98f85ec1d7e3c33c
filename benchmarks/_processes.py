"""New Python processes: how they are started, and how long until they say something."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from benchmarks._harness import HERE

if TYPE_CHECKING:
    from collections.abc import Mapping


@functools.cache
def _bytecode() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="jsactors-bytecode-")


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which bytecode is kept, as it is of installed packages.

    A checkout has none if ``PYTHONDONTWRITEBYTECODE`` is set, and would compile its sources each
    time. The first process that imports a module fills the folder, for all contenders alike.
    """
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": _bytecode().name, **more}


def first_line(script: str, env: Mapping[str, str]) -> tuple[float, bytes]:
    """Start Python with a script; return the seconds until its first line, and that line.

    Raises:
        SystemExit: It ends with an error.
    """
    begin = time.perf_counter()
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, cwd=HERE.parent, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - begin
        process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{script!r} ended with {process.returncode}")
    return seconds, line.strip()
