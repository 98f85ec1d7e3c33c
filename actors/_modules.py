"""The modules that a `DefaultWorker` has loaded, and what its users call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import msgspec

from actors.queries import LoadMainModule, LoadModule, ModuleId
from runtimes import CanSnapshot, Module, ModuleNotFound, SnapshotMismatch, StaleHandle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtimes import ModuleHandle, Runtime


class Load(msgspec.Struct, array_like=True):
    """One of the queries that loaded modules."""

    name: str
    is_main: bool
    side_names: list[str]


class Remembered(msgspec.Struct, forbid_unknown_fields=True):
    """What a checkpoint holds of the modules.

    Attributes:
        order: Their names, in the order of their ids.
        sources: Name to source, of those that `loads` names.
        loads: What is to be loaded again if there is no checkpoint to start from.
        ids: Name of a worker to how many of its ids are these.
    """

    order: list[str]
    sources: dict[str, str]
    loads: list[Load]
    ids: dict[str, int]

    @classmethod
    def of(cls, state: Any) -> Self:
        """Read it from a checkpoint's state.

        Raises:
            SnapshotMismatch: It is not there.
        """
        try:
            remembered = msgspec.convert(state, cls)
        except msgspec.ValidationError as error:
            raise SnapshotMismatch(f"the checkpoint tells no modules: {error}") from error
        named = {name for load in remembered.loads for name in (load.name, *load.side_names)}
        if lacking := named - (remembered.sources.keys() & {*remembered.order}):
            raise SnapshotMismatch(f"the checkpoint lacks modules that it names: {lacking}")
        return remembered

    def queries(self) -> list[LoadModule | LoadMainModule]:
        """Return the queries that loaded them."""
        made: list[LoadModule | LoadMainModule] = []
        for load in self.loads:
            module = Module(load.name, self.sources[load.name])
            sides = tuple(Module(name, self.sources[name]) for name in load.side_names)
            made.append(LoadMainModule(module, sides) if load.is_main else LoadModule(module))
        return made


class Known:
    """The modules of one incarnation, in the order of their ids. It belongs to its thread.

    Attributes:
        handles: What its runtime calls them.
    """

    def __init__(self, remembered: Remembered | None) -> None:
        """Know none yet; `remembered` are those of the checkpoint that the runtime is made of."""
        self.handles: list[ModuleHandle] = []
        self._by_name: dict[str, ModuleHandle] = {}
        self._was = remembered
        self._done = [] if remembered is None else remembered.queries()
        self._ids: dict[str, int] = {} if remembered is None else remembered.ids
        self._runtime: Runtime | None = None
        self._seen: dict[str, ModuleHandle] = {}  # that came with a snapshot, and have no ids here

    def loads(
        self, so_far: Sequence[LoadModule | LoadMainModule]
    ) -> list[LoadModule | LoadMainModule]:
        """Return what is to be loaded at each start: of the checkpoint, and what came later."""
        return [*self._done, *(query for query in so_far if query not in self._done)]

    def take_over(self, runtime: Runtime) -> None:
        """Know the modules that the checkpoint's runtime had loaded.

        Raises:
            SnapshotMismatch: They are not all there.
        """
        self._runtime = runtime
        if self._was is not None:
            try:
                for name in self._was.order:
                    self._note(self._there(name))
            except ModuleNotFound as error:
                raise SnapshotMismatch(f"the snapshot lacks a module: {error}") from error

    def load(self, runtime: Runtime, query: LoadModule | LoadMainModule) -> ModuleHandle:
        """Load modules, if they are not there."""
        module = query.module
        if isinstance(query, LoadModule):
            handle = runtime.load_module(module)
        elif query in self._done:  # there is a main module already, and it is this one
            handle = self._by_name[module.name]
        else:
            handle = runtime.load_main_module(module, query.side_modules)
            for side in query.side_modules:
                self._note(runtime.load_module(side))
        self._note(handle)
        return handle

    def _note(self, handle: ModuleHandle) -> None:
        if handle.name not in self._by_name:
            self.handles.append(handle)
            self._by_name[handle.name] = handle

    def find(self, module: ModuleId | str | None, worker: str) -> ModuleHandle | None:
        """Find what the runtime calls a module, by the id or name that the user has for it."""
        if module is None:
            return None
        if isinstance(module, str):
            found = self._by_name.get(module) or self._seen.get(module)
            if found is not None:
                return found
            try:  # of the snapshot that the options gave, perhaps
                return self._there(module)
            except ModuleNotFound:
                raise ModuleNotFound(f"worker {worker} has loaded no module {module!r}") from None
        if not isinstance(module, ModuleId):
            kind = type(module).__name__
            raise TypeError(f"module must be a ModuleId or a module's name, not {kind}")
        own = module.worker == worker
        mine = self.handles if own else self.handles[: max(0, self._ids.get(module.worker, 0))]
        if not 0 <= module.number < len(mine) or mine[module.number].name != module.name:
            whose = f"was loaded by worker {module.worker}, not by {worker}"
            raise StaleHandle(f"module {module.name!r} {whose}")
        return mine[module.number]

    def remembered(self, worker: str, loads: Sequence[LoadModule | LoadMainModule]) -> Remembered:
        """Return what a checkpoint is to hold."""
        told: list[Load] = []
        sources: dict[str, str] = {}
        for query in loads:
            sides = query.side_modules if isinstance(query, LoadMainModule) else ()
            sources |= {module.name: module.source for module in (query.module, *sides)}
            names = [side.name for side in sides]
            told.append(Load(query.module.name, isinstance(query, LoadMainModule), names))
        order = [handle.name for handle in self.handles]
        return Remembered(order, sources, told, {**self._ids, worker: len(order)})

    def _there(self, name: str) -> ModuleHandle:
        """Return the handle of a module that the runtime was made with.

        Raises:
            ModuleNotFound: It was not.
        """
        if isinstance(self._runtime, CanSnapshot):
            self._seen[name] = handle = self._runtime.module(name)
            return handle
        raise ModuleNotFound(f"no module {name!r} was loaded")
