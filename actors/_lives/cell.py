"""What stays of a worker over all its restarts: the cell that its handles point to."""

from __future__ import annotations

import threading
from itertools import count
from math import inf
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors import _trace
from actors._lives.health import Health
from actors._lives.home import Home
from actors._lives.lending import LendingMailbox
from actors._lives.life import Leave
from actors._lives.lost import end_of, settle_lost, start_failure
from actors._lives.owned import PATIENCE
from actors._lives.registry import remember
from actors._lives.waits import refuse_ring
from actors._lives.watch import Alarm, Watch
from actors._mailboxes.mailbox import Mailbox
from actors._threads import countdown, join_thread, wait_for
from actors._timers import Timer, timers
from actors.errors import AskCycle, WorkerStopped
from actors.stats import WorkerStats
from actors.watching import Watchers

if TYPE_CHECKING:
    from actors._bell import Bell
    from actors._pools.hub import Hub
    from actors._replies.reply import Reply
    from actors._trees.guardian import ExitKind, Guardian, RestartType, State
    from actors.checkpoints import Checkpoint
    from actors.mailbox import MailboxOptions
    from actors.query import Query
    from actors.supervision import Supervision
    from actors.worker import Worker

_next_number = count(1).__next__
END_PATIENCE = 5.0
"""Seconds beyond the grace in which an incarnation must have closed what it has, before its thread
is given up. Who is shut down gracefully may take as long as it was given."""


class Cell(Home):
    """One worker as its handles see it: a name, a mailbox, a generation, whoever lives here now.

    A new incarnation moves in after every restart; queued queries and handles do not notice. To
    its supervisor it is a `Child`, to the replies of its queries an `Addressee`.
    """

    __slots__ = (
        "_stop_until", "drain_timer", "failure", "hard", "hub", "id", "lends", "patience",
        "restart",
    )  # fmt: skip

    def __init__(
        self, worker_class: type[Worker[Any, Any]], options: Any, name: str | None,
        policy: Supervision, guardian: Guardian, mailbox: MailboxOptions | None = None,
        hub: Hub | None = None, checkpoint: Checkpoint | None = None,
    ) -> None:  # fmt: skip
        """Make a cell that nobody lives in yet, of a pool if there is a `hub`."""
        super().__init__(worker_class, options, policy, guardian, checkpoint)
        number = _next_number()
        self.id = number
        self.name = name if name is not None else f"{worker_class.__name__}-{number}"
        self.hub = hub
        self.pool = None if hub is None else hub.name
        queueing = worker_class.mailbox if mailbox is None else mailbox
        self.lends = queueing.caller_runs and hub is None
        self.mailbox = (LendingMailbox if self.lends else Mailbox)(
            queueing, upstream=None if hub is None else hub.mailbox, owner=self
        )
        self.watch = Watch(self)
        self.watchers = Watchers(self)
        self.health = Health(self)
        self.restart: RestartType = "permanent"
        self.patience: float | None = 30.0
        self.failure: BaseException | None = None
        self.drain_timer: Timer | None = None
        self._stop_until = inf
        self.hard = False  # whether it was told to stop at once
        remember(self)
        timers.hold()

    def __repr__(self) -> str:
        """Name it."""
        return f"<Cell {self.name} {self.state}>"

    @property
    def state(self) -> State:
        """How it stands, in a word."""
        if self.finished.is_set():
            return "stopped"
        if self.mailbox.closed:
            return "stopping"
        if self.up:
            return "ready"
        return "starting" if self.generation == 0 else "restarting"

    @property
    def vacant(self) -> bool:
        """See `Child`."""
        return self.worker is None

    def takes_queries(self) -> bool:
        """Whether one that is sent now need not wait for a restart."""
        return self.up and not self.mailbox.closed

    def is_idle(self) -> bool:
        """Whether one that is sent now could be run at once."""
        return self.up and not self.running and not len(self.mailbox) and not self.mailbox.closed

    def setup(self) -> tuple[Query[Any], ...]:
        """Return the queries that a new incarnation runs before it is ready."""
        return () if self.hub is None else self.hub.setup

    def stats(self) -> WorkerStats:
        """Return how it stands, in numbers."""
        running = monotonic() - self.run_started if self.running else None
        blocked = sum(thread.is_alive() for thread in self.abandoned)
        queued = len(self.mailbox)
        return WorkerStats(
            self.name, self.state, self.generation, queued, running, self.answered, blocked
        )

    # -- queries that go another way ---------------------------------------------------------------

    def withdrawn_running(self, reply: Reply[Any]) -> None:
        """Stop the run of a query whose reply was settled from outside."""
        if self.running[:1] == [reply]:
            self.watch.stop(reply)

    def run_again(self, reply: Reply[Any]) -> None:
        """Queue a query in front once more: at the pool, if it came from there."""
        hub = self.hub
        if hub is not None and self.mailbox.borrowed is reply and not hub.mailbox.stopped:
            reply._addressee = hub
            hub.mailbox.put_back(reply)
            watch: Alarm = hub.watch
        else:
            self.mailbox.put_back(reply)
            watch = self.watch
        if reply._deadline is not None:
            watch.arm(reply._deadline)

    def about_to_wait(self, other: Reply[Any], bell: Bell) -> bool:
        """See `Addressee`."""
        worker = self.worker
        if worker is None or worker._thread_id != get_ident():
            return False
        self.waits_for = (other, bell)
        try:
            refuse_ring(self, other)
        except AskCycle:
            self.waits_for = None
            raise
        return True

    def waited(self) -> None:
        """See `Addressee`."""
        worker = self.worker
        if worker is not None and worker._thread_id == get_ident():  # not one that was given up
            self.waits_for = None

    # -- incarnations begin and end ----------------------------------------------------------------

    def incarnation(self) -> Worker[Any, Any]:
        """Make one that does not live yet."""
        return self.worker_class(self)

    def came_up(self, generation: int) -> None:
        """Called by an incarnation that takes queries from now on."""
        _trace.worker_ready(self, generation)
        self.guardian.on_ready(self)

    def stuck(self, worker: Worker[Any, Any], reply: Reply[Any]) -> None:
        """Called when an incarnation does not come back from a query. Any thread."""
        if not self.halting:
            self.guardian.on_stuck(self, worker, reply)
        elif self.abandon(worker, reply):
            error = TimeoutError("it did not come back from its last query")
            self.settle_silent(reply, error)
            self.exited(None, "halted", error)

    def exited(
        self, worker: Worker[Any, Any] | None, kind: ExitKind, error: BaseException | None
    ) -> None:
        """Called when an incarnation has ended (None: it was given up, or there was none)."""
        with self.lock:
            failed_heir = worker is not None and self.heir is worker
            if failed_heir:
                self._drop_heir()
            elif worker is not None:
                if self.worker is not worker:
                    return  # it was given up: whatever it says concerns nobody
                self.worker = None
                self.up = False
        if failed_heir:
            _trace.worker_renewed(self, error)
            return
        with self.lock:
            self._drop_heir()
            self._age_no_more()
            self._limit(None)
            lost = self.running[:]
            self.running = []
            if self.halting:
                kind = "halted"
                self.halting, self.halt_at = False, inf
        self.mailbox.settle_account()
        for reply in lost:  # the thread died so suddenly that it could not say so itself
            self.settle_silent(reply, error)
        if kind == "stopped" or self.hard or self._nothing_is_left():
            self.finish()
        elif self.generation == 0 and kind != "halted":
            self.fail(start_failure(self, error))
        else:
            if kind != "not_started" and self.generation > 0:
                self.watchers.lost(kind, error)
            self.guardian.on_exit(self, kind, error)

    def settle_silent(self, reply: Reply[Any], error: BaseException | None) -> None:
        """Settle, or queue again, a query whose thread will say no more of it."""
        if not settle_lost(self, reply, error):
            _trace.query_left(self, reply, _trace.outcome_of(reply._error, "cancelled"))

    def halt(self, within: float | None) -> None:
        """End the incarnation, but keep what is queued for the next. See `Child`. Any thread.

        The guardian hears of an exit of the kind "halted".

        Args:
            within: Seconds that the running query may take; then it is stopped, and is lost.
        """
        at = inf if within is None else monotonic() + within
        with self.lock:
            if self.finished.is_set() or (self.halting and at >= self.halt_at):
                return
            self.halting = True
            self.halt_at = at
            self._drop_heir()
            worker = self.worker
            if worker is not None:
                self._expect(worker, at)
        if worker is None:
            self.exited(None, "halted", None)
            return
        self.mailbox.control(lambda: self._leave_halted(worker))
        for reply in self.running[:1] if within == 0 else ():
            self.watch.stop(reply)
        if at < inf:
            self.watch.arm(at)

    def _leave_halted(self, worker: Worker[Any, Any]) -> None:
        """Called on the mailbox's reader's thread, between two queries."""
        if self.halting and self.worker is worker:
            raise Leave("halted")

    # -- the end -----------------------------------------------------------------------------------

    def closed_error(self) -> BaseException:
        """Return what to raise for queries that come too late."""
        return self._late(WorkerStopped(f"worker {self.name} was shut down", worker=self.name))

    def shutdown(self, drain: float | None, reason: BaseException | None = None) -> None:
        """Accept no more; let run what is queued for `drain` seconds, then stop. Any thread."""
        now = monotonic()
        with self.lock:
            if self.finished.is_set():
                return
            if self.closed_by is None:
                self.closed_by = reason
            until = inf if drain is None else now + drain
            if until < self._stop_until:
                self._stop_until = until
                if self.drain_timer is not None:
                    self.drain_timer.cancel()
                if drain:
                    self.drain_timer = timers.call_at(until, self.stop)
            self.mailbox.close()
            nobody_lives_here = self.worker is None and self.generation > 0
        if drain == 0:
            self.stop()
        elif nobody_lives_here and self._nothing_is_left():
            self.finish()

    def _nothing_is_left(self) -> bool:
        """Whether no query came that it has yet to answer, and none will."""
        if not self.mailbox.closed or len(self.mailbox):
            return False
        return self.hub is None or not self.hub.mailbox.closed or not len(self.hub.mailbox)

    def stop(self) -> None:
        """Stop hard: refuse what is queued, stop what runs or give it up. Any thread."""
        self.hard = True
        self.mailbox.stop()
        self.refuse_queued()
        for reply in self.running[:1]:
            self.refuse(reply, may_have_run=True)
            self.watch.stop(reply)
        for owned in self.owned[:]:
            owned.hurry()
        with self.lock:
            worker = self.worker
            if worker is not None:
                self._expect(worker, monotonic())
        if worker is None:
            self.finish()

    def ends(self, worker: Worker[Any, Any], kind: ExitKind) -> None:
        """Called by an incarnation that has left its loop, and goes on to close what it has."""
        worker._ending = True
        with self.lock:
            if self.worker is not worker:
                return
            self.up = False
            if kind != "stopped" or self.hard:  # else it may take as long as it was given
                self._expect(worker, monotonic() + (PATIENCE if kind == "normal" else 0.0))

    def _expect(self, worker: Worker[Any, Any], at: float) -> None:
        """Have an incarnation that is not wanted any more given up if it hangs between queries."""
        if at == inf:
            self._limit(None)
            return
        at += self.policy.stuck_grace
        if self.up or worker._ending:
            at += END_PATIENCE
        self._limit(timers.call_at(at, lambda: self._hangs(worker)))

    def _hangs(self, worker: Worker[Any, Any]) -> None:
        """Give up an incarnation that hangs in its start, its loop or its end."""
        with self.lock:
            if self.worker is worker and self.running:  # that is for the watch to see to
                self._expect(worker, monotonic())
                return
        self.give_up(worker, TimeoutError("it hung, and its thread was given up"))

    def fail(self, error: BaseException) -> None:
        """Close for good because of `error`, which everybody gets who is or will be waiting."""
        self.failure = error
        self.closed_by = error
        self.shutdown(0)

    def finish(self) -> None:
        """Be stopped."""
        with self.lock:
            if self.finished.is_set():
                return
            self.up = False
            self.worker = None
            self._drop_heir()
            self._age_no_more()
            self.keeper.end()
            self.health.end()
            self.mailbox.stop()
            self._limit(None)
            drain_timer, self.drain_timer = self.drain_timer, None
            refused = self._settle_queued()  # before it is finished, so that nobody is left waiting
            self.finished.set()
        if drain_timer is not None:
            drain_timer.cancel()
        self.watch.end()
        timers.release()
        self.settled_start.set()
        self._tell_refused(refused)
        _trace.worker_stopped(self)
        self.watchers.ended(self.closed_by if self.failure is None else self.failure)
        self.guardian.on_finished(self)

    def refuse(self, reply: Reply[Any], *, may_have_run: bool) -> None:
        """Settle a reply because the worker was stopped."""
        reply._fail(end_of(self, may_have_run=may_have_run))

    def join(self, timeout: float | None) -> bool:
        """Wait until it is stopped and its threads have ended; return whether that is so.

        Raises:
            AskCycle: If called by the worker itself.
        """
        left = countdown(timeout)
        if threading.current_thread() in self.threads() or self.mailbox.is_read_here():
            text = f"worker {self.name} would wait for its own end"
            raise AskCycle(text, workers=(self.name,))
        if not wait_for(self.finished.wait, left()):
            return False
        for thread in self.threads():
            longest = left()
            if thread in self.leaving:  # its heir has taken over long ago: it may hang in its end
                longest = min(END_PATIENCE, END_PATIENCE if longest is None else longest)
            join_thread(thread, longest)
        return not any(thread.is_alive() for thread in self.threads())
