"""The sources that were handed over, and what a specifier means."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from runtimes.errors import ModuleNotFound, SnapshotMismatch
from runtimes.modules import Module, ModuleHandle
from runtimes.quickjs._notes import ModuleNote

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_LINE = 1000
_MOST_NUMBER = 2**31 - 2


class ModuleTable:
    """What a runtime may import: nothing but modules that were handed to it."""

    __slots__ = ("_handles", "_served", "_sources", "main")

    def __init__(self) -> None:
        self._sources: dict[str, Module] = {}
        self._handles: dict[str, ModuleHandle] = {}
        self._served: dict[str, None] = {}  # not a set, which is large when it is empty
        self.main: ModuleHandle | None = None

    def add(self, module: Module) -> bool:
        """Make a module importable; False if it already is, with the same source.

        Raises:
            ValueError: The name is empty or holds NUL, or stands for another source already.
        """
        if not module.name or "\0" in module.name:
            raise ValueError(f"{module.name!r} is no name for a module")
        known = self._sources.get(module.name)
        if known is None or (known.source != module.source and not self._is_in_use(module.name)):
            self._sources[module.name] = module
            return True
        if known.source != module.source:
            raise ValueError(f"module {module.name!r} is already loaded with another source")
        return False

    def _is_in_use(self, name: str) -> bool:
        return name in self._handles or name in self._served

    def served(self) -> frozenset[str]:
        """The modules whose source the engine has asked for: what they are is settled."""
        return frozenset(self._served)

    def forget(
        self, added: Module | None, before: frozenset[str], has_module: Callable[[str], bool]
    ) -> None:
        """Take back a load that failed: what did not come to run may be mended and loaded again.

        Args:
            added: The module that was to be loaded, if it was new.
            before: What `served` said before.
            has_module: Whether the engine has a module of that name that ran to its end.
        """
        if added is not None and self._sources.get(added.name) is added:
            del self._sources[added.name]
        kept = (name for name in self._served if name in before or has_module(name))
        self._served = dict.fromkeys(kept)

    def loaded(self, name: str) -> ModuleHandle | None:
        """The handle of a module that was loaded by name."""
        return self._handles.get(name)

    def remember(self, handle: ModuleHandle) -> None:
        """Note a module that was loaded by name."""
        self._handles[handle.name] = handle

    def get(self, name: str) -> ModuleHandle:
        """The handle of a module that was loaded by name.

        Raises:
            ModuleNotFound: None was.
        """
        handle = self._handles.get(name)
        if handle is None:
            raise ModuleNotFound(f"no module {name!r:.200} was loaded by that name")
        return handle

    def notes(self) -> tuple[list[ModuleNote], str | None]:
        """What a snapshot must know, and the main module's name."""
        notes = []
        for name, module in self._sources.items():
            handle = self._handles.get(name)
            number = -1 if handle is None else handle.number
            source = module.source.encode("utf-8", "surrogatepass")
            notes.append(ModuleNote(name, source, number, name in self._served))
        return notes, None if self.main is None else self.main.name

    def restore(self, notes: list[ModuleNote], main: str | None, owner: int) -> None:
        """Know again what a snapshot's runtime knew, with handles for a new owner.

        Raises:
            SnapshotMismatch: It makes no sense.
        """
        try:
            for note in notes:
                self.add(Module(note.name, note.source.decode("utf-8", "surrogatepass")))
                if note.served:
                    self._served[note.name] = None
                if 0 <= note.number <= _MOST_NUMBER:
                    self.remember(ModuleHandle(note.name, note.number, owner))
            self.main = None if main is None else self.get(main)
        except (ValueError, ModuleNotFound) as error:
            raise SnapshotMismatch(f"the snapshot is damaged: {error}") from None

    def resolve(self, base: str, specifier: str) -> str:
        """Find the name that `specifier` means in the module or script `base`.

        Raises:
            ModuleNotFound: Nobody handed over such a module.
        """
        name = specifier
        if specifier.startswith(("./", "../")):
            name = posixpath.normpath(posixpath.join(posixpath.dirname(base), specifier))
        if name not in self._sources:
            shown = specifier if len(specifier) <= 200 else specifier[:200] + "..."
            raise ModuleNotFound(f"module {shown!r} was not handed over (imported by {base!r})")
        return name

    def source(self, name: str) -> str:
        """Return the text of a module that `resolve` found."""
        module = self._sources.get(name)
        if module is None:
            raise ModuleNotFound(f"module {name!r} was not handed over")
        self._served[name] = None
        return module.source

    def line_of(self, name: str, line: int) -> str | None:
        """Return one line of a module's source, for an error; None if it is not known."""
        module = self._sources.get(name)
        return None if module is None else line_of(module.source, line)


def line_of(source: str, line: int) -> str | None:
    """Return line `line`, counted from 1 and cut if it is long, or None if there is none."""
    start = 0
    for _ in range(line - 1):
        start = source.find("\n", start) + 1
        if start == 0:
            return None
    if line < 1:
        return None
    end = source.find("\n", start, start + _LONGEST_LINE)
    return source[start : end if end >= 0 else start + _LONGEST_LINE].rstrip("\r")
