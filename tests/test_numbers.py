"""The numbers of the ABI are the same in C and in Python."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtimes.quickjs import _abi, _callbacks, _wire

if TYPE_CHECKING:
    from enum import IntEnum

GUEST = Path(_abi.__file__).parent / "guest"
WIDTHS = {"uint32_t": 4, "int64_t": 8}


def _without_comments(name: str) -> str:
    return re.sub(r"/\*.*?\*/", "", (GUEST / name).read_text(), flags=re.DOTALL)


def _enums(name: str) -> dict[str, dict[str, int]]:
    """Every named enum of a header: name to member to number."""
    found = {}
    pattern = r"typedef enum (\w+) \{(.*?)\}"
    for match in re.finditer(pattern, _without_comments(name), re.DOTALL):
        members = re.findall(r"(\w+)\s*=\s*(\d+)", match[2])
        assert len(members) == match[2].count("="), f"{match[1]} has members without plain numbers"
        found[match[1]] = {member: int(number) for member, number in members}
    return found


def _without_prefix(members: dict[str, int]) -> dict[str, int]:
    """Drop the word that all members begin with, as in STATUS_THROWN."""
    prefix = next(iter(members))
    while not all(member.startswith(prefix) for member in members):
        prefix = prefix[:-1]
    prefix = prefix[: prefix.rfind("_") + 1]
    return {member.removeprefix(prefix): number for member, number in members.items()}


def _header_fields() -> dict[str, tuple[int, int]]:
    """Field name to its offset and width, by the rules of wasm32's C: aligned to its own width."""
    body = re.search(r"typedef struct GuestHeader \{(.*?)\}", _without_comments("header.h"), re.S)
    assert body
    fields, offset = {}, 0
    for kind, name in re.findall(r"(?:volatile )?(u?int\d+_t) (\w+);", body[1]):
        width = WIDTHS[kind]
        offset = (offset + width - 1) // width * width
        fields[name] = (offset, width)
        offset += width
    return fields


@pytest.mark.parametrize(
    ("mirror", "name"),
    [
        (_abi.StopReason, "StopReason"),
        (_abi.Status, "Status"),
        (_abi.HardWord, "HardWord"),
        (_abi.CheckPlace, "CheckPlace"),
    ],
)
def test_an_enum_of_the_header_has_its_mirror(mirror: type[IntEnum], name: str) -> None:
    assert {m.name: m.value for m in mirror} == _without_prefix(_enums("header.h")[name])


def test_no_enum_of_the_header_lacks_a_mirror() -> None:
    assert set(_enums("header.h")) == {
        "StopReason",
        "Status",
        "HardWord",
        "CheckPlace",
        "ConsoleLevel",
    }


def test_the_levels_of_the_console_are_in_the_order_of_their_numbers() -> None:
    levels = _without_prefix(_enums("header.h")["ConsoleLevel"])
    assert [name.lower() for name in sorted(levels, key=levels.__getitem__)] == list(
        _callbacks._LEVELS
    )


def test_the_offsets_of_the_header_are_equal() -> None:
    fields = _header_fields()
    for field, offset in (
        ("soft_stop", _abi.SOFT_STOP),
        ("input_ptr", _abi.INPUT_PTR),
        ("input_capacity", _abi.INPUT_PTR + 4),
        ("memory_limit", _abi.MEMORY_LIMIT),
        ("budget_ns", _abi.BUDGET_NS),
        ("result_bytes", _abi.RESULT_BYTES),
        ("result_nodes", _abi.RESULT_NODES),
        ("stack_bytes", _abi.STACK_BYTES),
        ("memory_used", _abi.MEMORY_USED),
        ("memory_peak", _abi.MEMORY_PEAK),
        ("jobs_pending", _abi.JOBS_PENDING),
        ("ran_full", _abi.RAN_FULL),
    ):
        assert fields[field][0] == offset, field
    assert fields["abi"] == (0, 4)
    assert fields["budget_ns"][1] == 8


def test_the_abi_number_is_equal() -> None:
    match = re.search(r"#define GUEST_ABI (\d+)u", _without_comments("header.h"))
    assert match
    assert int(match[1]) == _abi.ABI


def test_the_bits_of_a_packed_result_are_equal() -> None:
    text = _without_comments("header.h")
    assert "PACK_ERROR ((uint64_t)1 << 63)" in text
    assert "PACK_STOP (~(uint64_t)0)" in text
    assert _abi.ERROR_BIT == 1 << 63
    assert _abi.STOP_REPLY == (1 << 64) - 1


def test_every_number_of_the_wire_has_its_mirror() -> None:
    numbers = re.findall(r"\bWIRE_(\w+) = (\d+)", _without_comments("wire.h"))
    assert len(numbers) > 10
    for name, number in numbers:
        mirror = len(_wire.TYPED_ARRAYS) if name == "TYPED_ARRAY_KINDS" else getattr(_wire, name)
        assert mirror == int(number), name


def test_the_abi_page_lists_every_export_and_import() -> None:
    page = (GUEST / "ABI.md").read_text()
    code = "".join(path.read_text() for path in sorted(GUEST.glob("*.h")))
    exports = set(re.findall(r"GUEST_EXPORT\((\w+)\)", code)) - {"name"}
    imports = set(re.findall(r"GUEST_IMPORT\((\w+)\)", code)) - {"name"}
    assert exports
    assert imports
    assert not {name for name in exports if f"`{name}(" not in page}
    assert not {name for name in imports if f"`host.{name}(" not in page}


def test_the_abi_page_names_no_export_that_is_not_there() -> None:
    page = (GUEST / "ABI.md").read_text()
    code = "".join(path.read_text() for path in sorted(GUEST.glob("*.h")))
    assert not {n for n in re.findall(r"`(guest_\w+)\(", page) if f"GUEST_EXPORT({n})" not in code}
