from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import wasmtime

from runtimes.quickjs.guest import apply_edits, build, checks

if TYPE_CHECKING:
    from pathlib import Path

ROOT = build.HERE.parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the recipe reads, with a cache of its own, and no guest built."""
    folder = tmp_path / "checkout" / "runtimes" / "quickjs" / "guest"
    folder.mkdir(parents=True)
    for path in build.source_files(build.HERE):
        shutil.copyfile(path, folder / path.name)
    shutil.copyfile(ROOT / "hatch_build.py", tmp_path / "checkout" / "hatch_build.py")
    return tmp_path / "checkout"


def recipe(checkout: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the recipe of a checkout as the build hook does."""
    command = [sys.executable, str(checkout / "runtimes/quickjs/guest/build.py"), *options]
    environment = {"JSACTORS_CACHE_DIR": str(checkout.parent / "cache"), "PATH": ""}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def pretend(checkout: Path, place: Path, *, debug: bool = False) -> None:
    """Put a guest into a folder that looks as if it had been built from these sources."""
    digest = build.Guest(debug=debug).digest(checkout / "runtimes/quickjs/guest")
    place.mkdir(parents=True, exist_ok=True)
    name = "guest-debug" if debug else "guest"
    name = f"{name}-{digest}" if place.name == "build" else name
    (place / f"{name}.wasm").write_bytes(b"wasm")
    stamp = {"digest": digest, "sha256": hashlib.sha256(b"wasm").hexdigest()}
    (place / f"{name}.json").write_text(json.dumps(stamp))


def needs(checkout: Path, *options: str) -> list[str]:
    """What the recipe asks to have installed."""
    result = recipe(checkout, "--requirements", *options)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_a_stale_guest_needs_a_compiler(checkout: Path) -> None:
    assert needs(checkout) == list(build.REQUIREMENTS)


def test_a_fresh_guest_needs_nothing(checkout: Path) -> None:
    pretend(checkout, checkout / "runtimes/quickjs")
    assert needs(checkout) == []
    assert recipe(checkout, "--if-stale").returncode == 0


def test_the_debug_guest_is_another_one(checkout: Path) -> None:
    pretend(checkout, checkout / "runtimes/quickjs")
    assert needs(checkout, "--debug")
    pretend(checkout, checkout / "runtimes/quickjs", debug=True)
    assert not needs(checkout, "--debug")


@pytest.mark.parametrize("path", build.source_files(build.HERE), ids=lambda path: path.name)
def test_a_changed_source_makes_the_guest_stale(checkout: Path, path: Path) -> None:
    folder = checkout / "runtimes/quickjs/guest"
    before = build.Guest().digest(folder)
    with (folder / path.name).open("a") as file:
        file.write("\n")
    assert build.Guest().digest(folder) != before


def test_a_new_source_makes_the_guest_stale(checkout: Path) -> None:
    folder = checkout / "runtimes/quickjs/guest"
    before = build.Guest().digest(folder)
    (folder / "more.h").write_text("")
    assert build.Guest().digest(folder) != before


def test_where_the_sources_lie_makes_no_difference(checkout: Path) -> None:
    assert build.Guest().digest(checkout / "runtimes/quickjs/guest") == build.Guest().digest()


def test_line_ends_make_no_difference(checkout: Path) -> None:
    path = checkout / "runtimes/quickjs/guest/guest.c"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert build.Guest().digest(path.parent) == build.Guest().digest()


@pytest.mark.parametrize("name", ["guest.wasm", "guest.json"])
def test_a_guest_that_was_tampered_with_is_stale(checkout: Path, name: str) -> None:
    pretend(checkout, checkout / "runtimes/quickjs")
    (checkout / "runtimes/quickjs" / name).write_bytes(b"{}")
    assert needs(checkout)


def test_a_guest_is_taken_from_the_cache(checkout: Path) -> None:
    pretend(checkout, checkout.parent / "cache/build")
    assert needs(checkout) == []
    assert (checkout / "runtimes/quickjs/guest.wasm").read_bytes() == b"wasm"


def test_a_damaged_guest_in_the_cache_is_left_there(checkout: Path) -> None:
    cache = checkout.parent / "cache/build"
    pretend(checkout, cache)
    next(cache.glob("*.wasm")).write_bytes(b"was")
    assert needs(checkout)
    assert not (checkout / "runtimes/quickjs/guest.wasm").exists()


def test_a_build_without_its_tools_says_what_to_install(checkout: Path) -> None:
    recipe_file = checkout / "runtimes/quickjs/guest/build.py"
    recipe_file.write_text(recipe_file.read_text().replace('"ziglang")', '"no_such_tool")'))
    result = recipe(checkout, "--if-stale")
    assert result.returncode == 1
    assert f"pip install '{build.REQUIREMENTS[0]}'" in result.stderr


def test_a_build_that_cannot_be_done_says_why(checkout: Path) -> None:
    pytest.importorskip("ziglang")
    edits = checkout / "runtimes/quickjs/guest/edits.toml"
    edits.write_text(edits.read_text() + '[[edit]]\nfile="quickjs.c"\nreason="odd"\n')
    archive = build.cache_folder() / "quickjs_ng-0.17.0.2.tar.gz"
    if not archive.exists():
        pytest.skip("the engine's archive is not in the cache")
    (checkout.parent / "cache/build").mkdir(parents=True)
    shutil.copyfile(archive, checkout.parent / "cache/build" / archive.name)
    result = recipe(checkout, "--if-stale")
    assert result.returncode == 1
    assert "apply_edits.py failed" in result.stderr
    assert not (checkout / "runtimes/quickjs/guest.wasm").exists()


def test_an_edit_applies_at_one_place(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("one two three")
    apply_edits.NamedEdit("a.c", "why", "two", "2").apply(tmp_path)
    assert (tmp_path / "a.c").read_text() == "one 2 three"


@pytest.mark.parametrize(("text", "times"), [("one three", 0), ("two two", 2)])
def test_an_edit_that_does_not_fit_is_an_error(tmp_path: Path, text: str, times: int) -> None:
    (tmp_path / "a.c").write_text(text)
    with pytest.raises(apply_edits.EditError, match=f"is there {times} times, not once"):
        apply_edits.NamedEdit("a.c", "why", "two", "2").apply(tmp_path)
    assert (tmp_path / "a.c").read_text() == text


def test_every_edit_says_why() -> None:
    edits = apply_edits.named_edits()
    assert edits
    assert all(edit.reason and edit.old != edit.new for edit in edits)


def test_an_import_beyond_our_own_and_the_clock_is_refused() -> None:
    content = wasmtime.wat2wasm('(module (import "wasi_snapshot_preview1" "fd_write" (func)))')
    with pytest.raises(checks.BuildError, match=r"would import wasi_snapshot_preview1\.fd_write"):
        checks.check_product(bytes(content))


def test_a_guest_that_is_not_valid_is_refused() -> None:
    with pytest.raises(checks.BuildError, match="not valid"):
        checks.check_product(b"\0asm\1\0\0\0\1")


def test_the_hook_asks_for_what_the_recipe_needs(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hatchling")
    monkeypatch.setenv("JSACTORS_CACHE_DIR", str(checkout.parent / "cache"))
    code = (
        "import sys; sys.path.insert(0, '.'); from hatch_build import GuestBuildHook as Hook\n"
        "hook = Hook('.', {}, None, None, '.', 'wheel', None); print(*hook.dependencies())\n"
        "hook.dependencies() or hook.initialize('standard', {})"
    )

    def asked() -> list[str]:
        command = [sys.executable, "-c", code]
        return subprocess.check_output(command, cwd=checkout, text=True).split()

    assert asked() == list(build.REQUIREMENTS)
    pretend(checkout, checkout / "runtimes/quickjs")
    assert asked() == []
