"""The actor whose one thread runs all groups of a tree."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from actors._latch import Latch
from actors._lives.actor import ContainedActor
from actors._threads import join_thread, report_unraisable
from actors._trees.group import Group
from actors.errors import WorkerStartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._lives.cell import Cell
    from actors._trees.guardian import Child, Strategy
    from actors._trees.member import Message
    from actors.supervision import Supervision

C = TypeVar("C", bound="Cell")

_groups: weakref.WeakSet[Group] = weakref.WeakSet()


class Supervisor(ContainedActor):
    """The actor that runs groups. It never waits for a child, and leaves when its last root has.

    What goes wrong while a group is handled is the crash of that group: its parent restarts it, and
    a root goes on with what it finds. What goes wrong outside of a group, an exception that
    somebody injected into the thread, say, is the crash of all roots; so is the loss of the thread,
    which the next report finds out. Each crash is counted in the budget of the group that crashed,
    and beyond that everybody gets an error.
    """

    big_stack = False

    def __init__(self, name: str) -> None:
        """Make one that supervises nothing yet."""
        super().__init__()
        self._name = name
        self._roots: dict[Group, None] = {}  # in order; thousands, if every worker is spawned alone
        self._leaving = False
        self._crash: BaseException | None = None

    def _thread_name(self) -> str:
        return f"{self._name}-supervisor"

    def tell(self, message: Message | BaseException) -> None:
        """Pass it a report; never blocks. Any thread."""
        self.actor_inbox.put(message)  # type: ignore[arg-type]
        thread = self._thread
        if thread is not None and not thread.is_alive() and not self._leaving:
            self._revive(thread)

    def root(
        self, name: str, policy: Supervision, *,
        strategy: Strategy = "one_for_one", ordered: bool = True,
    ) -> Group | None:  # fmt: skip
        """Take in a new root; None if it is about to leave. Any thread."""
        with _lock:
            if self._leaving:
                return None
            group = Group(name, policy, self.tell, strategy=strategy, ordered=ordered)
            self._roots[group] = None
            _groups.add(group)
            return group

    def group(self, policy: Supervision, make: Callable[[Group], list[Cell]]) -> Group | None:
        """Take in workers that the caller launches himself; None if it is about to leave."""
        group = self.root(self._name, policy, ordered=False)
        if group is not None:
            group.ends_when_empty = True
            for cell in make(group):
                group.adopt(cell)
        return group

    # -- its thread --------------------------------------------------------------------------------

    def _start_actor_loop(self) -> None:
        """Start its thread.

        Raises:
            WorkerStartError: The system gives no more threads; then its roots are closed.
        """
        try:
            super()._start_actor_loop()
        except RuntimeError as error:
            text = f"supervisor {self._name} did not start: {error}"
            failure = WorkerStartError(text, worker=self._name)
            for group in list(self._roots):
                close_hard(group, failure)
            raise failure from error

    def _actor_loop(self) -> None:
        while True:
            try:
                crash, self._crash = self._crash, None
                if crash is not None:
                    self._recover(crash)
                self._serve()
                return
            except BaseException as error:
                _report(error)
                self._crash = error

    def _serve(self) -> None:
        inbox: Any = self.actor_inbox
        while True:
            message = inbox.get()
            if isinstance(message, BaseException):
                raise message
            group = message.group
            try:
                group.handle(message)
            except BaseException as error:
                _report(error)
                self._crashed(group, error)
            if group.parent is None and group.finished.is_set() and self._gone(group):
                return

    def _crashed(self, group: Group, error: BaseException) -> None:
        try:
            group.crash(error)
        except BaseException as worse:
            _report(worse)
            if isinstance(group.parent, Group):
                self._crashed(group.parent, error)
            else:
                close_hard(group, error)

    def _recover(self, crash: BaseException) -> None:
        for group in list(self._roots):
            try:
                group.recover(crash)
            except BaseException as error:
                _report(error)
                close_hard(group, error)

    def _gone(self, group: Group) -> bool:
        """Forget a root; return whether it was the last."""
        with _lock:
            self._roots.pop(group, None)
            self._leaving = not self._roots
            return self._leaving

    def _revive(self, lost: threading.Thread) -> None:
        with _lock:
            if self._thread is lost:
                self._crash = RuntimeError("the supervisor's thread was lost")
                self._start_actor_loop()

    def join(self, timeout: float | None) -> bool:
        """Wait until its thread has ended."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        return join_thread(thread, timeout)

    def is_current(self) -> bool:
        """Return whether this is its thread, which must not wait for what it has to do itself."""
        return self._thread is threading.current_thread()


def _report(error: BaseException) -> None:
    if not isinstance(error, SystemExit):  # which threads do not report either
        report_unraisable(error)


def close_hard(child: Child, error: BaseException) -> None:
    """Close a child that cannot even fail: the last resort, so that nobody waits for ever."""
    if not isinstance(child, Group):
        try:
            child.fail(error)
        except BaseException as worse:
            _report(worse)
        return
    for below in reversed(child.children):
        close_hard(below, error)
    child.failure = child.failure or error
    child.members = ()
    child._finish()


_lock = threading.RLock()
_shared: Supervisor | None = None


def guardian_for(make: Callable[[Group], C], policy: Supervision) -> C:
    """Put a lone worker under the supervisor that all lone workers share."""
    global _shared
    made: list[C] = []

    def make_one(group: Group) -> list[Cell]:
        made.append(make(group))
        return [made[0]]

    with _lock:
        for _ in range(2):
            if _shared is None:
                shared = Supervisor("jsactors")
                shared._start_actor_loop()
                _shared = shared  # not before it runs: nobody would hear what it is told
            if _shared.group(policy, make_one) is not None:
                return made[0]
            _shared = None
    raise AssertionError("unreachable: a new supervisor is not leaving")


def crash(group: Group) -> None:
    """Make a group crash, or its thread if it is a root; for tests."""
    if group.parent is None:
        group.tell(SystemExit("killed by a test"))  # type: ignore[arg-type]
    else:
        group.order(_raise_exit)


def _raise_exit() -> None:
    raise SystemExit("killed by a test")


def after_fork() -> None:
    """Forget the supervisor: in the child of a fork its thread is gone."""
    global _shared, _lock
    _lock = threading.RLock()
    _shared = None
    for group in list(_groups):
        _end_in_child(group)


def _end_in_child(group: Group) -> None:
    group.finished, group.settled_start = Latch(), Latch()
    group.finished.set()
    group.settled_start.set()
    for child in group.children:
        if isinstance(child, Group):
            _end_in_child(child)
