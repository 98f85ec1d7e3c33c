"""Senders that wait for room in a mailbox, and those that must not."""

from __future__ import annotations

import sys
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from actors._bell import Bell
from actors._replies.current import current
from actors._threads import wait_for
from actors.errors import AskCycle, MailboxFull, QueryCancelled

if TYPE_CHECKING:
    from actors._mailboxes.store import Store
    from actors._replies.reply import Reply
    from actors.mailbox import MailboxOptions


class Blocked:
    """A sender that waits for room. Whoever makes room queues its query, and rings.

    Attributes:
        message: The query.
        bell: Rung when something has become of it.
        accepted: None while it waits, True when it is queued, False when the mailbox was closed.
    """

    __slots__ = ("accepted", "bell", "message")

    def __init__(self, message: Reply[Any]) -> None:
        """Begin to wait."""
        self.message = message
        self.bell = Bell()
        self.accepted: bool | None = None

    def settle(self, *, accepted: bool) -> None:
        """Say what became of it, and wake it."""
        self.accepted = accepted
        self.bell.ring()


def full(
    options: MailboxOptions, message: Reply[Any], limit: int | None = None, why: str = ""
) -> MailboxFull:
    """Return the error of a query for which there is no room."""
    tenant = None if message._flow is None else message._flow[1]
    if limit is None:
        limit = options.capacity if options.capacity is not None else options.tenant_capacity or 0
    if limit == options.capacity:
        return MailboxFull(f"{limit} queries are queued already{why}", capacity=limit)
    text = f"{limit} queries of tenant {tenant!r} are queued already{why}"
    return MailboxFull(text, capacity=limit, tenant=tenant)


def wait_for_room(store: Store, message: Reply[Any], timeout: float | None) -> bool:
    """Wait until a query is queued and return True, or False if the store was closed.

    Raises:
        MailboxFull: There was no room in time, or this thread must not wait for it.
        QueryCancelled: The query whose handler waits here was withdrawn.
    """
    if _runs_a_loop():
        raise full(store._options, message, None, ", and this thread runs an asyncio loop")
    sender = Blocked(message)
    caller = current.get()
    try:
        if caller is None or not caller._addressee.about_to_wait(message, sender.bell):
            return _wait(store, sender, timeout, None)
    except AskCycle:
        text = ", and there would never be room while this handler waits"
        raise full(store._options, message, None, text) from None
    try:
        return _wait(store, sender, timeout, caller)
    finally:
        caller._addressee.waited()


def _wait(store: Store, sender: Blocked, timeout: float | None, caller: Reply[Any] | None) -> bool:
    limits = [inf if timeout is None else monotonic() + timeout]
    limits += [
        reply._deadline
        for reply in (sender.message, caller)
        if reply is not None and reply._deadline is not None
    ]
    until = min(limits)
    accepted = store._block(sender)
    if accepted is not None:
        return accepted
    try:
        left = None if until == inf else until - monotonic()
        wait_for(sender.bell.wait, left)
    except BaseException:  # Ctrl-C: nobody will have the reply
        store._unblock(sender)
        sender.message.cancel()
        raise
    store._unblock(sender)
    if sender.accepted is not None:
        return sender.accepted
    if caller is not None and (caller._done or caller._addressee.halt_at <= monotonic()):
        raise QueryCancelled("the query that waits here was withdrawn", may_have_run=True)
    raise full(store._options, sender.message)


def _runs_a_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # one that nobody has imported runs no loop
    running = getattr(asyncio, "_get_running_loop", None)
    return running is not None and running() is not None
