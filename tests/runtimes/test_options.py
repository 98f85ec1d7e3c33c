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
