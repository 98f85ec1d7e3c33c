"""Run one attack in this process and say what was wrong, as one line of JSON.

Usage: ``python -m attacks.run_case KIND NAME [check|epoch]``, with ``tests`` on the path. The
process must exit with 0 and write nothing to stderr; whatever went wrong stands in ``problems``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attacks.attack import ANYTHING, COMPLETES, SANE, SANE_RESULT, Attack
from attacks.corpus import attacks_of
from attacks.host_functions import make_host_functions
from attacks.measure import Meter
from runtimes import (
    BrokenRuntimeError,
    JSError,
    JSRuntimeError,
    Module,
    QuickJSRuntime,
    RuntimeOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MIB = 2**20
GRACE = 0.2
"""Seconds between the deadline and the hard stop."""
CPU_ALLOWANCE = 1.0
"""Seconds of computing beyond deadline and grace: reports, conversions, page faults."""
WALL_ALLOWANCE = 8.0
"""Seconds of waiting for a busy machine."""
RSS_ALLOWANCE = 32 * MIB
"""What the process may grow by beyond the runtime's memory limit."""
EVERYTHING = [None, True, 1, 2**70, 1.5, "x\0y\ud800", b"\0\xff", [1, [2]], {"a": {"b": 1}}, {1: 2}]


@dataclass(slots=True)
class Outcome:
    """What an attack did."""

    ended: str = COMPLETES
    detail: str = ""
    usable: bool = True
    wall: float = 0.0
    cpu: float = 0.0
    growth_mib: float | None = None
    problems: list[str] = field(default_factory=list)

    def expect(self, holds: bool, problem: str) -> None:
        """Note a problem unless something holds."""
        if not holds:
            self.problems.append(problem)


def make_options(
    attack: Attack, hard_stop: Literal["check", "epoch"], box: list[Any]
) -> RuntimeOptions:
    """Return the options of the attacked runtime."""
    functions: dict[str, Callable[..., Any]] = {}
    if attack.host:
        functions = make_host_functions(lambda: box[0])
    settings: dict[str, Any] = {
        "timeout": attack.timeout,
        "memory_limit_bytes": attack.memory_mib * MIB,
        "hard_stop": hard_stop,
        "hard_stop_grace": GRACE,
        "console": lambda event: None,
        "host_functions": functions,
        "modules": [Module(name, source) for name, source in attack.modules.items()],
    }
    return RuntimeOptions(**(settings | dict(attack.options)))


def furnish(runtime: QuickJSRuntime) -> None:
    """Load what must still answer after the attack."""
    runtime.evaluate("function answer() { return 42 } function echo(x) { return x }", timeout=30)


def strike(
    runtime: QuickJSRuntime, attack: Attack, script: str, folder: Path, meter: Meter
) -> object:
    """Let the attack loose and return what it returns; the meter starts where the runtime does."""
    meter.start()
    if attack.via == "module":
        return runtime.load_module(Module("attack.js", script))
    if attack.via == "file":
        module = Module.load(folder / "attack.js")
        meter.start()
        return runtime.load_module(module)
    if attack.via == "call":
        args = attack.args()
        runtime.evaluate(script + "\n; 1")
        meter.start()
        return runtime.call_function("attack", args)
    return runtime.evaluate(script)


def judge(outcome: Outcome, attack: Attack, result: object, error: BaseException | None) -> None:
    """Compare how the attack ended with how it must end."""
    if error is None:
        outcome.expect(COMPLETES in attack.expect, "it came to an end")
        good = attack.gives is ANYTHING or (result == attack.gives)
        outcome.expect(good, f"it returned {result!r:.200}")
        return
    outcome.ended = type(error).__name__
    outcome.detail = f"{error!s:.300}"
    outcome.expect(type(error) in attack.expect, f"wrong error {outcome.ended}: {outcome.detail}")
    if isinstance(error, JSError):
        right = attack.error_name in (None, error.name)
        outcome.expect(right, f"the error's name is {error.name!r:.100}")
        read = f"{error.name}{error.message}{error.stack}{error.highlight()}"
        outcome.expect(len(read) < MIB, f"the error holds {len(read)} characters")
    if isinstance(error, JSRuntimeError) and not error.runtime_usable:
        outcome.usable = False


def check_limits(outcome: Outcome, attack: Attack, meter: Meter) -> None:
    """Compare time and memory with what the runtime was given."""
    outcome.wall, outcome.cpu = round(meter.wall, 3), round(meter.cpu, 3)
    given = attack.timeout + GRACE
    outcome.expect(
        meter.cpu <= given + CPU_ALLOWANCE and meter.wall <= given + WALL_ALLOWANCE,
        f"it took {meter.wall:.2f} s, {meter.cpu:.2f} s of them computing, and was given {given} s",
    )
    if meter.growth is not None:
        outcome.growth_mib = round(meter.growth / MIB, 1)
        cap = attack.memory_mib * MIB + RSS_ALLOWANCE
        outcome.expect(
            meter.growth <= cap,
            f"the process grew by {meter.growth / MIB:.1f} MiB, and may grow by {cap / MIB:.0f} "
            f"MiB",
        )


def check_life(outcome: Outcome, runtime: QuickJSRuntime, attack: Attack) -> None:
    """Ask a runtime that says it is usable."""
    meter = Meter()
    meter.start()
    try:
        outcome.expect(runtime.call_function("answer", timeout=30) == 42, "the answer is wrong")
        echo = runtime.call_function("echo", [EVERYTHING], timeout=30)
        outcome.expect(echo == EVERYTHING, f"afterwards values became {echo!r:.200}")
        if attack.sane_after:
            sane = runtime.evaluate(SANE, timeout=30)
            outcome.expect(sane == SANE_RESULT, f"afterwards ordinary code gave {sane!r:.200}")
    except JSRuntimeError as error:
        outcome.problems.append(f"usable, but afterwards: {type(error).__name__}: {error!s:.200}")
    meter.stop()
    outcome.expect(meter.cpu < 1.0, f"the calls afterwards took {meter.cpu:.2f} s of computing")


def check_death(outcome: Outcome, runtime: QuickJSRuntime) -> None:
    """Ask a runtime that says it is not usable: it must refuse, without touching the engine."""
    try:
        runtime.call_function("answer", timeout=30)
        outcome.problems.append("it said it was not usable, and answered")
    except BrokenRuntimeError:
        pass
    except BaseException as error:
        outcome.problems.append(f"not usable, and raises {type(error).__name__}: {error!s:.200}")


def run(kind: str, name: str, hard_stop: Literal["check", "epoch"]) -> Outcome:
    """Run one attack and judge it."""
    attack, outcome = attacks_of(kind)[name], Outcome()
    box: list[Any] = [None]
    script, result, failure = attack.script, None, None
    options = make_options(attack, hard_stop, box)
    with tempfile.TemporaryDirectory() as folder:
        if attack.file_bytes is not None:
            (Path(folder) / "attack.js").write_bytes(attack.file_bytes())
        runtime = box[0] = QuickJSRuntime(options)
        furnish(runtime)
        meter = Meter()
        try:
            result = strike(runtime, attack, script, Path(folder), meter)
        except BaseException as error:
            failure = error
        meter.stop()
    judge(outcome, attack, result, failure)
    check_limits(outcome, attack, meter)
    # A run that completed, but left its heap full, hands out its result and gives the runtime up.
    truth = runtime.usable if failure is not None else runtime.usable or outcome.usable
    outcome.expect(outcome.usable == truth, f"runtime.usable is {runtime.usable}")
    outcome.usable = runtime.usable
    if runtime.usable:
        check_life(outcome, runtime, attack)
    else:
        check_death(outcome, runtime)
        with QuickJSRuntime(make_options(attack, hard_stop, box)) as successor:
            furnish(successor)
            check_life(outcome, successor, attack)
    del result, failure
    runtime.close()
    return outcome


def main(arguments: Sequence[str]) -> None:
    """Run the attack that the arguments name."""
    kind, name, hard_stop = (*arguments, "check")[:3]
    assert hard_stop in ("check", "epoch")
    outcome = run(kind, name, "epoch" if hard_stop == "epoch" else "check")
    json.dump({name: getattr(outcome, name) for name in outcome.__slots__}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
