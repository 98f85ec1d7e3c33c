"""What a stock ``pykka.ActorRef`` to a worker reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pykka
from pykka import messages

from actors._replies.reply import Reply, Untold

if TYPE_CHECKING:
    from pykka._envelope import Envelope

    from actors._lives.cell import Cell


class StockInbox:
    """Pykka's view of a mailbox, so that ``worker.actor_ref`` works as in Pykka.

    ``tell`` and ``ask`` take queries, and ``stop`` is a shutdown that lets run what is queued.
    """

    def __init__(self, cell: Cell) -> None:
        """Put into the mailbox of `cell`."""
        self._cell = cell

    def put(self, envelope: Envelope[Any], /) -> None:
        """Take what ``ActorRef`` sends.

        Raises:
            TypeError: If it is neither a query that the worker answers nor a stop.
        """
        future = envelope.reply_to
        if isinstance(envelope.message, messages._ActorStop):
            self._cell.shutdown(None)
            if future is not None:
                future.set_get_hook(self._wait_for_end)
        elif future is None:
            self._cell.post(envelope.message, None, None, Untold)
        else:
            reply = self._cell.post(envelope.message, None)
            future.set_get_hook(lambda timeout: _get(reply, timeout))

    def get(self) -> Envelope[Any]:
        """Refused: only the worker itself takes, and from its mailbox."""
        raise NotImplementedError

    def empty(self) -> bool:
        """Return whether nothing is queued."""
        return not len(self._cell.mailbox)

    def _wait_for_end(self, timeout: float | None) -> None:
        if not self._cell.join(timeout):
            raise pykka.Timeout(f"{timeout} seconds")


def _get(reply: Reply[Any], timeout: float | None) -> object:
    try:
        return reply.get(timeout)
    except TimeoutError:
        if reply.done():
            raise
        raise pykka.Timeout(f"{timeout} seconds") from None
