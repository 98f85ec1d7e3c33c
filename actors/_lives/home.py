"""Where a worker's incarnations live, one after the other: how they move in and out."""

from __future__ import annotations

import threading
from math import inf
from typing import TYPE_CHECKING, Any

from actors import _trace
from actors._latch import Latch
from actors._lives.address import Address
from actors._lives.keeping import Keeper
from actors._lives.life import Leave
from actors._timers import Timer, timers
from actors.errors import CheckpointError

if TYPE_CHECKING:
    from actors._bell import Bell
    from actors._lives.health import Health
    from actors._lives.owned import Owned
    from actors._lives.watch import Watch
    from actors._mailboxes.mailbox import Mailbox
    from actors._replies.reply import Reply
    from actors._trees.guardian import ExitKind, Guardian
    from actors.checkpoints import Checkpoint
    from actors.query import Query
    from actors.supervision import Supervision
    from actors.watching import Watchers
    from actors.worker import Worker

LOOK_AT_MEMORY = 16
"""After how many queries a worker looks again whether its runtime has grown too big."""


class Home(Address):
    """What stays of a worker while its incarnations come and go.

    An *incarnation* is one `Worker` object with its runtime, on its thread. Most often the next one
    is launched when the last one has ended. An *heir* starts while the other still works, and takes
    over between two queries (`renew`).

    The query that runs is held in `running`, a list of at most one. To take it out is to have the
    right to end the run: the worker's thread does so when the handler is back, a stop borrows it
    for a moment (so that it cannot hit the next query), and `abandon` keeps it, after which the old
    thread finds nothing, and knows that it may touch neither mailbox nor reply.
    """

    __slots__ = (
        "_age_timer", "_heir_at", "_moved_in", "_turn", "abandoned", "answered", "generation",
        "guardian", "halting", "health", "heir", "keeper", "kept", "leaving", "lock", "options",
        "owned", "policy", "renew_at", "running", "settled_start", "start_timer", "thread",
        "timed_start", "up", "waits_for", "watchers", "worker",
    )  # fmt: skip

    mailbox: Mailbox
    watch: Watch
    watchers: Watchers
    health: Health

    def __init__(
        self,
        worker_class: type[Worker[Any, Any]],
        options: Any,
        policy: Supervision,
        guardian: Guardian,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Make a home that nobody lives in yet."""
        super().__init__(worker_class)
        self.options = options
        self.policy = policy
        self.guardian = guardian
        self.kept: dict[str, Any] = {}
        self.up = False  # whether an incarnation takes queries
        self.generation = 0
        self.worker: Worker[Any, Any] | None = None
        self.heir: Worker[Any, Any] | None = None
        self.thread: threading.Thread | None = None
        self.leaving: list[threading.Thread] = []  # of incarnations that close what they have
        self.owned: list[Owned] = []  # of incarnations that have not closed all of it
        self.abandoned: list[threading.Thread] = []
        self.settled_start = Latch()  # ready for the first time, or stopped
        self.finished = Latch()
        self.running: list[Reply[Any]] = []
        self.answered = 0
        self.keeper = Keeper(self, checkpoint)
        self.renew_at: float = inf  # when `answered` gets there, `look_at_age` is called
        self.waits_for: tuple[Reply[Any], Bell] | None = None
        self.lock = threading.RLock()  # reentrant: a finaliser may come in at any line
        self.start_timer: Timer | None = None
        self.timed_start = False
        self.halting = False  # whether the incarnation is to end, for the next to be launched
        self._turn = Latch()  # the heir's
        self._age_timer: Timer | None = None
        self._heir_at: float = inf  # when `answered` gets there, it may be time for an heir
        self._moved_in = 0

    def exited(
        self, worker: Worker[Any, Any] | None, kind: ExitKind, error: BaseException | None
    ) -> None:
        """Called when an incarnation has ended (None: it was given up)."""
        raise NotImplementedError

    def incarnation(self) -> Worker[Any, Any]:
        """Make one that does not live yet."""
        raise NotImplementedError

    def came_up(self, generation: int) -> None:
        """Called by an incarnation that takes queries from now on."""
        raise NotImplementedError

    def setup(self) -> tuple[Query[Any], ...]:
        """Return the queries that a new incarnation runs before it is ready."""
        raise NotImplementedError

    # -- moving in --------------------------------------------------------------------------------

    def launch(self) -> None:
        """Let a new incarnation move in, on a new thread, if there is none. See `Child`."""
        try:
            worker = self.incarnation()
            with self.lock:
                if self.worker is None and not self.finished.is_set():
                    self._move_in(worker)
                    worker._start_actor_loop()
                    self.thread = worker._thread
        except Exception as error:  # a constructor that takes something else, or no more threads
            self.exited(self.worker, "not_started", error)

    def succeed(self, old: Worker[Any, Any]) -> Worker[Any, Any] | None:
        """Let a new incarnation move in on the thread of the old one, which is still sound."""
        worker = self.incarnation()
        worker._thread = old._thread
        worker._thread_id = old._thread_id
        with self.lock:
            if self.worker is not old:
                return None
            self._drop_heir()
            self._move_in(worker)
        return worker

    def _move_in(self, worker: Worker[Any, Any]) -> None:
        self.worker = worker
        self.running = worker._running
        self.waits_for = None
        self.up = False
        self._limit_start(worker)

    def _limit_start(self, worker: Worker[Any, Any]) -> None:
        timeout = self.policy.start_timeout
        # The first time somebody waits for it, and keeps the time, unless it is part of a tree.
        if timeout is None or (self.generation == 0 and not self.timed_start):
            self._limit(None)
        else:
            self._limit(timers.call_later(timeout, lambda: self.start_overdue(worker)))

    def _limit(self, timer: Timer | None) -> None:
        """Have this timer for the start or the end of an incarnation, and no other any more."""
        old, self.start_timer = self.start_timer, timer
        if old is not None:
            old.cancel()

    def ready(self, worker: Worker[Any, Any]) -> bool:
        """Called by an incarnation that can take queries; False if it was given up meanwhile.

        An heir waits here until it is its turn.
        """
        with self.lock:
            inherits, old = self.heir is worker, self.worker
            if inherits or old is worker:
                self._limit(None)
        if inherits:
            self.mailbox.control(lambda: self._make_way(old, worker))
            self._turn.wait()
        with self.lock:
            if self.worker is not worker:
                return False
            if self.halting:
                self.keeper.spare()
                return False
            self.mailbox.attach()
            self.generation = generation = self.generation + 1
            self.keeper.begin(worker)
            self.up = True
        self._begin_to_age()
        self.health.begin(worker)
        self.came_up(generation)  # before anybody can send what kills it: reports keep their order
        worker._resumed = None  # it is big, and there will be newer ones
        self.settled_start.set()
        return True

    def runs_here(self) -> bool:
        """Whether this is the worker's thread, or one that answers in its place."""
        worker = self.worker
        own = worker is not None and worker._thread is threading.current_thread()
        return own or self.mailbox.is_read_here()

    # -- make before break -------------------------------------------------------------------------

    def renew(self) -> bool:
        """Start an heir, which takes over when it is ready; False if now is not the time.

        Nothing waits meanwhile but for the moment between two queries in which the mailbox changes
        hands. An heir that does not get ready is dropped, and the old incarnation goes on. Any
        thread.

        A worker that resumes has no heir: whatever ran while that one starts would be lost. It is
        renewed where it is, from a checkpoint that is taken for it.
        """
        with self.lock:
            if self.heir is not None or not self.up or self.mailbox.closed or self.halting:
                return False
            self._heir_at = inf
            self.look_again()
            if self.keeper.resumes:
                old = self.worker
                self.mailbox.control(lambda: self._renew_in_place(old))
                return True
            self.heir = heir = self.incarnation()
            self._turn = Latch()
            try:
                heir._start_actor_loop()
            except RuntimeError:  # no more threads
                self._drop_heir()
                return False
            self._limit_start(heir)
        return True

    def _renew_in_place(self, old: Worker[Any, Any] | None) -> None:
        """Called on the mailbox's reader's thread, between two queries."""
        if self.worker is not old or self.halting or self.mailbox.closed:
            return
        try:
            self.keeper.take("renewal")
        except CheckpointError:  # which the trace tells
            self._begin_to_age()
        else:
            raise Leave("renewed")

    def _make_way(self, old: Worker[Any, Any] | None, heir: Worker[Any, Any]) -> None:
        """Called on the mailbox's reader's thread, between two queries."""
        if self.worker is old and self.heir is heir:
            raise Leave("renewed")

    def hand_over(self, old: Worker[Any, Any]) -> None:
        """Let the heir move in, now that the other has left its loop, and goes on to close."""
        with self.lock:
            heir = self.heir
            if heir is None or self.worker is not old:
                return
            self.heir = None
            self._age_no_more()
            if self.thread is not None:
                self.leaving = [*filter(threading.Thread.is_alive, self.leaving), self.thread]
            self._move_in(heir)
            self.thread = heir._thread
            self._limit(None)  # it is ready
        _trace.worker_renewed(self, None)
        self.watchers.lost("renewed", None)
        self._turn.set()

    def _drop_heir(self) -> None:
        heir, self.heir = self.heir, None
        if heir is None:
            return
        heir._given_up()
        if heir._thread is not None:
            self.leaving = [*filter(threading.Thread.is_alive, self.leaving), heir._thread]
        self._begin_to_age()
        self._turn.set()

    def _begin_to_age(self) -> None:
        policy = self.policy
        self._age_no_more()
        self._moved_in = self.answered
        if policy.renew_after_queries is not None:
            self._heir_at = self.answered + policy.renew_after_queries
        if policy.renew_above_bytes is not None:
            self._heir_at = min(self._heir_at, self.answered + LOOK_AT_MEMORY)
        if policy.renew_after is not None:
            self._age_timer = timers.call_later(policy.renew_after, self._is_old)
        self.look_again()

    def _age_no_more(self) -> None:
        timer, self._age_timer = self._age_timer, None
        self._heir_at = inf
        self.look_again()
        if timer is not None:
            timer.cancel()

    def look_again(self) -> None:
        """Have `look_at_age` called when there is next something to see."""
        with self.lock:
            self.renew_at = min(self._heir_at, self.keeper.at)

    def _is_old(self) -> None:
        self.renew()

    def look_at_age(self, runtime: Any) -> None:
        """See whether it is time for a checkpoint, or an heir. Its thread, between two queries.

        Who answered in its place does not wait for that: its own thread does it before it takes the
        next query.
        """
        worker = self.worker
        if worker is not None and worker._lent:
            self.renew_at = inf
            self.mailbox.control(lambda: self._look_itself(worker))
            return
        if self.answered >= self.keeper.at:
            self.keeper.look()
        if self.answered >= self._heir_at:
            self._look_for_heir(runtime)
        self.look_again()

    def _look_itself(self, worker: Worker[Any, Any]) -> None:
        if self.worker is worker:
            self.look_at_age(worker._runtime)

    def _look_for_heir(self, runtime: Any) -> None:
        policy = self.policy
        queries, most = policy.renew_after_queries, policy.renew_above_bytes
        if queries is not None and self.answered - self._moved_in >= queries:
            self.renew()
            return
        self._heir_at = inf if queries is None else self._moved_in + queries
        used = getattr(runtime, "memory_used", None)
        if most is not None and used is not None:
            if used > most:
                self.renew()
                return
            self._heir_at = min(self._heir_at, self.answered + LOOK_AT_MEMORY)

    # -- given up ----------------------------------------------------------------------------------

    def start_overdue(self, worker: Worker[Any, Any] | None) -> None:
        """Give up an incarnation that is not ready in time."""
        seconds = self.policy.start_timeout
        error = TimeoutError(f"no start within {seconds:g} s")
        with self.lock:
            late_heir = worker is not None and worker is self.heir
            if late_heir:
                self._limit(None)
                self._drop_heir()
            elif worker is None or self.worker is not worker or self.up:
                return
            else:
                self._limit(None)
                self._give_up_thread()
        if late_heir:
            _trace.worker_renewed(self, error)
            return
        _trace.worker_abandoned(self)
        self.exited(None, "not_started", error)

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
        worker, self.worker = self.worker, None
        self.running = []
        self.up = False
        self._drop_heir()
        self._age_no_more()
        self.abandoned = [thread for thread in self.abandoned if thread.is_alive()]
        if self.thread is not None:
            self.abandoned.append(self.thread)
        self.thread = None
        if worker is not None:
            worker._given_up()

    def give_up(self, worker: Worker[Any, Any], error: BaseException) -> None:
        """Give up an incarnation that runs nothing, and hangs all the same."""
        with self.lock:
            if self.worker is not worker or self.running:
                return
            self._limit(None)
            self._give_up_thread()
        _trace.worker_abandoned(self)
        self.exited(None, "abandoned", error)

    def threads(self) -> list[threading.Thread]:
        """Return the threads of all that have not been given up."""
        return [*self.leaving, *([] if self.thread is None else [self.thread])]
