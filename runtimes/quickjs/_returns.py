"""Results as the types that callers ask for: what ``returns=`` does."""

from __future__ import annotations

import contextlib
from typing import Any, TypeVar

import msgspec

from runtimes.errors import ConversionError
from runtimes.values import JSSet, TypedArray, Undefined

T = TypeVar("T")


def convert(value: Any, returns: type[T]) -> T:
    """Check a decoded value against a type, and convert it.

    As `msgspec.convert`: dataclasses and Structs are made of dicts, lists become tuples or sets,
    ints become floats. Besides, where that helps, ``undefined`` passes for None, and a JSSet or a
    typed array for a list.

    Raises:
        ConversionError: The value is not of that type; ``path`` says where.
        TypeError: There is no such type for msgspec.
    """
    try:
        return msgspec.convert(value, returns)
    except Exception as error:
        refusal = error
    with contextlib.suppress(Exception):
        return msgspec.convert(_as_builtins(value), returns)
    if isinstance(refusal, NotImplementedError):
        raise TypeError(f"values cannot be converted to {returns!r}") from None
    if isinstance(refusal, TypeError) and "unhashable" not in str(refusal):
        raise refusal
    text, _, place = str(refusal).partition(" - at ")
    raise ConversionError(text, path=place.replace("`", "") or "$") from None


def _as_builtins(value: Any) -> Any:
    """Copy a value with lists for what is like a list, and None for undefined."""
    if isinstance(value, Undefined):
        return None
    if isinstance(value, (list, JSSet)):
        return [_as_builtins(member) for member in value]
    if isinstance(value, (TypedArray, memoryview)):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _as_builtins(member) for key, member in value.items()}
    return value
