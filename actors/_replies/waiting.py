"""Waiting for a reply in a thread; see `awaiting` for tasks."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from actors import _bell
from actors._checks import check_seconds
from actors._replies.current import current
from actors._threads import longest_wait
from actors.errors import QueryCancelled

if TYPE_CHECKING:
    from actors._bell import Bell
    from actors._replies.reply import Reply


def wait_for_reply(reply: Reply[Any], timeout: float | None) -> None:
    """Wait until a reply is settled.

    Raises:
        TimeoutError: It is not after `timeout` seconds.
    """
    check_seconds("timeout", timeout)
    limit = None if timeout is None else monotonic() + timeout
    bell = _bell.borrow()
    reply._add_waiter(bell)
    try:
        while not reply._done:  # looked at after the bell was hung up, so no ring is missed
            if not listen(reply, bell, limit):
                raise TimeoutError(f"no response after {timeout:g} s; the query goes on")
    finally:
        if not reply._done:
            reply._forget(bell)
        _bell.give_back(bell)


def wait_for_asked(reply: Reply[Any]) -> None:
    """Wait until a reply is settled that nobody else has, so that nobody else adds a waiter."""
    bell = _bell.borrow()
    reply._waiters = [bell]
    while not reply._done:  # looked at after the bell was hung up, so no ring is missed
        listen(reply, bell, None)
    _bell.give_back(bell)


def listen(reply: Reply[Any], bell: Bell, limit: float | None) -> bool:
    """Wait for a bell, which rings when a reply is settled, if not before; False for the limit."""
    caller = current.get()
    if caller is None or not caller._addressee.about_to_wait(reply, bell):
        return _listen_once(reply, bell, limit, None)
    try:
        return _listen_once(reply, bell, limit, caller)
    finally:
        caller._addressee.waited()


def _listen_once(
    reply: Reply[Any], bell: Bell, limit: float | None, caller: Reply[Any] | None
) -> bool:
    """Wait for the bell, the deadline, or the limit; return False for the limit.

    True says only that it is worth to look again.
    """
    until = limit
    deadline = reply._deadline
    if deadline is not None and (until is None or deadline < until):
        until = deadline
    if caller is not None:  # a handler waits no longer than it may run
        if caller._done or caller._addressee.halt_at <= monotonic():
            raise QueryCancelled("the query that waits here was withdrawn", may_have_run=True)
        if caller._deadline is not None and (until is None or caller._deadline < until):
            until = caller._deadline
    longest = longest_wait()
    if until is None:
        bell.wait(longest)
        return True
    wait = until - monotonic()
    if wait > 0 and bell.wait(min(wait, longest)):
        return True
    now = monotonic()
    if deadline is not None and now >= deadline:
        if reply._expire():
            reply._addressee.withdrawn(reply)
        return True
    if caller is not None and caller._deadline is not None and now >= caller._deadline:
        caller._expire()
        return True
    return limit is None or now < limit
