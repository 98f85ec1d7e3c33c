"""The budget of restarts, on a clock that the test holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import Supervision
from actors.supervision import RestartBudget


def test_a_budget_allows_intensity_restarts_within_the_period() -> None:
    budget = RestartBudget(Supervision(intensity=2, period=5.0))
    assert [budget.spend(now) for now in (0.0, 1.0, 2.0)] == [True, True, False]


def test_restarts_of_long_ago_do_not_count() -> None:
    budget = RestartBudget(Supervision(intensity=2, period=5.0))
    assert all(budget.spend(now) for now in (0.0, 3.0, 6.0, 9.0, 12.0))


def test_an_intensity_of_zero_allows_none() -> None:
    assert not RestartBudget(Supervision(intensity=0)).spend(0.0)


@given(st.lists(st.floats(0, 20), min_size=1).map(sorted), st.integers(0, 5), st.floats(0.1, 10))
def test_a_budget_is_exceeded_exactly_when_too_many_lie_within_the_period(
    times: list[float], most: int, period: float
) -> None:
    budget = RestartBudget(Supervision(intensity=most, period=period))
    for index, now in enumerate(times):
        within = sum(now - period <= earlier for earlier in times[: index + 1])
        assert budget.spend(now) == (within <= most)


def test_the_first_restart_is_not_delayed_and_then_pauses_double_up_to_the_limit() -> None:
    policy = Supervision(backoff=1.0, backoff_limit=6.0)
    budget = RestartBudget(policy)
    assert budget.pause(0) == budget.pause(1) == 0
    for failures, most in [(2, 1.0), (3, 2.0), (4, 4.0), (5, 6.0), (500, 6.0)]:
        assert most / 2 <= budget.pause(failures) <= most
    assert RestartBudget(Supervision(backoff=0)).pause(9) == 0


@pytest.mark.parametrize(
    "options",
    [
        {"intensity": -1},
        {"period": 0},
        {"start_timeout": 0},
        {"start_attempts": 0},
        {"backoff": -1},
        {"backoff_limit": -1},
        {"stuck_grace": -0.1},
        {"max_abandoned": -1},
        {"health_interval": 0},
        {"health_timeout": 0},
    ],
)
def test_nonsense_is_refused(options: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Supervision(**options)
