"""Where queries arrive, as far as their replies know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from actors._bell import Bell
    from actors._replies.reply import Reply


class Addressee(Protocol):
    """The end at which queries arrive, as far as a reply knows it."""

    @property
    def name(self) -> str:
        """The worker's name."""
        ...

    @property
    def run_started(self) -> float:
        """The instant at which the last run was begun."""
        ...

    @property
    def halt_at(self) -> float:
        """The instant at which the worker is to let go even of a query that it runs."""
        ...

    def withdrawn(self, reply: Reply[Any]) -> None:
        """Called when a reply was settled from outside: remove the query, or stop its run."""
        ...

    def about_to_wait(self, other: Reply[Any], bell: Bell) -> bool:
        """Called by a thread that runs a query and will wait for another one's reply.

        Returns:
            Whether it was this worker's own thread, so that `waited` must be called.

        Raises:
            AskCycle: If the other could then never be answered.
        """
        ...

    def waited(self) -> None:
        """Called when that wait is over."""
        ...
