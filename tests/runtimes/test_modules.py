"""Modules are read from files and folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtimes import Module, ModuleNotFound

if TYPE_CHECKING:
    from pathlib import Path


def test_a_module_is_loaded_from_a_file_under_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("export const ä = 1;", encoding="utf-8")
    assert Module.load(tmp_path / "a.js") == Module("a.js", "export const ä = 1;")


def test_a_module_is_loaded_from_a_file_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("")
    assert Module.load(str(tmp_path / "a.js"), name="lib/b.js").name == "lib/b.js"


def test_a_byte_order_mark_is_no_part_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b"\xef\xbb\xbf1")
    assert Module.load(tmp_path / "a.js").source == "1"


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFound, match=r"missing\.js") as caught:
        Module.load(tmp_path / "missing.js")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_folder_is_no_module_file(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFound):
        Module.load(tmp_path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="not UTF-8"):
        Module.load(tmp_path / "a.js")


def test_a_folder_gives_its_modules_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    for name in ("z.js", "lib/b.mjs", "lib/a.js", "data.json", "notes.txt"):
        (tmp_path / name).write_text(f"// {name}")
    modules = Module.load_dir(tmp_path)
    assert [module.name for module in modules] == ["data.json", "lib/a.js", "lib/b.mjs", "z.js"]
    assert modules[1].source == "// lib/a.js"


def test_a_folder_gives_only_the_suffixes_that_are_asked_for(tmp_path: Path) -> None:
    for name in ("a.js", "b.json"):
        (tmp_path / name).write_text("")
    assert [module.name for module in Module.load_dir(tmp_path, [".json"])] == ["b.json"]


def test_a_missing_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFound, match="no module folder"):
        Module.load_dir(tmp_path / "missing")


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.js").write_text("")
    (inside / "own.js").write_text("")
    (inside / "file.js").symlink_to(outside / "secret.js")
    (inside / "folder").symlink_to(outside)
    (inside / "alias.js").symlink_to(inside / "own.js")
    assert [module.name for module in Module.load_dir(inside)] == ["alias.js", "own.js"]


def test_a_modules_name_and_source_make_it_equal() -> None:
    assert Module("a.js", "1") == Module("a.js", "1") != Module("a.js", "2")


def test_a_name_with_a_lone_surrogate_is_refused_and_a_source_may_have_one() -> None:
    with pytest.raises(ValueError, match="no name for a module"):
        Module("a\ud800.js", "")
    assert Module("a.js", "'\ud800'").source == "'\ud800'"
