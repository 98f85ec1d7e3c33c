"""Which query is being run here."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actors._replies.reply import Reply

current: ContextVar[Reply[Any] | None] = ContextVar("jsactors_current_query", default=None)
"""The query that this context runs, if any.

A query runs in a copy, made when it was sent, of its sender's context: what it binds is gone with
it, so nothing leaks into the next query, and what the sender bound (a request id of the program's
own, say) can be seen by the handler, as with ``asyncio.to_thread``.
"""
