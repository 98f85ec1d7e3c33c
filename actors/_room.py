"""Why there is no room for one more thread: what the system allows, and how much of it is used."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

_KERNEL = Path("/proc/sys")
_CGROUP = Path("/sys/fs/cgroup")


def threads_in_use() -> str:
    """Say how many threads run here, and what limits their number, as far as the system tells."""
    limits = [f"{name} is {value}" for name, value in _limits().items() if value is not None]
    text = f"{threading.active_count()} run in this process"
    return f"{text} ({', '.join(limits)})" if limits else text


def _limits() -> dict[str, str | None]:
    return {
        "the user's limit of processes and threads": _of_the_user(),
        "the cgroup's limit": _first_line(_CGROUP / "pids.max"),
        "kernel.threads-max": _first_line(_KERNEL / "kernel/threads-max"),
        "vm.max_map_count": _mappings(),
    }


def _of_the_user() -> str | None:
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    return None if limit == resource.RLIM_INFINITY else str(limit)


def _mappings() -> str | None:
    """The kernel's limit of mappings: a worker has some seven, its stack and its guard included."""
    most = _first_line(_KERNEL / "vm/max_map_count")
    if most is not None:
        with contextlib.suppress(OSError), open("/proc/self/maps", "rb") as lines:
            return f"{most} with {sum(1 for _ in lines)} in use"
    return most


def _first_line(path: Path) -> str | None:
    try:
        return path.read_bytes().decode().strip()
    except (OSError, ValueError):
        return None
