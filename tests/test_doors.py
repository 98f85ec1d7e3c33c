"""Each package has one door: a sorted ``__all__``, and nothing else is public."""

from __future__ import annotations

import ast
import importlib
import types
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
DOORS = [
    name
    for name in (
        "actors",
        "actors.testing",
        "actors.testing.plugin",
        "actors.tracing",
        "runtimes",
        "runtimes.testing",
    )
    if (ROOT / name.replace(".", "/")).with_suffix(".py").exists()
    or (ROOT / name.replace(".", "/") / "__init__.py").exists()
]
FOLDERS = ("actors", "runtimes", "examples", "docs")
"""Tests and benchmarks may look behind the doors; nobody else may."""


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    if name.isupper():
        return 0, name
    return (1, name) if name[0].isupper() else (2, name)


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, as a dotted name; a name from a module counts as one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            # The guest's recipe is no package: its programs run from a copy of their folder.
            assert not node.level or path.parent.name == "guest", f"{path} imports relatively"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def _sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("name", DOORS)
def test_the_door_lists_its_names_in_order(name: str) -> None:
    listed = importlib.import_module(name).__all__
    assert list(listed) == sorted(listed, key=_as_ruff_sorts)
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("name", DOORS)
def test_every_listed_name_is_there_and_nothing_else_is_public(name: str) -> None:
    module = importlib.import_module(name)
    is_package = hasattr(module, "__path__")
    public = {
        member
        for member, value in vars(module).items()
        if not member.startswith("_")
        and not isinstance(value, (types.ModuleType, TypeVar))
        and (home := getattr(value, "__module__", None)) is not None
        # A package's door offers what it imports; a module's, what is made in it.
        and (home.partition(".")[0] in ("actors", "runtimes") if is_package else home == name)
    }
    assert all(hasattr(module, member) for member in module.__all__)
    assert public <= set(module.__all__)


@pytest.mark.parametrize("name", DOORS)
def test_every_listed_class_and_function_is_documented(name: str) -> None:
    module = importlib.import_module(name)
    bare = [
        member
        for member in module.__all__
        if isinstance(value := getattr(module, member), (type, types.FunctionType))
        and not value.__doc__
    ]
    assert not bare


@pytest.mark.parametrize(
    "path", _sources(*FOLDERS), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_private_modules_are_imported_only_inside_their_package(path: Path) -> None:
    own = path.relative_to(ROOT).parent.as_posix().replace("/", ".")
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] not in ("actors", "runtimes"):
            continue
        private = next((i for i, part in enumerate(parts) if part.startswith("_")), None)
        if private is None or parts[private].startswith("__"):
            continue
        package = ".".join(parts[:private])
        assert (own + ".").startswith(package + "."), f"{path} imports {name}"


@pytest.mark.parametrize("path", _sources("examples"), ids=lambda path: path.name)
def test_examples_use_the_doors_only(path: Path) -> None:
    for name in _imports(path):
        package = name.rpartition(".")[0] or name
        if package.partition(".")[0] in ("actors", "runtimes"):
            assert package in DOORS, f"{path} imports from {package}"
