"""The conformance suite: what holds for every type of worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.testing._checks_answers import ANSWERS
from actors.testing._checks_checkpoints import CHECKPOINTS
from actors.testing._checks_life import LIFE
from actors.testing._checks_queue import QUEUE

if TYPE_CHECKING:
    from actors.testing._bench import WorkerCheck
    from actors.testing._specimen import Specimen


def worker_checks(specimen: Specimen) -> list[WorkerCheck]:
    """Return the checks that apply to a worker type, for a test framework.

    Example:
        >>> import pytest
        >>> @pytest.mark.parametrize("check", worker_checks(PRICING), ids=str)
        ... def test_it_conforms(check):
        ...     check.run(PRICING)
    """
    return [
        check for check in [*LIFE, *ANSWERS, *QUEUE, *CHECKPOINTS] if check.applies_to(specimen)
    ]


def check_worker(specimen: Specimen) -> None:
    """Run the whole suite over a worker type.

    It uses no private knowledge of the type, so it holds for any: whatever its runtime, its
    queries, its hooks, and its own `Worker.serve`.

    Raises:
        AssertionError: Some rules do not hold. The text lists them; the first one's error is the
            cause.
    """
    broken: list[str] = []
    first: BaseException | None = None
    for check in worker_checks(specimen):
        try:
            check.run(specimen)
        except Exception as error:
            broken.append(f"{check.name}: {type(error).__name__}: {error}")
            first = first or error
    if broken:
        raise AssertionError("the worker does not conform:\n" + "\n".join(broken)) from first
