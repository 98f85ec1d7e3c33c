"""Runs attacks, each in a process of its own, a few ahead of the tests that ask for them."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

TESTS = Path(__file__).resolve().parents[1]
AT_ONCE = 2
"""Processes at once; more would only get in each other's way on the machines this is made for."""


@dataclass(frozen=True, slots=True)
class Case:
    """One attack in one setting.

    Attributes:
        kind: The attack's kind.
        name: Its name.
        hard_stop: How endless builtins are stopped.
        layer: Which layer of the host drives the engine; None is the one that serves by default.
    """

    kind: str
    name: str
    hard_stop: Literal["check", "epoch"] = "check"
    layer: Literal["raw", "plain"] | None = None

    def __str__(self) -> str:
        """The case as the id of a test."""
        setting: list[str] = [self.layer] if self.layer else []
        setting += ["epoch"] if self.hard_stop == "epoch" else []
        return "-".join((*setting, self.kind, self.name.replace(" ", "_")))


def environment() -> dict[str, str]:
    """Return the environment of a process that imports what these tests import."""
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(TESTS), str(TESTS.parent)))}


def problems_in(status: int | None, stdout: str, stderr: str) -> list[str]:
    """Return what was wrong with a process that ran a case."""
    problems: list[str] = []
    if status is None:
        problems.append("the process hung")
    elif status != 0:
        problems.append(f"the process ended with {status}")
    if stderr:
        problems.append(f"it wrote to stderr: {stderr[-2000:]}")
    try:
        outcome: dict[str, Any] = json.loads(stdout)
    except ValueError:
        return [*problems, f"it wrote {stdout[:200]!r}"]
    problems += outcome["problems"]
    return problems


class Runner:
    """Runs a known list of cases in its order, and hands out their results.

    Used by one thread.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        self._nurseries = [self._start_nursery() for _ in range(AT_ONCE)]
        self._idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        for nursery in self._nurseries:
            self._idle.put(nursery)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="attack")
        self._results: dict[Case, Future[list[str]]] = {
            case: self._pool.submit(self._run, case) for case in cases
        }

    @staticmethod
    def _start_nursery() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "attacks.nursery"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment())

    def _run(self, case: Case) -> list[str]:
        nursery = self._idle.get()
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        try:
            request = json.dumps([case.kind, case.name, case.hard_stop, case.layer])
            nursery.stdin.write(request + "\n")
            nursery.stdin.flush()
            return problems_in(*json.loads(nursery.stdout.readline()))
        finally:
            self._idle.put(nursery)

    def problems_of(self, case: Case) -> list[str]:
        """Wait for a case and return what was wrong."""
        return self._results[case].result()

    def close(self) -> None:
        """Drop what has not begun, and wait for the rest."""
        self._pool.shutdown(cancel_futures=True)
        for nursery in self._nurseries:
            nursery.communicate()
