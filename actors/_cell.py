"""What stays of a worker over all its restarts: the cell that its incarnations live in."""

from __future__ import annotations

import threading
from itertools import count
from math import inf
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors import _trace
from actors._fresh import fresh
from actors._generics import Plan, plan_for
from actors._lost import end_of, settle_lost, start_failure
from actors._mailbox import Mailbox
from actors._registry import remember
from actors._reply import Reply
from actors._timers import Timer, timers
from actors._waits import refuse_ring
from actors._watch import Watch
from actors.errors import AskCycle, WorkerStopped

if TYPE_CHECKING:
    from actors._guardian import ExitKind, Guardian, State
    from actors.query import Query
    from actors.supervision import Supervision
    from actors.worker import Worker

_next_number = count(1).__next__


class Cell:
    """One worker as its handles see it: a name, a mailbox, a generation, whoever lives here now.

    An *incarnation* is one `Worker` object with its runtime, on its thread. A new one moves in
    after every restart; queued queries and handles do not notice.

    The query that runs is held in `running`, a list of at most one. To take it out is to have the
    right to end the run: the worker's thread does so when the handler is back, `withdrawn` borrows
    it while it stops the run (so that the stop cannot hit the next query), and `abandon` keeps it,
    after which the old thread finds nothing, and knows that it may touch neither mailbox nor reply.
    """

    def __init__(
        self, worker_class: type[Worker[Any, Any]], options: Any, name: str | None,
        pool: str | None, policy: Supervision, guardian: Guardian,
    ) -> None:  # fmt: skip
        """Make a cell that nobody lives in yet."""
        number = _next_number()
        self.id = number
        self.worker_class = worker_class
        self.options = options
        self.name = name if name is not None else f"{worker_class.__name__}-{number}"
        self.pool = pool
        self.policy = policy
        self.guardian = guardian
        self.mailbox = Mailbox(policy.mailbox_capacity)
        self.kept: dict[str, Any] = {}
        self.up = False  # whether an incarnation takes queries
        self.generation = 0
        self.worker: Worker[Any, Any] | None = None
        self.thread: threading.Thread | None = None
        self.abandoned: list[threading.Thread] = []
        self.settled_start = threading.Event()  # ready for the first time, or stopped
        self.finished = threading.Event()
        self.failure: BaseException | None = None
        self.running: list[Reply[Any]] = []
        self.run_started = 0.0
        self.watch = Watch(self)
        self.waits_for: tuple[Reply[Any], threading.Lock] | None = None
        self.lock = threading.RLock()  # reentrant: a finaliser may come in at any line
        self.start_timer: Timer | None = None
        self.drain_timer: Timer | None = None
        self._stop_until = inf
        self.hard = False  # whether it was told to stop at once
        self.closed_by: BaseException | None = None
        self._accepted: dict[type, Plan] = {}
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

    def takes_queries(self) -> bool:
        """Whether one that is sent now need not wait for a restart."""
        return self.up and not self.mailbox.closed

    # -- queries come in ------------------------------------------------------------------------

    def post(
        self,
        query: Query[Any],
        timeout: float | None,
        inherit: float | None = None,
        kind: type[Reply[Any]] = Reply,
    ) -> Reply[Any]:
        """Queue a query on the sender's thread, with a deadline in `timeout` seconds.

        Args:
            query: What to ask.
            timeout: Seconds for queue and run together.
            inherit: A deadline that it must not outlive either.
            kind: What sort of reply to make.
        """
        plan = self._accepted.get(type(query))
        if plan is None:
            plan = self._accepted[type(query)] = plan_for(self.worker_class, query)
        if plan is not True:
            query = plan(query)
        now = monotonic()
        deadline = inherit
        if timeout is not None and (inherit is None or now + timeout < inherit):
            deadline = now + timeout
        reply = kind(query, self, now, deadline)
        if not self.mailbox.put(reply):
            raise self.closed_error()
        if deadline is not None and deadline < self.watch.at:
            self.watch.arm(deadline)
        return reply

    # -- replies that were settled from outside ---------------------------------------------------

    def withdrawn(self, reply: Reply[Any]) -> None:
        """Remove the query, or stop its run: its reply was settled from outside."""
        if self.mailbox.remove(reply):
            _trace.query_left(self, reply, _trace.outcome_of(reply._error))
        elif self.running[:1] == [reply]:
            self.watch.stop(reply)

    # -- handlers that wait for other workers ------------------------------------------------------

    def about_to_wait(self, other: Reply[Any], bell: threading.Lock) -> bool:
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

    # -- incarnations come and go ------------------------------------------------------------------

    def launch(self) -> None:
        """Let a new incarnation move in, on a new thread."""
        try:
            worker = self.worker_class(self)
            with self.lock:
                if not self.finished.is_set():
                    self._move_in(worker)
                    worker._start_actor_loop()
                    self.thread = worker._thread
        except Exception as error:  # a constructor that takes something else, or no more threads
            self.exited(self.worker, "not_started", error)

    def succeed(self, old: Worker[Any, Any]) -> Worker[Any, Any] | None:
        """Let a new incarnation move in on the thread of the old one, which is still sound."""
        worker = self.worker_class(self)
        worker._thread = old._thread
        worker._thread_id = old._thread_id
        with self.lock:
            if self.worker is not old:
                return None
            self._move_in(worker)
        return worker

    def _move_in(self, worker: Worker[Any, Any]) -> None:
        self.worker = worker
        self.running = worker._running
        self.waits_for = None
        self.up = False
        timeout = self.policy.start_timeout
        if timeout is not None and self.generation > 0:  # the first time somebody waits for it
            self.start_timer = timers.call_later(timeout, lambda: self.start_overdue(worker))

    def ready(self, worker: Worker[Any, Any]) -> bool:
        """Called by an incarnation that can take queries; False if it was given up meanwhile."""
        with self.lock:
            if self.worker is not worker:
                return False
            timer, self.start_timer = self.start_timer, None
            self.mailbox.attach()
            self.generation += 1
            generation = self.generation
            self.up = True
        if timer is not None:
            timer.cancel()
        self.settled_start.set()
        _trace.worker_ready(self, generation)
        self.guardian.on_ready(self)
        return True

    def start_overdue(self, worker: Worker[Any, Any] | None) -> None:
        """Give up an incarnation that is not ready in time."""
        with self.lock:
            if worker is None or self.worker is not worker or self.up:
                return
            self.start_timer = None
            self._give_up_thread()
        _trace.worker_abandoned(self)
        seconds = self.policy.start_timeout
        self.exited(None, "not_started", TimeoutError(f"no start within {seconds:g} s"))

    def abandon(self, worker: Worker[Any, Any], reply: Reply[Any]) -> bool:
        """Give up an incarnation that does not come back from a query; False if it just did.

        From then on its thread may touch neither the mailbox nor a reply.
        """
        with self.lock:
            if self.worker is not worker:
                return False
            try:
                held = self.running.pop()
            except IndexError:
                return False
            if held is not reply:  # it came back, and runs the next one
                self.running.append(held)
                return False
            self._give_up_thread()
        _trace.worker_abandoned(self)
        return True

    def _give_up_thread(self) -> None:
        self.worker = None
        self.running = []
        self.up = False
        self.abandoned = [thread for thread in self.abandoned if thread.is_alive()]
        if self.thread is not None:
            self.abandoned.append(self.thread)
        self.thread = None

    def exited(
        self, worker: Worker[Any, Any] | None, kind: ExitKind, error: BaseException | None
    ) -> None:
        """Called when an incarnation has ended (None: it was given up)."""
        with self.lock:
            if worker is not None:
                if self.worker is not worker:
                    return  # it was given up: whatever it says concerns nobody
                self.worker = None
                self.up = False
            timer, self.start_timer = self.start_timer, None
            lost = self.running[:]
            self.running = []
        if timer is not None:
            timer.cancel()
        for reply in lost:  # the thread died so suddenly that it could not say so itself
            settle_lost(self, reply, error)
        if kind == "stopped" or self.hard or (self.mailbox.closed and not len(self.mailbox)):
            self.finish()
        elif self.generation == 0:
            self.fail(start_failure(self, error))
        else:
            self.guardian.on_exit(self, kind, error)

    # -- the end -----------------------------------------------------------------------------------

    def closed_error(self) -> BaseException:
        """Return what to raise for queries that come too late."""
        if self.closed_by is not None:
            return fresh(self.closed_by)
        return WorkerStopped(f"worker {self.name} was shut down", worker=self.name)

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
            nobody_left = self.worker is None and self.generation > 0
        if drain == 0:
            self.stop()
        elif nobody_left and not len(self.mailbox):
            self.finish()

    def stop(self) -> None:
        """Stop hard: refuse what is queued, stop what runs or give it up. Any thread."""
        self.hard = True
        self.mailbox.stop()
        with self.lock:
            refused = self._settle_queued()
        self._tell_refused(refused)
        for reply in self.running[:1]:
            self.refuse(reply, may_have_run=True)
            self.watch.stop(reply)
        with self.lock:
            worker = self.worker
            if worker is not None and not self.up:  # it may hang in its start
                grace = self.policy.stuck_grace
                timer, self.start_timer = self.start_timer, None
                if timer is not None:
                    timer.cancel()
                self.start_timer = timers.call_later(grace, lambda: self._start_hangs(worker))
        if worker is None:
            self.finish()

    def _start_hangs(self, worker: Worker[Any, Any]) -> None:
        with self.lock:
            if self.worker is not worker or self.up:
                return
            self.start_timer = None
            self._give_up_thread()
        _trace.worker_abandoned(self)
        self.finish()

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
            self.mailbox.stop()
            pending = (self.start_timer, self.drain_timer)
            self.start_timer = self.drain_timer = None
            refused = self._settle_queued()
            self.finished.set()
        for timer in pending:
            if timer is not None:
                timer.cancel()
        self.watch.end()
        timers.release()
        self.settled_start.set()
        self._tell_refused(refused)
        _trace.worker_stopped(self)
        self.guardian.on_finished(self)

    def _settle_queued(self) -> list[Reply[Any]]:
        # Under the lock, and without foreign code: when `finished` is set, every reply is settled.
        refused = [reply for reply in self.mailbox.drain() if reply._claim()]
        for reply in refused:
            reply._close_quietly(end_of(self, may_have_run=False))
        return refused

    def _tell_refused(self, refused: list[Reply[Any]]) -> None:
        for reply in refused:
            reply._wake_waiters()
            _trace.query_left(self, reply, "stopped")

    def refuse(self, reply: Reply[Any], *, may_have_run: bool) -> None:
        """Settle a reply because the worker was stopped."""
        reply._fail(end_of(self, may_have_run=may_have_run))

    def join(self, timeout: float | None) -> bool:
        """Wait until it is stopped and its thread has ended; return whether that is so.

        Raises:
            AskCycle: If called by the worker itself.
        """
        until = None if timeout is None else monotonic() + timeout
        thread = self.thread
        if thread is threading.current_thread():
            text = f"worker {self.name} would wait for its own end"
            raise AskCycle(text, workers=(self.name,))
        if not self.finished.wait(timeout):
            return False
        thread = self.thread
        if thread is None:
            return True
        thread.join(None if until is None else max(0.0, until - monotonic()))
        return not thread.is_alive()
