"""A script cannot harm the process: every attack of the corpus, and some in other settings."""

from __future__ import annotations

import os
from typing import Literal

import pytest

from attacks.corpus import KINDS, attacks_of
from attacks.runner import Case, Runner

pytestmark = [
    pytest.mark.attack,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="each attack has a forked process"),
]

CASES = [Case(kind, name) for kind in KINDS for name in attacks_of(kind)]


def sample(
    every: int, hard_stop: Literal["check", "epoch"], layer: Literal["raw", "plain"] | None
) -> list[Case]:
    """Return each `every`-th attack in another setting."""
    return [Case(case.kind, case.name, hard_stop, layer) for case in CASES[::every]]


OTHER_SETTINGS = [
    *sample(12, "epoch", None),
    *sample(17, "check", "plain"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_attack_harms_nobody(case: Case, runner: Runner) -> None:
    problems = runner.problems_of(case)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("case", OTHER_SETTINGS, ids=str)
def test_attack_harms_nobody_in_other_settings(case: Case, runner: Runner) -> None:
    problems = runner.problems_of(case)
    assert not problems, "\n".join(problems)


def test_corpus_is_as_large_as_promised() -> None:
    assert len(CASES) >= 150
