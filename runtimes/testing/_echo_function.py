"""What `EchoRuntime.function` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtimes.encoded import EncodedArgs
from runtimes.errors import JSRuntimeError
from runtimes.options import DEFAULT, Default

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runtimes.testing._echo import EchoRuntime


class EchoFunction:
    """A function that was looked up once; see `runtimes.BoundFunction`."""

    def __init__(
        self, runtime: EchoRuntime, name: str, call: Callable[[Any], Any], returns: Any
    ) -> None:
        self.name = name
        self._runtime = runtime
        self._call = call
        self._returns = returns

    def __call__(self, *args: Any, timeout: float | Default | None = DEFAULT) -> Any:
        """Call it."""
        return self.call(args, timeout=timeout)

    def call(
        self, args: Sequence[Any] | EncodedArgs = (), *, timeout: float | Default | None = DEFAULT
    ) -> Any:
        """Call it with a sequence of arguments."""
        return self._runtime._run(lambda: self._call(args), timeout, self._returns)

    def call_many(
        self,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        timeout: float | Default | None = DEFAULT,
    ) -> list[Any]:
        """Call it once for each sequence of arguments."""
        encoded = isinstance(args_list, EncodedArgs)
        calls = args_list.decode() if isinstance(args_list, EncodedArgs) else list(args_list)
        if not encoded and any(isinstance(args, str | bytes | dict) for args in calls):
            raise TypeError("arguments are a list or tuple of values")
        returns: Any = None if self._returns is None else list[self._returns]  # type: ignore[name-defined]
        return self._runtime._run(lambda: self._each(calls), timeout, returns)  # type: ignore[no-any-return]

    def _each(self, calls: list[Any]) -> list[Any]:
        results = []
        for index, args in enumerate(calls):
            try:
                results.append(self._call(args))
            except JSRuntimeError as error:
                error.call_index = index
                error.add_note(f"in call {index} of a batch; those before it have run")
                raise
        return results
