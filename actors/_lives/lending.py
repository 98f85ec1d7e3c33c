"""Caller-runs: a blocking `ask` on an idle worker is answered on the thread that asks."""

from __future__ import annotations

from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any

from actors._lives import answer
from actors._lives.life import Leave
from actors._mailboxes.mailbox import Mailbox
from actors._replies.current import current
from actors._replies.in_loop import running_loop
from actors._replies.reply import Asked
from actors._threads import LOOK_UP
from actors.errors import AskCycle
from runtimes import WrongThread

if TYPE_CHECKING:
    import threading

    from actors._lives.cell import Cell
    from actors._replies.reply import Reply
    from actors.worker import Worker


class Turn:
    """The right to take from a mailbox and to use its worker; one thread has it at a time.

    It is the worker's own thread's, but for the time that this one sleeps because nothing is
    queued: then a thread that asks may take it. Between the test of `holder` and its setting there
    must be no call: at calls threads are switched, and Ctrl-C comes in.

    Attributes:
        holder: Number of the thread that has it, or None.
        bell: What the worker's own thread waits for, if somebody else has it.
        moved: Whether the runtime is another thread's than the worker's own.
    """

    __slots__ = ("bell", "holder", "move", "moved", "own", "worker")

    def __init__(self, worker: Worker[Any, Any]) -> None:
        """Take it, on the worker's own thread."""
        self.worker = worker
        self.own = get_ident()
        self.holder: int | None = self.own
        self.bell: threading.Lock | None = None
        self.moved = False
        self.move = getattr(worker._runtime, "move_here", None)

    def regain(self) -> None:
        """Take it back, on the worker's own thread, as soon as nobody else has it."""
        own = self.own
        while True:
            if self.holder is None:
                self.holder = own
                break
            bell = Lock()
            bell.acquire()
            self.bell = bell
            if self.holder is not None:  # looked at after the bell was hung up
                bell.acquire(True, LOOK_UP)  # Ctrl-C may have come as it was to be rung
        self.bell = None
        if self.moved:
            self.moved = False
            self.worker._thread_id = own
            if self.move is not None:
                self.move()

    def ring(self) -> None:
        """Tell the worker's own thread that nobody has it any more, if it waits for that."""
        bell, self.bell = self.bell, None
        if bell is not None:
            bell.release()


class LendingMailbox(Mailbox):
    """The mailbox of a worker that answers an `ask` on the asking thread if it is idle.

    A query never overtakes another one that way: whoever has the turn looks whether something is
    queued, and the worker's own thread takes nothing without having the turn.
    """

    __slots__ = ("_turn",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make an open, empty mailbox."""
        super().__init__(*args, **kwargs)
        self._turn: Turn | None = None

    def attach(self) -> None:
        """Become the reader, whose turn it is."""
        super().attach()
        owner = self._owner
        if owner is not None and owner.worker is not None:
            self._turn = Turn(owner.worker)

    def is_read_here(self) -> bool:
        """Return whether this thread is the reader, or answers in its place."""
        turn = self._turn
        return super().is_read_here() or (turn is not None and turn.holder == get_ident())

    def put(self, message: Reply[Any]) -> bool:
        """Queue a query, or answer it here and now."""
        turn = self._turn
        if turn is None or type(message) is not Asked:
            return super().put(message)
        if turn.holder is not None:
            if turn.holder == get_ident() != turn.own:  # a host function, or a signal's handler
                text = f"worker {message._addressee.name} would wait for itself"
                raise AskCycle(text, workers=(message._addressee.name,))
            return super().put(message)
        if message._flow is not None or running_loop() is not None:
            return super().put(message)
        return self._answer_here(turn, message) or super().put(message)

    def _answer_here(self, turn: Turn, message: Reply[Any]) -> bool:
        """Answer a query if it is the only one; return whether that was done."""
        owner, here = self._owner, get_ident()
        if owner is None or turn.holder is not None:
            return False
        turn.holder = here
        try:
            if self._work or self._attention or self._control or not owner.up:
                return False
            if turn is not self._turn or owner.worker is not turn.worker:
                return False
            return answer_here(owner, turn, message)
        finally:
            turn.holder = None  # here, for Ctrl-C may come in as a method is called
            turn.ring()

    def _sleep(self, until: float | None) -> bool:
        turn = self._turn
        if turn is None:
            return super()._sleep(until)
        turn.holder = None
        turn.ring()
        try:
            return super()._sleep(until)
        finally:
            turn.regain()


class Ring:
    """Stands for the bell of a handler that waits for another worker, whose query it runs itself.

    To wake the handler is to cancel that query.
    """

    __slots__ = ("_reply",)

    def __init__(self, reply: Reply[Any]) -> None:
        """Stand for the wait for that reply."""
        self._reply = reply

    def ring(self) -> None:
        """Wake it."""
        self._reply.cancel()


def answer_here(cell: Cell, turn: Turn, message: Reply[Any]) -> bool:
    """Answer a query on this thread, which has the turn; False if this thread cannot do that.

    What ends the incarnation is left to the worker's own thread, as the first thing that it does.

    Raises:
        BaseException: A signal's handler raised it meanwhile, as Ctrl-C's does. The query is
            cancelled.
    """
    worker = turn.worker
    caller: Any = current.get()
    if caller is not None and caller._done:
        return False
    turn.moved = True
    try:
        if turn.move is not None:
            turn.move()
    except WrongThread:  # its stack is too small
        return False
    if message._deadline is not None:
        cell.watch.arm(message._deadline)
    worker._thread_id = get_ident()
    waits = caller is not None and caller._addressee.about_to_wait(message, Ring(message))
    leave = None
    worker._lent = True
    try:
        answer.answer(worker, cell, worker._runtime, message)
    except Leave as error:
        leave = error
    except BaseException as error:  # a signal's, in the handler or between two lines of `answer`
        leave = interrupted(cell, worker, message, error)
        raise
    finally:
        worker._lent = False
        if waits:
            caller._addressee.waited()
        if leave is not None and leave.kind != "abandoned":
            cell.mailbox.control_first(lambda: end(cell, worker, leave))
    return True


def interrupted(
    cell: Cell, worker: Worker[Any, Any], message: Reply[Any], error: BaseException
) -> Leave | None:
    """Cancel a query whose run was cut off; return how the incarnation ends, if it does."""
    with cell.lock:  # whoever borrows it for a moment has it back
        if cell.worker is not worker:
            return None
        worker._running.clear()
    message.cancel()
    sound = worker._runtime is None or getattr(worker._runtime, "usable", True)
    return None if sound else Leave("broken", error)


def end(cell: Cell, worker: Worker[Any, Any], leave: Leave) -> None:
    """Called on the worker's own thread, before the next query."""
    if cell.worker is worker:
        raise leave
