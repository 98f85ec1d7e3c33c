"""Programs that are run as processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

REPEAT = int(os.environ.get("JSACTORS_REPEAT", "1"))
"""How often each of the programs is run whose outcome is a matter of timing."""

PRELUDE = """
import os, signal, socket, sys, threading, time, warnings
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)  # Python's own, from 3.12 on
from actors import *
from actors.testing import *
from runtimes import *
"""


@dataclass
class Done:
    """What came of a program.

    Attributes:
        code: Its exit status, negative if a signal ended it.
        seconds: How long it took altogether.
    """

    code: int
    out: str
    err: str
    seconds: float


def start(program: str, *flags: str, **environment: str) -> subprocess.Popen[str]:
    """Start a program, in a group of its own with all that it forks."""
    return subprocess.Popen(
        [sys.executable, *flags, "-c", PRELUDE + textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 30) -> Done:
    """Wait for a program, and leave nothing of it running."""
    began = time.monotonic()
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"it hung; it said:\n{out}\n{err}") from None
    return Done(process.returncode, out, err, time.monotonic() - began)


def run(program: str, *flags: str, timeout: float = 30, **environment: str) -> Done:
    """Run a program to its end."""
    return finish(start(program, *flags, **environment), timeout)
