"""The workers of a pool, one by one and all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from actors._pools.race import Race
from actors.errors import WorkerStopped
from actors.handle import WorkerHandle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors._lives.cell import Cell
    from actors._lives.custody import Custody
    from actors._pools.hub import Hub
    from actors._replies.reply import Reply
    from actors.query import Query

R = TypeVar("R")
Handle_co = TypeVar("Handle_co", bound=WorkerHandle[Any], covariant=True)


class Members(Generic[Handle_co]):
    """A pool as a sequence of handles, and what may be sent to each of them."""

    _hub: Hub
    _custody: Custody | None
    _handles: dict[Cell, Handle_co]

    def _hold_none(self) -> None:
        """Begin without handles."""
        self._handles = {}
        self._custody = None

    # -- one by one --------------------------------------------------------------------------------

    def _handle(self, cell: Cell) -> Handle_co:
        handle = self._handles.get(cell)
        if handle is None:
            kept = self._hub.cells
            self._handles = {each: old for each, old in self._handles.items() if each in kept}
            made = cast("Handle_co", cell.worker_class.handle_class(cell))
            made._custody = self._custody
            handle = self._handles.setdefault(cell, made)
        return handle

    def next_worker(self) -> Handle_co:
        """Return the next worker in turn, passing over those that are not ready if others are.

        What is sent to a worker's handle waits for that very worker. `ask` and `send` of the pool
        let it be answered by whichever is free first.

        Raises:
            PoolClosed: If the pool is closed.
            RestartLimitExceeded: If it had to give up.
        """
        return self._handle(self._hub.next_cell())

    def worker_by_id(self, index: int) -> Handle_co:
        """Return a worker by its place among the present ones, from 0.

        Raises:
            IndexError: If there is no such worker.
            TypeError: If the place is no int.
        """
        cells = self._hub.cells
        if not isinstance(index, int):
            kind = type(index).__name__
            raise TypeError(f"a worker's place in its pool is an int, not {kind}")
        if not 0 <= index < len(cells):
            raise IndexError(f"the pool has workers 0 to {len(cells) - 1}, not {index}")
        return self._handle(cells[index])

    def __getitem__(self, index: int) -> Handle_co:
        """Return a worker by its place, from 0."""
        return self.worker_by_id(index)

    def __len__(self) -> int:
        """Return the number of workers."""
        return len(self._hub.cells)

    def __bool__(self) -> bool:
        """A pool is true, however many workers it has."""
        return True

    def __iter__(self) -> Iterator[Handle_co]:
        """Go through the workers."""
        return iter([self._handle(cell) for cell in self._hub.cells])

    def is_empty(self) -> bool:
        """Return whether there is no worker that takes queries, which is so after closing."""
        return all(cell.mailbox.closed for cell in self._hub.cells)

    # -- all of them -------------------------------------------------------------------------------

    def broadcast(self, query: Query[R], timeout: float | None = None) -> list[Reply[R]]:
        """Send a query to every worker; return their replies in the order of the workers.

        Raises:
            PoolClosed: If the pool is closed.
            Overloaded: If one of them does not take it; then the others do not run it either,
                unless they have begun.
        """
        replies: list[Reply[R]] = []
        try:
            for cell in self._hub.open_cells():
                try:
                    replies.append(cell.post(query, timeout))
                except WorkerStopped:  # it was let go in this very moment
                    if self._hub.mailbox.closed:
                        raise
        except BaseException:
            for reply in replies:
                reply.cancel()
            raise
        return replies

    def first(self, query: Query[R], timeout: float | None = None) -> Reply[R]:
        """Send a query to every worker, and return a reply that gets the first response.

        As soon as there is one, the others are cancelled. If all fail, the reply has the error of
        the one that failed last. To cancel it cancels all.

        Raises:
            PoolClosed: If the pool is closed.
            Overloaded: If one of them does not take it.
        """
        return Race(self._hub.name, self.broadcast(query, timeout)).reply

    def run_on_all(
        self, query: Query[R], timeout: float | None = None, *, also_later: bool = False
    ) -> list[R]:
        """Have every worker answer a query; wait, and return the responses in their order.

        Args:
            query: What to ask.
            timeout: Seconds for the whole.
            also_later: Whether workers that start later, new or restarted, shall run it as well,
                after ``init_runtime`` and before any other query. One that starts just now may run
                it twice.

        Raises:
            Exception: The first error in the order of the workers; the rest is cancelled, and none
                will run it later.
        """
        if also_later:
            # Before the broadcast: who starts now runs it too.
            query = cast("Query[R]", self._hub.set_up(query))
        replies = self.broadcast(query, timeout)
        try:
            return [reply.get() for reply in replies]
        except BaseException:
            for reply in replies:
                reply.cancel()
            self._hub.forget_setup(query)
            raise
