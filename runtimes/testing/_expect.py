"""What a check of a conformance suite requires; no test framework is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

E = TypeVar("E", bound=BaseException)


def fail(problem: str) -> NoReturn:
    """Say that a rule does not hold."""
    raise AssertionError(problem)


def expect_equal(got: object, wanted: object, what: str = "the result") -> None:
    """Require an equal value of the same type."""
    if type(got) is not type(wanted) or got != wanted:
        fail(f"{what} is {got!r}, not {wanted!r}")


def expect_true(holds: object, rule: str) -> None:
    """Require that something holds."""
    if not holds:
        fail(f"it does not hold that {rule}")


def expect_raises(kind: type[E], action: Callable[..., object], *args: object) -> E:
    """Require an exception of this class, and return it."""
    try:
        result = action(*args)
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} was raised, not {kind.__name__}") from error
    fail(f"{result!r} was returned, {kind.__name__} was not raised")
