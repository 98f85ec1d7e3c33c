"""What may be the arguments of a call, or those of a batch of calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST: Final = 4_000_000
"""What an iterable may give, arguments or calls: as many values as a result may have by default.
One without an end would fill the memory, and never come to the call."""

_PLAIN: Final = frozenset({list, tuple})
_ARGUMENTS: Final = "arguments are a list or tuple of values"
_CALLS: Final = "the calls of a batch are a list of lists or tuples"


def plain_args(args: Sequence[Any]) -> list[Any]:
    """Return the arguments of a call as a list.

    Raises:
        TypeError: They are none, or surely a slip: a text, bytes or a mapping.
        ValueError: There are more than `MOST`.
    """
    return _read(args, _ARGUMENTS)


def plain_calls(args_list: Iterable[Sequence[Any]]) -> list[Any]:
    """Return a batch as a list of lists or tuples.

    Raises:
        TypeError: It, or one of its members, is none, or surely a slip: a text, bytes or a mapping.
        ValueError: It, or one of its members, has more than `MOST`.
    """
    calls = args_list if type(args_list) is list else _read(args_list, _CALLS)
    if _PLAIN.issuperset(map(type, calls)):
        return calls
    return [_read(each, f"call {index}: {_ARGUMENTS}") for index, each in enumerate(calls)]


def _read(given: Iterable[Any], rule: str) -> list[Any]:
    if isinstance(given, str | bytes | bytearray | memoryview | Mapping) or not _is_iterable(given):
        raise TypeError(f"{rule}, not {type(given).__name__}")
    values = list(islice(given, MOST + 1))
    if len(values) > MOST:
        raise ValueError(f"{rule}, and at most {MOST:,}; `imap` takes queries without end")
    return values


def _is_iterable(value: object) -> bool:
    # what only has a __getitem__ is no Iterable, and can be iterated over all the same
    return isinstance(value, Iterable) or hasattr(type(value), "__getitem__")
