"""Train the guest's profile: ``python -m benchmarks.train``, then build the guest.

It builds a guest that counts, runs the programs of benchmarks/training in it and a round of calls
from Python, and writes `runtimes/quickjs/guest/guest.profile`. Each program counts for the same,
however long it runs. Benchmarks measure with other programs; a test compares the two sets.

It takes the compiler that a build takes, and about a minute.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import struct
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks._harness import HERE
from benchmarks.bench_hard_stop import shipped_guest_replaced
from benchmarks.bench_javascript import starter
from runtimes.quickjs import QuickJSRuntime
from runtimes.quickjs.guest import build
from runtimes.quickjs.guest.flags import PROFILE
from runtimes.quickjs.guest.pgo import Counted, name_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TRAINING = HERE / "training"
RUNS = 20
SHARE = 10**9
"""To how many counted events each program is scaled."""
DIGITS = 3
"""Of a count that are kept: more say nothing, and make the file longer."""
DATA = struct.Struct("<QQi12xI12x")
"""`__llvm_profile_data` of LLVM 22 on a 32-bit target: hash of the name, of the shape, where the
counters are (from here), ..., how many."""


def _names(section: bytes) -> dict[int, str]:
    """Names by their hash: per object file two lengths, and names between bytes of 1."""
    names = {}
    at = 0

    def number() -> int:
        nonlocal at
        value = bits = 0
        while True:
            byte = section[at]
            at += 1
            value |= (byte & 0x7F) << bits
            bits += 7
            if byte < 0x80:
                return value

    while at < len(section):
        if not section[at]:  # between two object files
            at += 1
            continue
        size = number()
        if number():
            raise ValueError("the names are compressed")
        for name in section[at : at + size].decode().split("\1"):
            names[name_hash(name)] = name
        at += size
    return names


def read_counters(memory: bytes, bounds: list[int]) -> Counter[tuple[str, int, int]]:
    """Return how often each counter was passed: by function, hash of its shape, and number."""
    start, stop, data_start, data_stop, names_start, names_stop = bounds
    names = _names(memory[names_start:names_stop])
    counted: Counter[tuple[str, int, int]] = Counter()
    for at in range(data_start, data_stop, DATA.size):
        name, shape, offset, n_counters = DATA.unpack_from(memory, at)
        first = at + offset & 0xFFFFFFFF
        if not start <= first <= stop - 8 * n_counters:
            raise ValueError("the counters are not laid out as in LLVM 22")
        values = struct.unpack_from(f"<{n_counters}Q", memory, first)
        counted.update({(names[name], shape, i): value for i, value in enumerate(values)})
    return counted


def train(work: Callable[[QuickJSRuntime], None]) -> Counter[tuple[str, int, int]]:
    """Do some work in a new runtime and return what it counted, scaled."""
    with QuickJSRuntime() as runtime:
        work(runtime)
        guest: Any = runtime._guest
        bounds = [guest._call("guest_counters", which) & 0xFFFFFFFF for which in range(6)]
        counted = read_counters(bytes(guest._instance.refresh()), bounds)
    scale = SHARE / counted.total()
    return Counter({key: _rounded(value * scale) for key, value in counted.items()})


def _rounded(value: float) -> int:
    """Keep the first digits; what ran at all never becomes 0."""
    whole = int(value) or int(value > 0)
    unit: int = 10 ** max(0, len(str(whole)) - DIGITS)
    return whole // unit * unit


def _program(path: Path) -> Callable[[QuickJSRuntime], None]:
    source = path.read_text(encoding="utf-8")

    def work(runtime: QuickJSRuntime) -> None:
        runtime.evaluate(source, filename=path.name)
        for _ in range(RUNS):
            runtime.evaluate(starter(source))

    return work


def _crossings(runtime: QuickJSRuntime) -> None:
    """Calls with values of every kind both ways, and a host function."""
    runtime.register("host_add", lambda a, b: a + b)
    runtime.evaluate(
        "globalThis.echo = (x) => x; globalThis.add = (a, b) => a + b;"
        "globalThis.ask = (n) => { let s = 0; while (n--) s = host_add(s, n); return s; }"
    )
    record = {"id": 7, "name": "näme", "tags": ["a", "b", None], "price": 1.5, "open": True}
    values: list[Any] = [1, "text", None, 2**70, b"bytes", [1, 2.5, "x"], {"a": {"b": [record]}}]
    add = runtime.function("add")
    for i in range(300):
        runtime.call_function("add", [i, i * 0.5])
        runtime.call_function("echo", [values[i % len(values)]])
        add(i, i * 0.5)
    for _ in range(20):
        runtime.call_many("add", [[i, 1] for i in range(50)])
        runtime.call_function("echo", [[record] * 40])
        runtime.call_function("ask", [30])


def profile(programs: Iterable[Path]) -> list[Counted]:
    """Train with programs and with the crossings; the guest must be the one that counts."""
    total = train(_crossings)
    for path in programs:
        total.update(train(_program(path)))
    counts: dict[tuple[str, int], list[int]] = {}
    for (name, shape, number), value in sorted(total.items()):
        found = counts.setdefault((name, shape), [])
        assert number == len(found)
        found.append(value)
    return [Counted(name, shape, tuple(found)) for (name, shape), found in counts.items()]


def training_guest() -> bytes:
    """Build the guest that counts, or take it from the user's cache."""
    folder = Path(tempfile.mkdtemp())

    class Training(build.Guest):
        wasm = folder / "guest.wasm"
        stamp = folder / "guest.json"

        def digest(self, folder: Path = build.HERE) -> str:
            own = hashlib.sha256(self.name.encode())
            for path in build.source_files(folder):
                if path.name != PROFILE:  # it does not depend on what it makes
                    own.update(path.name.encode() + path.read_bytes())
            return own.hexdigest()

    try:
        guest = Training(training=True)
        if not guest.take_from_cache():
            print("building the guest that counts (up to a minute)", flush=True)
            guest.build()
        content: bytes = guest.wasm.read_bytes()
        return content
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Train and write the profile."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train", description=__doc__)
    parser.add_argument("programs", nargs="*", type=Path, help="these instead of all")
    parser.add_argument("--to", type=Path, help="another file")
    options = parser.parse_args()
    with shipped_guest_replaced(training_guest()):
        functions = profile(options.programs or sorted(TRAINING.glob("*.js")))
    target = options.to or build.HERE / PROFILE
    head = "# Made by benchmarks/train.py: function, hash of its shape, counts (times*count).\n"
    lines = "".join(f"{each.to_line()}\n" for each in functions)
    target.write_text(head + lines, encoding="utf-8", newline="\n")
    ran = sum(any(each.counts) for each in functions)
    print(f"{target}: {len(functions)} functions, {ran} of them ran, {len(lines):,} bytes")


if __name__ == "__main__":
    main()
