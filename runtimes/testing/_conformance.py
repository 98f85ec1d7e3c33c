"""The conformance suite: what every runtime does, whatever its engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtimes.testing._checks_calls import CALLS
from runtimes.testing._checks_life import LIFE
from runtimes.testing._checks_limits import LIMITS
from runtimes.testing._checks_modules import MODULES
from runtimes.testing._checks_snapshots import SNAPSHOTS
from runtimes.testing._checks_values import VALUES
from runtimes.testing._dialect import JAVASCRIPT, Dialect

if TYPE_CHECKING:
    from runtimes.testing._check import Check, MakeRuntime


def conformance_checks(dialect: Dialect = JAVASCRIPT) -> list[Check]:
    """Return the checks that apply to an engine that speaks `dialect`, for a test framework.

    Example:
        >>> import pytest
        >>> @pytest.mark.parametrize("check", conformance_checks(), ids=str)
        ... def test_it_conforms(check):
        ...     check.run(MyRuntime, JAVASCRIPT)
    """
    every = [*LIFE, *VALUES, *CALLS, *MODULES, *LIMITS, *SNAPSHOTS]
    return [check for check in every if check.applies_to(dialect)]


def check_runtime(make_runtime: MakeRuntime, dialect: Dialect = JAVASCRIPT) -> None:
    """Run the whole suite.

    Args:
        make_runtime: Makes a runtime from `RuntimeOptions`; called many times, on several threads.
        dialect: The language that it speaks.

    Raises:
        AssertionError: Some rules do not hold. The text lists them; the first one's error is the
            cause.
    """
    broken: list[str] = []
    first: BaseException | None = None
    for check in conformance_checks(dialect):
        try:
            check.run(make_runtime, dialect)
        except Exception as error:
            broken.append(f"{check.name}: {type(error).__name__}: {error}")
            first = first or error
    if broken:
        raise AssertionError("the runtime does not conform:\n" + "\n".join(broken)) from first
