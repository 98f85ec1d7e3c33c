"""What a worker class says about itself in ``Worker[Options, Query]``, and what follows."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from actors._mailboxes.lanes import PLAIN, flow_key
from actors.query import Query

if TYPE_CHECKING:
    from actors._mailboxes.lanes import FlowKey
    from actors.worker import Worker


def arguments_of(cls: type) -> tuple[Any, ...] | None:
    """Return what ``Worker[...]`` was given by the class or the nearest of its bases, or None."""
    arguments = _arguments(cls)
    if arguments is None or any(isinstance(argument, TypeVar) for argument in arguments):
        return None
    return arguments


def _arguments(cls: type) -> tuple[Any, ...] | None:
    """Return them, with type variables where the class leaves them open."""
    from actors.worker import Worker

    for base in cls.__dict__.get("__orig_bases__", cls.__bases__):
        kind = typing.get_origin(base) or base
        if kind is Worker:
            return typing.get_args(base) or None
        if not issubclass(kind, Worker):
            continue
        arguments = _arguments(kind)
        if arguments is not None:
            given = typing.get_args(base)
            names = getattr(kind, "__parameters__", ())
            filled = dict(zip(names, given, strict=True)) if given else {}
            return tuple(_fill(argument, filled) for argument in arguments)
    return None


def _fill(argument: Any, filled: dict[Any, Any]) -> Any:
    """Put into an argument what a subclass says of its type variables."""
    if isinstance(argument, TypeVar):
        return filled.get(argument, argument)
    names = getattr(argument, "__parameters__", ())
    return argument[tuple(filled.get(name, name) for name in names)] if names else argument


def options_types_of(cls: type) -> tuple[type, ...]:
    """Return the classes that a worker's options may be of; none if it does not name plain ones."""
    arguments = arguments_of(cls)
    if arguments is None:
        return ()
    kinds = [typing.get_origin(each) or each for each in _members(arguments[0])]
    return tuple(kinds) if all(isinstance(kind, type) for kind in kinds) else ()


def _members(kind: Any) -> tuple[Any, ...]:
    """Return what a union is one of, or what is no union itself."""
    is_union = typing.get_origin(kind) in (typing.Union, types.UnionType)
    return typing.get_args(kind) if is_union else (kind,)


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


class Tagged:
    """The plan for queries whose class says what their tenant or priority is."""

    __slots__ = ("_freeze",)

    def __init__(self, freeze: Callable[[Any], Query[Any]]) -> None:
        """Freeze them so."""
        self._freeze = freeze

    def __call__(self, query: Query[Any]) -> Query[Any]:
        """Freeze a query."""
        return self._freeze(query)

    def flow_of(self, query: Query[Any], said: FlowKey | None) -> FlowKey | None:
        """Return priority and tenant: what the sender said, and for the rest what the query says.

        Raises:
            TypeError: Such a priority or tenant there cannot be.
        """
        priority, tenant = said or PLAIN
        return flow_key(
            priority if priority != 0 else query.priority,
            tenant if tenant is not None else query.tenant,
        )


Plan: TypeAlias = Literal[True] | Tagged | Callable[[Any], Query[Any]]
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
    if _says(query, "tenant") or _says(query, "priority"):
        return Tagged(kind.freeze)
    return True if kind.freeze is Query.freeze else kind.freeze


def _says(query: object, name: str) -> bool:
    return inspect.getattr_static(query, name) is not vars(Query)[name]
