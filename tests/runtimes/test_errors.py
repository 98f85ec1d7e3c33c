"""The family of errors: its drawing, pickling, texts."""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING

import pytest

import runtimes.errors
from runtimes import (
    BrokenRuntimeError,
    ConversionError,
    JSError,
    JSRuntimeError,
    JSSyntaxError,
    MemoryLimitError,
    ResultLimitError,
    StackLimitError,
    TimeoutExceeded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def _family(root: type[BaseException]) -> Iterator[type[BaseException]]:
    for child in root.__subclasses__():
        if child.__module__ == "runtimes.errors":
            yield child
            yield from _family(child)


FAMILY = [JSRuntimeError, *_family(JSRuntimeError)]


def test_the_drawing_at_the_top_of_the_module_is_the_hierarchy() -> None:
    drawn: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (runtimes.errors.__doc__ or "").splitlines():
        match = re.match(r"^( {4,})([A-Z]\w+)\b", line)
        if not match:
            continue
        depth, name = len(match[1]), match[2]
        above = [entry for entry in above if entry[0] < depth]
        if above:
            drawn[name] = above[-1][1]
        above.append((depth, name))
    assert drawn == {
        kind.__name__: next(base for base in kind.__bases__ if base in FAMILY).__name__
        for kind in FAMILY[1:]
    }


def test_an_error_that_is_also_one_of_pythons_is_drawn_so() -> None:
    drawing = runtimes.errors.__doc__ or ""
    drawn = dict(re.findall(r"^ {4,}(\w+) .*\(also (\w+)\)", drawing, re.MULTILINE))
    real = {
        kind.__name__: base.__name__
        for kind in FAMILY[1:]
        for base in kind.__bases__
        if base not in FAMILY
    }
    assert drawn == real
    assert real["TimeoutExceeded"] == "TimeoutError"


SAMPLES = [
    JSRuntimeError("plain"),
    JSError(
        "bad",
        name="TypeError",
        stack="    at f (a.js:1:2)",
        filename="a.js",
        line=1,
        column=2,
        source_line="f()",
        value={"a": 1},
        cause=JSError("inner"),
        errors=(1, JSError("member")),
    ),
    JSSyntaxError("bad", name="SyntaxError"),
    ConversionError("bad", path="$.a[1]"),
    TimeoutExceeded("late", timeout=0.5),
    MemoryLimitError("full", limit_bytes=1024),
    StackLimitError("deep"),
    ResultLimitError("long", limit=10, unit="nodes"),
    BrokenRuntimeError("gone"),
]


def _public(error: BaseException) -> dict[str, object]:
    return {key: repr(value) for key, value in vars(error).items()}


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling(error: JSRuntimeError) -> None:
    error.runtime_usable = False
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.args == error.args
    assert _public(copy) == _public(error)


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_every_error_is_made_from_its_text_alone(kind: type[JSRuntimeError]) -> None:
    error = kind("what happened")
    assert "what happened" in str(error)
    assert type(pickle.loads(pickle.dumps(error))) is kind


def test_an_error_says_where() -> None:
    error = JSError("bad", name="TypeError", filename="a.js", line=3, column=7)
    assert str(error) == "TypeError: bad (a.js:3:7)"
    assert str(JSError("", name="TypeError")) == "TypeError"
    assert str(ConversionError("a symbol", path="$.a")) == "a symbol (at $.a)"


def test_highlight_puts_a_caret_under_the_column() -> None:
    error = JSError("bad", source_line="\tlet x = y;", line=1, column=10)
    assert error.highlight() == "\tlet x = y;\n\t        ^"


def test_highlight_of_an_unknown_line_is_empty() -> None:
    assert JSError("bad", line=1, column=1).highlight() == ""


def test_highlight_of_a_huge_line_is_short() -> None:
    error = JSError("bad", source_line="x" * 100_000, line=1, column=90_000)
    assert len(error.highlight()) < 500
