"""The benchmark of the features measures the code as it is."""

from __future__ import annotations

import pytest

from benchmarks._cuts import ALL, ASKING, CUTS, Cut, Edit, swapped
from benchmarks.bench_features import Echo, Plain


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
