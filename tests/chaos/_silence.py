"""Catches whatever the process prints, by whatever way, while it should say nothing."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Silence:
    """While it is entered, descriptors 1 and 2 lead into a file; `console` still is the real one.

    Attributes:
        console: Where the program itself may write.
    """

    console: IO[str]

    def __enter__(self) -> Self:
        sys.stdout.flush()
        sys.stderr.flush()
        self._file = tempfile.TemporaryFile()
        self._kept = os.dup(1), os.dup(2)
        self.console = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        for descriptor in (1, 2):
            os.dup2(self._file.fileno(), descriptor)
        return self

    def heard(self) -> str:
        """What was printed so far."""
        sys.stdout.flush()
        sys.stderr.flush()
        end = os.lseek(self._file.fileno(), 0, os.SEEK_END)
        return os.pread(self._file.fileno(), end, 0).decode(errors="replace")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, kept in zip((1, 2), self._kept, strict=True):
            os.dup2(kept, descriptor)
            os.close(kept)
        self._file.close()
        self.console.close()
