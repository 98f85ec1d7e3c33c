"""The state machine of one supervisor: who is started, restarted and stopped, and when.

Words and rules are those of OTP's ``supervisor``: restart types, strategies, intensity and period,
start in order and stop in reverse. What differs: a restart is in place (whoever is queued stays
queued), so a failed start is repeated after a pause, and counted apart from crashes.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from actors import _trace
from actors._replies.fresh import fresh
from actors._trees.ladder import Ladder, called, ended, note_restart
from actors._trees.member import Exited, Finished, Member, Message, Order, Ready, Stuck
from actors.errors import RestartLimitExceeded, WorkerStartError
from actors.supervision import RestartBudget
from runtimes.errors import TimeoutExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors._lives.cell import Cell
    from actors._replies.reply import Reply
    from actors._trees.guardian import Child, ExitKind, Strategy
    from actors._trees.member import Phase
    from actors.supervision import Supervision
    from actors.worker import Worker


class Group(Ladder):
    """Children that stand and fall together, with one budget of restarts. It is a `Child` itself.

    It is told what happens, on any thread, by the calls of `Guardian`; they only pass it on to the
    supervisor's thread, where `handle` and all the rest runs. Nothing here waits. What is heard
    changes what is noted about the children, or the goal; the next step does the rest. That is why
    a group that lost its thread or its head can go on from what it finds.
    """

    # -- reports: any thread -----------------------------------------------------------------------

    def on_ready(self, child: Child) -> None:
        """See `Guardian`."""
        self.tell(Ready(self, child))

    def on_exit(self, child: Child, kind: ExitKind, error: BaseException | None) -> None:
        """See `Guardian`."""
        self.tell(Exited(self, child, kind, error))

    def on_stuck(self, child: Cell, worker: Worker[Any, Any], reply: Reply[Any]) -> None:
        """See `Guardian`."""
        self.tell(Stuck(self, child, worker, reply))

    def on_finished(self, child: Child) -> None:
        """See `Guardian`."""
        self.tell(Finished(self, child))

    def order(self, act: Callable[[], None]) -> None:
        """Have something done on the supervisor's thread."""
        self.tell(Order(self, act))

    def admit(self, child: Child) -> None:
        """Take in a child that the caller launches himself, after this."""
        self.order(lambda: self.adopt(child))

    @property
    def children(self) -> tuple[Child, ...]:
        """The children that are not stopped for good, in their order."""
        return tuple(member.child for member in self.members)

    @property
    def error(self) -> BaseException | None:
        """Why it closed, if for an error."""
        return self.failure

    @property
    def vacant(self) -> bool:
        """See `Child`."""
        return self.goal == "idle"

    # -- children come and go: the supervisor's thread, or before it knows the group ---------------

    def add(self, child: Child, position: int | None = None, phase: Phase = "down") -> None:
        """Take in a child, to be launched in its turn."""
        if self.finished.is_set():
            child.shutdown(0, self.failure or self._reason)
            return
        place = len(self.members) if position is None else position
        self.members = (*self.members[:place], Member(child, phase), *self.members[place:])

    def adopt(self, child: Child) -> None:
        """Take in a child that somebody else launches, before or after this."""
        if child.finished.is_set():  # so soon that its report came before this
            return
        if self.goal == "idle" and self.parent is None:
            self.goal = "up"
        # One that is halted stays so until it is launched: it has its turn among others.
        self.add(child, phase="down" if self.goal == "idle" else "starting")

    def stop_child(self, child: Child) -> None:
        """Stop a child for good; it leaves the group when it is finished."""
        for member in self.members:
            closing = self.goal == "closed"  # then its turn will come
            if member.child is child and member.phase != "stopping" and not closing:
                self._stop(member, None)

    def subgroup(
        self, name: str, policy: Supervision, make: Callable[[Group], Sequence[Cell]] | None = None,
        *, strategy: Strategy = "one_for_one",
    ) -> Group:  # fmt: skip
        """Make a group below this one, which has yet to be added; with the workers of a pool."""
        group = Group(
            name, policy, self.tell, parent=self, strategy=strategy, ordered=make is None,
            clock=self._clock, call_later=self._call_later,
        )  # fmt: skip
        for cell in () if make is None else make(group):
            cell.timed_start = True
            group.ends_when_empty = True
            group.add(cell)
        return group

    # -- Child: the supervisor's thread ------------------------------------------------------------

    def launch(self) -> None:
        """See `Child`: start the children in their order."""
        if self.goal != "idle" or self.finished.is_set():
            return
        self.goal = "up"
        self.up = self._halt_asked = False
        self._cause = ("halted", None)
        self._until = inf
        self._budget = RestartBudget(self.policy)
        for member in self.members:
            member.failures, member.alone = 0, False
        self._step()

    def halt(self, within: float | None) -> None:
        """See `Child`: halt the children in reverse order, each within its own time at most."""
        if self.goal == "closed":
            return
        if self.goal == "idle":
            self._report_exit("halted", None)
            return
        self._halt_asked = True
        self._sink(inf if within is None else self._clock() + within)

    def shutdown(self, drain: float | None, reason: BaseException | None = None) -> None:
        """See `Child`: stop the children in reverse order, each within its own time at most."""
        until = inf if drain is None else self._clock() + drain
        if self.finished.is_set() or (self.goal == "closed" and until >= self._until):
            return
        if self.goal != "closed":
            self._reason = reason
            self._until = until
            self.when_closing()
        self.goal = "closed"
        self._until = min(self._until, until)
        for member in self.members:
            if member.phase == "stopping":
                self._stop(member, self._reason)
        self._step()

    def fail(self, error: BaseException) -> None:
        """See `Child`: stop all children at once, so that nobody waits."""
        if self.finished.is_set():
            return
        if self.failure is None:
            self.failure = error
        if self.goal != "closed":
            self.when_closing()
        self.goal = "closed"
        self._reason = self.failure
        self._until = -inf
        for member in reversed(self.members):
            member.end_pause()
            member.phase = "stopping"
            member.child.fail(error)
        self._step()

    def crash(self, error: BaseException) -> None:
        """Go on after something went wrong in this very group; nothing it noted may be relied on.

        A group below another is restarted by that one; the root goes on as it is.
        """
        self._look_again()
        if self.goal == "up" and self.parent is not None:
            self._escalate(error, "died")
            self._step()
        else:
            self.recover(error)

    def recover(self, error: BaseException) -> None:
        """Go on after the supervisor's thread was lost, and a message with it perhaps."""
        self._look_again()
        for member in self.members:
            if isinstance(member.child, Group):
                member.child.recover(error)
        if self.goal == "up" and self.parent is None and not self._spend():
            self._escalate(self._limit_exceeded(f"supervisor {self.name}", error))
        self._step()
        self.order(self._audit)  # when all that was reported until now has been seen to

    # -- messages: the supervisor's thread ---------------------------------------------------------

    def handle(self, message: Message) -> None:
        """Do what a message asks for."""
        if isinstance(message, Order):
            message.act()
        else:
            for member in self.members:
                if member.child is message.child:
                    self._hear(member, message)
                    break
        self._step()

    def _hear(self, member: Member, message: Ready | Exited | Stuck | Finished) -> None:
        match message:
            case Ready():
                member.born = True  # whatever has become of it since
                self._born = self._born or all(each.born for each in self.members)
                self._ready(member)
            case Exited(kind=kind, error=error):
                if member.child.vacant:  # if it is not, this is old news
                    self._exited(member, kind, error)
            case Stuck(child=cell, worker=worker, reply=reply):
                self._give_up(member, cell, worker, reply)
            case Finished():
                self._gone(member)

    def _exited(self, member: Member, kind: ExitKind, error: BaseException | None) -> None:
        match member.phase:
            case "halting":
                member.phase = "down"
            case "stopping":
                member.child.shutdown(0, self._reason)
            case "starting" | "up" if member.doomed or self.goal != "up":
                member.phase = "down"
            case "starting" | "up" if kind == "not_started":
                self._start_failed(member, error)
            case "starting" | "up" if kind != "halted":
                self._lost(member, kind, error)

    def _lost(self, member: Member, kind: ExitKind, error: BaseException | None) -> None:
        child = member.child
        if child.restart == "temporary" or (child.restart == "transient" and kind == "normal"):
            self._stop(member, ended(child, kind, error))
            return
        member.phase = "down"
        if kind == "abandoned" and self._too_many_blocked(child):
            return
        if not self._spend():
            self._escalate(self._limit_exceeded(called(child), error))
            return
        note_restart(child, kind, error)
        member.restarts += 1
        self.restarts += 1
        self._doom_with(member)
        self._pause(member, self._budget.pause(self._budget.recent))

    def _doom_with(self, lost: Member) -> None:
        """Mark those who are restarted together with one that was lost."""
        if self.strategy == "one_for_one":
            lost.alone = True
            return
        after = self.members.index(lost) + 1 if self.strategy == "rest_for_one" else 0
        for member in self.members[after:]:
            member.doomed = member is not lost

    def _start_failed(self, member: Member, error: BaseException | None) -> None:
        member.phase = "down"
        member.failures += 1
        if member.failures >= self.policy.start_attempts:
            child = member.child
            text = f"{called(child)} failed to restart {member.failures} times: {error!r}"
            failure = WorkerStartError(text, worker=child.name)
            failure.__cause__ = error
            self._escalate(failure)
            return
        note_restart(member.child, "not_started", error)
        self._pause(member, self._budget.pause(member.failures + 1))

    def _give_up(
        self, member: Member, cell: Cell, worker: Worker[Any, Any], reply: Reply[Any]
    ) -> None:
        if not cell.abandon(worker, reply):
            return
        text = f"the run in worker {cell.name} could not be stopped; its thread was given up"
        stuck = TimeoutExceeded(text, timeout=worker.stuck_after)
        stuck.runtime_usable = False
        reply._fail(stuck)
        _trace.query_left(cell, reply, "stuck")
        cell.watchers.lost("abandoned", stuck)
        if cell.hard:
            cell.finish()
        elif member.phase not in ("starting", "up") or member.doomed or self.goal != "up":
            self._exited(member, "abandoned", stuck)
        elif cell.restart == "temporary":
            self._lost(member, "abandoned", stuck)
        elif not self._too_many_blocked(cell):
            note_restart(cell, "abandoned", stuck)
            member.phase = "down"
            member.alone = True

    def _too_many_blocked(self, child: Child) -> bool:
        """Give up if too many given-up threads of one worker are alive; return whether it is so."""
        many, most = len(getattr(child, "abandoned", ())), self.policy.max_abandoned
        if many <= most:
            return False
        text = f"{many} threads of worker {child.name} are blocked and were given up"
        self._escalate(RestartLimitExceeded(text, intensity=most, period=0.0))
        return True

    def _gone(self, member: Member) -> None:
        member.end_pause()
        self.members = tuple(other for other in self.members if other is not member)
        failure = member.child.failure
        if self.goal == "up" and failure is not None and not member.born and not self._born:
            self._escalate(failure)

    # -- restarts ----------------------------------------------------------------------------------

    def _spend(self) -> bool:
        return self._budget.spend(self._clock())

    def _limit_exceeded(self, last: str, error: BaseException | None) -> RestartLimitExceeded:
        policy = self.policy
        text = f"more than {policy.intensity} restarts within {policy.period:g} s"
        limit = RestartLimitExceeded(
            f"{text}; the last was {last}: {error!r}",
            intensity=policy.intensity,
            period=policy.period,
        )
        limit.__cause__ = None if error is None else fresh(error, error.__traceback__)
        return limit

    def _pause(self, member: Member, seconds: float) -> None:
        if seconds > 0 and self.goal == "up":
            member.phase = "paused"
            act = Order(self, member.end_pause)
            member.pause = self._call_later(seconds, lambda: self.tell(act))

    def _escalate(self, error: BaseException, kind: ExitKind | None = None) -> None:
        """Give up: who never was up fails as a whole, the root closes, others tell their parent."""
        if not self._born:
            self.failure = error
            self.shutdown(None, error)
        elif self.parent is None:
            self.fail(error)
        else:
            self._cause = (kind or ("died" if self.up else "not_started"), error)
            self._sink(inf)

    def _sink(self, until: float) -> None:
        sooner = until < self._until
        self._until = until if self.goal == "up" else min(until, self._until)
        self.goal = "down"
        for member in self.members:
            if sooner and member.phase == "halting":
                member.child.halt(self._time_for(member))
        self._step()

    # -- after a crash -----------------------------------------------------------------------------

    def _look_again(self) -> None:
        """Wait no more for what may never come: say again what was said."""
        for member in self.members:
            member.end_pause()
            if member.child.finished.is_set():
                self._gone(member)
            elif member.phase == "stopping":
                self._stop(member, self._reason)
            elif member.phase == "halting":
                member.child.halt(self._time_for(member))
            elif member.phase == "down" and not member.child.vacant:
                member.phase = "starting"

    def _audit(self) -> None:
        """Compare what was noted with what is, for reports that were lost."""
        for member in self.members:
            child = member.child
            if child.finished.is_set():
                self._gone(member)
            elif child.vacant:
                self._exited(member, "died", None)
            else:
                self._ready(member)
