"""One reply for several queries: the first response wins."""

from __future__ import annotations

import threading
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from actors._replies.reply import Reply
from actors.errors import PoolClosed
from actors.query import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors._bell import Bell

R = TypeVar("R")


class Race(Generic[R]):
    """Waits for the first of several replies that has a response, and cancels the others.

    It is the addressee of the one reply that it makes, `reply`.
    """

    halt_at = inf
    run_started = 0.0

    def __init__(self, name: str, runners: Sequence[Reply[R]]) -> None:
        """Begin; without runners it is lost at once."""
        self.name = f"the first of {name}"
        self.runners = runners
        self._running = len(runners)
        self._lock = threading.RLock()
        self.reply: Reply[R] = Reply(Query[R](), self, monotonic(), None)
        if not runners:
            self.reply._fail(PoolClosed(f"pool {name} has no worker that takes queries"))
        for runner in runners:
            runner._notify(self._arrived)

    def _arrived(self, runner: Reply[R]) -> None:
        with self._lock:
            self._running -= 1
            last = not self._running
        error = runner._error
        if error is None:
            if self.reply._settle(runner._value):
                self.withdrawn(self.reply)
        elif last:
            self.reply._fail(error, runner._traceback)

    # -- see `Addressee` ---------------------------------------------------------------------------

    def withdrawn(self, reply: Reply[Any]) -> None:
        """Cancel what is still under way."""
        for runner in self.runners:
            runner.cancel()

    def about_to_wait(self, other: Reply[Any], bell: Bell) -> bool:
        """Nobody runs a query here, so nobody waits."""
        return False

    def waited(self) -> None:
        """See `about_to_wait`."""
