"""Keep wasmtime's signal handlers in front of faulthandler's.

A trap in compiled code (unreachable, out of bounds, stack exhausted) is a signal that wasmtime's
handler turns into an error. ``faulthandler.enable()`` *before* the first engine is harmless:
wasmtime's handler comes first and passes on what is not its own. *After* it, faulthandler's handler
comes first, takes the trap for a crash, and the process dies (shown for all four kinds of trap).

wasmtime installs its handlers once per process, so they are noted after the first engine, and put
back in front whenever something else was put there: when an instance is made, and by the watchdog
while something runs. The price: a faulthandler that is enabled after the first runtime no longer
reports SIGSEGV, SIGILL and SIGFPE (a real crash still ends the process by that signal). Who wants
its reports enables it first, as ``python -X faulthandler`` and pytest do.

Not covered: ``faulthandler.disable()`` after it had been enabled before the first engine. It throws
wasmtime's handlers out, and putting them back would pass real crashes on to a disabled handler,
which returns, for ever. Then instances work as long as they do not trap.
"""

from __future__ import annotations

import ctypes
import faulthandler
import signal
import sys
from typing import Any

# macOS: wasmtime listens to Mach exceptions, which come before signals. Windows: no signals.
_applies = sys.platform.startswith(("linux", "android", "freebsd"))
_signals = (signal.SIGSEGV, signal.SIGILL, signal.SIGFPE) if _applies else ()
_SIZE = 512
"""More than any platform's struct sigaction; opaque to us but for its first word, the handler."""

_wasmtime: dict[int, bytes] = {}
_sigaction: Any = ctypes.CDLL(None).sigaction if _applies else None


def remember() -> None:
    """Note wasmtime's handlers; call right after the first engine of the process was made."""
    if not _wasmtime:
        _wasmtime.update({number: _current(number) for number in _signals})


def restore() -> None:
    """Put wasmtime's handlers back in front of faulthandler's (0.03 us if that is off, else 3)."""
    if not faulthandler.is_enabled():
        return
    for number, wanted in _wasmtime.items():
        if _current(number)[:8] != wanted[:8]:
            _sigaction(number, ctypes.c_char_p(wanted), None)


def _current(number: int) -> bytes:
    buffer = ctypes.create_string_buffer(_SIZE)
    if _sigaction(number, None, buffer):
        raise OSError(f"sigaction({number}) failed")
    return buffer.raw
