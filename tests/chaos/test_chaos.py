"""In a storm no query is lost, doubled, mixed up or belied, and nothing is left behind after it.

`make chaos` has the long form.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from actors import Reply

from ._scenes import storm
from ._stage import ChaosWorker, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._report import Report

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="it looks at what /proc tells"
)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.timeout(120)
def test_everything_is_accounted_for_after_a_storm(seed: int, tmp_path: Path) -> None:
    figures = tmp_path / "report.json"
    short = ["--queries", "500", "--seconds", "1.5", "--acts", "1"]
    command = [sys.executable, "-m", "tests.chaos", *short, "--seed", str(seed)]
    command += ["--json", str(figures)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for report in json.loads(figures.read_text()):
        assert report["counts"]["answered"] > 50, report["scene"]
        assert sum(report["failures"].values()) > 10, report["scene"]
        assert sum(report["restarts"].values()) > 0, report["scene"]


def small_storm() -> Report:
    """A storm in this process, of which only the verdict matters."""
    return storm(7, 2, 300, 0.3, lambda line: None, "small storm", lost_after=1.0, patience=0.0)


def test_a_worker_that_runs_queries_twice_does_not_get_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    once = ChaosWorker.handle_query

    def twice(self: ChaosWorker, runtime: Any, query: Any) -> Any:
        if isinstance(query, Task) and query.number % 20 == 0 and query.kind.name == "python":
            once(self, runtime, query)
        return once(self, runtime, query)

    monkeypatch.setattr(ChaosWorker, "handle_query", twice)
    assert small_storm().verdict.counts["duplicated run"] > 0


def test_a_worker_that_mixes_up_responses_does_not_get_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = ChaosWorker.handle_query
    before: list[Any] = [None]

    def mixed_up(self: ChaosWorker, runtime: Any, query: Any) -> Any:
        before.append(right(self, runtime, query))
        return before.pop(0) if len(before) > 2 else before[-1]

    monkeypatch.setattr(ChaosWorker, "handle_query", mixed_up)
    assert small_storm().verdict.counts["wrong"] > 0


def test_replies_that_are_never_settled_do_not_get_away(monkeypatch: pytest.MonkeyPatch) -> None:
    settle: Callable[[Reply[Any], Any], bool] = Reply._settle_quietly

    forgotten: list[tuple[Reply[Any], Any]] = []
    turns = itertools.count(1)

    def forget_some(self: Reply[Any], value: Any) -> bool:
        # By their number and not by chance, so that a busy machine, too, forgets some; only some,
        # since those who wait for them send nothing more.
        if self._deadline is not None or len(forgotten) >= 12 or next(turns) % 7:
            return settle(self, value)
        forgotten.append((self, value))
        return True

    monkeypatch.setattr(Reply, "_settle_quietly", forget_some)
    report = small_storm()
    monkeypatch.undo()
    for reply, value in forgotten:  # so that those who still wait can go
        reply._settle(value)
    assert report.verdict.counts["lost"] > 0


def test_a_script_that_does_not_go_on_from_its_checkpoint_does_not_get_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    restore = ChaosWorker.restore_runtime

    def restore_another(self: ChaosWorker, options: Any, snapshot: Any, state: Any) -> Any:
        runtime = restore(self, options, snapshot, state)
        self.ticks = (self.ticks[0] + 1, self.ticks[1] + 1)
        return runtime

    monkeypatch.setattr(ChaosWorker, "restore_runtime", restore_another)
    report = storm(5, 2, 600, 0.5, lambda line: None, "small", lost_after=1.0, patience=0.0)
    assert report.counts["resumed from a checkpoint"] > 0
    assert report.verdict.counts["state"] > 0
