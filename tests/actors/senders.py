"""Workers that are kept busy, and senders that have to wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from actors import WorkerHandle
from actors.testing import Do

if TYPE_CHECKING:
    from actors import Reply
    from actors.testing import Gate

Handle: TypeAlias = WorkerHandle[Any]
Spawn: TypeAlias = Callable[..., Handle]


def note(seen: list[Any], name: Any) -> Do[None]:
    return Do(lambda _: seen.append(name))


def occupied(worker: Handle, gate: Gate) -> Reply[Any]:
    """Let a worker run a query that ends when the gate is opened."""
    reply = worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    return reply


class Sender(threading.Thread):
    """A thread that calls a function, and keeps what came of it."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.call = call
        self.result: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.call()
        except BaseException as error:
            self.error = error

    def outcome(self) -> Any:
        self.join(10)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.result
