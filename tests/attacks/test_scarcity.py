"""Memory may end anywhere: always a MemoryLimitError, never a wrong error or a lost engine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from attacks.runner import environment

pytestmark = [pytest.mark.attack, pytest.mark.timeout(120)]

SWEEPS = {
    "in the compiler": (0, 8_000, 53),
    "in the library": (8_000, 60_000, 499),
}
"""Bytes that are left when a script begins: from, to, in steps that no size divides."""


@pytest.mark.parametrize("where", SWEEPS)
def test_memory_may_end_anywhere(where: str) -> None:
    command = [sys.executable, "-m", "attacks.scarcity", *map(str, SWEEPS[where])]
    done = subprocess.run(command, capture_output=True, env=environment(), check=False)
    assert done.stderr == b""
    assert done.returncode == 0
    assert json.loads(done.stdout) == []
