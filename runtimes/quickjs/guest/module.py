"""A WebAssembly module taken apart, as far as the passes over its code have to know it.

Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .binary import (
    CODE_SECTION,
    CUSTOM_SECTION,
    END,
    EXPORT_SECTION,
    FUNCTION,
    GLOBAL,
    GLOBAL_SECTION,
    I32_CONST,
    IMPORT_SECTION,
    TYPE_SECTION,
    PassError,
    Reader,
    sections,
)


@dataclass
class Module:
    """The parts of a WebAssembly module that a pass has to know."""

    sections: list[tuple[int, bytes]] = field(default_factory=list)
    types: list[bytes] = field(default_factory=list)
    imports: list[tuple[tuple[str, str], int]] = field(default_factory=list)  # name, type index
    globals: list[int | None] = field(default_factory=list)  # start value of each i32 one
    exported_globals: dict[str, int] = field(default_factory=dict)
    functions: list[bytes] = field(default_factory=list)
    function_names: dict[int, str] = field(default_factory=dict)  # imports are counted first

    @classmethod
    def parse(cls, content: bytes) -> Module:
        """Read a module.

        Raises:
            PassError: it is malformed, or has something that no pass knows.
        """
        module = cls()
        readers = {
            CUSTOM_SECTION: module._read_custom,
            TYPE_SECTION: module._read_types,
            IMPORT_SECTION: module._read_imports,
            GLOBAL_SECTION: module._read_globals,
            EXPORT_SECTION: module._read_exports,
            CODE_SECTION: module._read_code,
        }
        for number, body in sections(content):
            module.sections.append((number, body))
            if number in readers:
                readers[number](Reader(body))
        return module

    def _read_types(self, reader: Reader) -> None:
        for _ in range(reader.unsigned()):
            if reader.byte() != 0x60:
                raise PassError("a type that is not a function's")
            start = reader.at
            reader.block()
            reader.block()
            self.types.append(reader.data[start : reader.at])

    def _read_imports(self, reader: Reader) -> None:
        for _ in range(reader.unsigned()):
            name = reader.name(), reader.name()
            if reader.byte() != FUNCTION:
                raise PassError(f"import {'.'.join(name)} is not a function")
            self.imports.append((name, reader.unsigned()))

    def _read_globals(self, reader: Reader) -> None:
        for _ in range(reader.unsigned()):
            reader.take(2)
            value = None
            while (opcode := reader.byte()) != END:
                reader.at -= 1
                start = reader.at + 1
                reader.instruction()
                if opcode == I32_CONST:
                    value = Reader(reader.data[start : reader.at]).signed()
            self.globals.append(value)

    def _read_exports(self, reader: Reader) -> None:
        for _ in range(reader.unsigned()):
            name, kind, index = reader.name(), reader.byte(), reader.unsigned()
            if kind == GLOBAL:
                self.exported_globals[name] = index

    def _read_code(self, reader: Reader) -> None:
        self.functions = [reader.block() for _ in range(reader.unsigned())]

    def _read_custom(self, reader: Reader) -> None:
        if reader.name() != "name":
            return
        while not reader.at_end:
            number, body = reader.byte(), Reader(reader.block())
            if number == 1:
                for _ in range(body.unsigned()):
                    index = body.unsigned()
                    self.function_names[index] = body.name()

    def address_of(self, name: str) -> int:
        """The value of an exported constant global, which is how a C variable is exported.

        Raises:
            PassError: there is no such global.
        """
        value = self.globals[self.exported_globals[name]] if name in self.exported_globals else None
        if value is None:
            raise PassError(f"the module exports no constant global {name}")
        return value

    def import_named(self, wanted: tuple[str, str], signature: bytes) -> int:
        """The index of an imported function, which must be there once and have that type.

        Raises:
            PassError: it is not.
        """
        found = [i for i, (name, _) in enumerate(self.imports) if name == wanted]
        if len(found) != 1 or self.types[self.imports[found[0]][1]] != signature:
            raise PassError(f"{'.'.join(wanted)} is not imported exactly once as (i32) -> i32")
        return found[0]

    def function_named(self, wanted: str) -> int:
        """The index in `functions` of the one function that has this name.

        Raises:
            PassError: none has it, or several have.
        """
        found = [index for index, name in self.function_names.items() if name == wanted]
        if len(found) != 1:
            raise PassError(f"{len(found)} functions are named {wanted}, not one")
        return found[0] - len(self.imports)
