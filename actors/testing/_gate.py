"""Holding a worker up, and doing away with one, from a test."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from actors._trees.supervisor import crash

if TYPE_CHECKING:
    from actors.handle import WorkerHandle
    from actors.pool import WorkerPool
    from actors.supervisor import Supervisor


class Gate:
    """Holds a worker up, until it is opened: ``worker.send(Do(gate.hold))``. Thread-safe."""

    def __init__(self, patience: float = 20.0) -> None:
        """Be closed, and held for `patience` seconds at most."""
        self.reached = threading.Event()
        self._opened = threading.Event()
        self._patience = patience

    def hold(self, worker: object = None) -> str:
        """Wait until the gate is opened; `reached` is set before.

        Raises:
            TimeoutError: If nobody opens it in time.
        """
        self.reached.set()
        if not self._opened.wait(self._patience):
            raise TimeoutError("nobody opened the gate")
        return "held"

    def open(self) -> None:
        """Let go whoever is held, and hold nobody any more."""
        self._opened.set()


def hold_worker(handle: WorkerHandle[Any], patience: float = 20.0) -> Gate:
    """Hold a worker of any type between two queries, until the gate is opened.

    Queries that are sent meanwhile stay queued, as if it were busy.

    Raises:
        TimeoutError: If it does not get there within `patience` seconds.
    """
    gate = Gate(patience)
    handle._cell.mailbox.control(lambda: _hold(gate))
    if not gate.reached.wait(patience):
        gate.open()
        raise TimeoutError(f"worker {handle.name} did not look at its control lane")
    return gate


def _hold(gate: Gate) -> None:
    gate.hold()


def kill_worker(handle: WorkerHandle[Any]) -> None:
    """Let a worker's thread die by SystemExit, before its next query. It returns at once.

    What is queued stays queued; its supervisor restarts the worker.
    """
    handle._cell.mailbox.control(_die)


def kill_supervisor(supervised: WorkerPool[Any, Any] | Supervisor) -> None:
    """Let the supervisor of a pool or tree crash. It returns at once.

    One below another is restarted by that one, its children with it; the outermost loses its
    thread, and goes on in a new one. Each time is counted as a restart is.
    """
    crash(supervised._group)


def _die() -> None:
    raise SystemExit("killed by a test")
