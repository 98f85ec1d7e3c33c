"""What crosses `EchoRuntime`'s border, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runtimes.errors import ConversionError, HostError, JSError
from runtimes.shared import SharedBuffer
from runtimes.testing._echo_words import HostWord
from runtimes.values import Undefined

if TYPE_CHECKING:
    from runtimes.options import HostFunction, RuntimeOptions

_PLAIN = (type(None), bool, int, float, str, bytes, Undefined, SharedBuffer)


def operands(rest: str) -> list[Any]:
    """Read JSON values that stand one after the other."""
    decoder, operands = json.JSONDecoder(), []
    rest = rest.strip()
    while rest:
        if rest.startswith("main"):
            operand, end = "main", 4
        else:
            operand, end = decoder.raw_decode(rest)
        operands.append(operand)
        rest = rest[end:].strip()
    return operands


def crossed(value: Any, path: str, depth: int = 0) -> Any:
    """Copy a value as crossing the border would."""
    if depth > 200:
        raise ConversionError("nested too deeply", path=path)
    if type(value) in _PLAIN:
        return value
    if isinstance(value, list | tuple):
        return [crossed(each, f"{path}[{i}]", depth + 1) for i, each in enumerate(value)]
    if isinstance(value, dict):
        return {key: crossed(each, f"{path}.{key}", depth + 1) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return {crossed(each, path, depth + 1) for each in value}
    raise ConversionError(f"a {type(value).__name__} cannot cross", path=path)


def size(value: Any) -> tuple[int, int]:
    """Nodes and bytes of a value."""
    if isinstance(value, list | set):
        parts = [size(each) for each in value]
    elif isinstance(value, dict):
        parts = [size(each) for pair in value.items() for each in pair]
    else:
        return 1, len(value) if isinstance(value, str | bytes) else 1
    return 1 + sum(nodes for nodes, _ in parts), 1 + sum(size for _, size in parts)


def given(options: RuntimeOptions) -> dict[str, HostWord]:
    """The options' host functions by full name."""
    given = {}
    for name, entry in options.host_functions.items():
        if isinstance(entry, Mapping):
            for member, function in entry.items():
                given[f"{name}.{member}"] = host(f"{name}.{member}", function)
        else:
            given[name] = host(name, entry)
    return given


def host(name: str, function: HostFunction) -> HostWord:
    """Wrap a host function, so that its errors are the script's."""

    def call(*args: Any) -> Any:
        try:
            return crossed(function(*args), "$")
        except HostError as error:
            raise JSError(str(error), name="HostError") from error
        except Exception as error:
            raise JSError("a host function failed", name=type(error).__name__) from error

    return HostWord(name, call)
