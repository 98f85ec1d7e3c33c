"""What queries do in a storm: most of them work, the others do harm in every way that there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actors import CallFunction, Eval, QueryCancelled, QueryTimeout, WorkerDied
from runtimes import (
    ConversionError,
    JSError,
    JSSyntaxError,
    MemoryLimitError,
    ResultLimitError,
    RunCancelled,
    StackLimitError,
    TimeoutExceeded,
    UnsettledPromise,
)

from ._ledger import UNSEEN, WATCHED
from ._stage import ChaosWorker, Fault, Killed, Stage, Task, answer

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

USUAL = (*[None] * 16, *[5.0] * 8, 0.5, 0.5, 0.5, 0.05, 0.05, 0.005, 0.0005, 0.0)
SHORT = (0.002, 0.005, 0.01, 0.02, 0.05)


KILLERS = (Killed, RunCancelled)
"""Why a worker may die under a query that does no harm: it was killed, or halted with others."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that a query may do.

    Attributes:
        name: Its name in the report.
        weight: How often it comes, in ten thousand queries.
        run: Does it, on the worker's thread.
        errors: What its sender may get instead of the right response.
        timeouts: Deadlines to choose from.
        ends: Why a worker may die under it besides.
    """

    name: str
    weight: float
    run: Callable[[ChaosWorker, Any, int], Any]
    errors: tuple[type[BaseException], ...] = ()
    timeouts: tuple[float | None, ...] = USUAL
    ends: tuple[type[BaseException], ...] = ()

    def permits(self, error: BaseException, timeout: float | None, cancelled: bool) -> bool:
        """Whether a query of this kind, sent and cancelled like that, may get this error."""
        if isinstance(error, QueryTimeout):  # its own deadline, not that of a neighbour
            return timeout is not None and abs((error.timeout or 0.0) - timeout) < 1e-4
        if isinstance(error, QueryCancelled):
            return cancelled
        if isinstance(error, WorkerDied) and isinstance(error.__cause__, (*KILLERS, *self.ends)):
            return True
        # A machine that stands still may cost anybody his time; `ChaosWorker` looks at the clock.
        return isinstance(error, (*self.errors, TimeoutExceeded))


# -- what works -------------------------------------------------------------------------------


def _python(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    return answer(number)


def _script(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    return worker.javascript(runtime, Eval(f"answer({number})"))


def _function(name: str) -> Callable[[ChaosWorker, Any, int], Any]:
    def run(worker: ChaosWorker, runtime: Any, number: int) -> Any:
        return worker.javascript(runtime, CallFunction(name, [number], module="chaos.js"))

    return run


def _payload(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    sent = {"number": number, "text": "x" * (number % 5000), "list": list(range(number % 50))}
    call = CallFunction("echo", [number, sent], module="chaos.js")
    value, came_back = worker.javascript(runtime, call)
    return value if came_back == sent else came_back


def _counts(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    return worker.tick(runtime, number)


def _nested(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    stage: Stage = worker.options.stage  # type: ignore[attr-defined]
    ledger = stage.ledger
    inner = ledger.sent(WATCHED | UNSEEN, "asked by a handler")
    try:
        reply = stage.pool.send(Task(inner, WORKING[0]), 0.2)
    except Exception as error:
        ledger.refused(inner, error)
        raise Fault("not accepted") from error
    ledger.accepted(inner)
    reply.add_done_callback(lambda reply: ledger.called(inner))
    try:
        ledger.answered(inner, reply.get(), answer(inner))
    except Exception as error:
        raise Fault("no response") from error
    return answer(number)


# -- what does not ----------------------------------------------------------------------------


def _runs(source: str) -> Callable[[ChaosWorker, Any, int], Any]:
    return lambda worker, runtime, number: worker.javascript(runtime, Eval(source))


def _raises(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    raise Fault(number)


def _host_hangs(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    return worker.javascript(runtime, Eval(f"hang(); answer({number})"))


def _leaves(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    raise SystemExit(number)


def _breaks(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    runtime.close()
    return worker.javascript(runtime, Eval("1"))


def _hangs(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    worker.options.stage.hang()  # type: ignore[attr-defined]
    return answer(number)


def _waits(worker: ChaosWorker, runtime: Any, number: int) -> Any:
    worker.options.stage.victims.wait(0.02)  # type: ignore[attr-defined]
    return answer(number)


WORKING = (
    Kind("python", 3500, _python),
    Kind("function", 2500, _function("work")),
    Kind("counts", 1000, _counts),
    Kind("script", 1000, _script),
    Kind("promise", 600, _function("later")),
    Kind("payload", 500, _payload),
    Kind("console", 200, _function("said")),
)
"""Kinds that fail only if somebody else is at fault."""

_ENDLESS = "for (;;) {}"
_STUBBORN = "for (;;) { try { for (;;) {} } catch {} }"
_BUILTIN = "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })"
_BOMB = "{ const kept = []; for (;;) kept.push('x'.repeat(1e5) + kept.length); }"

HARMFUL = (
    Kind("asks the pool", 150, _nested, (Fault,)),
    Kind("throws", 100, _runs("null.x"), (JSError,)),
    Kind("does not parse", 30, _runs("syntax error ("), (JSSyntaxError,)),
    Kind("never settles", 30, _runs("new Promise(() => {})"), (UnsettledPromise,)),
    Kind("cannot cross", 30, _runs("Symbol('no')"), (ConversionError,)),
    Kind("too large a result", 20, _runs("'x'.repeat(2e6)"), (ResultLimitError,)),
    Kind("endless loop", 50, _runs(_ENDLESS), (), SHORT),
    Kind("endless loop, no deadline", 2, _runs(_ENDLESS)),
    Kind("catches its stop", 20, _runs(_STUBBORN), (), SHORT),
    Kind("builtin that never polls", 10, _runs(_BUILTIN), (), SHORT),
    Kind("memory bomb", 20, _runs(_BOMB), (MemoryLimitError,)),
    Kind("deep recursion", 20, _runs("(function f() { return f() + 1; })()"), (StackLimitError,)),
    Kind("host function raises", 50, _runs("fail()"), (JSError,)),
    Kind("host function exits", 10, _runs("leave()"), (WorkerDied,)),
    Kind("host function is interrupted", 10, _runs("interrupt()"), (WorkerDied,)),
    # One that hangs while its worker is to be halted with others is given up together with it.
    Kind("host function hangs", 2, _host_hangs, (), (*SHORT, None), (TimeoutError,)),
    Kind("handler raises", 50, _raises, (Fault,)),
    Kind("handler exits", 10, _leaves, (WorkerDied,)),
    Kind("handler hangs", 2, _hangs, (), (*SHORT, None), (TimeoutError,)),
    Kind("handler waits to be killed", 10, _waits),
    Kind("runtime closed by a handler", 10, _breaks, (WorkerDied,)),
)
"""Kinds that do harm, mostly to themselves."""

KINDS = (*WORKING, *HARMFUL)
_WEIGHTS = [kind.weight for kind in KINDS]


def any_kind(chance: random.Random) -> Kind:
    """Choose one by its weight."""
    return chance.choices(KINDS, _WEIGHTS)[0]


def working_kind(chance: random.Random) -> Kind:
    """Choose one that works."""
    return chance.choice(WORKING)
