"""The mailbox of a worker: one design for everything that it must do."""

from __future__ import annotations

import threading
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors._bell import Bell
from actors._mailboxes.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._lives.cell import Cell
    from actors._mailboxes.backlog import Backlog
    from actors._mailboxes.lanes import Flow
    from actors._replies.reply import Reply
    from actors.mailbox import MailboxOptions


class Mailbox(Store):
    """What is queued at one worker, with a control lane that overtakes; one reader at a time.

    It outlives its readers: a worker that is restarted goes on where the last one stood. Any thread
    may put; only the thread that called `attach` last may take.

    A reader that finds nothing hangs up its bell where senders see it, looks once more, and waits
    for the bell; a sender that takes the bell down rings it. Put and take of a plain
    query cost some 0.1 µs each that way, where ``queue.Queue`` costs 2, and unlike
    ``queue.SimpleQueue`` it can be looked through.

    The mailbox of a pool's worker has an `upstream`, the pool's backlog, from which its reader
    takes when nothing is queued at the worker itself. Once closed, its reader leaves when its own
    queries are done, or, if the backlog is closed as well, when all are.

    Attributes:
        borrowed: The query that was taken from upstream, until the next one is waited for.
    """

    __slots__ = (
        "_account",
        "_bell",
        "_chosen",
        "_control",
        "_owner",
        "_reader",
        "_upstream",
        "borrowed",
    )

    def __init__(
        self,
        options: MailboxOptions | None = None,
        upstream: Backlog | None = None,
        owner: Cell | None = None,
    ) -> None:
        """Make an open, empty mailbox; `owner` answers what is taken from upstream."""
        super().__init__(options)
        self._sleepers: list[Bell] = []
        self._control: list[Callable[[], None]] = []
        self._bell = Bell()
        self._upstream = upstream
        self._owner = owner
        self._reader: threading.Thread | None = None  # the thread that may take
        self._chosen = False  # whether a sender to the backlog woke this reader of all
        self._account: tuple[Store, Flow | None, float, float] | None = None  # of what runs
        self.borrowed: Reply[Any] | None = None

    # -- any thread -------------------------------------------------------------------------------

    def control(self, call: Callable[[], None]) -> None:
        """Run `call` on the reader's thread before the next query, whatever is queued."""
        self._control.append(call)
        self._attention = True
        self._ring()

    def control_first(self, call: Callable[[], None]) -> None:
        """Do so before everything else on the control lane."""
        self._control.insert(0, call)
        self._attention = True
        self._ring()

    def _ring(self, *, hand_over: bool = False) -> None:
        try:
            bell = self._sleepers.pop()
            if hand_over:
                bell.hand_over()
            else:
                bell.ring()
        except IndexError:  # nobody sleeps
            return
        except BaseException:  # a signal's: perhaps the bell is down and not rung, and nobody would
            self._bell.ring_again()
            raise

    # -- the reader's thread ----------------------------------------------------------------------

    def attach(self) -> None:
        """Become the reader: called first by each new thread of the worker."""
        self.settle_account()
        self._reader = threading.current_thread()
        # A bell that the last reader left behind would swallow a ring, so the new one brings its
        # own. If the last one still lives (it was given up), it wakes, and sees that it is none.
        self._ring()
        self._sleepers.clear()
        if self._control:  # what the last one left when it was ended by a call before these
            self._attention = True
        self._bell = Bell()

    def is_read_here(self) -> bool:
        """Return whether this very thread is the reader."""
        reader = self._reader  # its number alone would be that of another thread after its end
        return reader is not None and reader.ident == get_ident() and reader.is_alive()

    def would_wait(self) -> bool:
        """Return whether the reader would sleep if it took now: there is nothing for it to do."""
        upstream = self._upstream
        if self._work or self._attention:
            return False
        return upstream is None or not (upstream._work or upstream._careful)

    def settle_account(self) -> None:
        """Charge the run of the query that was taken last, if runs are measured.

        The next `take` or `attach` does it; an incarnation's end may, so that what comes before the
        next one is not charged.
        """
        account, self._account = self._account, None
        if account is not None:
            store, flow, estimate, since = account
            store.charge(flow, estimate, monotonic() - since)

    def take(self, timeout: float | None = None) -> Reply[Any] | None:
        """Wait for the next query; return None when the reader shall leave.

        Raises:
            TimeoutError: If nothing came within `timeout` seconds.
        """
        work = self._work
        until = None if timeout is None else monotonic() + timeout
        while True:
            if self._attention:
                if not self._attend():
                    return None  # `_attend` has passed on what it had to
                if self._careful and (message := self._take_with_care(self)) is not None:
                    if self._chosen:
                        self._pass_on()
                    return message
            while work:
                try:
                    first = work[0]
                    message = work.popleft()
                except IndexError:  # removed in this very moment
                    break
                except BaseException:  # this thread is to die, and nobody else would have it
                    work.appendleft(first)
                    raise
                if self._attention or self._chosen:
                    self._took_own()
                return message
            if self._upstream is not None and (message := self._borrow()) is not None:
                return message
            if self._reader is not threading.current_thread():
                return None  # it was given up while it was late
            if not self._sleep(until):
                raise TimeoutError

    def _attend(self) -> bool:
        """Do what is not just to take a query; return whether to go on."""
        if self._account is not None:
            self.settle_account()
        # First cleared, and then looked at what it stands for, so that nothing is missed.
        self._attention = False
        if self._closed or self._careful or self._is_awaited():
            self._attention = True
        if self._chosen:  # it may leave, or have something else to do
            self._pass_on()
        while self._control and not self._stopped:
            try:
                call = self._control.pop(0)
            except IndexError:
                break
            call()
        return not self._stopped and (not self._closed or self._has_more())

    def _has_more(self) -> bool:
        """Return whether a closed mailbox still has something for its reader."""
        upstream = self._upstream
        return len(self) > 0 or (upstream is not None and upstream.closed and len(upstream) > 0)

    def _took_own(self) -> None:
        """After a query of one's own was taken: tell those who wait for that, or for us."""
        if self._is_awaited():
            self._made_room()
        if self._chosen:
            self._pass_on()

    def _take_with_care(self, store: Store) -> Reply[Any] | None:
        """Take a query whose run is to be measured."""
        picked = store._pick()
        if picked is None:
            return None
        message, flow, estimate = picked
        self._account = (store, flow, estimate, monotonic())
        self._attention = True  # so that `take` settles the account
        return message

    # -- upstream ---------------------------------------------------------------------------------

    def _borrow(self) -> Reply[Any] | None:
        """Take a query from upstream, and become the one who answers it."""
        upstream, owner = self._upstream, self._owner
        if upstream is None:
            return None
        if self._closed and not upstream.closed:
            if self._chosen:
                self._pass_on()
            return None
        message = self._take_with_care(upstream) if upstream._careful else upstream.fetch()
        if message is None:
            return None
        self._chosen = False
        self.borrowed = message
        if owner is not None:
            message._addressee = owner
            deadline = message._deadline
            if deadline is not None and deadline < owner.watch.at:
                owner.watch.arm(deadline)
        return message

    def _pass_on(self) -> None:
        """Let another reader look upstream, since this one was chosen but does something else."""
        self._chosen = False
        upstream = self._upstream
        if upstream is not None and len(upstream):
            upstream._ring()

    # -- sleep ------------------------------------------------------------------------------------

    def _sleep(self, until: float | None) -> bool:
        """Wait until something may have come; return False if `until` has passed."""
        bell, upstream = self._bell, self._upstream
        self._sleepers.append(bell)
        if upstream is not None:
            self._chosen = False  # there was nothing
            self.borrowed = None
            upstream.idle.append(self)  # not before the bell hangs: who is chosen must hear it
        # Looked at after the bell was hung up.
        try:
            if until is None and self.would_wait():
                bell.wait()
                came = True
            else:
                came = self._sleep_with_care(bell, until)
        except BaseException:  # this thread is to die: if it was chosen, another must be
            self._wake_up()
            self._pass_on()
            raise
        return self._wake_up() or came

    def _wake_up(self) -> bool:
        """Stand in the backlog no more; return whether a sender there has chosen this reader."""
        upstream = self._upstream
        if upstream is None:
            return False
        try:
            upstream.idle.remove(self)
        except ValueError:
            self._chosen = True
        return self._chosen

    def _sleep_with_care(self, bell: Bell, until: float | None) -> bool:
        if not self._something_came():
            if until is None:
                return bell.wait()
            if bell.wait(until - monotonic()):
                return True
            came = False
        else:
            came = True
        try:
            self._sleepers.remove(bell)
        except ValueError:  # somebody rings it just now
            bell.wait()
            came = True
        return came

    def _something_came(self) -> bool:
        if self._work or self._control or self._closed:
            return True
        if self._lanes is not None and self._lanes.queued:
            return True
        return self._upstream is not None and len(self._upstream) > 0
