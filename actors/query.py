"""Queries: messages that get exactly one response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

R_co = TypeVar("R_co", covariant=True)


class _Unsaid:
    """What an attribute of a query is if its type says nothing.

    It is seen on queries, not on their classes, where a dataclass would take it for the default of
    a field of that name.
    """

    def __init__(self, value: object) -> None:
        self._value = value

    def __get__(self, query: object | None, kind: type) -> Any:
        if query is None:
            raise AttributeError("it says nothing about that")
        return self._value


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
        tenant: On whose behalf it is sent, anything hashable; None for nobody's. Tenants share a
            worker by run time: one that sends much does not hold up the others. A query type may
            have a field or property of this name, and senders may say it instead.
        priority: Among queued queries those of a higher one are run first, and as long as there are
            any, no others. A query type may have a field, class variable or property of this name,
            and senders may say it instead.
    """

    __slots__ = ()

    idempotent: ClassVar[bool] = False

    if TYPE_CHECKING:

        @property
        def tenant(self) -> Hashable:
            """See the class."""
            ...

        @property
        def priority(self) -> int:
            """See the class."""
            ...
    else:
        tenant: Final = _Unsaid(None)
        priority: Final = _Unsaid(0)

    def freeze(self) -> Self:
        """Return what shall travel, called on the sender's thread when the query is sent.

        A query that carries data which the sender may go on changing (a list of arguments) returns
        a copy of itself with that data encoded or copied. By default it travels as it is.
        """
        return self
