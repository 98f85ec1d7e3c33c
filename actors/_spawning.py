"""How a lone worker is made, with the supervisor that it has for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from actors import _process
from actors._checks import check_instance
from actors._lives.cell import Cell
from actors._lives.custody import Custody
from actors._lives.life import wait_for_start
from actors._lives.mistakes import refuse_mistakes
from actors._trees.supervisor import guardian_for
from actors.supervision import Supervision

if TYPE_CHECKING:
    from actors._trees.group import Group
    from actors.checkpoints import Checkpoint
    from actors.handle import WorkerHandle
    from actors.mailbox import MailboxOptions
    from actors.worker import Worker


def spawn(
    kind: type[Worker[Any, Any]],
    options: Any,
    name: str | None,
    supervision: Supervision | None,
    mailbox: MailboxOptions | None,
    checkpoint: Checkpoint | None,
) -> WorkerHandle[Any]:
    """Start a worker and wait until it is ready; see `Worker.spawn`."""
    refuse_mistakes(kind, options, supervision, mailbox, checkpoint)
    check_instance("name", name, str)
    _process.prepare()
    policy = supervision if supervision is not None else Supervision()
    if options is None:
        options = kind.default_options()
    cell = guardian_for(
        lambda guardian: Cell(
            kind, options, name, policy, guardian, mailbox, checkpoint=checkpoint
        ),
        policy,
    )
    try:
        cell.launch()
        wait_for_start(cell, policy.start_deadline())
    except BaseException:
        cell.shutdown(0)
        cell.join(policy.stuck_grace)
        raise
    _process.stop_workers_before_engines()
    handle = kind.handle_class(cell)
    handle._custody = Custody(
        f"worker {cell.name}", cast("Group", cell.guardian), lambda: cell.mailbox.closed,
        lambda: cell.shutdown(30.0),
    )  # fmt: skip
    return handle
