"""What workers do, as events: for structlog if the program configured it, and for subscribers.

Nothing is emitted, and next to nothing is paid, while nobody listens. This package never configures
structlog. The events and their fields are listed in ``docs/tracing.md``.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from actors import _structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "CHECKPOINT_FAILED",
    "CHECKPOINT_TAKEN",
    "CONSOLE_LINE",
    "DEAD_LETTER",
    "POOL_CLOSED",
    "POOL_STARTED",
    "QUERY_DONE",
    "SUPERVISOR_RESTARTED",
    "WORKER_ABANDONED",
    "WORKER_READY",
    "WORKER_RENEWED",
    "WORKER_RESTARTED",
    "WORKER_STARTED",
    "WORKER_STOPPED",
    "EventName",
    "Outcome",
    "TraceEvent",
    "listening",
    "subscribe",
]

EventName: TypeAlias = Literal[
    "worker.started",
    "worker.ready",
    "worker.restarted",
    "worker.renewed",
    "worker.abandoned",
    "worker.stopped",
    "checkpoint.taken",
    "checkpoint.failed",
    "query.done",
    "console.line",
    "pool.started",
    "pool.closed",
    "supervisor.restarted",
    "dead.letter",
]
Outcome: TypeAlias = Literal[
    "ok", "error", "timeout", "cancelled", "stopped", "died", "stuck", "dropped"
]

WORKER_STARTED: Final = "worker.started"
WORKER_READY: Final = "worker.ready"
WORKER_RENEWED: Final = "worker.renewed"
WORKER_RESTARTED: Final = "worker.restarted"
WORKER_ABANDONED: Final = "worker.abandoned"
WORKER_STOPPED: Final = "worker.stopped"
CHECKPOINT_TAKEN: Final = "checkpoint.taken"
CHECKPOINT_FAILED: Final = "checkpoint.failed"
QUERY_DONE: Final = "query.done"
CONSOLE_LINE: Final = "console.line"
POOL_STARTED: Final = "pool.started"
POOL_CLOSED: Final = "pool.closed"
SUPERVISOR_RESTARTED: Final = "supervisor.restarted"
DEAD_LETTER: Final = "dead.letter"


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One thing that happened.

    Attributes:
        name: What; see ``docs/tracing.md``.
        level: ``"debug"``, ``"info"``, ``"warning"`` or ``"error"``.
        fields: The particulars, by name.
    """

    name: EventName
    level: str
    fields: Mapping[str, Any]


_subscribers: tuple[Callable[[TraceEvent], object], ...] = ()
_changing = threading.Lock()


def subscribe(subscriber: Callable[[TraceEvent], object]) -> Callable[[], None]:
    """Call `subscriber` with every event from now on; return what ends that.

    It is called on the thread where the thing happens, most often a worker's, so it must be quick
    and thread-safe. What it raises is reported by ``threading.excepthook`` and harms nobody.

    Raises:
        TypeError: It cannot be called.
    """
    global _subscribers
    if not callable(subscriber):
        raise TypeError(f"a subscriber must be a callable, not {type(subscriber).__name__}")
    with _changing:
        _subscribers = (*_subscribers, subscriber)

    def unsubscribe() -> None:
        global _subscribers
        with _changing:
            _subscribers = tuple(other for other in _subscribers if other is not subscriber)

    return unsubscribe


def listening() -> bool:
    """Return whether anybody does: a subscriber, or a program that configured structlog."""
    return bool(_subscribers) or _structlog.configured() is not None
