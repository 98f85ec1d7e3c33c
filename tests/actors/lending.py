"""Workers whose queries the asking thread runs."""

from __future__ import annotations

from typing import Any

from actors import MailboxOptions

from .waiting import until

LENDS = MailboxOptions(caller_runs=True)


def idle(worker: Any) -> Any:
    """Wait until its own thread sleeps."""
    until(lambda: worker._cell.mailbox._turn.holder is None)
    return worker
