"""The attacks' runner, made of those cases that were selected."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from attacks.runner import Case, Runner

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "attack: a hostile script, run in a process of its own")


@pytest.fixture(scope="session")
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    """Runs the selected cases ahead of their tests, in the same order."""
    parameters = (
        item.callspec.params.get("case")
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    )
    made = Runner(case for case in parameters if isinstance(case, Case))
    yield made
    made.close()
