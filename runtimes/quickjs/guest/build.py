"""The recipe of the guest: from pinned engine sources and our C to one WebAssembly file.

Run it as ``python runtimes/quickjs/guest/build.py``, or import it as the build hook does. It writes
`guest.wasm` and its stamp `guest.json` (with ``--debug`` their twins `guest-debug.*`) into the
folder above. Only the standard library is imported here, because the hook runs before anything
is installed; the compiler (`ziglang`) and the installer (`pip`) are started as programs.

The stamp holds a digest over everything that shapes the result, so a guest is built again when,
and only when, one of those has changed. A finished guest is also kept in the user's cache, from
where any checkout with the same digest takes it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

HERE = Path(__file__).resolve().parent
if not __package__:  # started as a program; what it imports of its folder is imported relatively
    sys.path.insert(0, str(HERE.parent))
    __package__ = HERE.name

from .checks import BuildError, check_product, check_profile  # noqa: E402
from .flags import (  # noqa: E402
    COMMON_FLAGS,
    COUNTING_FLAGS,
    DEBUG_FLAGS,
    INLINING_FLAGS,
    INTERPRETER,
    LINK_FLAGS,
    LOOKERS,
    OWN_FLAGS,
    PROFILE,
    PROFILE_FLAGS,
    RELEASE_FLAGS,
    UNITS,
)

OUTPUT_FOLDER = HERE.parent

ENGINE = "quickjs-ng"
ENGINE_VERSION = "0.17.0.2"
ENGINE_SHA256 = "43d2e48272208721a7aaea8e3f02d4b9318f12ef20cc4f5421b59d9a470706ef"
ENGINE_SOURCES = "upstream-quickjs"
ZIG_VERSION = "0.17.1"
SUFFIXES = frozenset({".c", ".h", ".py", ".toml", ".profile"})
REQUIREMENTS = (f"ziglang=={ZIG_VERSION}", "pip>=23", "wasmtime~=50.0")
"""What a build needs beyond Python. Named to pip by the hook, and only when the guest is stale."""


@dataclass(frozen=True)
class Guest:
    """One flavour of the guest: where it lies, and how it is built.

    Attributes:
        debug: With assertions and leak checks, hardly optimised.
        training: Counts what it runs, for benchmarks/train.py; slow.
    """

    debug: bool = False
    training: bool = False

    @property
    def name(self) -> str:
        """Stem of its files."""
        return "guest-debug" if self.debug else "guest-training" if self.training else "guest"

    @property
    def flags(self) -> tuple[str, ...]:
        """What all its units are compiled with."""
        if self.debug:
            return (*COMMON_FLAGS, *DEBUG_FLAGS)
        profile = COUNTING_FLAGS if self.training else PROFILE_FLAGS
        return (*COMMON_FLAGS, *RELEASE_FLAGS, *INLINING_FLAGS, *profile)

    @property
    def units(self) -> dict[str, tuple[str, ...]]:
        """Its sources, each with flags of its own."""
        return {**UNITS, "guest/counters.c": OWN_FLAGS} if self.training else UNITS

    @property
    def wasm(self) -> Path:
        """The built guest."""
        return OUTPUT_FOLDER / f"{self.name}.wasm"

    @property
    def stamp(self) -> Path:
        """What the guest was built from, as JSON."""
        return OUTPUT_FOLDER / f"{self.name}.json"

    def digest(self, folder: Path = HERE) -> str:
        """SHA-256 over everything that shapes the result, independent of where `folder` lies.

        Pinned versions, flags and the pass count because the Python files count.
        """
        total = hashlib.sha256(f"{self.name}\n".encode())
        for path in source_files(folder):
            content = path.read_bytes().replace(b"\r\n", b"\n")
            total.update(f"{path.name} {len(content)}\n".encode())
            total.update(content)
        return total.hexdigest()

    def is_fresh(self) -> bool:
        """Whether guest and stamp are there, belong together, and fit today's sources."""
        return _is_whole(self.wasm, self.stamp, self.digest())

    def take_from_cache(self) -> bool:
        """Copy a guest with today's digest out of the user's cache; False if there is none."""
        digest = self.digest()
        wasm, stamp = self._cached(digest)
        if not _is_whole(wasm, stamp, digest):
            return False
        self._install(wasm.read_bytes(), stamp.read_text(encoding="utf-8"))
        return True

    def build(self) -> None:
        """Compile, insert the stop checks, rehearse, boot, check, put it in place and in the cache.

        Safe while another build runs: each works in its own folder, and files appear by renaming.

        Raises:
            BuildError: a tool is missing or failed.
        """
        started = time.monotonic()
        _check_tools()
        with tempfile.TemporaryDirectory(prefix="jsactors-") as name:
            work = Path(name)
            (work / "guest").mkdir()
            for path in source_files(HERE):
                shutil.copyfile(path, work / "guest" / path.name)
            digest = self.digest(work / "guest")  # of what is built, whatever is edited meanwhile
            _unpack_engine(work / "engine")
            _run_step("apply_edits.py", "engine", work=work)
            self._compile(work)
            self._insert_stop_checks(work)
            _run_step("rehearsal.py", "stoppable.wasm", "hot.json", work=work)
            _run_step("image.py", "stoppable.wasm", "guest.wasm", "--hot", "hot.json", work=work)
            content = (work / "guest.wasm").read_bytes()
            abi = abi_number(work / "guest")
        check_product(content)
        stamp = json.dumps(
            {
                "abi": abi,
                "digest": digest,
                "sha256": hashlib.sha256(content).hexdigest(),
                "debug": self.debug,
                "engine": f"{ENGINE} {ENGINE_VERSION}",
                "zig": ZIG_VERSION,
                "build_seconds": round(time.monotonic() - started, 1),
            },
            indent=2,
        )
        self._install(content, stamp + "\n")
        with contextlib.suppress(OSError):  # the cache is a comfort: do without where it is closed
            _make_cache_folder()
            wasm, cached_stamp = self._cached(digest)
            _write(wasm, content)
            _write(cached_stamp, (stamp + "\n").encode())

    def _cached(self, digest: str) -> tuple[Path, Path]:
        folder = cache_folder()
        return folder / f"{self.name}-{digest}.wasm", folder / f"{self.name}-{digest}.json"

    def _install(self, content: bytes, stamp: str) -> None:
        # The stamp comes last and names the hash of the wasm: whoever reads in between, or after
        # two builds that crossed each other, sees a pair that does not match, hence a stale one.
        _write(self.wasm, content)
        _write(self.stamp, stamp.encode())

    def _compile(self, work: Path) -> None:
        profiled = not (self.debug or self.training)
        if profiled:
            _run_step("pgo.py", f"guest/{PROFILE}", "guest.profdata", work=work)
        compilers = []
        for unit, own in self.units.items():
            command = [*self.flags, *own, "-c", unit, "-o", _object(unit)]
            compilers.append((unit, _start_zig(command, work)))
        try:
            said = [_finish(compiler, f"compiling {unit}") for unit, compiler in compilers]
        finally:
            for _, compiler in compilers:
                compiler.kill()
                compiler.wait()
        if profiled:
            check_profile("\n".join(said), work / "guest" / PROFILE)
        link = [*LINK_FLAGS, *map(_object, self.units), "-o", "linked.wasm"]
        _finish(_start_zig(link, work), "linking the guest")

    def _insert_stop_checks(self, work: Path) -> None:
        options = ["--skip", INTERPRETER, "--look", *LOOKERS]
        if self.debug:
            options.append("--keep-names")
        _run_step("stop_checks.py", "linked.wasm", "stoppable.wasm", *options, work=work)


def _check_tools() -> None:
    # Said at once: a build without isolation installs nothing by itself.
    missing = [name for name in ("pip", "wasmtime", "ziglang") if find_spec(name) is None]
    if not missing and metadata.version("ziglang") == ZIG_VERSION:
        return
    needs = " ".join(f"'{each}'" for each in REQUIREMENTS)
    raise BuildError(f"the guest does not fit its sources; to build it: pip install {needs}")


def abi_number(folder: Path = HERE) -> int:
    """The number in header.h that host and guest must agree on."""
    header = (folder / "header.h").read_text(encoding="utf-8")
    found = re.search(r"#define GUEST_ABI (\d+)u", header)
    if found is None:
        raise BuildError("header.h does not define GUEST_ABI")
    return int(found[1])


def source_files(folder: Path) -> list[Path]:
    """Every file of the folder that shapes the guest, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)


def cache_folder() -> Path:
    """The folder of the user's cache for build products; may not exist yet.

    `JSACTORS_CACHE_DIR` overrides it.
    """
    named = os.environ.get("JSACTORS_CACHE_DIR")
    if named:
        return Path(named) / "build"
    variable, usual = {
        "win32": ("LOCALAPPDATA", "AppData/Local"),
        "darwin": ("", "Library/Caches"),
    }.get(sys.platform, ("XDG_CACHE_HOME", ".cache"))
    return Path(os.environ.get(variable) or Path.home() / usual) / "jsactors" / "build"


def _make_cache_folder() -> None:
    folder = cache_folder()
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for private in (folder.parent, folder):
        private.mkdir(mode=0o700, exist_ok=True)


def _is_whole(wasm: Path, stamp: Path, digest: str) -> bool:
    try:
        facts = json.loads(stamp.read_text(encoding="utf-8"))
        content = wasm.read_bytes()
    except (OSError, ValueError):
        return False
    expected = {"digest": digest, "sha256": hashlib.sha256(content).hexdigest()}
    return isinstance(facts, dict) and {name: facts.get(name) for name in expected} == expected


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _unpack_engine(target: Path) -> None:
    """Unpack the engine's C sources from the pinned archive, fetching it if it is not cached."""
    content = _engine_archive()
    target.mkdir()
    folder = f"{ENGINE.replace('-', '_')}-{ENGINE_VERSION}/{ENGINE_SOURCES}/"
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as archive:
            for member in archive.getmembers():
                name = member.name.removeprefix(folder)
                if member.isfile() and name != member.name and "/" not in name:
                    source = archive.extractfile(member)
                    assert source is not None
                    (target / name).write_bytes(source.read())


def _engine_archive() -> bytes:
    name = f"{ENGINE.replace('-', '_')}-{ENGINE_VERSION}.tar.gz"
    cached = cache_folder() / name
    content: bytes
    with contextlib.suppress(OSError):
        content = cached.read_bytes()
        if hashlib.sha256(content).hexdigest() == ENGINE_SHA256:
            return content
    with tempfile.TemporaryDirectory(prefix="jsactors-") as folder:
        work = Path(folder)
        pin = f"{ENGINE}=={ENGINE_VERSION} --hash=sha256:{ENGINE_SHA256}\n"
        (work / "pin.txt").write_text(pin, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary", ENGINE, "--require-hashes", "-r", "pin.txt", "-d", "."]
        _finish(_start(command, work), f"downloading the sources of {ENGINE} {ENGINE_VERSION}")
        content = (work / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != ENGINE_SHA256:
        raise BuildError(f"{name} is not the archive that is pinned here")
    with contextlib.suppress(OSError):
        _make_cache_folder()
        _write(cached, content)
    return content


def _object(unit: str) -> str:
    return Path(unit).stem + ".o"


def _run_step(program: str, *arguments: str, work: Path) -> None:
    # In a process of its own: this file may run where there is no package to import it from.
    module = f"guest.{Path(program).stem}"
    _finish(_start([sys.executable, "-m", module, *arguments], work), program)


def zig_environment(work: Path) -> dict[str, str]:
    """The environment for zig; its own parts (a libc, built at first use) are kept in our cache.

    zig's cache takes -O1 to -O3 for the same, and once handed back the object of before an edit: so
    objects get a new cache for each build.
    """
    kept = cache_folder() / f"zig-{ZIG_VERSION}"
    try:
        _make_cache_folder()
        kept.mkdir(exist_ok=True)
    except OSError:
        kept = work / "zig-kept"
    caches = {"ZIG_LOCAL_CACHE_DIR": str(work / "zig"), "ZIG_GLOBAL_CACHE_DIR": str(kept)}
    return {**os.environ, **caches}


def _start_zig(arguments: list[str], work: Path) -> Popen[str]:
    command = [sys.executable, "-m", "ziglang", "cc", *arguments]
    return _start(command, work, zig_environment(work))


def _start(command: list[str], work: Path, environment: dict[str, str] | None = None) -> Popen[str]:
    return Popen(
        command, cwd=work, env=environment, text=True, errors="replace", stdout=PIPE, stderr=STDOUT
    )


def _finish(process: Popen[str], purpose: str) -> str:
    output, _ = process.communicate()
    if process.returncode:
        raise BuildError(f"{purpose} failed with status {process.returncode}:\n{output.strip()}")
    return output


def main() -> int:
    """Build from the command line; the exit status is 1 if that failed."""
    parser = argparse.ArgumentParser(description="Build the guest.")
    parser.add_argument("--debug", action="store_true", help="with assertions and leak checks")
    parser.add_argument("--if-stale", action="store_true", help="do nothing if it is up to date")
    needs = "build nothing, but print what a build would need installed (nothing if up to date)"
    parser.add_argument("--requirements", action="store_true", help=needs)
    options = parser.parse_args()
    guest = Guest(debug=options.debug)
    if options.requirements:
        if not guest.is_fresh() and not guest.take_from_cache():
            print("\n".join(REQUIREMENTS))
        return 0
    if options.if_stale and (guest.is_fresh() or guest.take_from_cache()):
        return 0
    print(f"building {guest.wasm.name} (up to a minute)", flush=True)
    try:
        guest.build()
    except BuildError as error:
        sys.exit(f"error: {error}")
    print(f"built {guest.wasm} ({guest.wasm.stat().st_size:,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
