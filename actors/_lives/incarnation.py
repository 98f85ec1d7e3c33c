"""The inner side of a worker: what its cell, its supervisor and its answers have of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self, cast

from actors._latch import Latch
from actors._lives import answer, life
from actors._lives.actor import ContainedActor
from actors._lives.between import stand_between
from actors._lives.cell import Cell
from actors._lives.owned import Owned
from actors._lives.stock import StockInbox
from actors._threads import report_unraisable

if TYPE_CHECKING:
    from actors._lives.hooks import Run
    from actors._lives.keeping import Kept
    from actors._replies.reply import Reply
    from actors.watching import WorkerDown
    from actors.worker import Worker


class Incarnation(ContainedActor):
    """One life of a worker, from its start to its end, most often on a thread of its own."""

    _hides_errors: bool = True
    # Whether a handler may have met an error that cost it the runtime, and return all the same.

    _run: Run = staticmethod(answer.run)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuse to be made by anybody but a supervisor."""
        if kwargs or len(args) != 1 or not isinstance(args[0], Cell):
            raise TypeError(
                f"{cls.__name__}(...) would make a worker without a supervisor:"
                f" use {cls.__name__}.spawn(), which gives a handle"
            )
        return super().__new__(cls)

    def __init__(self, cell: Cell) -> None:
        """Made by its supervisor, at every restart anew; not by you, and not to be overridden."""
        super().__init__()
        stopped = cast("threading.Event", Latch())  # all that Pykka asks of it, in a tenth
        self.actor_stopped = self._actor_ref.actor_stopped = stopped
        self.actor_inbox = self._actor_ref.actor_inbox = StockInbox(cell)
        self._cell = cell
        self._take = cell.mailbox.take
        self._run = type(self)._run  # on the object it is found 0.01 us sooner
        self._running: list[Reply[Any]] = []
        self._taken: list[Reply[Any]] = []
        self._runtime: Any = None
        self._resumed: Kept | None = None  # what it was made of, if of a checkpoint
        self._owned = Owned(cell)
        self._ending = False
        self._thread_id = 0
        self._lent = False
        self._has_deadline = False
        self._deadline_is_set = False
        self._watches_usable = False

    def _thread_name(self) -> str:
        return self._cell.name

    def _actor_loop(self) -> None:
        self._thread_id = threading.get_ident()
        stand_between(self._cell)
        life.live(self._cell, cast("Worker[Any, Any]", self))

    def _leave(self) -> None:
        """Called between two queries."""
        if self._cell.worker is self:
            raise life.Leave("normal")

    def _hear(self, down: WorkerDown) -> None:
        """Be told of another worker, between two queries."""
        worker, cell = cast("Worker[Any, Any]", self), self._cell
        if cell.worker is self:
            try:
                worker.on_down(down)
            except Exception as error:
                report_unraisable(error)
            if cell.worker is not self:  # it took too long, and was given up
                raise life.Leave("abandoned")

    def _given_up(self) -> None:
        """Let go of all that is held, on another thread: this object's own does not come back."""
        self._put_back()
        self._owned.hurry()

    def _put_back(self) -> None:
        """Queue again what was taken and not answered."""
        while self._taken:  # one by one, since the thread itself may still go on to answer one
            try:
                message = self._taken.pop()
            except IndexError:
                return
            self._cell.run_again(message)

    def _has(self, runtime: Any) -> None:
        """Have a runtime, or none any more."""
        self._runtime = runtime
        self._watches_usable = hasattr(runtime, "usable")
        self._hides_errors = self._watches_usable and type(self)._hides_errors
        self._has_deadline = hasattr(runtime, "deadline")

    def _interrupt(self) -> None:
        cancel = getattr(self._runtime, "cancel", None)
        if cancel is not None:
            cancel()
