"""Checks of what users pass, so that a mistake is named where it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_seconds(name: str, value: object) -> None:
    """See that something is a number of seconds, or None.

    Raises:
        TypeError: It is no number.
        ValueError: It is not a number (NaN).
    """
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        kind = type(value).__name__
        raise TypeError(f"{name} must be a number of seconds or None, not {kind}")
    if value != value:
        raise ValueError(f"{name} must be a number of seconds or None, not nan")


def check_counts(owner: object, names: Iterable[str]) -> None:
    """See that some attributes are ints, or None.

    Raises:
        TypeError: One is not.
    """
    for name in names:
        value = getattr(owner, name)
        if value is not None and type(value) is not int:
            raise TypeError(f"{name} must be an int or None, not {type(value).__name__}")


def check_instance(name: str, value: Any, *kinds: type) -> None:
    """See that something is an object of a class, or one of several, or None.

    Raises:
        TypeError: It is not.
    """
    if value is None or isinstance(value, kinds):
        return
    wanted = [f"a {kind.__name__}" for kind in kinds if kind is not type(None)]
    what = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
    raise TypeError(f"{name} must be {' or '.join([*wanted, 'None'])}, not {what}")
