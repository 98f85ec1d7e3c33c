"""Supervisors: workers, pools and other supervisors that stand and fall by a strategy."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar

from actors import _process
from actors._closing import AsyncClosing
from actors._lives.custody import Custody
from actors._replies.fresh import fresh
from actors._threads import countdown, wait_for
from actors._trees import supervisor
from actors._trees.branch import make_pool, make_worker
from actors._trees.roster import Entry, Roster
from actors.errors import WorkerStopped
from actors.handle import WorkerHandle
from actors.pool import WorkerPool
from actors.specs import (
    ChildInfo,
    ChildSpec,
    PoolSpec,
    SupervisorSpec,
    WorkerSpec,
    check_strategy,
)
from actors.supervision import Supervision

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from actors._latch import Latch
    from actors._lives.cell import Cell
    from actors._trees.group import Group
    from actors._trees.guardian import State, Strategy
    from actors.pool import WorkerClass

Handle = TypeVar("Handle", bound=WorkerHandle[Any])

_next_number = count(1).__next__
_LOOK_AGAIN = 0.25
"""Seconds after which who waits for a child sees whether its supervisor is gone."""


class Supervisor(AsyncClosing):
    """Starts its children in order, restarts those that are lost, and stops them in reverse.

    ::

        tree = [
            WorkerSpec(Prices, name="prices"),
            PoolSpec(DefaultWorker, 4, name="scripts"),
            SupervisorSpec([...], name="reports", strategy="one_for_all"),
        ]
        with Supervisor(tree, strategy="rest_for_one") as supervisor:
            supervisor.pool("scripts", DefaultWorker).ask(...)

    A child is started when the one before it is ready. Restarts are in place: handles stay valid,
    and what is queued stays queued. When more are needed than `Supervision` allows, a supervisor
    below another halts its children and is restarted by that one, by the strategy of that one; the
    outermost closes, and everybody who waits gets `RestartLimitExceeded`.

    Thread-safe. As a context manager, synchronous or not, it closes at the end.
    """

    def __init__(
        self,
        children: Iterable[ChildSpec] = (),
        *,
        strategy: Strategy = "one_for_one",
        supervision: Supervision | None = None,
        name: str | None = None,
    ) -> None:
        """Start the children in order and wait until all are ready.

        Args:
            children: Their specs; more may come later, see `start_child`.
            strategy: Who is restarted when a child is lost. ``"one_for_one"``: only that child.
                ``"one_for_all"``: all children, which are halted in reverse order before.
                ``"rest_for_one"``: that child and those after it.
            supervision: What it puts up with.
            name: Its name in errors and traces, and the first part of its children's names.

        Raises:
            WorkerStartError: If one of them could not be started; then none is left running.
            ValueError: If two have the same name, or an argument makes no sense.
            TypeError: If a worker class is none, or needs options.
        """
        check_strategy(strategy)
        self.name = name if name is not None else f"supervisor-{_next_number()}"
        self._actor = supervisor.Supervisor(self.name)
        policy = supervision if supervision is not None else Supervision()
        group = self._actor.root(self.name, policy, strategy=strategy)
        assert group is not None, "a new supervisor is not leaving"
        self._custody = Custody(
            f"supervisor {self.name}",
            group,
            lambda: group.goal == "closed",
            lambda: group.shutdown(None),
        )
        _process.prepare()
        self._hold(group, children)
        self._actor._start_actor_loop()
        group.order(group.launch)
        try:
            self._wait(group.settled_start)
        except BaseException:
            self.close(0)
            raise
        if group.failure is not None and not group.up:
            self.join()
            raise fresh(group.failure)

    @classmethod
    async def start_async(
        cls,
        children: Iterable[ChildSpec] = (),
        *,
        strategy: Strategy = "one_for_one",
        supervision: Supervision | None = None,
        name: str | None = None,
    ) -> Self:
        """Start a tree without blocking the loop; the arguments are those of the class.

        If the task is cancelled, what was started is closed in the background.
        """
        from actors._replies.awaiting import start_async

        return await start_async(
            lambda: cls(children, strategy=strategy, supervision=supervision, name=name)
        )

    @classmethod
    def _below(cls, above: Supervisor, spec: SupervisorSpec) -> Self:
        """Make one below another, which will launch it."""
        made = cls.__new__(cls)
        made.name = f"{above.name}/{spec.name}"
        made._actor = above._actor
        made._custody = above._custody
        policy = spec.supervision if spec.supervision is not None else above._group.policy
        group = above._group.subgroup(made.name, policy, strategy=spec.strategy)
        made._hold(group, spec.children)
        return made

    def _hold(self, group: Group, children: Iterable[ChildSpec]) -> None:
        self._group = group
        self._roster = Roster(self.name)
        try:
            for spec in children:
                if isinstance(spec, ChildSpec):
                    self._roster.refuse(spec.name)
                group.add(self._roster.put(self._make(spec)).child)
        except BaseException as error:
            supervisor.close_hard(group, error)
            raise

    def _make(self, spec: ChildSpec) -> Entry:
        child: Cell | Group
        face: Face
        if isinstance(spec, WorkerSpec):
            child, face = make_worker(self._group, spec)
        elif isinstance(spec, PoolSpec):
            child, face = make_pool(self._group, spec)
        elif isinstance(spec, SupervisorSpec):
            face = type(self)._below(self, spec)
            child = face._group
        else:
            raise TypeError(f"a child must be a spec, not {type(spec).__name__}")
        child.restart = spec.restart
        child.patience = spec.shutdown
        face._custody = self._custody
        return Entry(spec, face, child)

    # -- the children ------------------------------------------------------------------------------

    def child(self, name: str) -> Face:
        """Return a child: the handle of a worker, a pool, or a supervisor.

        Raises:
            KeyError: If there is none of that name.
        """
        return self._roster.find(name).face

    def __getitem__(self, name: str) -> Face:
        """Return a child; see `child`."""
        return self.child(name)

    def __contains__(self, name: object) -> bool:
        """Return whether there is a child of that name."""
        return name in self._roster.current()

    def __len__(self) -> int:
        """Return the number of children, stopped ones among them."""
        return len(self._roster.current())

    def __bool__(self) -> bool:
        """A supervisor is true, however many children it has."""
        return True

    def worker(self, name: str, worker_class: WorkerClass[Any, Handle]) -> Handle:
        """Return the handle of a worker, in the type that its class gives out.

        Raises:
            KeyError: If there is none of that name.
            TypeError: If it is no such worker.
        """
        face: Any = self.child(name)
        if not isinstance(face, WorkerHandle) or not _is_a(face._cell.worker_class, worker_class):
            raise TypeError(f"child {name!r} is {face!r}, and no worker of {worker_class!r}")
        return face  # type: ignore[return-value]

    def pool(self, name: str, worker_class: WorkerClass[Any, Handle]) -> WorkerPool[Any, Handle]:
        """Return a pool, in the type that its workers' class makes it.

        Raises:
            KeyError: If there is none of that name.
            TypeError: If it is no pool of such workers.
        """
        face: Any = self.child(name)
        if not isinstance(face, WorkerPool) or not _is_a(face._hub.worker_class, worker_class):
            raise TypeError(f"child {name!r} is {face!r}, and no pool of {worker_class!r}")
        return face

    def supervisor(self, name: str) -> Supervisor:
        """Return a supervisor below this one.

        Raises:
            KeyError: If there is none of that name.
            TypeError: If it is no supervisor.
        """
        face = self.child(name)
        if not isinstance(face, Supervisor):
            raise TypeError(f"child {name!r} is {face!r}, and no supervisor")
        return face

    def children(self) -> tuple[ChildInfo, ...]:
        """Return how all children stand, in their order."""
        restarts = {member.child: member.restarts for member in self._group.members}
        return tuple(
            ChildInfo(
                name, _KINDS[type(entry.spec)], entry.child.state,
                restarts.get(entry.child, 0), entry.spec.restart,
            )
            for name, entry in self._roster.current().items()
        )  # fmt: skip

    def start_child(self, spec: ChildSpec) -> Face:
        """Start one more child, after the others, and wait until it is ready; return it.

        Raises:
            WorkerStartError: If it could not be started; then it is forgotten.
            WorkerStopped, RestartLimitExceeded: If this supervisor is closed.
            ValueError: If there is a child of that name.
        """
        with self._roster.lock:
            self._roster.refuse(spec.name)
            entry = self._roster.put(self._make(spec))
        try:
            self._start(entry)
        except BaseException:
            self._roster.forget(entry)
            raise
        return entry.face

    def stop_child(self, name: str) -> None:
        """Stop a child, within the time of its spec, and wait for it. Its spec is kept.

        What is queued is answered if there is time. Handles of the child are of no use afterwards,
        even if it is started again by `restart_child`: that gives new ones.

        Raises:
            KeyError: If there is none of that name.
        """
        entry = self._roster.find(name)
        self._group.order(lambda: self._group.stop_child(entry.child))
        self._wait(entry.child.finished)
        entry.face.join()

    def restart_child(self, name: str) -> Face:
        """Start a child anew that is stopped, at its old place; return its new face.

        Raises:
            KeyError: If there is none of that name.
            ValueError: If it is not stopped.
            WorkerStartError: If it could not be started.
            WorkerStopped, RestartLimitExceeded: If this supervisor is closed.
        """
        with self._roster.lock:
            entry = self._roster.put(self._make(self._roster.find_stopped(name).spec))
        self._start(entry)
        return entry.face

    def remove_child(self, name: str) -> None:
        """Forget a child that is stopped.

        Raises:
            KeyError: If there is none of that name.
            ValueError: If it is not stopped.
        """
        self._roster.forget(self._roster.find_stopped(name))

    def _start(self, entry: Entry) -> None:
        group, child = self._group, entry.child
        group.order(lambda: group.add(child, self._roster.position(entry, group.children)))
        try:
            self._wait(child.settled_start, child)
        except BaseException:
            group.order(lambda: group.stop_child(child))
            raise
        if child.finished.is_set():
            error = group.failure or child.failure
            closed = WorkerStopped(f"supervisor {self.name} is closed", worker=child.name)
            raise closed if error is None else fresh(error)

    def _wait(self, event: Latch, child: Cell | Group | None = None) -> None:
        """Wait for what the supervisor's thread will bring about."""
        if self._actor.is_current():
            raise RuntimeError("called by the supervisor itself, which must not wait for itself")
        while not event.wait(_LOOK_AGAIN):
            if child is not None and self._group.finished.is_set():
                supervisor.close_hard(child, WorkerStopped(f"supervisor {self.name} is closed"))

    # -- the end -----------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """``"starting"``, ``"ready"``, ``"restarting"``, ``"stopping"`` or ``"stopped"``."""
        return self._group.state

    def __repr__(self) -> str:
        """Name it and say how it stands."""
        return f"<Supervisor {self.name}: {self.state}>"

    def shutdown(self, drain: float | None = None) -> None:
        """Stop the children in reverse order, each when the one after it is gone.

        It returns at once, and may be repeated, with less time. Those whose turn has not come yet
        go on, and take queries, so that what is stopped may use what was started before it.

        Args:
            drain: Seconds for all together, after which the rest is stopped hard. Each child has
                its own time besides, see the specs; None sets no other limit.
        """
        self._group.order(lambda: self._group.shutdown(drain))

    def join(self, timeout: float | None = None) -> bool:
        """Wait until all children and the supervisor have ended; return whether that is so."""
        left = countdown(timeout)
        if self._actor.is_current():
            raise RuntimeError("called by the supervisor itself, which must not wait for itself")
        if not wait_for(self._group.finished.wait, left()):
            return False
        joined = all([entry.face.join(left()) for entry in self._roster.current().values()])
        return (self._group.parent is not None or self._actor.join(left())) and joined

    def close(self, drain: float | None = None) -> None:
        """Shut down and wait until it is done; see `shutdown`."""
        self.shutdown(drain)
        self.join()

    def __enter__(self) -> Self:
        """Return the supervisor."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close; at once, without letting run what is queued, if an exception is passing."""
        self.close(None if kind is None else 0.0)


Face: TypeAlias = WorkerHandle[Any] | WorkerPool[Any, Any] | Supervisor
"""What a user holds of a child."""


_KINDS: dict[type, Literal["worker", "pool", "supervisor"]] = {
    WorkerSpec: "worker",
    PoolSpec: "pool",
    SupervisorSpec: "supervisor",
}


def _is_a(kind: type, wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(kind, wanted)
