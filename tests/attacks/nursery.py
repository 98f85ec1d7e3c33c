"""Starts a process for each attack by forking one that has imported everything, which is quick.

Usage: ``python -m attacks.nursery``, with cases as lines of JSON on stdin: [kind, name, hard_stop,
layer or null]. For each, one line is written: [status, stdout, stderr], where a status below
0 is minus the signal that killed the process, and null says that it did not end in time. No engine
and no thread is made before the fork: each attack meets a process as good as new.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from typing import IO

from attacks import run_case

LIMIT = 60.0
"""Seconds after which a process counts as hung; the longest attack is given 20."""
LAYER_VARIABLE = "JSACTORS_LAYER"


def become_case(case: list[str | None], out: IO[bytes], err: IO[bytes]) -> None:
    """Run a case in this process, whose output goes to files, and end it as any program ends."""
    os.dup2(out.fileno(), sys.stdout.fileno())
    os.dup2(err.fileno(), sys.stderr.fileno())
    kind, name, hard_stop, layer = case
    if layer is not None:
        os.environ[LAYER_VARIABLE] = layer
    run_case.main([str(kind), str(name), str(hard_stop)])
    raise SystemExit


def wait_for(pid: int) -> int | None:
    """Return a child's status; None if it had to be killed because it hung."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def raise_case(case: list[str | None]) -> list[object]:
    """Run a case in a process of its own and return how that ended."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            become_case(case, out, err)
        status = wait_for(pid)
        texts: list[object] = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return [status, *texts]


def main() -> None:
    """Serve until stdin ends."""
    for line in sys.stdin:
        print(json.dumps(raise_case(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
