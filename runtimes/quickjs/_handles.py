"""JavaScript functions and promises, held from Python."""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, Any, Final

from runtimes.options import DEFAULT, Default

if TYPE_CHECKING:
    from collections.abc import Generator

    from runtimes.quickjs._guest import Guest

_RELEASED_AT_ONCE: Final = 512


class Handle:
    """A reference to an object in a runtime; released when it is dropped.

    It belongs to the runtime that made it, and so to that runtime's thread. It may be dropped on
    any thread. Passed as an argument to the same runtime it becomes the object again.
    """

    __slots__ = ("_guest", "_handle_id", "_owner")

    def __init__(self, guest: Guest, handle_id: int) -> None:
        self._guest = guest
        self._owner = guest.owner
        self._handle_id = handle_id

    def __del__(self) -> None:
        # Any thread, at any moment: only append; the owner releases at its next entry.
        self._guest.dropped.append(self._handle_id)

    def __reduce__(self) -> str:
        raise TypeError(f"a {type(self).__name__} belongs to its runtime and cannot be pickled")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._handle_id} of runtime {self._owner}>"


class JSFunction(Handle):
    """A JavaScript function."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The function's ``name``, or ``""`` if it has none that is a string."""
        found = self._guest.enter("guest_handle_name", (self._handle_id,), b"", DEFAULT)
        return found if isinstance(found, str) else ""

    def __call__(self, *args: Any, timeout: float | Default | None = DEFAULT) -> Any:
        """Call it with ``this`` undefined; a promise is awaited.

        Raises:
            JSRuntimeError: As `Runtime.call_function`.
        """
        return self._guest.call_handle(self, args, timeout)


class JSPromise(Handle):
    """A JavaScript promise that a result contained."""

    __slots__ = ()

    def result(self, timeout: float | Default | None = DEFAULT) -> Any:
        """Run jobs until it settles; return its value.

        Raises:
            JSError: It was rejected.
            UnsettledPromise: No job is left that could settle it.
        """
        return self._guest.enter("guest_await", (self._handle_id,), b"", timeout)

    def __await__(self) -> Generator[None, None, Any]:
        """Settle it at once, on this thread: there is nothing to wait for outside the runtime."""
        return self.result()
        yield


def release_dropped(guest: Guest) -> None:
    """Release in the guest what was dropped in Python."""
    dropped = guest.dropped  # finalisers on other threads may append meanwhile
    while dropped:
        count = min(len(dropped), _RELEASED_AT_ONCE)
        numbers = [dropped.pop() for _ in range(count)]
        guest._memory.put(pack(f"<{count}I", *numbers))
        guest._call("guest_release", count)
