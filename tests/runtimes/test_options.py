"""Options refuse what makes no sense."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from runtimes import DEFAULT, RuntimeOptions


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"memory_limit_bytes": 0},
        {"memory_limit_bytes": -1},
        {"memory_limit_bytes": 1000},
        {"stack_limit_bytes": 0},
        {"stack_limit_bytes": 1024 * 1024},
        {"result_limit_bytes": 0},
        {"result_limit_nodes": -1},
        {"hard_stop_grace": -0.1},
        {"hard_stop_grace": float("nan")},
        {"hard_stop": "fuel"},
        {"allocation": "heap"},
    ],
    ids=str,
)
def test_a_limit_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        RuntimeOptions(**options)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_in_place_of_a_snapshot_are_not_shown(kind: Any) -> None:
    with pytest.raises(TypeError) as caught:
        RuntimeOptions(snapshot=kind(b"secret"))
    text = "snapshot must be a Snapshot or None, not {}; read bytes with Snapshot.from_bytes"
    assert str(caught.value) == text.format(kind.__name__)


@pytest.mark.parametrize(
    "options",
    [
        {"snapshot": "secret"},
        {"globals": ["secret"]},
        {"host_functions": "secret"},
        {"modules": ["secret"]},
        {"console": "secret"},
        {"timeout": "secret"},
    ],
    ids=str,
)
def test_a_value_of_a_wrong_type_is_not_shown(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"{next(iter(options))} must be") as caught:
        RuntimeOptions(**options)
    assert "secret" not in str(caught.value)


def test_a_wrong_number_is_shown() -> None:
    options: Any = {"memory_limit_bytes": 1.5}
    with pytest.raises(TypeError, match=r"memory_limit_bytes must be an int or None, not 1\.5$"):
        RuntimeOptions(**options)


def test_none_means_unlimited() -> None:
    options = RuntimeOptions(
        timeout=None, memory_limit_bytes=None, result_limit_bytes=None, result_limit_nodes=None
    )
    assert options.timeout is None


def test_the_defaults_are_those_of_the_design() -> None:
    options = RuntimeOptions()
    assert options.timeout == 30.0
    assert options.memory_limit_bytes == options.result_limit_bytes == 64 * 1024 * 1024
    assert options.result_limit_nodes is DEFAULT
    assert options.stack_limit_bytes == 128 * 1024


def test_options_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RuntimeOptions().timeout = 1.0  # type: ignore[misc]
