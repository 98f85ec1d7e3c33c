"""Changes the engine's source where edits.toml says so, and nowhere else.

    python apply_edits.py FOLDER

Only the standard library is needed.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

EDITS = Path(__file__).resolve().with_name("edits.toml")


class EditError(Exception):
    """An edit does not fit the source."""


@dataclass(frozen=True)
class NamedEdit:
    """One change, which must apply at exactly one place."""

    file: str
    reason: str
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Edit `folder / file` in place.

        Raises:
            EditError: `old` is not there exactly once.
        """
        path = folder / self.file
        text = path.read_text(encoding="utf-8")
        places = text.count(self.old)
        if places != 1:
            raise EditError(
                f"edit of {self.file} ({self.reason}): its text is there {places} times, not once"
            )
        path.write_text(text.replace(self.old, self.new), encoding="utf-8", newline="\n")


def named_edits() -> list[NamedEdit]:
    """The edits of `edits.toml`, in the order in which they are applied."""
    tables = tomllib.loads(EDITS.read_text(encoding="utf-8"))["edit"]
    return [NamedEdit(**table) for table in tables]


def main() -> int:
    """Apply all edits; the exit status is 1 if one does not fit."""
    parser = argparse.ArgumentParser(description="Apply the named edits to the engine's source.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    try:
        for edit in named_edits():
            edit.apply(folder)
    except EditError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
