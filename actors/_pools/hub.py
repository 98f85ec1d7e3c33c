"""Where a pool's queries come in: the queue that its workers share, and the table of workers."""

from __future__ import annotations

import contextlib
import threading
from itertools import count
from typing import TYPE_CHECKING, Any

from actors import _trace
from actors._latch import Latch
from actors._lives.address import Address
from actors._lives.cell import Cell
from actors._lives.generics import plan_for
from actors._lives.watch import Alarm
from actors._mailboxes.backlog import Backlog
from actors.errors import ActorsError, PoolClosed
from actors.stats import PoolStats

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._replies.reply import Reply
    from actors._trees.group import Group
    from actors._trees.guardian import Child, ExitKind
    from actors.mailbox import MailboxOptions
    from actors.query import Query
    from actors.supervision import Supervision
    from actors.worker import Worker


class Hub(Address):
    """A pool, as its queries see it: whichever worker is free first takes the next one.

    It stands between the workers and their supervisor, which is how it learns who is there: it
    passes on what they report.

    Attributes:
        cells: The workers that may be chosen; replaced as a whole, so that anybody may read it.
        setup: Queries that each worker runs at its start, before it is ready.
    """

    mailbox: Backlog

    def __init__(
        self,
        name: str,
        worker_class: type[Worker[Any, Any]],
        options: Any,
        policy: Supervision,
        mailbox: MailboxOptions,
    ) -> None:
        """Make a hub without workers."""
        super().__init__(worker_class)
        self.name = self.pool = name
        self.options = options
        self.policy = policy
        self.mailbox_options = mailbox
        self.mailbox = Backlog(mailbox)
        self.watch = Alarm(self)
        self.finished = Latch()
        self.failure: BaseException | None = None
        self.cells: tuple[Cell, ...] = ()
        self.setup: tuple[Query[Any], ...] = ()
        self.when_changed: Callable[[], None] = _nothing
        self.may_grow: Callable[[], bool] = _no
        self._alive: set[Cell] = set()
        self.lock = threading.RLock()
        self._made = 0
        self._answered_before = 0  # by workers that are gone
        self._turn = count().__next__
        self._group: Group | None = None

    def __repr__(self) -> str:
        """Name it."""
        return f"<Hub {self.name}: {len(self.cells)} workers>"

    # -- workers come and go -----------------------------------------------------------------------

    def supervised_by(self, group: Group) -> None:
        """Say to whom the workers' reports go."""
        self._group = group

    def make_cell(self) -> Cell:
        """Make one more worker, which is not launched and in no table yet."""
        with self.lock:
            number, self._made = self._made, self._made + 1
        name = f"{self.name}/{number}"
        options = self.mailbox_options
        cell = Cell(self.worker_class, self.options, name, self.policy, self, options, hub=self)
        with self.lock:
            self._alive.add(cell)
        return cell

    def enlist(self, cells: tuple[Cell, ...]) -> None:
        """Let them be chosen."""
        with self.lock:
            self.cells += cells
            self.mailbox.readers = len(self.cells)

    def retire(self, cell: Cell) -> None:
        """Choose it no more, and let it end when it has answered what is queued at it."""
        self.strike(cell)
        cell.shutdown(None)

    def next_cell(self) -> Cell:
        """Return the next worker in turn, passing over those that are not ready if others are."""
        cells = self.cells
        turn = self._turn()
        for step in range(len(cells)):
            cell = cells[(turn + step) % len(cells)]
            if cell.takes_queries():
                return cell
        still_there = self.open_cells()
        return still_there[turn % len(still_there)]

    def open_cells(self) -> tuple[Cell, ...]:
        """Return the workers that take queries, now or after their restart.

        Raises:
            PoolClosed: There is none.
            RestartLimitExceeded: There is none, for that reason.
        """
        found = tuple(cell for cell in self.cells if not cell.mailbox.closed)
        if not found or self.mailbox.closed:
            raise self.closed_error()
        return found

    def every_cell(self) -> list[Cell]:
        """Return all workers that are not stopped, those that are being let go among them."""
        with self.lock:
            return sorted({*self._alive, *self.cells}, key=lambda cell: cell.id)

    def strike(self, cell: Cell) -> None:
        """Choose it no more."""
        with self.lock:
            self.cells = tuple(each for each in self.cells if each is not cell)
            self.mailbox.readers = max(1, len(self.cells))

    def stats(self) -> PoolStats:
        """Return how the workers stand."""
        with self.lock:
            cells, alive, answered = self.cells, [*self._alive], self._answered_before
        answered += sum(cell.answered for cell in alive)
        return PoolStats(tuple(cell.stats() for cell in cells), len(self.mailbox), answered)

    def set_up(self, query: Query[Any]) -> Query[Any]:
        """Have a query run by each worker at its start, from now on; return it as it is now."""
        plan = plan_for(self.worker_class, query)
        query = query if plan is True else plan(query)
        with self.lock:
            self.setup += (query,)
            starting = [cell for cell in self._alive if cell not in self.cells]
        for cell in starting:  # it may be past its setup, and is in no table yet
            if not cell.mailbox.closed:  # as of those that are being let go
                with contextlib.suppress(ActorsError):
                    cell.post(query, None)
        return query

    def forget_setup(self, query: Query[Any]) -> None:
        """Have it run no more."""
        with self.lock:
            self.setup = tuple(each for each in self.setup if each is not query)

    # -- what the workers report: see `Guardian` ---------------------------------------------------

    def on_ready(self, child: Child) -> None:
        """A worker is ready."""
        self._guardian.on_ready(child)
        self.when_changed()

    def on_exit(self, child: Child, kind: ExitKind, error: BaseException | None) -> None:
        """A worker was lost."""
        self._guardian.on_exit(child, kind, error)

    def on_stuck(self, child: Cell, worker: Worker[Any, Any], reply: Reply[Any]) -> None:
        """A worker does not come back from a query."""
        self._guardian.on_stuck(child, worker, reply)

    def on_finished(self, child: Child) -> None:
        """A worker is stopped for good. After the last one nobody will answer what is queued."""
        assert isinstance(child, Cell)
        with self.lock:
            self._alive.discard(child)
            self._answered_before += child.answered
            last = not self._alive
            if last:  # before anybody makes one more
                self.mailbox.close()
        if child.failure is not None and (last or child.generation > 0):  # they gave up
            self._fail(child.failure)
        if last:
            self.finish()
        elif not self.mailbox.closed:
            self.strike(child)
            self.when_changed()
        self._guardian.on_finished(child)

    @property
    def _guardian(self) -> Group:
        assert self._group is not None, "a hub is told its group before it makes cells"
        return self._group

    # -- replies -----------------------------------------------------------------------------------

    def withdrawn_running(self, reply: Reply[Any]) -> None:
        """Stop the run of a query that a worker took."""
        taker = reply._addressee
        if isinstance(taker, Cell):  # else it is just being taken, and the taker will see
            taker.withdrawn_running(reply)

    def closed_error(self) -> BaseException:
        """Return what to raise for queries that come too late."""
        return self._late(PoolClosed(f"pool {self.name} is closed"))

    # -- the end -----------------------------------------------------------------------------------

    def close(self, reason: BaseException) -> None:
        """Accept no more; what is queued may still be answered."""
        with self.lock:
            if self.closed_by is None:
                self.closed_by = reason
        self.mailbox.close()
        self.when_changed()

    def shutdown(self, drain: float | None, reason: BaseException) -> None:
        """Accept no more; let what is queued be answered for `drain` seconds, then stop."""
        self.close(reason)
        if drain == 0:
            self.stop()
        for cell in reversed(self.every_cell()):
            cell.shutdown(drain, reason)

    def give_up(self, failure: BaseException | None) -> None:
        """Accept no more, because the group closes; if that is for an error, refuse all at once."""
        if failure is None:
            self.close(PoolClosed(f"pool {self.name} is closed"))
        else:
            self._fail(failure)
            self.stop()

    def _fail(self, failure: BaseException) -> None:
        self.failure = failure
        self.close(failure)

    def stop(self) -> None:
        """Accept no more, and refuse what is queued."""
        self.mailbox.stop()
        self.refuse_queued()

    def finish(self) -> None:
        """Be closed, with nothing queued."""
        self.stop()
        self.when_changed()
        self.finished.set()
        self.watch.end()
        self.refuse_queued()  # what somebody put back in between
        _trace.pool_closed(self.name, self.failure)


def _nothing() -> None:
    pass


def _no() -> bool:
    return False
