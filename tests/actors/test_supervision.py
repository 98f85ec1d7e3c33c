"""The budget of restarts, on a clock that the test holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import RestartLimitExceeded, Supervision, WorkerStartError
from actors._supervisor import Exited, Finished, Group, Restart
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
        {"mailbox_capacity": 0},
    ],
)
def test_nonsense_is_refused(options: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Supervision(**options)


class FakeCell:
    """A cell that only counts."""

    def __init__(self, number: int) -> None:
        self.id = number
        self.name = f"cell {number}"
        self.pool = None
        self.generation = 1
        self.launched = 0
        self.error: BaseException | None = None
        self.finished = self

    def is_set(self) -> bool:
        return self.error is not None

    def launch(self) -> None:
        self.launched += 1

    def fail(self, error: BaseException) -> None:
        self.error = error


class Pause:
    def __init__(self, delay: float, fire: Any) -> None:
        self.delay = delay
        self.fire = fire
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class World:
    """A group on a fake clock."""

    def __init__(self, size: int = 2, **policy: Any) -> None:
        self.now = 0.0
        self.pauses: list[Pause] = []
        self.told: list[Any] = []
        self.group = Group(
            Supervision(**policy), self.told.append, clock=lambda: self.now, call_later=self._later
        )
        self.cells = [FakeCell(number) for number in range(size)]
        self.group.cells = self.cells  # type: ignore[assignment]

    def _later(self, delay: float, fire: Any) -> Any:
        self.pauses.append(Pause(delay, fire))
        return self.pauses[-1]

    def exits(self, number: int, kind: str = "died") -> None:
        error = OSError("it")
        self.group.handle(Exited(self.cells[number], kind, error))  # type: ignore[arg-type]


def test_a_worker_that_died_is_launched_again() -> None:
    world = World()
    world.exits(1)
    assert [cell.launched for cell in world.cells] == [0, 1]


def test_one_budget_is_for_all_workers_of_a_group() -> None:
    world = World(intensity=2, backoff=0)
    world.exits(0)
    world.exits(1)
    world.exits(0)
    assert [cell.launched for cell in world.cells] == [1, 1]
    errors = [cell.error for cell in world.cells]
    assert all(isinstance(error, RestartLimitExceeded) for error in errors)
    assert isinstance(errors[0].__cause__, OSError)


def test_later_restarts_wait_and_are_made_through_the_supervisors_own_mailbox() -> None:
    world = World(backoff=1.0)
    world.exits(0)
    world.exits(0)
    assert world.cells[0].launched == 1
    (pause,) = world.pauses
    assert 0.5 <= pause.delay <= 1.0
    pause.fire()
    (message,) = world.told
    assert isinstance(message, Restart)
    world.group.handle(message)
    assert world.cells[0].launched == 2


def test_a_pause_ends_with_its_worker() -> None:
    world = World(backoff=1.0)
    world.exits(0)
    world.exits(0)
    world.group.handle(Finished(world.cells[0]))  # type: ignore[arg-type]
    assert world.pauses[0].cancelled


def test_failed_starts_are_counted_apart() -> None:
    world = World(intensity=0, start_attempts=3, backoff=0)
    world.exits(0, "not_started")
    world.exits(0, "not_started")
    world.exits(1, "not_started")
    assert [cell.error for cell in world.cells] == [None, None]
    world.group.on_ready(world.cells[0])  # type: ignore[arg-type]
    world.exits(0, "not_started")
    assert world.cells[0].error is None
    world.exits(1, "not_started")
    world.exits(1, "not_started")
    assert isinstance(world.cells[1].error, WorkerStartError)
