"""Our numbers and texts are those of the C library, which Python's are too."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .conftest import Library

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Compiled

DOUBLES = st.one_of(
    st.floats(),
    st.integers(-(2**62), 2**62).map(float),
    st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0]),
)


@pytest.fixture(scope="session")
def libc(compile_c: Callable[..., Compiled]) -> Library:
    return Library(compile_c("libc_exports.c", "fast_libc.c"))


def bits(number: float) -> int:
    return 0 if math.isnan(number) else int.from_bytes(struct.pack("<d", number), "little")


@settings(max_examples=500, deadline=None)
@given(x=DOUBLES, y=DOUBLES)
@example(x=-6.0, y=3.0)
@example(x=5e-324, y=2.5)
@example(x=1.7976931348623157e308, y=5e-324)
@example(x=1.0, y=math.inf)
@example(x=2.2250738585072014e-308, y=1.5e-323)
def test_remainders_are_exact(libc: Library, x: float, y: float) -> None:
    try:
        expected = math.fmod(x, y)
    except ValueError:  # where C gives NaN
        expected = math.nan
    assert bits(libc.call("remainder_of", x, y)) == bits(expected)


def put(libc: Library, text: str, offset: int = 0) -> int:
    room = int(libc.call("room"))
    libc.write(room + offset, text.encode() + b"\0")
    return room


def read_number(libc: Library, text: str) -> tuple[float, int]:
    """The number at the start of a text, and how long it is."""
    room = put(libc, text)
    number = libc.call("number", room + 2048)
    end = int.from_bytes(libc.read(room + 2048, 4), "little")
    return number, end - room


@settings(max_examples=500, deadline=None)
@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][-+]?[0-9]{1,4})?", fullmatch=True)
)
@example("9007199254740993")
@example("18446744073709551616")
@example("123456789012345678901234567890")
@example("0.1e-400")
@example("4.9406564584124654e-324")
@example("-0")
@example("1e23")
def test_decimal_numbers_are_rounded_to_nearest(libc: Library, text: str) -> None:
    number, length = read_number(libc, text)
    assert bits(number) == bits(float(text))
    assert length == len(text)


@settings(max_examples=1000, deadline=None)
@given(st.integers(1, 10**19), st.integers(-46, 27))
@example(9007199254740993, -1)  # the first half-way cases of each way to scale
@example((2**53 + 1) * 5**3, -3)
@example(2**63 + 2**10, 0)
@example(2**64 - 2**10, 0)
@example((2**54 + 2) * 5**4, 1)
def test_numbers_of_up_to_19_digits_are_rounded_to_nearest(
    libc: Library, digits: int, exponent: int
) -> None:
    texts = [
        f"{digits}e{exponent}",
        f"0.{digits:030}e{exponent}",
        f"{digits // 1000}.{digits % 1000:03}",
    ]
    for text in texts:
        assert bits(read_number(libc, text)[0]) == bits(float(text)), text


@settings(max_examples=300, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_their_shortest_text(libc: Library, number: float) -> None:
    assert bits(read_number(libc, repr(number))[0]) == bits(number)


@pytest.mark.parametrize(
    ("text", "number", "length"),
    [
        ("12,5", 12, 2),
        ("0x10", 16, 4),
        ("inf", math.inf, 3),
        ("", 0, 0),
        ("1e+", 1, 1),
        (" 7", 7, 2),
    ],
)
def test_other_texts_are_left_to_the_c_library(
    libc: Library, text: str, number: float, length: int
) -> None:
    assert read_number(libc, text) == (number, length)


def printed(libc: Library, name: str, text: str, *args: int, size: int = 2000) -> tuple[str, int]:
    room = put(libc, text)
    length = int(libc.call(name, size, *args))
    return libc.read(room + 2048, size).split(b"\0", 1)[0].decode(), length


@settings(max_examples=300, deadline=None)
@given(
    flags=st.text("-0+ ", max_size=3),
    width=st.one_of(st.just(""), st.integers(1, 30).map(str)),
    precision=st.one_of(st.just(""), st.integers(0, 18).map(lambda n: f".{n}")),
    kind=st.sampled_from("dixX"),
    value=st.integers(-(2**31), 2**31 - 1),
)
def test_integers_are_printed_as_python_prints_them(
    libc: Library, flags: str, width: str, precision: str, kind: str, value: int
) -> None:
    if kind in "xX":
        value = abs(value)
        flags = flags.replace("+", "").replace(" ", "")
    if precision:
        flags = flags.replace("0", "")  # has no meaning then in C
    form = f"<%{flags}{width}{precision}{kind}>"
    if not (precision == ".0" and value == 0):  # C prints nothing there, the engine never asks
        expected = form % value
        assert printed(libc, "print_integer", form, value) == (expected, len(expected))


@settings(max_examples=100, deadline=None)
@given(value=st.integers(-(2**63), 2**63 - 1))
@example(-(2**63))
def test_long_integers_are_printed(libc: Library, value: int) -> None:
    assert printed(libc, "print_long", "%lld", value)[0] == str(value)
    assert printed(libc, "print_long", "%llu", value)[0] == str(value % 2**64)
    assert printed(libc, "print_long", "%llx", value)[0] == f"{value % 2**64:x}"


@pytest.mark.parametrize("form", ["%s", "%.3s", "%10s", "%-10s|", "%-8.2s|", "%%%s%%"])
@pytest.mark.parametrize("text", ["", "ab", "Wednesday"])
def test_texts_are_printed(libc: Library, form: str, text: str) -> None:
    put(libc, text, 1024)
    expected = form % text
    assert printed(libc, "print_text", form) == (expected, len(expected))


def test_a_width_may_be_an_argument(libc: Library) -> None:
    assert printed(libc, "print_star", "%0*d", 6, -42)[0] == "-00042"
    assert printed(libc, "print_star", "%*d|", -6, 42)[0] == "42    |"


def test_arguments_of_several_sizes_are_told_apart(libc: Library) -> None:
    put(libc, "text", 1024)
    assert printed(libc, "print_mixed", "%d %s %lld %c", 65, -(2**40)) == (
        "65 text -1099511627776 A",
        24,
    )


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7])
def test_a_text_that_does_not_fit_is_cut_and_its_length_told(libc: Library, size: int) -> None:
    assert printed(libc, "print_integer", "%d", 123456, size=size) == ("123456"[: size - 1], 6)
