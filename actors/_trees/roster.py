"""The children of one supervisor by their names, as its users see them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors._lives.cell import Cell
    from actors._trees.group import Group
    from actors._trees.guardian import Child
    from actors.specs import ChildSpec
    from actors.supervisor import Face


@dataclass(frozen=True, eq=False)
class Entry:
    """A child: what was asked for, what users hold, and what the group holds."""

    spec: ChildSpec
    face: Face
    child: Cell | Group


class Roster:
    """Who there is, in order, those among them who are stopped but not forgotten. Thread-safe."""

    def __init__(self, owner: str) -> None:
        """Begin with nobody; `owner` is the supervisor's name, for errors."""
        self.lock = threading.RLock()
        self._owner = owner
        self._entries: dict[str, Entry] = {}

    def current(self) -> dict[str, Entry]:
        """Return the children; temporary ones that have ended are forgotten first."""
        with self.lock:
            for name, entry in list(self._entries.items()):
                if entry.spec.restart == "temporary" and entry.child.finished.is_set():
                    del self._entries[name]
            return dict(self._entries)

    def refuse(self, name: str) -> None:
        """See that a name is free.

        Raises:
            ValueError: It is not.
        """
        if name in self.current():
            raise ValueError(f"supervisor {self._owner} has a child {name!r} already")

    def put(self, entry: Entry) -> Entry:
        """Take in a child: after the others, or at the place of one that had the name."""
        with self.lock:
            self._entries[entry.spec.name] = entry
        return entry

    def find(self, name: str) -> Entry:
        """Return a child.

        Raises:
            KeyError: There is none of that name.
        """
        current = self.current()
        if name not in current:
            those = ", ".join(map(repr, current)) or "none"
            raise KeyError(f"supervisor {self._owner} has no child {name!r}; it has {those}")
        return current[name]

    def find_stopped(self, name: str) -> Entry:
        """Return a child that is stopped.

        Raises:
            KeyError: There is none of that name.
            ValueError: It is not stopped.
        """
        entry = self.find(name)
        if not entry.child.finished.is_set():
            raise ValueError(f"child {name!r} is {entry.child.state}; stop it first")
        return entry

    def forget(self, entry: Entry) -> None:
        """Forget a child, unless another has its name by now."""
        with self.lock:
            if self._entries.get(entry.spec.name) is entry:
                del self._entries[entry.spec.name]

    def position(self, entry: Entry, present: Iterable[Child]) -> int:
        """Return how many of those who are present come before a child."""
        before = set()
        for other in self.current().values():
            if other is entry:
                break
            before.add(other.child.id)
        return sum(child.id in before for child in present)
