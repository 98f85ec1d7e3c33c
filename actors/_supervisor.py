"""Supervisors: actors that restart workers, and give up when there is no point."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors import _trace
from actors._actor import ContainedActor
from actors._fresh import fresh
from actors._threads import report_unraisable
from actors._timers import Timer, timers
from actors.errors import RestartLimitExceeded, WorkerStartError
from actors.supervision import RestartBudget, Supervision
from runtimes.errors import TimeoutExceeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._cell import Cell
    from actors._guardian import ExitKind
    from actors._reply import Reply
    from actors.worker import Worker


@dataclass(frozen=True, slots=True)
class Exited:
    """An incarnation has ended without having been told to."""

    cell: Cell
    kind: ExitKind
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """An incarnation does not come back from a query."""

    cell: Cell
    worker: Worker[Any, Any]
    reply: Reply[Any]


@dataclass(frozen=True, slots=True)
class Restart:
    """The pause before a restart is over."""

    cell: Cell


@dataclass(frozen=True, slots=True)
class Finished:
    """A cell is stopped for good."""

    cell: Cell


class Group:
    """Workers that stand and fall together, with one budget of restarts.

    What a cell reports comes in on any thread and is passed on to the supervisor's; the rest runs
    there. Nothing here waits for a worker.
    """

    def __init__(
        self,
        policy: Supervision,
        tell: Callable[[object], None],
        *,
        clock: Callable[[], float] = monotonic,
        call_later: Callable[[float, Callable[[], None]], Timer] = timers.call_later,
    ) -> None:
        """Make a group without members; `clock` and `call_later` are for tests."""
        self.policy = policy
        self.cells: list[Cell] = []
        self._tell = tell
        self._clock = clock
        self._call_later = call_later
        self._budget = RestartBudget(policy)
        self._pauses: dict[int, Timer] = {}
        self._failed_starts: dict[int, int] = {}
        self.error: BaseException | None = None

    # -- any thread -----------------------------------------------------------------------------

    def on_ready(self, cell: Cell) -> None:
        """See `Guardian`."""
        self._failed_starts.pop(cell.id, None)

    def on_exit(self, cell: Cell, kind: ExitKind, error: BaseException | None) -> None:
        """See `Guardian`."""
        self._tell(Exited(cell, kind, error))

    def on_stuck(self, cell: Cell, worker: Worker[Any, Any], reply: Reply[Any]) -> None:
        """See `Guardian`."""
        self._tell(Stuck(cell, worker, reply))

    def on_finished(self, cell: Cell) -> None:
        """See `Guardian`."""
        self._tell(Finished(cell))

    def close(self, error: BaseException) -> None:
        """Close all members because of `error`."""
        if self.error is None:
            self.error = error
        for cell in reversed(self.cells):
            cell.fail(error)

    # -- the supervisor's thread ------------------------------------------------------------------

    def handle(self, message: Exited | Stuck | Restart | Finished) -> None:
        """Do what a report asks for."""
        cell = message.cell
        match message:
            case Exited(kind="not_started", error=error):
                self._start_failed(cell, error)
            case Exited(kind=kind, error=error):
                self._fell_over(cell, kind, error)
            case Stuck(worker=worker, reply=reply):
                self._give_up(cell, worker, reply)
            case Restart():
                self._pauses.pop(cell.id, None)
                cell.launch()
            case Finished():
                self._end_pause(cell)

    def _fell_over(self, cell: Cell, kind: ExitKind, error: BaseException | None) -> None:
        policy = self.policy
        if not self._budget.spend(self._clock()):
            text = f"more than {policy.intensity} restarts within {policy.period:g} s"
            limit = RestartLimitExceeded(
                f"{text}; the last was worker {cell.name}: {error!r}",
                intensity=policy.intensity,
                period=policy.period,
            )
            limit.__cause__ = None if error is None else fresh(error, error.__traceback__)
            self.close(limit)
            return
        _trace.worker_restarted(cell, kind, error)
        self._relaunch(cell, self._budget.pause(self._budget.recent))

    def _start_failed(self, cell: Cell, error: BaseException | None) -> None:
        failures = self._failed_starts.get(cell.id, 0) + 1
        self._failed_starts[cell.id] = failures
        if failures >= self.policy.start_attempts:
            text = f"worker {cell.name} failed to restart {failures} times: {error!r}"
            failure = WorkerStartError(text, worker=cell.name)
            failure.__cause__ = error
            self.close(failure)
            return
        _trace.worker_restarted(cell, "not_started", error)
        self._relaunch(cell, self._budget.pause(failures + 1))

    def _give_up(self, cell: Cell, worker: Worker[Any, Any], reply: Reply[Any]) -> None:
        limit = worker.stuck_after
        if not cell.abandon(worker, reply):
            return
        text = f"the run in worker {cell.name} could not be stopped; its thread was given up"
        stuck = TimeoutExceeded(text, timeout=limit)
        stuck.runtime_usable = False
        reply._fail(stuck)
        _trace.query_left(cell, reply, "stuck")
        if cell.hard:
            cell.finish()
        elif len(cell.abandoned) > self.policy.max_abandoned:
            many = len(cell.abandoned)
            error = RestartLimitExceeded(
                f"{many} threads of worker {cell.name} are blocked and were given up",
                intensity=self.policy.max_abandoned,
                period=0.0,
            )
            self.close(error)
        else:
            _trace.worker_restarted(cell, "abandoned", stuck)
            cell.launch()

    def _relaunch(self, cell: Cell, pause: float) -> None:
        if pause <= 0:
            cell.launch()
        elif not cell.finished.is_set():
            restart = Restart(cell)
            self._pauses[cell.id] = self._call_later(pause, lambda: self._tell(restart))

    def _end_pause(self, cell: Cell) -> None:
        pause = self._pauses.pop(cell.id, None)
        if pause is not None:
            pause.cancel()


class Supervisor(ContainedActor):
    """The actor that restarts workers. It never waits for one, and leaves when its last one has."""

    big_stack = False

    def __init__(self, name: str) -> None:
        """Make one that supervises nothing yet."""
        super().__init__()
        self._name = name
        self._members: set[Cell] = set()
        self._leaving = False

    def _thread_name(self) -> str:
        return f"{self._name}-supervisor"

    def tell(self, message: object) -> None:
        """Pass it a report; never blocks. Any thread."""
        self.actor_inbox.put(message)  # type: ignore[arg-type]

    def group(self, policy: Supervision, make: Callable[[Group], list[Cell]]) -> Group | None:
        """Take in a new group of cells; None if it is about to leave. Any thread."""
        with _lock:
            if self._leaving:
                return None
            group = Group(policy, self.tell)
            group.cells = make(group)
            self._members.update(group.cells)
            return group

    def _actor_loop(self) -> None:
        inbox: Any = self.actor_inbox
        while True:
            message = inbox.get()
            try:
                message.cell.guardian.handle(message)
            except Exception as error:
                report_unraisable(error)
                message.cell.guardian.close(error)
            if isinstance(message, Finished):
                with _lock:
                    self._members.discard(message.cell)
                    if not self._members:
                        self._leaving = True
                        return

    def join(self, timeout: float | None) -> bool:
        """Wait until its thread has ended."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout)
        return not thread.is_alive()


_lock = threading.RLock()
_shared: Supervisor | None = None


def guardian_for(make: Callable[[Group], Cell], policy: Supervision) -> Cell:
    """Put a lone worker under the supervisor that all lone workers share."""
    global _shared
    with _lock:
        for _ in range(2):
            if _shared is None:
                _shared = Supervisor("jsactors")
                _shared._start_actor_loop()
            group = _shared.group(policy, lambda group: [make(group)])
            if group is not None:
                return group.cells[0]
            _shared = None
    raise AssertionError("unreachable: a new supervisor is not leaving")


def after_fork() -> None:
    """Forget the supervisor: in the child of a fork its thread is gone."""
    global _shared, _lock
    _lock = threading.RLock()
    _shared = None
