"""The profile that the guest is built with: what it was trained on, and how it is written."""

from __future__ import annotations

import hashlib
import re
import struct
from typing import TYPE_CHECKING

import pytest

from runtimes.quickjs.guest import build, checks, flags, pgo

if TYPE_CHECKING:
    from pathlib import Path

ROOT = build.HERE.parents[2]
PROFILE = build.HERE / flags.PROFILE


def normalised(path: Path) -> str:
    """A program without comments, spaces, and the names and values in it."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"\"[^\"\n]*\"|'[^'\n]*'|\d[\d_.]*", "0", text)
    return re.sub(r"\s+", "", text)


def functions(path: Path) -> set[str]:
    """Its longer functions, normalised, without their names."""
    text = path.read_text(encoding="utf-8")
    found = re.split(r"^(?:async )?(?:function\*? ?|class |const )", text, flags=re.MULTILINE)
    bodies = (re.sub(r"^\w+", "", re.sub(r"\s+|//[^\n]*", "", each)) for each in found)
    return {body for body in bodies if len(body) > 60}


def programs(folder: str) -> list[Path]:
    paths = sorted((ROOT / "benchmarks" / folder).glob("*.js"))
    assert len(paths) > 20
    return paths


@pytest.mark.parametrize("trained", programs("training"), ids=lambda path: path.stem)
def test_no_benchmark_measures_what_the_profile_was_trained_on(trained: Path) -> None:
    digest = hashlib.sha256(trained.read_bytes()).hexdigest()
    for measured in programs("programs"):
        assert digest != hashlib.sha256(measured.read_bytes()).hexdigest()
        assert normalised(trained) != normalised(measured)
        assert not functions(trained) & functions(measured)


def test_the_profile_knows_the_interpreter() -> None:
    counted = {each.name: each for each in pgo.parse(PROFILE.read_text(encoding="utf-8"))}
    interpreter = counted[f"guest/guest.c;{flags.INTERPRETER}"]
    assert sum(interpreter.counts) > 10**9
    assert sum(any(each.counts) for each in counted.values()) > 500


def test_a_line_reads_as_it_was_written() -> None:
    counted = pgo.Counted("guest/guest.c;run", 0xFEDCBA9876543210, (1, 0, 0, 0, 7, 7, 12_300_000))
    assert counted.to_line() == "guest/guest.c;run fedcba9876543210 1 3*0 2*7 12300000"
    assert pgo.parse(f"# a comment\n\n{counted.to_line()}\n") == [counted]


@pytest.mark.parametrize("line", ["name", "name xyz 1", "name 1 a", "name 1 2*b"])
def test_what_is_no_profile_is_refused(line: str) -> None:
    with pytest.raises(pgo.ProfileError, match="not a line of a profile"):
        pgo.parse(line)


def test_a_profile_of_nothing_is_refused() -> None:
    with pytest.raises(pgo.ProfileError, match="nothing ever ran"):
        pgo.indexed([pgo.Counted("a", 1, (0, 0))])


def found(content: bytes, name: str) -> tuple[int, ...]:
    """Look a function up as LLVM does: the hash's bucket, then name by name."""
    version, _, _, at = struct.unpack_from("<4Q", content, 8)
    assert content[:8] == b"\xfflprofi\x81"
    assert version == 7 | 1 << 56
    n_buckets, _ = struct.unpack_from("<QQ", content, at)
    bucket = pgo.name_hash(name) % n_buckets
    (place,) = struct.unpack_from("<Q", content, at + 16 + 8 * bucket)
    (n_items,) = struct.unpack_from("<H", content, place)
    place += 2
    for _ in range(n_items):
        _, key_size, size = struct.unpack_from("<3Q", content, place)
        start = place + 24 + key_size
        if content[place + 24 : start] == name.encode():
            shape, n_counts = struct.unpack_from("<QQ", content, start)
            return shape, *struct.unpack_from(f"<{n_counts}Q", content, start + 16)
        place = start + size
    raise KeyError(name)


def test_every_function_is_found_in_what_the_compiler_reads() -> None:
    functions = [pgo.Counted(f"f{i}", i, (i + 1, 0, 5)) for i in range(300)]
    content = pgo.indexed(functions)
    for each in functions:
        assert found(content, each.name) == (each.shape, *each.counts)


@pytest.mark.parametrize(
    "said",
    [
        "function control flow change detected (hash mismatch) JS_CallInternal Hash = 2",
        "No profile data available for function guest/guest.c;JS_CallInternal Hash = 1",
    ],
)
def test_an_interpreter_without_its_profile_fails_the_build(said: str) -> None:
    with pytest.raises(checks.BuildError, match=r"benchmarks\.train"):
        checks.check_profile(said, PROFILE)


def test_a_profile_without_the_interpreter_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("# nothing\n")
    with pytest.raises(checks.BuildError, match=r"benchmarks\.train"):
        checks.check_profile("", tmp_path / "empty")


def test_another_function_without_its_profile_is_only_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks.check_profile(
        "function control flow change detected (hash mismatch) JS_Eval Hash", PROFILE
    )
    assert (
        "1 functions changed since, and go without guest.profile: JS_Eval"
        in capsys.readouterr().out
    )
