"""The profile of the guest: how often each piece of its code ran while it was trained.

`guest.profile` is a text of our own, one function a line, so that a new training shows as a diff.
What the compiler wants is LLVM's indexed format, written by

    python pgo.py guest.profile guest.profdata

Version 7 of the format, which later ones of LLVM go on reading: `llvm/ProfileData/InstrProf.h` and
`InstrProfReader.cpp` of LLVM 14, with its on-disk hash table. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import sys
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAGIC = b"\xfflprofi\x81"
VERSION = 7 | 1 << 56
"""The format's version, and the flag that code was counted in LLVM's intermediate language."""
CUTOFFS = (
    *(10_000, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000),
    *(950_000, 990_000, 999_000, 999_900, 999_990, 999_999),
)
"""Shares in millionths for which the summary says how many counters hold them: LLVM's own."""
NO_VALUES = struct.pack("<II", 8, 0)
"""Where the values of indirect calls and the like would stand: none were recorded."""


class ProfileError(Exception):
    """The profile is not one."""


@dataclass(frozen=True)
class Counted:
    """One function: its name, the hash of its shape, and how often each counter was passed."""

    name: str
    shape: int
    counts: tuple[int, ...]

    def to_line(self) -> str:
        """Write it, runs of one number as ``times*number``."""
        runs = [(len(list(run)), count) for count, run in groupby(self.counts)]
        counts = (f"{times}*{count}" if times > 1 else str(count) for times, count in runs)
        return " ".join([self.name, f"{self.shape:016x}", *counts])

    @classmethod
    def from_line(cls, line: str) -> Counted:
        """Read what `to_line` wrote.

        Raises:
            ProfileError: it is something else.
        """
        try:
            name, shape, *runs = line.split()
            counts: list[int] = []
            for run in runs:
                times, _, count = run.rpartition("*")
                counts += [int(count)] * int(times or 1)
            return cls(name, int(shape, 16), tuple(counts))
        except ValueError as error:
            raise ProfileError(f"not a line of a profile: {line[:60]!r}") from error


def parse(text: str) -> list[Counted]:
    """Read a profile; lines that begin with # are comments.

    Raises:
        ProfileError: it is not one.
    """
    return [Counted.from_line(line) for line in text.splitlines() if line and line[0] != "#"]


def name_hash(name: str) -> int:
    """What LLVM knows a function by: half of its name's MD5."""
    return int.from_bytes(hashlib.md5(name.encode(), usedforsecurity=False).digest()[:8], "little")


def indexed(functions: Iterable[Counted]) -> bytes:
    """Write LLVM's indexed format.

    Raises:
        ProfileError: nothing was counted.
    """
    by_name: defaultdict[str, list[Counted]] = defaultdict(list)
    for function in functions:
        by_name[function.name].append(function)
    summary = _summary([function for each in by_name.values() for function in each])
    start = len(MAGIC) + 4 * 8 + len(summary)
    table, table_at = _hash_table({name: _record(each) for name, each in by_name.items()}, start)
    head = struct.pack("<4Q", VERSION, 0, 0, table_at)
    return MAGIC + head + summary + table


def _record(functions: Iterable[Counted]) -> bytes:
    out = b""
    for function in functions:
        counts = function.counts
        out += struct.pack(f"<QQ{len(counts)}Q", function.shape, len(counts), *counts) + NO_VALUES
    return out


def _summary(functions: Sequence[Counted]) -> bytes:
    counts = sorted((count for each in functions for count in each.counts), reverse=True)
    total = sum(counts)
    if not total:
        raise ProfileError("the profile says that nothing ever ran")
    first = max(each.counts[0] for each in functions)
    inner = max((max(each.counts[1:], default=0) for each in functions), default=0)
    entries, taken, held = [], 0, 0
    for cutoff in CUTOFFS:
        while held < total * cutoff // 1_000_000:
            held += counts[taken]
            taken += 1
        entries.append((cutoff, counts[max(taken - 1, 0)], taken))
    fields = (len(functions), len(counts), first, counts[0], inner, total)
    out = struct.pack("<QQ6Q", len(fields), len(entries), *fields)
    return out + b"".join(struct.pack("<3Q", *entry) for entry in entries)


def _hash_table(records: dict[str, bytes], start: int) -> tuple[bytes, int]:
    """LLVM's chained hash table, laid at `start` in the file; returns it and where its index is."""
    n_buckets = 1
    while n_buckets <= len(records) * 4 // 3:
        n_buckets *= 2
    buckets: list[list[str]] = [[] for _ in range(n_buckets)]
    for name in sorted(records):
        buckets[name_hash(name) & (n_buckets - 1)].append(name)
    out, places = bytearray(), []
    for bucket in buckets:
        places.append(start + len(out) if bucket else 0)
        if bucket:
            out += struct.pack("<H", len(bucket))
        for name in bucket:
            key, record = name.encode(), records[name]
            out += struct.pack("<3Q", name_hash(name), len(key), len(record)) + key + record
    out += bytes(-(start + len(out)) % 8)
    index = start + len(out)
    out += struct.pack(f"<QQ{n_buckets}Q", n_buckets, len(records), *places)
    return bytes(out), index


def main() -> int:
    """Convert a profile; the exit status is 1 if it is none."""
    parser = argparse.ArgumentParser(description="Write a profile as LLVM reads it.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    try:
        content = indexed(parse(options.source.read_text(encoding="utf-8")))
    except ProfileError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    options.target.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
