"""A peer from Node: piscina, installed into the user's cache, driven over pipes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks._harness import HERE

if TYPE_CHECKING:
    from types import TracebackType

SOURCES = HERE / "piscina"
INSTALL_SECONDS = 120


class Missing(Exception):
    """Node or piscina is not to be had here; the text says why."""


def version() -> str:
    """Return the version of piscina that ``piscina/package.json`` pins."""
    content = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))
    pinned: str = content["dependencies"]["piscina"]
    return pinned


def installed() -> Path:
    """Return the folder in which piscina is installed; install it first, if need be.

    Raises:
        Missing: It cannot be.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "jsactors-benchmarks" / f"piscina-{version()}"
    if (folder / "node_modules" / "piscina" / "package.json").exists():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("npm is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SOURCES / "package.json", folder)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    try:
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Missing(f"npm install failed: {error}") from error
    return folder


class Piscina:
    """A Node process with one piscina thread that measures rounds when it is told to."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            Missing: Node or piscina is not there, or does not start.
        """
        node = shutil.which("node")
        if node is None:
            raise Missing("node is not installed")
        self._process = subprocess.Popen(
            [node, SOURCES / "driver.mjs", installed()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        word, _, self.node = self._line().partition(" ")
        if word != "ready":
            self.close()
            raise Missing("it does not start here")

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def seconds(self, what: str, count: int) -> float:
        """Run a round of `count` tasks: ``"ask"``, ``"pipeline"`` or ``"wide"``."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what} {count}\n")
        self._process.stdin.flush()
        return float(self._line())

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        self.close()
