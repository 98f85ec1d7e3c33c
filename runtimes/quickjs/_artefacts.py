"""The cache of compiled guests: native code on disk, hence only what is provably ours.

An artefact is machine code that this process will run, so the rules are strict: the folder belongs
to this user and nobody else can write to it; the file likewise, and it is a regular file; its name
holds the key it was stored under and the digest of its content. Whatever does not fit is ignored,
never repaired. Files are written beside and renamed, so that readers see all or nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE_VARIABLE = "JSACTORS_CACHE_DIR"
"""Environment variable that names the cache folder; empty: no cache."""

_SUFFIX = ".cwasm"
_KEPT = 8


def cache_folder() -> Path | None:
    """Return the private cache folder, made if need be; None where there can be none."""
    named = os.environ.get(CACHE_VARIABLE)
    if named == "":
        return None
    try:
        folder = Path(named) if named else _user_cache() / "jsactors"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        return folder if _is_private(folder.lstat(), stat.S_ISDIR) else None
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return None


def _user_cache() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if os.path.isabs(named) else Path.home() / ".cache"


def _is_private(status: os.stat_result, is_kind: object) -> bool:
    """Whether it is of that kind, ours, and writable by us alone (on Windows: of that kind)."""
    if not callable(is_kind) or not is_kind(status.st_mode):
        return False
    if sys.platform == "win32":
        return True  # the folder inherits the user profile's access list
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def find(folder: Path, key: str) -> Iterator[Path]:
    """Yield the paths of whole, private artefacts that were stored under `key`."""
    for path in folder.glob(f"{key}-*{_SUFFIX}"):
        digest = path.name.removeprefix(f"{key}-").removesuffix(_SUFFIX)
        with contextlib.suppress(OSError):
            if _is_private(path.lstat(), stat.S_ISREG) and _digest(path.read_bytes()) == digest:
                yield path


def store(folder: Path, key: str, content: bytes | bytearray) -> Path | None:
    """Store an artefact and return its path, or None if it cannot be written."""
    path = folder / f"{key}-{_digest(content)}{_SUFFIX}"
    import tempfile  # once per machine and version; what it brings takes 5 ms

    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".new-")  # mode 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return None
    _forget_old(folder)
    return path


def _digest(content: bytes | bytearray) -> str:
    return hashlib.sha256(content).hexdigest()


def _forget_old(folder: Path) -> None:
    """Keep the newest few; but on Windows, a mapped file outlives its name."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.lstat().st_mtime)
        for path in files[:-_KEPT]:
            path.unlink()
