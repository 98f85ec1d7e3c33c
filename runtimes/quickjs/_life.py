"""A runtime's life: whose it is, how long it may run, what it holds, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from runtimes.quickjs._guest import Guest


class Life:
    """What whoever holds a runtime does with it besides running scripts."""

    _guest: Guest

    @property
    def usable(self) -> bool:
        """Whether it is neither closed nor broken. May be read on any thread."""
        return self._guest.usable

    @property
    def deadline(self) -> float | None:
        """An instant of ``time.monotonic()`` that no run outlasts, whatever its timeout; or None.

        For whoever lends the runtime out: a worker sets it to the deadline of its query.
        """
        return self._guest.deadline

    @deadline.setter
    def deadline(self, instant: float | None) -> None:
        self._guest.deadline = instant

    @property
    def memory_used(self) -> int:
        """Bytes that the engine holds, as of the end of the last run."""
        return self._guest.memory_used()

    def collect_garbage(self) -> int:
        """Collect garbage; return the bytes in use after it."""
        return self._guest.collect()

    def move_here(self) -> None:
        """Belong to the calling thread from now on.

        Whoever calls it sees to it that no other thread uses the runtime meanwhile; a lock does.
        Functions and promises that it handed out move with it.

        Raises:
            WrongThread: A run is under way, or the thread's stack is too small.
        """
        self._guest.move_here()

    def cancel(self) -> None:
        """Stop the run that is under way, from any thread; nothing happens if there is none.

        The run raises `RunCancelled`.
        """
        self._guest.cancel()

    def close(self) -> None:
        """Free everything. Calling it again does nothing.

        Raises:
            WrongThread: On another thread, or from a host function during a run.
        """
        self._guest.close()

    def __enter__(self) -> Self:
        """Return the runtime; leaving closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()
