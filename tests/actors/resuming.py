"""Workers that count, and what the trace says of their starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from actors import Eval, Supervision
from actors.testing import EchoWorker

if TYPE_CHECKING:
    from actors.testing import EventLog

Closing: TypeAlias = Callable[[Any], Any]

PATIENT = Supervision(intensity=1000, backoff=0)
EACH = replace(PATIENT, checkpoint_every_queries=1)
COUNT = Eval('call "count" []')


def counting(closing: Closing, supervision: Supervision = EACH, **more: Any) -> Any:
    """A worker that knows `COUNT`."""
    worker = closing(EchoWorker.spawn(supervision=supervision, **more))
    worker.evaluate("define")
    return worker


def count(worker: Any, times: int = 1) -> int:
    """Ask several times; return the last."""
    for _ in range(times):
        last: int = worker.ask(COUNT, 10)
    return last


def resumed(log: EventLog, worker: Any) -> list[Any]:
    """What the trace says of its starts."""
    return [e.fields["resumed"] for e in log.named("worker.ready", worker=worker.name)]
