"""Responses as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from actors._replies.fresh import fresh

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Response(Generic[T]):
    """What came of a query, as a value: for those who want errors as values.

    Attributes:
        value: The response, if `error` is None.
        error: What was raised instead.
    """

    value: T | None
    error: BaseException | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.error is None

    def unwrap(self) -> T:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise fresh(self.error, self.error.__traceback__)
        return cast("T", self.value)
