"""The books of a storm: what was sent, what ran, what came back, and what must never happen."""

from __future__ import annotations

import sys
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from actors import Overloaded, PoolClosed, RestartLimitExceeded

if TYPE_CHECKING:
    from collections.abc import Callable

IDEMPOTENT = 1  # may be run more than once
WATCHED = 2  # has a done callback, to be called exactly once
UNSEEN = 4  # nobody holds its reply: told, or in a map that failed
ACCEPTED = 8
NOT_RUN = 16  # its sender was told that it surely did not run
ANSWERED = 32

_SHOWN = 10  # cases of a violation that a report names


def says_not_run(error: BaseException) -> bool:
    """Return whether an error claims that its query surely did not run."""
    claim = getattr(error, "may_have_run", None)
    if claim is not None:
        return not claim
    return isinstance(error, Overloaded | PoolClosed | RestartLimitExceeded)


@dataclass
class Verdict:
    """What must never happen, by name: how often it did, and some cases.

    Attributes:
        counts: Name to how often; right is 0 everywhere.
        cases: What is known of the first ones.
    """

    counts: dict[str, int] = field(default_factory=dict)
    cases: list[str] = field(default_factory=list)

    def add(self, name: str, cases: list[str]) -> None:
        """Add one thing that must never happen."""
        self.counts[name] = len(cases)
        self.cases += [f"{name}: {case}" for case in cases[:_SHOWN]]

    @property
    def clean(self) -> bool:
        """Whether nothing of it happened."""
        return not any(self.counts.values())


class Ledger:
    """Counts for each query, by its number, what became of it.

    Whoever sees something appends an entry: one step, which neither another thread nor an exception
    that kills the thread can tear apart. `fold` works the entries off, on one thread at a time.
    """

    def __init__(self) -> None:
        self._next = count().__next__
        self._entries: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._folding = threading.Lock()
        self._flags = bytearray()
        self._runs = bytearray()
        self._ends = bytearray()
        self._calls = bytearray()
        self._remarks: dict[str, list[str]] = {
            "wrong": [],
            "disturbed": [],
            "early": [],
            "state": [],
        }
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()

    # -- entries, from any thread -------------------------------------------------------------

    def sent(self, flags: int = 0, kind: str = "") -> int:
        """Give out the number of a new query."""
        number = self._next()
        self._entries.append((self._sent, (number, flags, kind)))
        return number

    def accepted(self, number: int) -> None:
        """The pool took it."""
        self._entries.append((self._accepted, (number,)))

    def refused(self, number: int, error: BaseException) -> None:
        """The pool did not take it."""
        self._entries.append((self._refused, (number, type(error).__name__)))

    def ran(self, number: int) -> None:
        """A worker began to run it."""
        self._entries.append((self._ran, (number,)))

    def called(self, number: int) -> None:
        """Its done callback was called."""
        self._entries.append((self._called, (number,)))

    def answered(self, number: int, value: object, right: object) -> None:
        """Its reply had a value, the right one or somebody else's."""
        self._entries.append((self._answered, (number, value == right)))
        if value != right:
            self.remark("wrong", f"query {number} got {value!r}, not {right!r}")

    def failed(
        self, number: int, error: BaseException, expected: bool = True, kind: str = ""
    ) -> None:
        """Its reply had an error, one that such a query can have or one that it cannot."""
        entry = (number, type(error).__name__, says_not_run(error))
        self._entries.append((self._failed, entry))
        if not expected:
            text = f"query {number} ({kind}) got {error!r}, caused by {error.__cause__!r}"
            self.remark("disturbed", text)

    def unseen(self, number: int) -> None:
        """Nobody will see what became of it."""
        self._entries.append((self._unseen, (number,)))

    def hidden(self, queries: int, unsure: int) -> None:
        """So many more queries were accepted at most; `unsure` more, perhaps not."""
        self._entries.append((self._hidden, (queries, unsure)))

    def remark(self, name: str, text: str) -> None:
        """Something was seen that must never happen."""
        self._entries.append((self._remark, (name, text)))

    def count(self, name: str) -> None:
        """Count something that may happen."""
        self._entries.append((self._count, (name,)))

    # -- what the entries mean ----------------------------------------------------------------

    def fold(self) -> None:
        """Work off the entries."""
        entries = self._entries
        with self._folding:
            while entries:
                write, arguments = entries.popleft()
                write(*arguments)

    def _room_for(self, number: int) -> None:
        more = number + 1 - len(self._flags)
        if more > 0:
            for column in (self._flags, self._runs, self._ends, self._calls):
                column.extend(bytes(more + 10_000))

    def _mark(self, number: int, flags: int) -> None:
        self._room_for(number)
        self._flags[number] |= flags

    def _one_more(self, column: bytearray, number: int) -> None:
        self._room_for(number)
        column[number] = min(255, column[number] + 1)

    def _sent(self, number: int, flags: int, kind: str) -> None:
        self._mark(number, flags)
        self.counts["sent"] += 1
        self.kinds[kind] += 1

    def _accepted(self, number: int) -> None:
        self._mark(number, ACCEPTED)
        self.counts["accepted"] += 1

    def _refused(self, number: int, error: str) -> None:
        self._mark(number, NOT_RUN)
        self.counts["refused"] += 1
        self.refusals[error] += 1

    def _ran(self, number: int) -> None:
        self._one_more(self._runs, number)
        self.counts["runs"] += 1

    def _called(self, number: int) -> None:
        self._one_more(self._calls, number)

    def _answered(self, number: int, right: bool) -> None:
        self._one_more(self._ends, number)
        self._mark(number, ANSWERED)
        self.counts["answered"] += right

    def _failed(self, number: int, error: str, not_run: bool) -> None:
        self._one_more(self._ends, number)
        self._mark(number, NOT_RUN * not_run)
        self.counts["failed"] += 1
        self.failures[error] += 1

    def _unseen(self, number: int) -> None:
        self._mark(number, UNSEEN)

    def _hidden(self, queries: int, unsure: int) -> None:
        self.counts["accepted"] += queries
        self.counts["unsure"] += unsure

    def _remark(self, name: str, text: str) -> None:
        self._remarks.setdefault(name, []).append(text)

    def _count(self, name: str) -> None:
        self.counts[name] += 1

    # -- the end ------------------------------------------------------------------------------

    @property
    def size_bytes(self) -> int:
        """What the books themselves take of the memory."""
        columns = (self._flags, self._runs, self._ends, self._calls)
        return sum(sys.getsizeof(column) for column in columns)

    def open_queries(self) -> list[int]:
        """The numbers of those that were accepted and are not settled, as far as one can see."""
        self.fold()
        return [
            number
            for number, flags in enumerate(self._flags)
            if flags & ACCEPTED and not flags & UNSEEN and not self._ends[number]
        ]

    def uncalled(self) -> list[int]:
        """The numbers of those that were accepted and whose callback was not called."""
        self.fold()
        wanted = WATCHED | ACCEPTED
        pairs = zip(self._flags, self._calls, strict=True)
        return [
            n for n, (flags, calls) in enumerate(pairs) if flags & wanted == wanted and not calls
        ]

    def retried(self) -> int:
        """How many idempotent queries were run more than once."""
        pairs = zip(self._flags, self._runs, strict=True)
        return sum(runs > 1 and flags & IDEMPOTENT != 0 for flags, runs in pairs)

    def number_unseen(self) -> int:
        """How many were accepted whose replies nobody holds."""
        wanted = UNSEEN | ACCEPTED
        pairs = zip(self._flags, self._ends, strict=True)
        return sum(flags & wanted == wanted and not ends for flags, ends in pairs)

    def verdict(self) -> Verdict:
        """Close the books: what must never have happened."""
        verdict = Verdict()
        lost = [f"query {number} was never settled" for number in self.open_queries()]
        lost += [f"the callback of query {number} was never called" for number in self.uncalled()]
        names = ("duplicated run", "duplicated reply", "false claim", "answered unrun")
        broken: dict[str, list[str]] = {"lost": lost, **{name: [] for name in names}}
        for number, flags in enumerate(self._flags):
            runs, ends, calls = self._runs[number], self._ends[number], self._calls[number]
            at = f"query {number} (runs {runs}, ends {ends}, calls {calls}, flags {flags})"
            if runs > 1 and not flags & IDEMPOTENT:
                broken["duplicated run"].append(at)
            if ends > 1 or calls > 1:
                broken["duplicated reply"].append(at)
            if flags & NOT_RUN and runs:
                broken["false claim"].append(at)
            if flags & ANSWERED and not runs:
                broken["answered unrun"].append(at)
        for name in {**broken, **self._remarks}:
            verdict.add(name, broken.get(name, []) + self._remarks.get(name, []))
        return verdict
