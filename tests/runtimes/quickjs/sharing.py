"""Runtimes that share memory, and where it is mapped."""

from __future__ import annotations

import os
from typing import Any

from runtimes import QuickJSRuntime, RuntimeOptions, SharedBuffer

MIB = 1024 * 1024


def make(**options: Any) -> QuickJSRuntime:
    """A runtime that takes shared buffers."""
    runtime = QuickJSRuntime(RuntimeOptions(allocation="on_demand", **options))
    runtime.evaluate("function same(x) { return x } var kept; function keep(x) { kept = x }")
    return runtime


def maps(*buffers: SharedBuffer) -> int:
    """How often these buffers' memory is mapped in this process, the view of Python's included."""
    files = {str(os.fstat(buffer._pages.fd).st_ino) for buffer in buffers}
    with open("/proc/self/maps") as lines:
        return sum("jsactors-shared" in line and line.split()[4] in files for line in lines)
