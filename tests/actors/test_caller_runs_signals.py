"""Caller-runs and signals: what a signal's handler raises is the asking thread's own."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from actors import DefaultWorker, DefaultWorkerOptions, WorkerDied
from actors.testing import Do, PythonWorker

from .lending import LENDS, idle
from .waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")


Closing = Callable[[Any], Any]


@pytest.fixture
def worker(closing: Closing) -> Any:
    return closing(PythonWorker.spawn(mailbox=LENDS))


class Bell(BaseException):
    """Not of the handler's, and no Exception."""


@pytest.fixture
def on_signal() -> Iterator[Callable[[Any], Callable[..., Any]]]:
    """Have something called by a signal; return what sends it, which any code may call."""
    before = signal.getsignal(signal.SIGTERM)

    def prepare(handler: Any) -> Callable[..., Any]:
        signal.signal(signal.SIGTERM, handler)
        return lambda *_: signal.raise_signal(signal.SIGTERM)

    yield prepare
    signal.signal(signal.SIGTERM, before)


def throw(error: BaseException) -> Any:
    raise error


HANDLERS: dict[str, Callable[[BaseException], Any]] = {
    "function": lambda error: lambda number, frame: throw(error),
    "takes anything": lambda error: lambda *_: throw(error),
    "partial": lambda error: partial(lambda error, *_: throw(error), error),
}


@pytest.mark.parametrize("error", [SystemExit(3), Bell(), TimeoutError("the program's own")])
@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
def test_what_a_signals_handler_raises_goes_to_the_asker_and_costs_the_worker_nothing(
    worker: Any, on_signal: Any, error: BaseException, handler: Any
) -> None:
    ring = on_signal(handler(error))
    with pytest.raises(type(error)) as caught:
        idle(worker).ask(Do(ring))
    assert caught.value is error
    assert worker.ask(Do(lambda w: w.generation)) == 1


def test_it_goes_to_the_asker_through_workers_that_ask_each_other(
    closing: Closing, on_signal: Any
) -> None:
    ring = on_signal(HANDLERS["function"](SystemExit(3)))
    inner, outer = (idle(closing(PythonWorker.spawn(mailbox=LENDS))) for _ in range(2))
    with pytest.raises(SystemExit):
        outer.ask(Do(lambda _: inner.ask(Do(ring))))
    assert [each.ask(Do(lambda w: w.generation)) for each in (inner, outer)] == [1, 1]


@pytest.mark.parametrize("script", ["ring(); for (;;);", "console.log('ring')", "for (;;);"])
def test_it_goes_to_the_asker_out_of_a_script_too(
    closing: Closing, on_signal: Any, script: str
) -> None:
    ring = on_signal(HANDLERS["function"](SystemExit(3)))
    options = DefaultWorkerOptions(host_functions={"ring": ring})

    class Speaks(DefaultWorker):
        def console(self, event: Any) -> None:
            ring()

    worker = closing(Speaks.spawn(options, mailbox=LENDS))
    worker.evaluate("1")
    main = threading.get_ident()

    def ring_from_outside() -> None:
        until(lambda: worker.stats().running is not None)
        signal.pthread_kill(main, signal.SIGTERM)

    sender = threading.Thread(target=ring_from_outside)
    if script == "for (;;);":
        sender.start()
    with pytest.raises(SystemExit):
        idle(worker).evaluate(script)
    assert worker.evaluate("1 + 1", timeout=20) == 2
    if script == "for (;;);":
        sender.join()


def test_a_handler_that_exits_by_itself_in_the_main_thread_is_no_signals(worker: Any) -> None:
    with pytest.raises(WorkerDied):
        idle(worker).ask(Do(lambda _: sys.exit(3)))
    assert worker.ask(Do(lambda w: w.generation)) == 2
