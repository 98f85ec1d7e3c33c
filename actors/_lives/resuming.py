"""How an incarnation gets its runtime: of the worker's last checkpoint, or anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors import _trace
from actors._lives.mistakes import (
    refuse_no_runtime,
    refuse_no_snapshot,
    refuse_unmovable,
)

if TYPE_CHECKING:
    from actors._lives.cell import Cell
    from actors.worker import Worker


def make_runtime(cell: Cell, worker: Worker[Any, Any]) -> Any:
    """Make the runtime of an incarnation.

    It is made of the last checkpoint, if the worker resumes. If that fails it is tried once more,
    and then the start is a plain one, so that a bad checkpoint costs its state and not the worker.
    What had no life before it is not given another one, though: a worker that was to be made of a
    checkpoint, and cannot be, does not start.
    """
    keeper = cell.keeper
    while (kept := keeper.to_resume()) is not None:
        checkpoint = kept.checkpoint
        try:
            state = checkpoint.load_state()
            runtime = worker.restore_runtime(cell.options, checkpoint.snapshot, state)
            if runtime is None:
                raise TypeError(f"{type(worker).__name__}.restore_runtime returned None")
            _require_powers(cell, worker, runtime)
        except Exception as error:
            if cell.generation == 0 or cell.worker is not worker:
                raise
            _trace.checkpoint_failed(cell, "restore", error, gives_up=keeper.outlook() is None)
        else:
            worker._resumed = kept
            return runtime
    runtime = worker.init_runtime(cell.options)
    if runtime is None:
        refuse_no_runtime(cell.worker_class)
    _require_powers(cell, worker, runtime)
    return runtime


def _require_powers(cell: Cell, worker: Worker[Any, Any], runtime: Any) -> None:
    """See that a runtime can do what its worker was started with; close it if it cannot."""
    try:
        if cell.lends and runtime is not None:
            refuse_unmovable(runtime)
        if cell.policy.takes_checkpoints:
            refuse_no_snapshot(worker, runtime)
    except BaseException:
        if runtime is not None:
            worker.close_runtime(runtime)
        raise
