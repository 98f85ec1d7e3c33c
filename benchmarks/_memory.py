"""What a process has of memory, mappings and threads (Linux's /proc)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

_OWN = Path("/proc/self")


@dataclass(frozen=True)
class Footprint:
    """What this process takes at one moment.

    Attributes:
        private: Bytes that no other process shares (USS).
        pss: Private bytes and this process's share of the others.
        rss: All that is resident.
        mappings: How many ranges the kernel keeps for it; `vm.max_map_count` limits them.
        threads: How many threads it has.
    """

    private: float
    pss: float
    rss: float
    mappings: float
    threads: float

    def each(self, before: Footprint, count: int) -> Footprint:
        """Return the growth since `before` for each of `count`."""
        mine, theirs = asdict(self), asdict(before)
        return Footprint(**{name: (mine[name] - theirs[name]) / count for name in mine})


def can_be_measured() -> bool:
    """Whether this system tells."""
    return (_OWN / "smaps_rollup").exists()


def footprint() -> Footprint:
    """Return what this process takes now."""
    lines = (_OWN / "smaps_rollup").read_text(encoding="ascii").splitlines()
    words = [line.split() for line in lines if line.endswith(" kB")]
    sizes = {name.rstrip(":"): int(size) * 1024 for name, size, _unit in words}
    return Footprint(
        private=sizes["Private_Clean"] + sizes["Private_Dirty"],
        pss=sizes["Pss"],
        rss=sizes["Rss"],
        mappings=sum(1 for _ in (_OWN / "maps").open("rb")),
        threads=sum(1 for _ in (_OWN / "task").iterdir()),
    )
