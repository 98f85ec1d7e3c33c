"""Engines, the guest loader, and the cache of compiled guests, which trusts nothing."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime

from runtimes.quickjs import _artefacts, _compiling, _engine, _raw_selftest
from runtimes.quickjs._abi import ABI

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are POSIX's")

as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that does not exist yet."""
    path = tmp_path / "cache"
    monkeypatch.setenv(_artefacts.CACHE_VARIABLE, str(path))
    return path


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each compilation."""
    sizes: list[int] = []

    class Module(wasmtime.Module):
        def __init__(self, engine: wasmtime.Engine, wasm: bytes) -> None:
            sizes.append(len(wasm))
            super().__init__(engine, wasm)

    monkeypatch.setattr(wasmtime, "Module", Module)
    return sizes


Load = Callable[[], _engine.LoadedGuest]


@pytest.fixture
def load(guest_bytes: bytes, folder: Path, compiled: list[int]) -> Load:
    return lambda: _engine.load_module(guest_bytes, "check")


def only_artefact(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_a_guest_is_compiled_once(load: Load, folder: Path, compiled: list[int]) -> None:
    first = load()
    second = load()
    assert len(compiled) == 1
    assert first.functions == second.functions
    assert "join" in second.functions


def test_the_cache_is_private(load: Load, folder: Path) -> None:
    load()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(only_artefact(folder).stat().st_mode) == 0o600


def test_nothing_half_written_is_left(load: Load, folder: Path) -> None:
    load()
    assert only_artefact(folder).suffix == ".cwasm"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
        lambda path: path.chmod(0o620),
        lambda path: path.chmod(0o602),
        lambda path: path.rename(path.with_name("0" * 32 + path.name[32:])),
        lambda path: (path.rename(path.with_suffix(".away")), path.symlink_to(f"{path.stem}.away")),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["truncated", "empty", "forged", "group", "others", "foreign key", "symlink", "folder"],
)
def test_an_artefact_that_is_not_provably_ours_is_ignored(
    load: Load, folder: Path, compiled: list[int], spoil: Callable[[Path], Any]
) -> None:
    load()
    spoil(only_artefact(folder))
    assert "join" in load().functions
    assert len(compiled) == 2


@as_root
def test_an_artefact_of_another_user_is_ignored(
    load: Load, folder: Path, compiled: list[int]
) -> None:
    load()
    os.chown(only_artefact(folder), 12345, -1)
    load()
    assert len(compiled) == 2


def test_what_wasmtime_itself_refuses_is_passed_over_for_ever(
    load: Load, folder: Path, compiled: list[int]
) -> None:
    load()
    key = only_artefact(folder).name[:32]
    junk = b"machine code of another machine"
    (folder / f"{key}-{hashlib.sha256(junk).hexdigest()}.cwasm").write_bytes(junk)
    load()
    load()
    assert len(compiled) == 1


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o720])
def test_a_folder_that_others_can_write_to_is_no_cache(
    load: Load, folder: Path, compiled: list[int], mode: int
) -> None:
    folder.mkdir()
    folder.chmod(mode)
    assert _artefacts.cache_folder() is None
    load()
    load()
    assert list(folder.iterdir()) == []
    assert len(compiled) == 2


@as_root
def test_a_folder_of_another_user_is_no_cache(load: Load, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, -1)
    assert _artefacts.cache_folder() is None


def test_a_link_to_a_folder_is_no_cache(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to("elsewhere")
    assert _artefacts.cache_folder() is None


def test_where_no_cache_can_be_the_guest_is_compiled_in_memory(
    load: Load, compiled: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in ("", str(tmp_path / "file"), str(tmp_path / "file" / "below")):
        monkeypatch.setenv(_artefacts.CACHE_VARIABLE, place)
        assert "join" in load().functions
    assert len(compiled) == 3


def test_a_cache_that_cannot_be_written_does_no_harm(
    load: Load, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", refuse)
    assert "join" in load().functions
    assert list(folder.iterdir()) == []


def test_the_usual_place_is_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(_artefacts.CACHE_VARIABLE, raising=False)
    if sys.platform != "darwin":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert _artefacts.cache_folder() == tmp_path / "xdg" / "jsactors"
        monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = _artefacts.cache_folder()
    assert found is not None
    assert found.is_relative_to(tmp_path / "home")


def test_only_the_newest_artefacts_are_kept(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for number in range(12):
        path = _artefacts.store(folder, f"{number:032}", b"%d" % number)
        assert path is not None
        os.utime(path, (number, number))
    assert len(list(folder.iterdir())) == 8
    assert list(_artefacts.find(folder, f"{11:032}"))
    assert not list(_artefacts.find(folder, f"{0:032}"))


def test_the_key_depends_on_what_shapes_the_code(
    monkeypatch: pytest.MonkeyPatch, guest_bytes: bytes
) -> None:
    keys = [
        _engine.artefact_key(guest_bytes, "check"),
        _engine.artefact_key(guest_bytes, "epoch"),
        _engine.artefact_key(guest_bytes + b"\0", "check"),
    ]
    monkeypatch.setattr(_engine, "installed", lambda _package: "50.0.2")
    keys.append(_engine.artefact_key(guest_bytes, "check"))
    monkeypatch.setattr(_engine, "_cpu_features", lambda: "another CPU")
    keys.append(_engine.artefact_key(guest_bytes, "check"))
    assert len(set(keys)) == len(keys)


def test_an_engine_is_made_once_whoever_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_engine, "_engines", {})
    start, seen = threading.Barrier(4), []

    def use() -> None:
        start.wait(20)
        seen.append(_engine.engine("check"))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(seen) == 4
    assert len(set(map(id, seen))) == 1
    assert _engine.engine("epoch") is not seen[0]


def built(folder: Path, **changes: object) -> Path:
    """Put a guest with its stamp into a folder."""
    wasm = b"\0asm\1\0\0\0"
    stamp = {"abi": ABI, "sha256": hashlib.sha256(wasm).hexdigest(), **changes}
    (folder / "guest.wasm").write_bytes(wasm)
    (folder / "guest.json").write_text(json.dumps(stamp))
    return folder


def test_a_guest_that_fits_is_read(tmp_path: Path) -> None:
    assert _engine._read_guest(built(tmp_path)) == b"\0asm\1\0\0\0"


def test_a_missing_guest_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(_engine.GuestNotBuiltError, match=r"is not built.*pip install -e"):
        _engine._read_guest(tmp_path)


def test_a_guest_of_another_abi_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(_engine.GuestNotBuiltError, match=r"speaks ABI 999.*pip install -e"):
        _engine._read_guest(built(tmp_path, abi=999))


def test_a_guest_that_is_not_the_stamped_one_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(_engine.GuestNotBuiltError, match="not the one"):
        _engine._read_guest(built(tmp_path, sha256="0" * 64))


@pytest.mark.parametrize("stamp", ["", "[]", "{}", '{"abi": 1}', "\xff"])
def test_a_stamp_that_is_none_is_an_error(tmp_path: Path, stamp: str) -> None:
    (built(tmp_path) / "guest.json").write_bytes(stamp.encode("latin-1"))
    with pytest.raises(_engine.GuestNotBuiltError):
        _engine._read_guest(tmp_path)


def test_a_guest_is_compiled_on_this_thread_alone_where_no_other_can_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert not _compiling.threads_to_be_had(1)
    module = _engine.load_module(_raw_selftest.GUEST, "check", cached=False)
    assert module.functions["mix"].parameters == 2


def test_threads_that_were_tried_are_gone_again() -> None:
    before = threading.active_count()
    assert _compiling.threads_to_be_had(3)
    assert threading.active_count() == before
