"""A tree of groups on a fake clock, whose workers do what a test says, and watch over the rules."""

from __future__ import annotations

import threading
from collections import deque
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from actors._trees.group import Group
from actors._trees.ladder import Ladder
from actors._trees.member import Message, Order
from actors.supervision import Supervision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actors._trees.guardian import ExitKind, RestartType, Strategy


class Alarm:
    """A call that is to come."""

    def __init__(self, when: float, fire: Callable[[], None]) -> None:
        self.when = when
        self.fire = fire
        self.live = True

    def cancel(self) -> None:
        self.live = False


class FakeChild:
    """A worker that starts, dies and ends when it is told to by the test."""

    numbers = 0

    def __init__(self, world: World, group: WatchedGroup, restart: RestartType) -> None:
        FakeChild.numbers += 1
        self.id = FakeChild.numbers
        self.name = f"w{self.id}"
        self.pool = None
        self.options = None
        self.keeper = SimpleNamespace(outlook=lambda: None)
        self.world = world
        self.group = group
        self.restart: RestartType = restart
        self.patience: float | None = 10.0
        self.finished = threading.Event()
        self.failure: BaseException | None = None
        self.generation = 0
        self.alive = self.up = self.halting = self.stopping = False
        self.ready_once = False  # whether the last incarnation was
        self.launches = 0
        self.last_exit: str = "none"
        self.exit_seen: tuple[int, int, int] = (0, 0, 0)
        self.halts: list[float | None] = []
        self.drains: list[float | None] = []

    # -- what its group tells it -------------------------------------------------------------------

    @property
    def vacant(self) -> bool:
        return not self.alive

    def launch(self) -> None:
        if self.finished.is_set():
            return
        assert not self.alive, f"{self.name} is launched twice"
        assert self.group.goal == "up", f"{self.name} is launched although the group is not up"
        assert self.launches == 0 or self.restart != "temporary", f"{self.name} is temporary"
        if self.last_exit == "normal" and self.restart == "transient":
            assert self.exit_seen != self.group.history(), f"{self.name} had left"
        if self.group.ordered and self.last_exit in ("none", "halted"):
            for before in self.group.before(self):
                assert before.ready_once, f"{self.name} is launched before {before.name} is ready"
        self.launches += 1
        self.alive = True
        self.up = self.ready_once = self.halting = False

    def halt(self, within: float | None) -> None:
        self.halts.append(within)
        self.group.check_after_are(lambda child: child.vacant or child.finished.is_set(), self)
        if not self.alive:
            self.group.on_exit(self, "halted", None)
        self.halting = True

    def shutdown(self, drain: float | None, reason: BaseException | None = None) -> None:
        self.drains.append(drain)
        if self.group.goal == "closed" and not self.stopping:
            self.group.check_after_are(lambda child: child.finished.is_set(), self)
        self.stopping = True
        if not self.alive:
            self.finish()

    def fail(self, error: BaseException) -> None:
        if self.failure is None:
            self.failure = error
        self.stopping = True
        if not self.alive:
            self.finish()

    # -- what the test lets it do ------------------------------------------------------------------

    def get_ready(self) -> None:
        self.up = self.ready_once = True
        self.generation += 1
        self.group.on_ready(self)

    def fail_to_start(self) -> None:
        self.end("not_started", OSError("no start"))

    def end(self, kind: ExitKind, error: BaseException | None = None) -> None:
        self.alive = self.up = False
        if self.stopping:
            self.finish()
            return
        if self.halting:
            kind = "halted"
        self.halting = False
        self.last_exit = kind
        self.exit_seen = self.group.history()
        if self.generation == 0 and kind != "halted":
            self.failure = error or OSError("no start")
            self.finish()
        else:
            self.group.on_exit(self, kind, error)

    def finish(self) -> None:
        if not self.finished.is_set():
            self.finished.set()
            self.group.on_finished(self)


class WatchedGroup(Group):
    """A group whose history a test can look at."""

    launches = 0
    crashes = 0
    ready_once = False
    counted = 0
    spent: tuple[float, ...] = ()

    def launch(self) -> None:
        self.launches += 1
        self.ready_once = False
        self.spent = ()
        super().launch()

    def history(self) -> tuple[int, int, int]:
        return self.restarts, self.launches, self.crashes

    def check_intensity(self, now: float) -> None:
        recent = tuple(when for when in self.spent if when >= now - self.policy.period)
        self.spent = recent + (now,) * (self.restarts - self.counted)
        self.counted = self.restarts
        assert len(self.spent) <= self.policy.intensity, f"{self.name} restarts too often"

    def before(self, child: Any) -> list[Any]:
        children = [m.child for m in self.members if m.phase != "stopping" or m.child is child]
        return children[: children.index(child)]

    def check_after_are(self, holds: Callable[[Any], bool], child: Any) -> None:
        if self.ordered and child in self.children:
            for after in self.children[self.children.index(child) + 1 :]:
                assert holds(after), f"{after.name} is still there when {child.name} is told to end"


class World:
    """The supervisor's thread, its inbox, and the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.inbox: deque[Message] = deque()
        self.alarms: list[Alarm] = []
        self.workers: list[FakeChild] = []
        self.groups: list[WatchedGroup] = []

    # -- making it ---------------------------------------------------------------------------------

    def group(
        self, parent: WatchedGroup | None = None, strategy: Strategy = "one_for_one",
        ordered: bool = True, restart: RestartType = "permanent", **policy: Any,
    ) -> WatchedGroup:  # fmt: skip
        made = WatchedGroup(
            f"g{len(self.groups)}", Supervision(**policy), self.inbox.append, parent=parent,
            strategy=strategy, ordered=ordered, clock=lambda: self.now, call_later=self._later,
        )  # fmt: skip
        made.restart = restart
        self.groups.append(made)
        if parent is not None:
            parent.add(made)
        return made

    def worker(self, group: WatchedGroup, restart: RestartType = "permanent") -> FakeChild:
        child = FakeChild(self, group, restart)
        self.workers.append(child)
        group.add(child)
        return child

    def _later(self, delay: float, fire: Callable[[], None]) -> Any:
        alarm = Alarm(self.now + delay, fire)
        self.alarms.append(alarm)
        return alarm

    # -- letting things happen ---------------------------------------------------------------------

    def handle_one(self) -> bool:
        if not self.inbox:
            return False
        message = self.inbox.popleft()
        group = message.group
        try:
            group.handle(message)
        except Crash as crash:
            group.crashes += 1
            group.crash(crash)
        for each in self.groups:
            each.ready_once = each.ready_once or each.up
            each.check_intensity(self.now)
        return True

    def handle_all(self) -> None:
        while self.handle_one():
            pass

    def live_alarms(self) -> list[Alarm]:
        self.alarms = [alarm for alarm in self.alarms if alarm.live]
        return sorted(self.alarms, key=lambda alarm: alarm.when)

    def ring_next(self) -> bool:
        for alarm in self.live_alarms()[:1]:
            self.now = max(self.now, alarm.when)
            alarm.live = False
            alarm.fire()
            return True
        return False

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while any(alarm.when <= until for alarm in self.live_alarms()):
            self.ring_next()
        self.now = until

    def starting(self) -> list[FakeChild]:
        return [w for w in self.workers if w.alive and not w.up]

    def ending(self) -> list[FakeChild]:
        return [w for w in self.workers if w.alive and (w.halting or w.stopping)]

    def settle(self) -> None:
        """Let everything come to rest: all that starts gets ready, all that shall end does."""
        for _ in range(5000):
            if self.handle_one():
                continue
            if ending := self.ending():
                ending[-1].end("stopped")
            elif starting := self.starting():
                starting[0].get_ready()
            elif not self.ring_next():
                return
        raise AssertionError("it never comes to rest")

    def crash(self, group: WatchedGroup) -> None:
        """Let something go wrong in a group."""

        def fall() -> None:
            raise Crash

        self.inbox.append(Order(group, fall))

    def lose_thread(self, root: WatchedGroup) -> None:
        """Lose the supervisor's thread, and with it the message that it was about to handle."""
        if self.inbox and not isinstance(self.inbox[0], Order):
            self.inbox.popleft()
        for group in self.groups:
            group.crashes += 1
        root.recover(Crash())

    def launch(self, root: WatchedGroup) -> None:
        self.inbox.append(Order(root, root.launch))


class Crash(BaseException):
    """What no group expects."""


def everybody_below(group: Ladder) -> Iterator[Any]:
    """All children of a group, and theirs."""
    for member in group.members:
        yield member.child
        if isinstance(member.child, Ladder):
            yield from everybody_below(member.child)
