"""The scenes of a storm: one that the pool survives, and two in which it ends."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actors import (
    PoolClosed,
    PoolSpec,
    RestartLimitExceeded,
    Supervision,
    Supervisor,
    SupervisorSpec,
    WorkerDown,
    WorkerHandle,
    WorkerPool,
    WorkerSpec,
    WorkerStopped,
)

from ._load import SENDERS, Sender
from ._report import BUSY, END, START, Report
from ._sabotage import Saboteur
from ._stage import ChaosWorker, Fault, Setting, Stage, options_for
from ._weather import Holdings, Witness, holdings_after

if TYPE_CHECKING:
    from ._ledger import Verdict

Progress = Callable[[str], None]

PATIENT = Supervision(
    intensity=1_000_000_000,
    backoff=0.001,
    backoff_limit=0.02,
    stuck_grace=0.2,
    start_attempts=1_000_000,
    max_abandoned=1_000_000,
    renew_after_queries=200,
    renew_after=1.0,
)
"""Puts up with everything, so that the pool outlives the storm."""

IMPATIENT = Supervision(intensity=5, period=60.0, backoff=0.001, stuck_grace=0.2)
"""Gives up soon."""

_TICK = 0.2


class Watched:
    """Watches a worker: each loss is told, and its end exactly once, and last."""

    def __init__(self, worker: WorkerHandle[Any]) -> None:
        self.name = worker.name
        self.downs: list[WorkerDown] = []
        worker.watch(self.downs.append)

    @property
    def losses(self) -> int:
        """How often it was lost."""
        return sum(not down.final for down in self.downs)

    def complaints(self) -> list[str]:
        """What is wrong, now that the worker is gone for good."""
        finals = [down.final for down in self.downs]
        if finals.count(True) == 1 and finals[-1]:
            return []
        return [f"the watch of {self.name} was told of its end {finals.count(True)} times"]


def opened_pool(scene: Scene) -> WorkerPool[Any, Any]:
    """Open the scene's pool by itself."""
    setting = scene.stage.setting
    scene.stage.pool = pool = WorkerPool(
        ChaosWorker, scene.workers, options_for(scene.stage), name=scene.name, idle_timeout=0.2,
        router=setting.router, mailbox=setting.mailbox, supervision=scene.supervision,
    )  # fmt: skip
    return pool


def opened_tree(scene: Scene) -> Supervisor:
    """Open the scene's pool below two supervisors."""
    setting, options = scene.stage.setting, options_for(scene.stage)
    pool = PoolSpec(
        ChaosWorker, scene.workers, options, name="pool", idle_timeout=0.2, shutdown=0.05,
        router=setting.router, mailbox=setting.mailbox, supervision=scene.supervision,
    )  # fmt: skip
    lone = WorkerSpec(ChaosWorker, options, name="lone", shutdown=0.05)
    inner = SupervisorSpec([lone, pool], name="inner", strategy="one_for_all")
    above = replace(scene.supervision, intensity=scene.supervision.intensity // 5)
    root = Supervisor([inner], name=scene.name, supervision=above)
    scene.stage.pool = root.supervisor("inner").pool("pool", ChaosWorker)
    return root


class Scene:
    """One pool, those who use it, and who disturbs them.

    Attributes:
        stage: What all of them share.
        witness: Who follows the traces.
    """

    def __init__(self, name: str, seed: int, workers: int, supervision: Supervision) -> None:
        self.name = name
        self.seed = seed
        self.workers = workers
        self.stage = Stage(setting=Setting.chosen_by(seed))
        every = 20 if self.stage.setting.checkpoints else None
        self.supervision = replace(supervision, checkpoint_every_queries=every)
        self.witness = Witness()
        self.begun = time.monotonic()
        self.stayed: list[str] = []
        self.patience = 5.0

    @contextmanager
    def pool(self) -> Iterator[None]:
        """Open the pool, by itself or in a tree."""
        stage = self.stage
        tree = stage.setting.tree
        root = opened_tree(self) if tree else opened_pool(self)
        stage.supervised = [stage.pool]
        if isinstance(root, Supervisor):
            stage.supervised += [root, root.supervisor("inner")]
        stage.bad_starts = 0.02
        watched = [Watched(worker) for worker in stage.pool]
        try:
            yield
        finally:
            stage.over.set()
            stage.release()
            root.close(0)
        for each in watched:
            self.stayed += each.complaints()
        stage.ledger.counts["losses told to watchers"] = sum(each.losses for each in watched)

    def threads(self) -> list[threading.Thread]:
        """Make the senders and the saboteur, each on a thread."""
        senders: list[Sender] = [
            kind(self.stage, (self.seed, number)) for number, kind in enumerate(SENDERS)
        ]
        saboteur = Saboteur(self.stage, (self.seed, "saboteur"))
        runs = [(type(each).__name__, each.run) for each in (*senders, saboteur)]
        return [
            threading.Thread(target=self._guarded(run), name=name, daemon=True)
            for name, run in runs
        ]

    def _guarded(self, run: Callable[[], None]) -> Callable[[], None]:
        def guarded() -> None:
            try:
                run()
            except BaseException as error:
                self.stayed.append(f"{threading.current_thread().name} ended by {error!r}")
                self.stage.over.set()

        return guarded

    def play(self, until: Callable[[], bool], progress: Progress) -> None:
        """Let all of them loose until it is time; then wait until they have settled everything."""
        threads = self.threads()
        for thread in threads:
            thread.start()
        ledger, over = self.stage.ledger, self.stage.over
        while not over.wait(_TICK):
            self.fold()
            progress(self.line())
            if until():
                over.set()
        deadline = time.monotonic() + 2 * self.stage.lost_after
        while alive := [thread for thread in threads if thread.is_alive()]:
            self.stage.release()
            alive[0].join(_TICK)
            self.fold()
            progress(self.line())
            if time.monotonic() > deadline:
                self.stayed += [f"{thread.name} did not come back" for thread in alive]
                break
        ledger.fold()

    def fold(self) -> None:
        """Bring the books up to date."""
        self.stage.ledger.fold()
        self.witness.fold()

    def line(self) -> str:
        """One line for those who watch."""
        counts = self.stage.ledger.counts
        seconds = time.monotonic() - self.begun
        return (
            f"{self.name} {seconds:5.0f} s: {counts['sent']:,} sent, {counts['answered']:,} "
            f"answered, {counts['failed']:,} failed, "
            f"{sum(self.witness.restarts.values()):,} restarts"
        )

    def wait_for_abandoned(self) -> int:
        """Let go what hangs, and wait for those threads; return how many are still there."""
        until = time.monotonic() + 10
        while left := sum(worker.abandoned for worker in self.stage.pool):
            if time.monotonic() > until:
                break
            self.stage.release()
            time.sleep(0.01)
        return left

    def missing_traces(self) -> list[str]:
        """Wait for the last events and callbacks; return what is amiss with the events then.

        They may come a moment after `close`: a reply is settled first, and then it is told.
        """
        until = time.monotonic() + self.patience
        while True:
            self.fold()
            counts = self.stage.ledger.counts
            traced, accepted = self.witness.left, counts["accepted"]
            fits = accepted - counts["unsure"] <= traced <= accepted
            if fits and not self.stage.ledger.uncalled():
                return []
            if time.monotonic() > until:
                text = f"{traced} queries left by the trace, {accepted} were accepted"
                return [] if fits else [text]
            time.sleep(0.01)

    def verdict(self, untraced: list[str]) -> Verdict:
        """What must never have happened."""
        verdict = self.stage.ledger.verdict()
        verdict.add("stayed behind", self.stayed)
        verdict.add("trace", untraced)
        return verdict


def _quiet_callbacks(args: Any) -> None:
    if not isinstance(args.exc_value, Fault):
        _excepthook(args)


_excepthook = threading.excepthook


def storm(
    seed: int,
    workers: int,
    queries: int,
    seconds: float,
    progress: Progress,
    name: str = "storm",
    lost_after: float = 30.0,
    patience: float = 5.0,
) -> Report:
    """A storm that the pool survives: at least so many queries, for at least so long."""
    scene = Scene(name, seed, workers, PATIENT)
    scene.stage.lost_after = lost_after
    scene.patience = patience

    def enough() -> bool:
        long_enough = time.monotonic() - scene.begun >= seconds
        return long_enough and scene.stage.ledger.counts["sent"] >= queries

    return _perform(scene, enough, progress)


def give_up(seed: int, workers: int, progress: Progress) -> Report:
    """A pool that may not fall over often: it closes with `RestartLimitExceeded`."""
    scene = Scene("limit", seed, workers, IMPATIENT)
    scene.stage.ending = (RestartLimitExceeded, WorkerStopped)
    until = time.monotonic() + 30
    report = _perform(scene, lambda: time.monotonic() > until, progress)
    ended = report.failures.get("RestartLimitExceeded", 0) + report.refusals.get(
        "RestartLimitExceeded", 0
    )
    report.verdict.add("not given up", [] if ended else ["nobody got RestartLimitExceeded"])
    return report


def close_at_once(seed: int, workers: int, progress: Progress) -> Report:
    """A pool that is closed hard in the middle of it all."""
    scene = Scene("close", seed, workers, PATIENT)
    scene.stage.ending = (PoolClosed, WorkerStopped)
    closed = threading.Event()

    def close() -> None:
        scene.stage.supervised[-2 if scene.stage.setting.tree else 0].close(0)
        closed.set()

    at = time.monotonic() + 0.3 + random.Random(seed).random() * 0.4

    def enough() -> bool:
        if time.monotonic() < at:
            return False
        threading.Thread(target=close, name="closing").start()
        return True

    report = _perform(scene, enough, progress)
    in_time = closed.wait(scene.stage.lost_after)
    report.verdict.add("did not close", [] if in_time else ["close(0) hangs"])
    return report


def _perform(scene: Scene, until: Callable[[], bool], progress: Progress) -> Report:
    threading.excepthook = _quiet_callbacks
    before = Holdings.now()
    try:
        with scene.witness:
            with scene.pool():
                scene.play(until, progress)
                abandoned = scene.wait_for_abandoned()
                peak = Holdings.now()
            seconds = time.monotonic() - scene.begun
            untraced = scene.missing_traces()
        verdict = scene.verdict(untraced)
    finally:
        threading.excepthook = _excepthook
    del scene.stage.pool
    scene.stage.supervised.clear()
    after, grown = holdings_after(before, scene.patience)
    verdict.add("grown", grown)
    ledger, witness = scene.stage.ledger, scene.witness
    ledger.counts["renewals"] = witness.renewals
    ledger.counts["checkpoints taken"] = witness.checkpoints
    return Report(
        scene=scene.name,
        seed=scene.seed,
        setting=str(scene.stage.setting),
        workers=scene.workers,
        seconds=seconds,
        counts=dict(ledger.counts),
        kinds=dict(ledger.kinds),
        failures=dict(ledger.failures),
        refusals=dict(ledger.refusals),
        retried=ledger.retried(),
        unseen=ledger.number_unseen(),
        restarts=dict(witness.restarts),
        outcomes=dict(witness.outcomes),
        outages=sorted(witness.outages),
        longest_queue_time=witness.longest_queue_time,
        abandoned=abandoned,
        books_bytes=ledger.size_bytes,
        holdings={START: before, BUSY: peak, END: after},
        verdict=verdict,
    )
