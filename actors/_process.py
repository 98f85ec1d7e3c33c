"""How workers behave when the process ends or forks."""

from __future__ import annotations

import atexit
import os
import threading
from time import monotonic
from typing import TYPE_CHECKING

from actors import _reply, _supervisor, _threads
from actors._fresh import fresh
from actors._registry import every_cell
from actors._timers import timers
from actors._watch import Watch
from actors.errors import WorkerStopped

if TYPE_CHECKING:
    from actors._cell import Cell

EXIT_PATIENCE = 1.0
"""Seconds that the interpreter's exit waits for busy workers to stop. Those that do not are left:
their threads are daemons, and freeze."""

_prepared = False


def prepare() -> None:
    """Register for the end of the process and for forks, once."""
    global _prepared
    if _prepared:
        return
    _prepared = True
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def _at_exit() -> None:
    """Stop all workers hard, so that no thread is inside an engine when the interpreter is gone."""
    until = monotonic() + EXIT_PATIENCE
    alive = [cell for cell in every_cell() if not cell.finished.is_set()]
    for cell in alive:
        cell.shutdown(0)
    for cell in alive:
        cell.join(max(0.0, until - monotonic()))


def _after_fork() -> None:
    """In the child no worker's thread is left: say so to whoever uses one."""
    _threads.after_fork()
    _reply.after_fork()
    timers.after_fork()
    _supervisor.after_fork()
    for cell in every_cell():
        text = f"worker {cell.name} did not survive os.fork(); spawn workers in the child"
        if not cell.finished.is_set():
            end_in_child(cell, WorkerStopped(text, worker=cell.name))


def end_in_child(cell: Cell, error: BaseException) -> None:
    """Stop a cell, in the child of a fork, where no thread is left and any lock may be held."""
    cell.lock = threading.RLock()
    cell.watch = Watch(cell)
    cell.mailbox.stop()
    lost = [*cell.mailbox.drain(), *cell.running]
    cell.up, cell.worker, cell.thread, cell.running = False, None, None, []
    cell.closed_by = error
    cell.start_timer = cell.drain_timer = None
    cell.finished, cell.settled_start = threading.Event(), threading.Event()
    cell.finished.set()
    cell.settled_start.set()
    for reply in lost:
        reply._fail(fresh(error))
