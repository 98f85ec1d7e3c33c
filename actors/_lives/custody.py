"""What was opened and never closed: stopped nonetheless, and with a warning, as files are."""

from __future__ import annotations

import warnings
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._trees.group import Group

_all: weakref.WeakSet[Custody] = weakref.WeakSet()
_over = False


class Custody:
    """Shared by all that somebody holds of one worker or pool, and so the last of it to go.

    If that happens before it was closed, nobody can reach it any more. Then what is queued is still
    run, since there may be replies, and its threads end; a `ResourceWarning` says what was
    forgotten.
    """

    __slots__ = ("__weakref__", "_group", "_is_closed", "_shutdown", "what")

    def __init__(
        self,
        what: str,
        group: Group,
        is_closed: Callable[[], bool],
        shutdown: Callable[[], None],
    ) -> None:
        """Watch over something that has just been opened.

        Args:
            what: How to call it.
            group: By whose thread it is shut down.
            is_closed: Whether it takes no more queries. It is called by finalisers, so it must not
                take a lock; nor must it, or `shutdown`, refer to what the user holds.
            shutdown: Lets it end when it has done what is queued.
        """
        self.what = what
        self._group = group
        self._is_closed = is_closed
        self._shutdown = shutdown
        _all.add(self)

    def __del__(self, warn: Callable[..., None] = warnings.warn) -> None:
        """See to what was forgotten (`warn` is bound early: modules go first when Python exits)."""
        if not _over and not self._is_closed():
            # A finaliser may run anywhere, inside our own locks too: this only queues something.
            self._group.order(self._shutdown)
            warn(f"unclosed {self.what}", ResourceWarning, stacklevel=1, source=self)


def end() -> list[str]:
    """Watch no more, since Python exits, and everything is stopped; return what was still open."""
    global _over
    _over = True
    return sorted(custody.what for custody in list(_all) if not custody._is_closed())


def after_fork() -> None:
    """Watch over nothing of the parent's: in the child of a fork it is all stopped."""
    for custody in list(_all):
        custody._is_closed = _yes
    _all.clear()


def _yes() -> bool:
    return True
