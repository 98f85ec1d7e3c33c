"""What a snapshot says of the host's side, beside the heap: names, sources, sizes."""

from __future__ import annotations

import msgspec


class FunctionNote(msgspec.Struct, array_like=True, frozen=True):
    """A host function that a snapshot's scripts know.

    Attributes:
        namespace: Of which it is a member; empty if it is a global.
        name: Its name there.
        arity: The ``length`` that JavaScript sees.
    """

    namespace: str
    name: str
    arity: int


class ModuleNote(msgspec.Struct, array_like=True, frozen=True):
    """A module that a snapshot's runtime was handed.

    Attributes:
        name: Its name.
        source: Its text, as UTF-8 (with lone surrogates, which no text on disk has).
        number: Under which it was loaded by name, or -1.
        served: Whether the engine has asked for its source.
    """

    name: str
    source: bytes
    number: int
    served: bool


class Notes(msgspec.Struct, array_like=True, frozen=True):
    """What the host must know to make a guest again.

    Attributes:
        version: Of these notes.
        wasm_pages: Size of the memory.
        runs: Which of its pages the content has.
        functions: The host functions that scripts know, by number.
        modules: What was handed over, loaded or not.
        main: Name of the main module.
    """

    version: int
    wasm_pages: int
    runs: list[tuple[int, int]]
    functions: list[FunctionNote]
    modules: list[ModuleNote]
    main: str | None
