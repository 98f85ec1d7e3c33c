"""Copies of exceptions, so that no two getters ever raise the same instance."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from types import TracebackType

E = TypeVar("E", bound=BaseException)


def fresh(error: E, traceback: TracebackType | None = None, note: str | None = None) -> E:
    """Return a copy of `error` to raise; the original if its type cannot be copied at all.

    One instance that is raised in several threads would collect the tracebacks of all of them, and
    a note or an attribute that one of them adds would show up in the others.

    Args:
        error: The original. It is never raised itself.
        traceback: Where the original came from; the getter's frames are added in front of it.
        note: A line to add to the copy.
    """
    twin = _copy(error)
    if twin is not error:
        twin.__cause__ = error.__cause__
        twin.__context__ = error.__context__
        twin.__suppress_context__ = error.__suppress_context__
    notes = getattr(error, "__notes__", None)
    if notes is not None:
        twin.__notes__ = list(notes)
    if note is not None and note not in (notes or ()):
        twin.add_note(note)
    return twin.with_traceback(traceback)


def _copy(error: E) -> E:
    kind = type(error)
    try:
        twin = copy.copy(error)
        if type(twin) is kind and twin.args == error.args:
            return twin
    except Exception:  # an __init__ that does not take its own args, or anything else of the user's
        pass
    try:
        twin = kind.__new__(kind, *error.args)
        twin.args = error.args
        twin.__dict__.update(error.__dict__)
    except Exception:
        return error
    return twin
