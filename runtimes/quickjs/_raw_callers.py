"""Calls of a raw instance's exports: who may come in, with which slots, and what comes out.

How they stay safe:

- Every argument of the call is made in advance (see `_capi.pointer`), and where it points to lives
  as long as its caller function.
- The prebound callers of an instance share slots and a trap out-pointer; a call that comes while
  they are in use (a callback that calls an export, a finaliser, a signal handler) gets fresh ones.
- `State.owner` says who is inside. It is tested and set without any call in between, and CPython
  switches threads only at calls and backward jumps; hence not for free-threaded builds. Closed,
  dead and forked instances have an owner that nobody is, so that those tests cost nothing extra.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

from runtimes.quickjs import _capi
from runtimes.quickjs._instance import GuestTrap, InstanceBusyError, InstanceUnusableError
from runtimes.quickjs._raw_imports import CLOSED, DEAD, EXITING, FORKED, State, Visitor, threads
from runtimes.quickjs._raw_linked import MOST_ARGUMENTS, TRAP_AT
from runtimes.quickjs._threads import require_room
from runtimes.quickjs._traps import as_guest_trap

if TYPE_CHECKING:
    from collections.abc import Callable

_Arguments = tuple[Any, Any, Any, Any, Any]

N_VALUES: Final = _capi.size(MOST_ARGUMENTS)
"""How many places for values a call has, as wasmtime wants to be told."""
RESULT_MASKS: Final = {None: 0, "i32": 0xFFFF_FFFF, "i64": 0xFFFF_FFFF_FFFF_FFFF}
"""By the type of a result, which of its bits count."""
_BLANK: Final = array("Q", bytes(8 * (TRAP_AT + 1)))
_invoke = _capi.call_unchecked


class Slots:
    """Room for one call's arguments and result, and for its trap.

    Attributes:
        words: Argument k is at index 2 * k, the result at 0, the trap at `TRAP_AT`.
        arguments: What `_invoke` is called with. As a ready tuple, since ctypes wants one.
    """

    __slots__ = ("arguments", "words")

    def __init__(self, words: array[int], arguments: _Arguments) -> None:
        self.words = words
        self.arguments = arguments


def _fresh_slots(context: Any, function: Any) -> Slots:
    """Make slots that no other call uses."""
    words = _BLANK[:]
    start, _ = words.buffer_info()
    places = _capi.pointer(start), N_VALUES, _capi.pointer(start + TRAP_AT * 8)
    return Slots(words, (context, function, *places))


def _refuse(state: State) -> NoReturn:
    """Say why this thread cannot come in."""
    if state.owner is CLOSED:
        raise InstanceUnusableError("the instance is closed")
    if state.dead:
        raise GuestTrap("the guest trapped before; its instance is dead")
    if state.owner is EXITING:
        raise InstanceUnusableError("Python is exiting")
    if state.owner is FORKED:
        raise InstanceUnusableError("the instance belongs to the process this one was forked from")
    raise InstanceBusyError("another thread is inside the instance")


def fail(state: State, visitor: Visitor, error: int | None, trap: int) -> NoReturn:
    """Raise what made the guest unwind; from now on it is dead."""
    state.dead = True
    if state.rest is None:
        state.rest = DEAD
    visitor.restock()
    cause = _capi.take_trap(trap) if trap else _capi.take_error(error or 0)
    _raise_boxed(state)
    raise as_guest_trap(cause)


def _raise_boxed(state: State) -> None:
    """Raise what a callback caught, if it did."""
    boxed, state.box = state.box, None
    if boxed is not None:
        try:
            raise boxed
        finally:
            del boxed  # or its traceback would hold this frame, and this frame it


def _settle(state: State, visitor: Visitor, error: int | None, slots: Slots) -> int:
    """Raise what went wrong, if something did; else return the result."""
    trap = slots.words[TRAP_AT]
    if error or trap:
        slots.words[TRAP_AT] = 0
        fail(state, visitor, error, trap)
    _raise_boxed(state)
    return slots.words[0]


def _again(state: State, taken: Slots, visitor: Visitor, args: tuple[int, ...]) -> int:
    """Call while a call is under way: allowed to the thread inside, in slots of its own."""
    if state.owner is not visitor or state.dead:
        _refuse(state)
    context, function = taken.arguments[:2]
    slots = _fresh_slots(context, function)
    outer, visitor.guest = visitor.guest, state
    try:
        for index, value in enumerate(args):
            slots.words[index * _capi.SLOT] = value
        error = _invoke(*slots.arguments)
        return _settle(state, visitor, error, slots)
    finally:
        visitor.guest = outer


# The callers below differ in their number of arguments only: a loop over them would cost 0.15 us.
# Between the test of `owner` and its setting there must be no call (see the top of this file).


def _caller_1(state: State, slots: Slots) -> Callable[..., int]:
    words, arguments, trap_at = slots.words, slots.arguments, TRAP_AT

    def call(first: int) -> int:
        visitor = threads.visitor
        if state.owner is not None:
            return _again(state, slots, visitor, (first,))
        state.owner = visitor
        state.box = None  # of a run that Ctrl-C cut off while it was about to raise it
        outer = visitor.guest
        visitor.guest = state
        try:
            if outer is not None:
                require_room()
            words[0] = first
            error = _invoke(*arguments)
            if error or words[trap_at] or state.box is not None:
                return _settle(state, visitor, error, slots)
            return words[0]
        finally:
            visitor.guest = outer
            state.owner = state.rest

    return call


def _caller_2(state: State, slots: Slots) -> Callable[..., int]:
    words, arguments, trap_at = slots.words, slots.arguments, TRAP_AT

    def call(first: int, second: int) -> int:
        visitor = threads.visitor
        if state.owner is not None:
            return _again(state, slots, visitor, (first, second))
        state.owner = visitor
        state.box = None  # of a run that Ctrl-C cut off while it was about to raise it
        outer = visitor.guest
        visitor.guest = state
        try:
            if outer is not None:
                require_room()
            words[0] = first
            words[2] = second
            error = _invoke(*arguments)
            if error or words[trap_at] or state.box is not None:
                return _settle(state, visitor, error, slots)
            return words[0]
        finally:
            visitor.guest = outer
            state.owner = state.rest

    return call


def _caller_3(state: State, slots: Slots) -> Callable[..., int]:
    words, arguments, trap_at = slots.words, slots.arguments, TRAP_AT

    def call(first: int, second: int, third: int) -> int:
        visitor = threads.visitor
        if state.owner is not None:
            return _again(state, slots, visitor, (first, second, third))
        state.owner = visitor
        state.box = None  # of a run that Ctrl-C cut off while it was about to raise it
        outer = visitor.guest
        visitor.guest = state
        try:
            if outer is not None:
                require_room()
            words[0] = first
            words[2] = second
            words[4] = third
            error = _invoke(*arguments)
            if error or words[trap_at] or state.box is not None:
                return _settle(state, visitor, error, slots)
            return words[0]
        finally:
            visitor.guest = outer
            state.owner = state.rest

    return call


def _caller_4(state: State, slots: Slots) -> Callable[..., int]:
    words, arguments, trap_at = slots.words, slots.arguments, TRAP_AT

    def call(first: int, second: int, third: int, fourth: int) -> int:
        visitor = threads.visitor
        if state.owner is not None:
            return _again(state, slots, visitor, (first, second, third, fourth))
        state.owner = visitor
        state.box = None  # of a run that Ctrl-C cut off while it was about to raise it
        outer = visitor.guest
        visitor.guest = state
        try:
            if outer is not None:
                require_room()
            words[0] = first
            words[2] = second
            words[4] = third
            words[6] = fourth
            error = _invoke(*arguments)
            if error or words[trap_at] or state.box is not None:
                return _settle(state, visitor, error, slots)
            return words[0]
        finally:
            visitor.guest = outer
            state.owner = state.rest

    return call


FAST_CALLERS: Final = {1: _caller_1, 2: _caller_2, 3: _caller_3, 4: _caller_4}
"""By the number of arguments; for exports that return an i64."""


def any_caller(
    state: State, slots: Slots, n_args: int, result: Literal["i32", "i64"] | None
) -> Callable[..., int]:
    """Any number of arguments, any result, never mind the speed."""
    mask = RESULT_MASKS[result]

    def call(*args: int) -> int:
        if len(args) != n_args:
            raise TypeError(f"takes {n_args} arguments, not {len(args)}")
        visitor = threads.visitor
        if state.owner is not None:
            return _again(state, slots, visitor, args) & mask
        state.owner = visitor
        try:
            return _again(state, slots, visitor, args) & mask
        finally:
            state.owner = state.rest

    return call
