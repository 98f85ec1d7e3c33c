"""Queries: messages that get exactly one response."""

from __future__ import annotations

from typing import ClassVar, Generic, Self, TypeVar

R_co = TypeVar("R_co", covariant=True)


class Query(Generic[R_co]):
    """A message that gets exactly one response, of the type that it names.

    Make it a frozen dataclass::

        @dataclass(frozen=True)
        class Quote(Query[Price]):
            item: str

    so that ``handle.ask(Quote("tea"))`` is a ``Price`` to the type checker.

    A query belongs to whoever sends it and is only read by the worker. It may be sent many times,
    on any thread.

    Attributes:
        idempotent: Whether running it twice does no harm. If it is, a worker that dies under it
            runs it again after its restart; if not, the sender gets `WorkerDied` and decides.
    """

    __slots__ = ()

    idempotent: ClassVar[bool] = False

    def freeze(self) -> Self:
        """Return what shall travel, called on the sender's thread when the query is sent.

        A query that carries data which the sender may go on changing (a list of arguments) returns
        a copy of itself with that data encoded or copied. By default it travels as it is.
        """
        return self
