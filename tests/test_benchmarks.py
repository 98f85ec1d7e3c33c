"""The benchmark of the features measures the code as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from benchmarks import _goals, _plots, _summary
from benchmarks._cuts import ALL, ASKING, CUTS, Cut, Edit, swapped
from benchmarks.bench_features import Echo, Plain

if TYPE_CHECKING:
    from pathlib import Path


def shipped(number: int) -> int:
    return number + 1


@pytest.mark.parametrize("cut", [*CUTS, ASKING, ALL], ids=lambda cut: cut.feature)
def test_a_worker_answers_without_a_feature_that_was_cut_out(cut: Cut) -> None:
    with Plain.spawn() as worker, swapped(cut.codes()):
        assert [worker.send(Echo(number)).get(10) for number in range(3)] == [0, 1, 2]


def test_code_is_back_after_a_cut() -> None:
    cut = Cut("one more", (Edit(shipped, "return number + 1", "return number"),))
    with swapped(cut.codes()):
        assert shipped(1) == 1
    assert shipped(1) == 2


def test_lines_that_are_not_there_are_an_error() -> None:
    with pytest.raises(LookupError, match="0 times"):
        Cut("a feature", (Edit(shipped, "return number + 2"),)).codes()


def test_a_goal_that_was_not_measured_is_a_dash() -> None:
    def nothing(name: str) -> dict[str, object]:
        raise FileNotFoundError(name)

    rows = _goals.table(nothing).splitlines()[2:]
    assert len(rows) == len(_goals.GOALS)
    assert all(row.endswith("| - | - | - |") for row in rows)


def test_a_goal_says_whether_it_is_met_and_what_stands_beside_it() -> None:
    goal = next(goal for goal in _goals.GOALS if goal.benchmark == "hard_stop")
    met = {"checks (shipped)": {"mean": 1.011}, "checks and epochs": {"mean": 1.19}}
    assert "| ≤ 1.02 | 1.01 | yes | with wasmtime's epochs 1.19 |" in goal.line(lambda _: met)
    missed = {"checks (shipped)": {"mean": 1.021}}
    assert "| **no** | - |" in goal.line(lambda _: missed)


def test_the_goals_find_their_numbers_in_what_was_published() -> None:
    shown = {goal.measure: goal.line(_summary._data) for goal in _goals.GOALS}
    shown.pop("the same, without the pool of memories")  # of which there may be none
    assert not [line for line in shown.values() if "| - | - | - |" in line]


def test_a_plot_is_the_same_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="it comes with the extra bench")
    monkeypatch.setattr(_plots, "FOLDER", tmp_path)
    for _ in range(2):
        _plots._draw("one", [("a line", [1, 10], [2.0, 3.0])], "x", "y")
        text = (tmp_path / "one.svg").read_text()
        (tmp_path / "one.svg").rename(tmp_path / f"{hash(text)}.svg")
    assert len(list(tmp_path.iterdir())) == 1
    assert "a line" in text
    assert not re.search(r"20\d\d-\d\d-\d\d", text)
