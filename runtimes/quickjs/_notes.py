"""What a snapshot says of the host's side, beside the heap: names, sources, sizes."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from runtimes.quickjs._abi import MAX_HOST_FUNCTIONS

MOST_MODULES: Final = 65536
_MOST_RUNS: Final = (1 << 32) // 4096 // 2
"""Of a memory of 4 GiB: every other page of 4 KiB."""


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


class Outline(msgspec.Struct, array_like=True, frozen=True):
    """What of `Notes` can be read without making an object for each run.

    A run takes 3 bytes of notes and some 130 of Python's: how many there are must be known to be
    plausible before they are decoded.

    Attributes:
        version: As in `Notes`.
        wasm_pages: As in `Notes`.
        runs: As they are encoded.
    """

    version: int
    wasm_pages: int
    runs: msgspec.Raw


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
    runs: Annotated[list[tuple[int, int]], msgspec.Meta(max_length=_MOST_RUNS)]
    functions: Annotated[list[FunctionNote], msgspec.Meta(max_length=MAX_HOST_FUNCTIONS)]
    modules: Annotated[list[ModuleNote], msgspec.Meta(max_length=MOST_MODULES)]
    main: str | None
