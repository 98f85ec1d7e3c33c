"""How a supervisor's children are made from their specs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors._lives.cell import Cell
from actors._lives.mistakes import refuse_mistakes
from actors.pool import WorkerPool

if TYPE_CHECKING:
    from actors._trees.group import Group
    from actors.handle import WorkerHandle
    from actors.specs import PoolSpec, WorkerSpec


def make_worker(parent: Group, spec: WorkerSpec) -> tuple[Cell, WorkerHandle[Any]]:
    """Make a worker that its group will launch, and its handle."""
    kind = spec.worker_class
    policy = parent.policy if spec.supervision is None else spec.supervision
    refuse_mistakes(kind, spec.options, policy, spec.mailbox, spec.checkpoint)
    options = kind.default_options() if spec.options is None else spec.options
    name = f"{parent.name}/{spec.name}"
    cell = Cell(kind, options, name, policy, parent, spec.mailbox, None, spec.checkpoint)
    cell.timed_start = True
    return cell, kind.handle_class(cell)


def make_pool(parent: Group, spec: PoolSpec) -> tuple[Group, WorkerPool[Any, Any]]:
    """Make a pool whose group the group above will launch."""
    pool: WorkerPool[Any, Any] = WorkerPool.__new__(WorkerPool)
    policy = parent.policy if spec.supervision is None else spec.supervision
    pool._set_up(spec, f"{parent.name}/{spec.name}", policy, parent)
    pool._elastic.begin()
    return pool._group, pool
