"""How this package starts threads, and where it reports what nobody waits for."""

from __future__ import annotations

import threading
from math import inf
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING

from actors._checks import check_seconds
from actors._room import threads_in_use

if TYPE_CHECKING:
    from collections.abc import Callable

STACK_BYTES = 4 * 1024 * 1024
"""Least stack of a worker's thread. A JavaScript engine may use 2 MiB of it for the wasm stack, and
a thread must have a mebibyte more than that; platforms give as little as 512 KiB by default."""

LOOK_UP = 0.25
"""Seconds after which the main thread looks up from waiting. A signal that comes in the moment
before it begins to wait does not wake it, and Ctrl-C would do nothing until the wait is over."""

_start_lock = threading.Lock()
_main_thread = threading.main_thread().ident


def start_thread(
    run: Callable[[], None], name: str, *, big_stack: bool = False
) -> threading.Thread:
    """Start a daemon thread (daemon, so that it can never keep the interpreter from leaving).

    Args:
        run: What it does.
        name: Its name.
        big_stack: Whether it will run an engine, and needs `STACK_BYTES` of stack. Python's setting
            is one for the process, so it is set and restored under a lock; a thread that somebody
            else starts in just that moment gets the same size, which does no harm. A larger setting
            of the program's is kept.

    Raises:
        RuntimeError: The system gives no more threads; the text says what may be in the way.
    """
    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        _start_big(thread) if big_stack else thread.start()
    except RuntimeError as error:
        raise RuntimeError(f"{error}: {threads_in_use()}") from error
    return thread


def _start_big(thread: threading.Thread) -> None:
    with _start_lock:
        before = threading.stack_size(STACK_BYTES)  # it can only be read by setting it
        try:
            if before > STACK_BYTES:
                threading.stack_size(before)
            thread.start()
        finally:
            threading.stack_size(before)


def longest_wait() -> float:
    """Return the seconds that this thread may wait before it looks up."""
    return LOOK_UP if get_ident() == _main_thread else threading.TIMEOUT_MAX


def wait_for(wait: Callable[[float], bool], timeout: float | None) -> bool:
    """Wait for something by a call that waits for some seconds; return whether it came.

    Args:
        wait: Waits for that many seconds at most, and says whether it came.
        timeout: Seconds to wait in all; None for as long as it takes.
    """
    check_seconds("timeout", timeout)
    until = inf if timeout is None else monotonic() + timeout
    longest = longest_wait()
    while not wait(max(0.0, min(until - monotonic(), longest))):
        if monotonic() >= until:
            return False
    return True


def countdown(timeout: float | None) -> Callable[[], float | None]:
    """Return what tells the seconds that are left of `timeout` from now on; None for no end."""
    check_seconds("timeout", timeout)
    if timeout is None:
        return lambda: None
    until = monotonic() + timeout
    return lambda: max(0.0, until - monotonic())


def join_thread(thread: threading.Thread, timeout: float | None) -> bool:
    """Wait until a thread has ended; return whether it has."""

    def join(seconds: float) -> bool:
        thread.join(seconds)
        return not thread.is_alive()

    return wait_for(join, timeout)


def report_unraisable(error: BaseException) -> None:
    """Report an error that has nobody to go to, by ``threading.excepthook``."""
    details = (type(error), error, error.__traceback__, threading.current_thread())
    threading.excepthook(threading.ExceptHookArgs(details))


def after_fork() -> None:
    """Make the lock anew: in the child of a fork its holder may be gone."""
    global _start_lock, _main_thread
    _start_lock = threading.Lock()
    _main_thread = get_ident()
