"""The host functions that some attacks turn against Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtimes import QuickJSRuntime


def make_host_functions(runtime_of: Callable[[], QuickJSRuntime]) -> dict[str, Callable[..., Any]]:
    """Return name to function.

    Args:
        runtime_of: Returns the runtime that they are given to, once it exists.
    """
    kept: list[object] = []

    def host_echo(value: object) -> object:
        return value

    def host_fail() -> None:
        raise RuntimeError("secret of /root/secret.py")

    def host_drop(value: object) -> None:
        del value

    def host_keep(value: object) -> int:
        kept.append(value)
        return len(kept)

    def host_numbers(count: int) -> list[int]:
        return list(range(count))

    def host_text(length: int) -> str:
        return "x" * length

    def host_object() -> object:
        return object()

    def host_nested(depth: int) -> list[Any]:
        value: list[Any] = []
        for _ in range(depth):
            value = [value]
        return value

    def host_call(function: Callable[[], object]) -> object:
        return function()

    def host_again() -> object:
        return runtime_of().call_function("again")

    def host_close() -> None:
        runtime_of().close()

    def host_load(source: str) -> None:
        from runtimes import Module

        runtime_of().load_module(Module("inner.js", source))

    def host_exit() -> None:
        raise SystemExit(3)

    def host_interrupt() -> None:
        raise KeyboardInterrupt

    functions = (
        host_echo,
        host_fail,
        host_drop,
        host_keep,
        host_numbers,
        host_text,
        host_object,
        host_nested,
        host_call,
        host_again,
        host_close,
        host_load,
        host_exit,
        host_interrupt,
    )
    return {function.__name__: function for function in functions}
