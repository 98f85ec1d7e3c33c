"""Every runtime passes the one shared suite."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

import runtimes.testing
from runtimes import QuickJSRuntime, Runtime, RuntimeOptions
from runtimes.quickjs import _instance
from runtimes.testing import (
    JAVASCRIPT,
    Check,
    Dialect,
    MakeRuntime,
    check_runtime,
    conformance_checks,
)


@dataclass(frozen=True)
class Target:
    """A runtime under test; `layer` forces the layer below it."""

    name: str
    make: MakeRuntime
    dialect: Dialect
    layer: str | None = None


def _with_epochs(options: RuntimeOptions) -> Runtime:
    return QuickJSRuntime(replace(options, hard_stop="epoch"))


TARGETS = [
    Target("raw", QuickJSRuntime, JAVASCRIPT, "raw"),
    Target("plain", QuickJSRuntime, JAVASCRIPT, "plain"),
    Target("epoch", _with_epochs, JAVASCRIPT),
]
if hasattr(runtimes.testing, "EchoRuntime"):
    TARGETS.append(Target("echo", runtimes.testing.EchoRuntime, runtimes.testing.ECHO))

CASES = [
    pytest.param(target, check, id=f"{target.name}-{check}")
    for target in TARGETS
    for check in conformance_checks(target.dialect)
]


@pytest.mark.parametrize(("target", "check"), CASES)
def test_a_runtime_conforms(target: Target, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    if target.layer is not None:
        monkeypatch.setattr(_instance, "_choice", target.layer)
    check.run(target.make, target.dialect)


def test_no_check_is_left_out_for_javascript() -> None:
    nothing = Dialect(name="mute")
    everything = conformance_checks(JAVASCRIPT)
    assert len(everything) > len(conformance_checks(nothing)) > 0
    assert len({check.name for check in everything}) == len(everything)


def test_every_part_of_the_language_is_used_by_some_check() -> None:
    used = {need for check in conformance_checks(JAVASCRIPT) for need in check.needs}
    assert used == set(Dialect.__dataclass_fields__) - {"name"}


def test_check_runtime_lists_the_rules_that_are_broken() -> None:
    class Deaf(QuickJSRuntime):
        def cancel(self) -> None:
            raise LookupError("deaf")

    mute = Dialect(name="mute")
    check_runtime(QuickJSRuntime, mute)
    with pytest.raises(AssertionError, match="cancelling_a_closed_runtime_is_harmless") as caught:
        check_runtime(Deaf, mute)
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_check_that_expects_an_error_says_what_came_instead() -> None:
    by_name = {check.name: check for check in conformance_checks()}
    check = by_name["what_a_script_throws_reaches_the_caller"]
    with pytest.raises(AssertionError, match="JSError was not raised"):
        check.run(QuickJSRuntime, replace(JAVASCRIPT, throwing=lambda text: "1"))
