"""The replies of a flow that are under way, and which of them comes next."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from actors._bell import Bell

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._replies.reply import Reply

Wish: TypeAlias = Literal["half", "next", "any"]
"""What to be woken for: half of them are done, the next can be had, or any of them is done."""

Waker: TypeAlias = "Bell | Callable[[Any], object]"
"""What wakes whoever waits: a bell that is rung, or what is called with a reply."""


class Window(Protocol):
    """Replies that were asked for and not handed out yet.

    One thread or task at a time reads it; replies are settled, and the flow is closed, on any.
    """

    def __len__(self) -> int:
        """Return how many there are."""

    def add(self, reply: Reply[Any]) -> None:
        """Take in one that was just asked for."""

    def ready(self) -> bool:
        """Return whether `pop` has something to give."""

    def pop(self) -> Reply[Any]:
        """Remove and return the next, which is settled."""

    def pop_all(self) -> list[Reply[Any]]:
        """Remove and return all that `pop` has to give."""

    def oldest(self) -> Reply[Any]:
        """Return the one that was asked for first."""

    def replies(self) -> list[Reply[Any]]:
        """Return all, for those who close. Any thread."""

    def hang_up(self, bell: Waker, wish: Wish) -> None:
        """Have `bell` rung for what is wished, or at the close: at once, if it is so already."""

    def take_down(self, bell: Waker) -> None:
        """Have it rung no more."""

    def close(self) -> None:
        """Wake whoever waits now or later. Any thread."""


class InOrder:
    """They are handed out in the order in which they were asked for."""

    def __init__(self) -> None:
        """Have none."""
        self._replies: deque[Reply[Any]] = deque()
        self._rung_by: list[Reply[Any]] = []
        self._bell: Waker | None = None
        self._closed = False
        self.add = self._replies.append
        self.pop = self._replies.popleft

    def __len__(self) -> int:
        """See `Window`."""
        return len(self._replies)

    def ready(self) -> bool:
        """See `Window`."""
        replies = self._replies
        return bool(replies) and replies[0]._done

    def pop_all(self) -> list[Reply[Any]]:
        """See `Window`."""
        replies, popped = self._replies, []
        while replies and replies[0]._done:
            popped.append(replies.popleft())
        return popped

    def oldest(self) -> Reply[Any]:
        """See `Window`."""
        return self._replies[0]

    def replies(self) -> list[Reply[Any]]:
        """See `Window`."""
        return list(self._replies.copy())

    def hang_up(self, bell: Waker, wish: Wish) -> None:
        """See `Window`."""
        self._bell = bell
        if self._closed:  # looked at after the bell was hung up
            ring(bell)
            return
        replies = self._replies
        chosen = [replies[0]] if replies else []
        if wish == "any":
            chosen = [reply for reply in replies if not reply._done] or chosen
        elif wish == "half" and replies:
            middle = replies[len(replies) // 2]
            if not middle._done:
                chosen = [middle]
        for reply in chosen:
            self._rung_by.append(reply)
            reply._notify(bell)

    def take_down(self, bell: Waker) -> None:
        """See `Window`."""
        self._bell = None
        while self._rung_by:
            self._rung_by.pop()._forget(bell)

    def close(self) -> None:
        """See `Window`."""
        self._closed = True
        bell = self._bell
        if bell is not None:
            ring(bell)


class AsDone:
    """They are handed out as they are done."""

    def __init__(self) -> None:
        """Have none."""
        self._replies: dict[Reply[Any], None] = {}
        self._done: deque[Reply[Any]] = deque()
        self._bells: list[Waker] = []  # of the one who waits; taken out by the one who rings
        self._enough = 1
        self._closed = False

    def __len__(self) -> int:
        """See `Window`."""
        return len(self._replies)

    def add(self, reply: Reply[Any]) -> None:
        """See `Window`."""
        if reply not in self._replies:
            self._replies[reply] = None
            reply._notify(self._arrived)

    def _arrived(self, reply: Reply[Any]) -> None:
        """Called by whoever settles a reply: any thread, the worker's most often."""
        self._done.append(reply)
        if len(self._done) >= self._enough:
            self._ring()

    def ready(self) -> bool:
        """See `Window`."""
        return bool(self._done)

    def pop(self) -> Reply[Any]:
        """See `Window`."""
        reply = self._done.popleft()
        del self._replies[reply]
        return reply

    def pop_all(self) -> list[Reply[Any]]:
        """See `Window`."""
        return [self.pop() for _ in range(len(self._done))]

    def oldest(self) -> Reply[Any]:
        """See `Window`."""
        return next(iter(self._replies))

    def replies(self) -> list[Reply[Any]]:
        """See `Window`."""
        return list(self._replies)

    def hang_up(self, bell: Waker, wish: Wish) -> None:
        """See `Window`."""
        self._enough = max(1, len(self._replies) // 2) if wish == "half" else 1
        self._bells[:] = [bell]
        if self._closed or len(self._done) >= self._enough:  # after the bell was hung up
            self._ring()

    def take_down(self, bell: Waker) -> None:
        """See `Window`."""
        self._bells.clear()

    def leave(self) -> None:
        """Take down what was hung up at replies that belong to somebody else."""
        for reply in self.replies():
            reply._forget(self._arrived)

    def close(self) -> None:
        """See `Window`."""
        self._closed = True
        self._ring()

    def _ring(self) -> None:
        try:
            bell = self._bells.pop()
        except IndexError:
            return
        ring(bell)


def ring(bell: Waker) -> None:
    """Wake whoever waits, who may have been woken already."""
    if isinstance(bell, Bell):
        bell.ring()
    else:
        bell(None)
