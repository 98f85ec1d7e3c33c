"""Modules: sources with a name, and handles to loaded ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runtimes.errors import ModuleNotFound

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

_SUFFIXES = frozenset({".js", ".mjs", ".json"})


@dataclass(frozen=True, slots=True)
class Module:
    """The source of an ES module, or of a JSON module if its name ends in ``.json``.

    Nothing is read or run until a runtime loads it. Names are what ``import`` resolves against:
    ``"./b.js"`` imported by ``"lib/a.js"`` is the module named ``"lib/b.js"``; a specifier that
    does not start with ``./`` or ``../`` is taken as a name as it stands.

    Attributes:
        name: The module's name, with ``/`` between its parts.
        source: Its text.
    """

    name: str
    source: str

    def __post_init__(self) -> None:
        """Refuse what is no text, and a name that no file or snapshot could hold.

        Raises:
            TypeError: Name or source is not a str.
            ValueError: The name has a lone surrogate.
        """
        if not isinstance(self.name, str) or not isinstance(self.source, str):
            raise TypeError("a Module's name and source are texts (str)")
        try:
            self.name.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"{self.name!r:.100} is no name for a module: it has a lone surrogate"
            ) from None

    @classmethod
    def load(cls, path: str | os.PathLike[str], name: str | None = None) -> Module:
        """Read one file as UTF-8.

        Args:
            path: The file.
            name: The module's name; by default the file's own name.

        Raises:
            ModuleNotFound: If there is no such file.
            ValueError: If the file is not UTF-8.
        """
        file = Path(path)
        try:
            data = file.read_bytes()
        except (FileNotFoundError, IsADirectoryError) as error:
            raise ModuleNotFound(f"no module file {file}") from error
        try:
            source = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"module file {file} is not UTF-8: {error}") from error
        return cls(name if name is not None else file.name, source)

    @classmethod
    def load_dir(
        cls, path: str | os.PathLike[str], suffixes: Iterable[str] = _SUFFIXES
    ) -> list[Module]:
        """Read every module file below a folder, in the order of their names.

        Names are relative to the folder, with ``/`` on every system. Links that lead out of the
        folder are not followed.

        Args:
            path: The folder.
            suffixes: Which files to take.

        Raises:
            ModuleNotFound: If there is no such folder.
            ValueError: If a file is not UTF-8.
        """
        root = Path(path)
        if not root.is_dir():
            raise ModuleNotFound(f"no module folder {root}")
        wanted = frozenset(suffixes)
        inside = root.resolve()
        files = {
            file.relative_to(root).as_posix(): file
            for file in root.rglob("*")
            if file.suffix in wanted and file.is_file() and file.resolve().is_relative_to(inside)
        }
        return [cls.load(files[name], name) for name in sorted(files)]


@dataclass(frozen=True, slots=True)
class ModuleHandle:
    """A loaded module; valid only with the runtime that loaded it.

    Attributes:
        name: The module's name.
        number: Its number in the order of loading, from 0.
    """

    name: str
    number: int
    owner: int = field(repr=False)
