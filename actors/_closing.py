"""What can be closed by a coroutine, too."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

_LOOK_AGAIN = 0.25
"""Seconds after which a thread that waits for an end sees that its task does so no more."""


class _Closable(Protocol):
    def shutdown(self, drain: float | None = ...) -> None: ...
    def close(self, drain: float | None = ...) -> None: ...
    def join(self, timeout: float | None = ...) -> bool: ...


class AsyncClosing:
    """`aclose`, `join_async` and ``async with`` for what has `shutdown`, `join` and `close`."""

    __slots__ = ()

    async def aclose(self: _Closable, drain: float | None = 30.0) -> None:
        """Shut down and wait until it is done, without blocking the loop; see `close`.

        If the task is cancelled meanwhile, what is left is stopped hard, in the background.

        Args:
            drain: Seconds that what is queued may take; see `shutdown`.
        """
        from actors._replies.awaiting import Errand

        errand = Errand(lambda: self.close(drain))
        try:
            await errand.run()
        except BaseException:
            if errand.given_up:
                self.shutdown(0.0)
            raise

    async def join_async(self: _Closable, timeout: float | None = None) -> bool:
        """Wait as `join` does, without blocking the loop. A task may be cancelled while it waits.

        Args:
            timeout: Seconds to wait; None waits as long as it takes.

        Returns:
            Whether it is stopped, with all its threads.
        """
        from actors._replies.awaiting import Errand

        until = None if timeout is None else monotonic() + timeout

        def join() -> bool:
            while not errand.given_up:
                left = _LOOK_AGAIN if until is None else until - monotonic()
                if self.join(min(max(0.0, left), _LOOK_AGAIN)):
                    return True
                if left <= 0:
                    break
            return False

        errand = Errand(join)
        return await errand.run()

    async def __aenter__(self) -> Self:
        """Return it."""
        return self

    async def __aexit__(
        self: _Closable,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close; at once, without letting run what is queued, if an exception is passing."""
        await AsyncClosing.aclose(self, 30.0 if kind is None else 0.0)
