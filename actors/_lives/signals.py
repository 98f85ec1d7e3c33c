"""Telling what a signal's handler raised from what was raised by the code that it interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def came_by_signal(error: BaseException) -> bool:
    """Return whether a signal's handler has raised it.

    Python calls such a handler between two instructions of the main thread, with the signal's
    number and the frame that it interrupts. So in the traceback its frame is one that was given the
    frame below itself, which is not so of any other function, but for those that trace.
    """
    step = error.__traceback__
    while step is not None:
        if _was_given_what_is_below(step.tb_frame):
            return True
        step = step.tb_next
    return False


def _was_given_what_is_below(frame: FrameType) -> bool:
    below = frame.f_back
    if below is None:
        return False
    for value in frame.f_locals.values():
        found = value if type(value) is tuple else (value,)  # it may take whatever it is given
        if any(each is below for each in found):
            return True
    return False
