"""Dependencies flow one way: actors -> runtimes -> its engines."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", _files("runtimes"), ids=_id)
def test_no_runtime_imports_actors_or_what_only_actors_need(path: Path) -> None:
    packages = {name.partition(".")[0] for name in _imported(path)}
    assert not packages & {"actors", "pykka", "structlog"}


@pytest.mark.parametrize("path", _files("runtimes"), ids=_id)
def test_an_engine_is_known_to_the_door_alone(path: Path) -> None:
    engine = ROOT / "runtimes" / "quickjs"
    if path.is_relative_to(engine) or path == ROOT / "runtimes" / "__init__.py":
        return
    assert not {name for name in _imported(path) if name.startswith("runtimes.quickjs")}


@pytest.mark.parametrize("path", _files("actors"), ids=_id)
def test_actors_speak_to_no_engine(path: Path) -> None:
    imported = _imported(path)
    assert not {name for name in imported if name.startswith("runtimes.quickjs")}
    assert not {name.partition(".")[0] for name in imported} & {"wasmtime", "ormsgpack"}


def test_importing_runtimes_imports_nothing_of_actors() -> None:
    program = (
        "import sys, runtimes, runtimes.testing\n"
        "runtimes.QuickJSRuntime().close()\n"
        "print(*sorted({'actors', 'pykka', 'structlog', 'pytest'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == []
