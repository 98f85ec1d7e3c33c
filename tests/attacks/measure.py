"""Time and memory of this process, as the operating system sees them."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def resident_bytes(name: str) -> int | None:
    """Return ``VmRSS`` or the peak ``VmHWM`` of this process; None where there is no such thing."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return None


@dataclass(slots=True)
class Meter:
    """Measures one stretch of work on this thread, from `start` to `stop`.

    Attributes:
        wall: Seconds that passed.
        cpu: Seconds that this thread was computing; a busy machine does not add to these.
        growth: How far the resident memory rose at its highest, in bytes; None if unknown.
    """

    wall: float = 0.0
    cpu: float = 0.0
    growth: int | None = None
    _from: tuple[float, float, int | None] = field(default=(0.0, 0.0, None), repr=False)

    def start(self) -> None:
        """Begin; the peak of the memory is forgotten where the system allows that."""
        with contextlib.suppress(OSError):
            _CLEAR.write_text("5")  # Linux: make VmHWM fall to VmRSS
        self._from = (time.monotonic(), time.thread_time(), resident_bytes("VmHWM"))

    def stop(self) -> None:
        """End."""
        peak = resident_bytes("VmHWM")
        wall, cpu, before = self._from
        self.wall, self.cpu = time.monotonic() - wall, time.thread_time() - cpu
        self.growth = None if peak is None or before is None else peak - before
