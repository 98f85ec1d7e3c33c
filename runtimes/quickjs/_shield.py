"""Callbacks out of which no exception can escape, whatever arrives whenever.

ctypes prints an exception that leaves a callback, and then returns *uninitialised* memory to C;
from a wasmtime callback that is taken for a pointer, and the process dies (shown: ``free(): invalid
pointer``). A ``try`` around the whole body does not suffice: CPython runs signal handlers, and
raises asynchronous exceptions, at a function's very first instruction, which stands before the
``try``. And this is no rare race: while a guest runs in the main thread, the first bytecode after
Ctrl-C *is* that first instruction of a callback.

So `shield` lets the outermost ``try`` of a function begin at its first instruction, by rewriting
one entry of the code object's exception table (CPython 3.11 and later; the format is in CPython's
``Objects/exception_handling_notes.txt``). The other half is up to the function: exceptions also
arrive when a call returns, so its ``except BaseException`` block must not call anything.
"""

from __future__ import annotations

import ctypes
import itertools
import operator
import threading
from collections import deque
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_F = TypeVar("_F", bound="Callable[..., object]")

_MOST_BEFORE_TRY = 8
"""Code units in front of a leading ``try``: RESUME and NOP, with their inline caches."""


def shield(function: _F) -> _F:
    """Let the function's first ``try`` cover it from its first instruction on; return it.

    The ``try`` must be its first statement, and it must have no closure. Where the exception table
    is not as expected, the function is left as it is and `is_shielded` says so: then `works` is
    false as well, and the raw layer is not used.
    """
    assert isinstance(function, FunctionType)
    code = function.__code__
    entries = _parse(code.co_exceptiontable)
    if entries:
        start, length, target, depth = entries[0]
        if start <= _MOST_BEFORE_TRY and depth == 0:
            entries[0] = (0, start + length, target, depth)
            function.__code__ = code.replace(co_exceptiontable=_build(entries))
    return function


def is_shielded(function: Callable[..., object]) -> bool:
    """Whether an exception at the function's first instruction would land in its ``except``."""
    assert isinstance(function, FunctionType)
    entries = _parse(function.__code__.co_exceptiontable)
    return bool(entries) and entries[0][0] == 0


def _parse(table: bytes) -> list[tuple[int, int, int, int]]:
    """Return (start, length, target, depth and lasti) of each entry, in code units."""
    numbers: list[int] = []
    value = 0
    for byte in table:
        value = value << 6 | byte & 0x3F
        if not byte & 0x40:
            numbers.append(value)
            value = 0
    if len(numbers) % 4:
        return []
    return [tuple(numbers[i : i + 4]) for i in range(0, len(numbers), 4)]  # type: ignore[misc]


def _build(entries: list[tuple[int, int, int, int]]) -> bytes:
    table = bytearray()
    for entry in entries:
        first = len(table)
        for value in entry:
            groups = [value & 0x3F]
            while value := value >> 6:
                groups.append(0x40 | value & 0x3F)
            table += bytes(reversed(groups))
        table[first] |= 0x80
    return bytes(table)


class _Probe(BaseException):
    """What `works` throws at the shield."""


_caught: BaseException | None = None


def _catch() -> None:
    global _caught
    try:
        _caught = None
    except BaseException as error:
        _caught = error


shield(_catch)


def works() -> bool:
    """Whether an exception that arrives at the very first instruction is caught (some 3 us)."""
    outcomes = {_try_once() for _ in range(3)}
    if outcomes == {None}:
        return is_shielded(_catch)
    return True in outcomes and False not in outcomes


def _try_once() -> bool | None:
    """Throw an exception at the shield; return whether it was caught, None if it never came.

    A finaliser that the collector runs just then may get it in its stead. And after a thread could
    not be started, CPython 3.11 keeps a record of it that has the number of the thread which tried:
    what is thrown at that thread is lost.
    """
    global _caught
    raise_later = ctypes.pythonapi.PyThreadState_SetAsyncExc
    steps = [
        partial(raise_later, ctypes.c_ulong(threading.get_ident()), ctypes.py_object(_Probe)),
        _catch,
    ]
    try:
        # Driven from C, so that no bytecode runs between setting the exception and the function.
        deque(itertools.starmap(operator.call, [(step,) for step in steps]), maxlen=0)
    except _Probe:
        return False
    caught, _caught = _caught, None  # not kept, for its traceback holds frames
    return True if isinstance(caught, _Probe) else None
