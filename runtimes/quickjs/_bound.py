"""Functions that were looked up once, and calls of one function by the thousand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from runtimes.encoded import EncodedArgs
from runtimes.errors import JSRuntimeError
from runtimes.options import DEFAULT, Default
from runtimes.quickjs import _abi
from runtimes.quickjs._arguments import plain_calls
from runtimes.quickjs._handles import JSFunction
from runtimes.quickjs._lean import lean_caller
from runtimes.quickjs._names import encode_name
from runtimes.quickjs._returns import convert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtimes.quickjs._guest import Guest

T = TypeVar("T")

_NO_CALL: Final = 0xFFFFFFFF


class BoundFunction(Generic[T]):
    """A function of a runtime, found once by name, with its ``this`` and the type of its results.

    It belongs to the runtime that made it, and so to that runtime's thread. What a script assigns
    to the name later does not change it.

    Attributes:
        name: By which it was found.
    """

    __slots__ = ("_encode", "_function", "_guest", "_handle_id", "_module", "_returns", "_run",
                 "name")  # fmt: skip

    def __init__(
        self, guest: Guest, name: str, function: JSFunction, module: int, returns: type[T] | None
    ) -> None:
        """Made by `QuickJSRuntime.function`; not by you."""
        self.name = name
        self._guest = guest
        self._function = function  # which is released when nobody holds it
        self._handle_id = function._handle_id
        self._module = module
        self._returns = returns
        self._run = lean_caller(guest, "guest_call_handle")
        self._encode = guest.codec.encode_args

    def __call__(self, *args: Any, timeout: float | Default | None = DEFAULT) -> T:
        """Call it; a promise is awaited.

        Args:
            args: The arguments.
            timeout: Seconds from now; None is unlimited, the default is that of the options.

        Raises:
            JSRuntimeError: As `Runtime.call_function`.
        """
        payload = self._encode(args)
        if timeout is DEFAULT:
            result = self._run(self._handle_id, self._module, len(payload), payload)
        else:
            result = self._run_for(payload, timeout)
        returns = self._returns
        return result if returns is None or type(result) is returns else convert(result, returns)

    def call(
        self, args: Sequence[Any] | EncodedArgs = (), *, timeout: float | Default | None = DEFAULT
    ) -> T:
        """Call it with a sequence of arguments, which may have been encoded before.

        Raises:
            JSRuntimeError: As `Runtime.call_function`.
        """
        payload = self._guest.encode_args(args)
        if timeout is DEFAULT:
            result = self._run(self._handle_id, self._module, len(payload), payload)
        else:
            result = self._run_for(payload, timeout)
        returns = self._returns
        return result if returns is None or type(result) is returns else convert(result, returns)

    def _run_for(self, payload: bytes, timeout: float | Default | None) -> Any:
        numbers = (self._handle_id, self._module, len(payload))
        return self._guest.enter("guest_call_handle", numbers, payload, timeout)

    def call_many(
        self,
        args_list: Iterable[Sequence[Any]] | EncodedArgs,
        *,
        timeout: float | Default | None = DEFAULT,
    ) -> list[T]:
        """Call it once for each sequence of arguments; see `Runtime.call_many`.

        Raises:
            JSRuntimeError: As `Runtime.call_many`.
        """
        numbers = (self._handle_id, self._module)
        results = call_many(self._guest, numbers, b"", args_list, timeout)
        return results if self._returns is None else convert(results, list[self._returns])  # type: ignore[name-defined]

    def __reduce__(self) -> str:
        raise TypeError("a bound function belongs to its runtime and cannot be pickled")

    def __repr__(self) -> str:
        return f"<BoundFunction {self.name} of runtime {self._guest.owner}>"


def bind(guest: Guest, name: str, module: int, returns: type[T] | None) -> BoundFunction[T]:
    """Look a function up.

    Args:
        guest: Where.
        name: Its name.
        module: Number + 1 of the module to look in first, or 0.
        returns: What to convert its results to.

    Raises:
        ValueNotFound, ValueNotCallable: There is none.
    """
    encoded = encode_name(name)
    numbers = (module, len(encoded))
    answer = guest.enter("guest_bind", numbers, encoded, DEFAULT)
    match answer:
        case [JSFunction() as function, bool(exported)]:
            pass
        case _:
            raise guest.lied("the guest says that a function is something else")
    return BoundFunction(guest, name, function, module if exported else 0, returns)


def call_many(
    guest: Guest,
    numbers: tuple[int, int],
    name: bytes,
    args_list: Iterable[Sequence[Any]] | EncodedArgs,
    timeout: float | Default | None,
) -> list[Any]:
    """Call one function many times in one run.

    Args:
        guest: Where.
        numbers: The function's handle, and the number + 1 of its module, or 0.
        name: Its name, if the handle is none.
        args_list: The arguments of each call.
        timeout: For all of them together.

    Raises:
        JSRuntimeError: Everything that a run can raise; its `call_index` says which call it was.
    """
    payload = _encode_calls(guest, args_list)
    guest.check()
    guest._memory.write(_abi.CALLS_DONE, _NO_CALL)
    try:
        results = guest.enter(
            "guest_call_many", (*numbers, len(name), len(payload)), payload, timeout, name
        )
    except JSRuntimeError as error:
        index = guest._memory.read(_abi.CALLS_DONE)  # of a lost guest, too
        if index != _NO_CALL:
            error.call_index = index
            error.add_note(f"in call {index} of a batch; those before it have run")
        raise
    if not isinstance(results, list):
        raise guest.lied("the guest answers a batch with something else than a list")
    return results


def _encode_calls(guest: Guest, args_list: Iterable[Sequence[Any]] | EncodedArgs) -> bytes:
    if isinstance(args_list, EncodedArgs):
        return guest.encode_args(args_list)
    return guest.codec.encode_calls(plain_calls(args_list))
