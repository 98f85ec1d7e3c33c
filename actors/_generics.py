"""What a worker class says about itself in ``Worker[Options, Query]``, and what follows."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from actors.query import Query

if TYPE_CHECKING:
    from actors.worker import Worker


def arguments_of(cls: type) -> tuple[Any, ...] | None:
    """Return what ``Worker[...]`` was given by the class or the nearest of its bases, or None."""
    from actors.worker import Worker

    for kind in cls.__mro__:
        for base in kind.__dict__.get("__orig_bases__", ()):
            if typing.get_origin(base) is Worker:
                arguments = typing.get_args(base)
                if not any(isinstance(argument, TypeVar) for argument in arguments):
                    return arguments
    return None


def options_type_of(cls: type) -> type | None:
    """Return the class of a worker's options, if it names a plain one."""
    arguments = arguments_of(cls)
    if arguments is None:
        return None
    kind = typing.get_origin(arguments[0]) or arguments[0]
    return kind if isinstance(kind, type) else None


def query_types_of(cls: type) -> tuple[type[Query[Any]], ...]:
    """Return the query types that a worker answers; any query if it names none."""
    arguments = arguments_of(cls)
    if arguments is None:
        return (Query,)
    found: list[type[Query[Any]]] = []
    pending = [arguments[1]]
    while pending:
        kind = pending.pop()
        origin = typing.get_origin(kind)
        if origin in (typing.Union, types.UnionType):
            pending.extend(typing.get_args(kind))
        else:
            kind = origin or kind
            found.append(kind if isinstance(kind, type) and issubclass(kind, Query) else Query)
    return tuple(found)


Plan: TypeAlias = Literal[True] | Callable[[Any], Query[Any]]
"""What is to be done with a query of some class when it is sent: nothing, or to freeze it so."""


def plan_for(worker_class: type[Worker[Any, Any]], query: object) -> Plan:
    """Look once at how queries of that class are to be sent to workers of this one.

    Raises:
        TypeError: They are not answered there, or are no queries at all.
    """
    kind = type(query)
    if not issubclass(kind, Query):
        raise TypeError(f"{kind.__name__} is no Query")
    answered = worker_class.query_types()
    if not issubclass(kind, answered):
        names = ", ".join(sorted(each.__name__ for each in answered))
        raise TypeError(f"{worker_class.__name__} answers {names}, not {kind.__name__}")
    return True if kind.freeze is Query.freeze else kind.freeze
