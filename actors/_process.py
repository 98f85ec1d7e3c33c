"""How workers behave when the process ends or forks."""

from __future__ import annotations

import atexit
import os
import threading
import warnings
from time import monotonic
from typing import TYPE_CHECKING

from actors import _threads
from actors._latch import Latch
from actors._lives import custody
from actors._lives.registry import every_cell
from actors._replies import reply
from actors._replies.fresh import fresh
from actors._timers import timers
from actors._trees import supervisor
from actors.errors import PoolClosed, WorkerStopped

if TYPE_CHECKING:
    from actors._lives.cell import Cell
    from actors._pools.hub import Hub

EXIT_PATIENCE = 1.0
"""Seconds that the interpreter's exit waits for busy workers to stop. Those that do not are left:
their threads are daemons, and freeze."""

_prepared = False
_is_first = False


def prepare() -> None:
    """Register for the end of the process and for forks, once."""
    global _prepared
    if _prepared:
        return
    _prepared = True
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def stop_workers_before_engines() -> None:
    """At exit, stop workers before what their runtimes registered for it; called after a start.

    A runtime stops its runs for good when Python exits, and such a thread never comes back: asked
    first, a worker ends in the regular way. Only once, so that what the program itself registers
    later still finds its workers.
    """
    global _is_first
    if not _is_first:
        _is_first = True
        atexit.unregister(_at_exit)
        atexit.register(_at_exit)


def _at_exit() -> None:
    """Stop all workers hard, so that no thread is inside an engine when the interpreter is gone."""
    left = custody.end()
    until = monotonic() + EXIT_PATIENCE
    alive = [cell for cell in every_cell() if not cell.finished.is_set()]
    hubs = _hubs_of(alive)
    queued = sum(len(address.mailbox) for address in [*alive, *hubs])
    for hub in hubs:
        hub.close(PoolClosed(f"pool {hub.name} was closed when Python exited"))
    for cell in alive:
        cell.shutdown(0)
    for cell in alive:
        cell.join(max(0.0, until - monotonic()))
    if left:  # last, since it may raise
        lost = f"; {queued} queued queries were not run" if queued else ""
        warnings.warn(
            f"still open when Python exited: {', '.join(left)}{lost}", ResourceWarning, stacklevel=1
        )


def _hubs_of(cells: list[Cell]) -> set[Hub]:
    return {cell.hub for cell in cells if cell.hub is not None}


def _after_fork() -> None:
    """In the child no worker's thread is left: say so to whoever uses one.

    Any lock may be held by a thread that is not there, so each is made anew before it is touched.
    """
    _threads.after_fork()
    reply.after_fork()
    timers.after_fork()
    supervisor.after_fork()
    custody.after_fork()
    alive = [cell for cell in every_cell() if not cell.finished.is_set()]
    for hub in _hubs_of(alive):
        hub.lock = threading.RLock()
        hub.when_changed = _nothing
        text = f"pool {hub.name} did not survive os.fork(); make a pool in the child"
        _end_in_child(hub, WorkerStopped(text, worker=hub.name))
    for cell in alive:
        _forget_threads(cell)
        text = f"worker {cell.name} did not survive os.fork(); spawn workers in the child"
        _end_in_child(cell, WorkerStopped(text, worker=cell.name))


def _forget_threads(cell: Cell) -> None:
    cell.lock = threading.RLock()
    cell.up = False
    cell.worker = cell.heir = cell.thread = cell.start_timer = cell.drain_timer = None
    cell.leaving, cell.owned, cell.abandoned = [], [], []
    cell.settled_start = Latch()
    cell.settled_start.set()


def _end_in_child(address: Cell | Hub, error: WorkerStopped) -> None:
    address.closed_by = error
    address.watch = type(address.watch)(address)
    address.mailbox.after_fork()
    address.mailbox.stop()
    address.finished = Latch()
    address.finished.set()
    running = getattr(address, "running", [])
    for lost in [*address.mailbox.drain(), *running]:
        lost._fail(fresh(error))
    running.clear()


def _nothing() -> None:
    pass
