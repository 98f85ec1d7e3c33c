"""The report of a scene: for people as text, for programs as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ._ledger import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._weather import Holdings

START, BUSY, END = "start", "before closing", "end"
"""The moments at which the process is looked at."""

_SHOWN_ABOVE = ("sent", "accepted", "refused", "answered", "failed", "runs")


@dataclass
class Report:
    """What came of a scene.

    Attributes:
        scene: Its name.
        seed: What its chance was seeded with.
        setting: What the pool was like.
        workers: How many the pool had.
        seconds: How long it took, closing included.
        counts: What was counted, by name.
        kinds: How many of each kind were sent.
        failures: Errors of replies, by class.
        refusals: Errors of sending, by class.
        retried: Idempotent queries that were run more than once.
        unseen: Queries whose replies nobody holds: told, in a map that failed, asked by a handler.
        restarts: Restarts by reason.
        outcomes: How queries left, as the trace has it.
        outages: Seconds for which a worker was not there, each time, in ascending order.
        longest_queue_time: Seconds that a query was queued at the longest.
        abandoned: Threads that were given up and never came back.
        books_bytes: What the ledger itself took.
        holdings: What the process held, at three moments.
        verdict: What must never happen.
    """

    scene: str
    seed: int
    setting: str
    workers: int
    seconds: float
    counts: dict[str, int]
    kinds: dict[str, int]
    failures: dict[str, int]
    refusals: dict[str, int]
    retried: int
    unseen: int
    restarts: dict[str, int]
    outcomes: dict[str, int]
    outages: list[float]
    longest_queue_time: float
    abandoned: int
    books_bytes: int
    holdings: dict[str, Holdings]
    verdict: Verdict

    @classmethod
    def total(cls, acts: Sequence[Report]) -> Report:
        """The sum of several acts, one after the other in one process."""
        first, last = acts[0], acts[-1]
        longest = max(act.longest_queue_time for act in acts)
        peak = max((act.holdings[BUSY] for act in acts), key=lambda held: held.rss_bytes)
        return cls(
            scene=f"{first.scene}, {len(acts)} acts",
            seed=first.seed,
            setting="\n".join(act.setting for act in acts),
            workers=first.workers,
            seconds=sum(act.seconds for act in acts),
            counts=_sum(act.counts for act in acts),
            kinds=_sum(act.kinds for act in acts),
            failures=_sum(act.failures for act in acts),
            refusals=_sum(act.refusals for act in acts),
            retried=sum(act.retried for act in acts),
            unseen=sum(act.unseen for act in acts),
            restarts=_sum(act.restarts for act in acts),
            outcomes=_sum(act.outcomes for act in acts),
            outages=sorted(outage for act in acts for outage in act.outages),
            longest_queue_time=longest,
            abandoned=sum(act.abandoned for act in acts),
            books_bytes=max(act.books_bytes for act in acts),
            holdings={START: first.holdings[START], BUSY: peak, END: last.holdings[END]},
            verdict=Verdict(
                _sum(act.verdict.counts for act in acts),
                [case for act in acts for case in act.verdict.cases],
            ),
        )

    @property
    def good(self) -> bool:
        """Whether nothing happened that must not."""
        return self.verdict.clean

    def data(self) -> dict[str, Any]:
        """Everything, as plain values; of the outages a few quantiles."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        data["outages"] = {
            "number": len(self.outages),
            "median": self._outage(0.5),
            "99 of 100": self._outage(0.99),
            "longest": self._outage(1.0),
        }
        data["holdings"] = {moment: asdict(held) for moment, held in self.holdings.items()}
        data["verdict"] = asdict(self.verdict)
        return data

    def _outage(self, share: float) -> float:
        if not self.outages:
            return 0.0
        return self.outages[min(len(self.outages) - 1, int(share * len(self.outages)))]

    def text(self) -> str:
        """A page of it."""
        counts = self.counts
        per_second = counts.get("sent", 0) / max(self.seconds, 1e-9)
        lines = [
            f"scene {self.scene}: seed {self.seed}, {self.workers} workers, "
            f"{self.seconds:.1f} s, {per_second:,.0f} queries a second",
            self.setting,
            "",
            *_table("queries", {
                "sent": counts.get("sent", 0),
                "accepted": counts.get("accepted", 0),
                "refused": counts.get("refused", 0),
                "answered right": counts.get("answered", 0),
                "failed": counts.get("failed", 0),
                "unseen (told, in a failed map, asked by a handler)": self.unseen,
                "runs begun by workers": counts.get("runs", 0),
                "retried (idempotent, ran more than once)": self.retried,
            }),
            *_table("must be 0", self.verdict.counts),
            *_table("failed, by class", _descending(self.failures)),
            *_table("refused, by class", _descending(self.refusals)),
            *_table("restarts, by reason", _descending(self.restarts)),
            *_table("left, by the trace", _descending(self.outcomes)),
            *_table("besides", {
                name: number
                for name, number in sorted(counts.items())
                if name not in _SHOWN_ABOVE
            }),
            f"outages of a worker: {len(self.outages):,}, median {_ms(self._outage(0.5))}, "
            f"99 of 100 below {_ms(self._outage(0.99))}, longest {_ms(self._outage(1.0))}",
            f"longest time in a queue: {_ms(self.longest_queue_time)}",
            f"threads given up that never came back: {self.abandoned}",
            f"the ledger's own memory: {self.books_bytes / 1e6:.1f} MB",
            "",
            *self._held(),
            "",
            *self.verdict.cases,
            f"{self.scene}: {'good' if self.good else 'FAILED'}",
        ]  # fmt: skip
        return "\n".join(lines)

    def _held(self) -> list[str]:
        moments = {moment: asdict(held) for moment, held in self.holdings.items()}
        head = f"{'the process holds':<28}" + "".join(f"{moment:>16}" for moment in moments)
        names = next(iter(moments.values()))
        rows = [
            f"  {name.replace('_', ' '):<26}" + "".join(f"{m[name]:>16,}" for m in moments.values())
            for name in names
        ]
        return [head, *rows]


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        for name, number in each.items():
            total[name] += number  # not `+`, which drops what is 0
    return dict(total)


def _descending(numbers: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(numbers.items(), key=lambda pair: -pair[1]))


def _table(title: str, numbers: Mapping[str, int]) -> list[str]:
    if not numbers:
        return []
    return [title, *(f"  {name:<50}{number:>12,}" for name, number in numbers.items()), ""]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"
