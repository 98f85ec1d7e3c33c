"""Nobody waits for ever though a thread is told to die, or a signal's handler raises, anywhere."""

from __future__ import annotations

import contextlib
import ctypes
import dis
import threading
from typing import TYPE_CHECKING, Any

import pytest

from actors import Supervision, WorkerDied, WorkerPool
from actors.testing import Do, EventLog, Gate, PythonWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


CALLS = {dis.opmap["CALL"], dis.opmap["CALL_FUNCTION_EX"]}
LOOKS = CALLS | {number for name, number in dis.opmap.items() if "JUMP_BACKWARD" in name}
LOOKS.add(dis.opmap["RESUME"])
"""After these Python looks whether the thread is to die, or whether a signal came."""


class Blow:
    """Raises SystemExit in a worker's thread, the nth time that Python would look for it.

    Attributes:
        armed: Whether it counts.
        fell: Where it was raised.
    """

    def __init__(self, name: str, after: int) -> None:
        self.armed = False
        self.fell: str | None = None
        self._name = name
        self._left = after
        self._last: dict[FrameType | None, int | None] = {}

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        if not threading.current_thread().name.startswith(self._name):
            return None
        self._last[frame.f_back] = None  # it called a function in Python: after that is no look
        name = frame.f_globals.get("__name__", "")
        if not name.startswith("actors.") or name.startswith("actors.testing"):
            return None
        if frame.f_code.co_name == "__del__":  # where Python itself ignores it, and says so
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._step

    def _step(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "opcode":
            before = self._last.get(frame)
            self._last[frame] = frame.f_code.co_code[frame.f_lasti]
            if self.armed and self.fell is None and before in LOOKS:
                self._left -= 1
                if self._left < 0:
                    self.fell = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
                    raise SystemExit
        return self._step


@contextlib.contextmanager
def falling_on_new_threads(blow: Blow) -> Iterator[None]:
    """Let it fall on threads that are started meanwhile."""
    threading.settrace(blow)
    try:
        yield
    finally:
        threading.settrace(None)  # type: ignore[arg-type]


def cut_off(blow: Blow, act: Callable[[], object]) -> None:
    """Do something on a thread of its own, on which the blow falls."""

    def armed() -> None:
        blow.armed = True
        with contextlib.suppress(SystemExit):
            act()

    sender = threading.Thread(target=armed, name="sender", daemon=True)
    with falling_on_new_threads(blow):
        sender.start()
    sender.join(20)
    assert not sender.is_alive(), blow.fell


@pytest.mark.parametrize("in_a_pool", [False, True])
def test_who_asks_hears_of_it_wherever_the_workers_thread_is_cut_off(
    in_a_pool: bool,
) -> None:
    fell = []
    for after in range(200):
        blow = Blow("worker", after)
        with falling_on_new_threads(blow):
            if in_a_pool:
                pool: Any = WorkerPool(PythonWorker, size=1, name="worker")
            else:
                pool = PythonWorker.spawn(name="worker")
        with pool:
            first = pool.send(Do(lambda _: 0))
            assert first.get(20) == 0
            blow.armed = True
            error = pool.send(Do(lambda _: 7)).exception(20)
            blow.armed = False
            assert error is None or isinstance(error, WorkerDied), blow.fell
            assert pool.ask(Do(lambda _: 8), timeout=20) == 8, blow.fell
            if blow.fell is None:
                break
            fell.append(blow.fell)
    assert 5 < len(fell) < 200


@pytest.mark.parametrize("in_a_pool", [False, True])
def test_nobody_else_is_harmed_wherever_a_sender_is_cut_off(
    closing: Callable[[Any], Any], in_a_pool: bool
) -> None:
    pool: Any = closing(WorkerPool(PythonWorker, size=2) if in_a_pool else PythonWorker.spawn())
    fell = []
    for after in range(200):
        blow = Blow("sender", after)
        cut_off(blow, lambda: pool.ask(Do(lambda _: 7)))
        assert pool.ask(Do(lambda _: 8), timeout=20) == 8, blow.fell
        if blow.fell is None:
            break
        fell.append(blow.fell)
    assert 5 < len(fell) < 200


@pytest.mark.parametrize("in_a_pool", [False, True])
def test_all_who_wait_are_woken_wherever_a_cancel_is_cut_off(
    closing: Callable[[Any], Any], make_gate: Callable[[], Gate], in_a_pool: bool
) -> None:
    pool: Any = closing(WorkerPool(PythonWorker, size=1) if in_a_pool else PythonWorker.spawn())
    fell = []
    for after in range(200):
        blow, gate = Blow("sender", after), make_gate()
        pool.send(Do(gate.hold))
        assert gate.reached.wait(20)
        reply = pool.send(Do(lambda _: 7))
        others = [threading.Thread(target=reply.exception, daemon=True) for _ in range(2)]
        for other in others:
            other.start()
        cut_off(blow, reply.cancel)
        gate.open()
        for other in others:
            other.join(5)
            assert not other.is_alive(), blow.fell
        assert pool.ask(Do(lambda _: 8), timeout=20) == 8, blow.fell
        if blow.fell is None:
            break
        fell.append(blow.fell)
    assert 3 < len(fell) < 200


def test_another_worker_takes_what_a_dying_one_was_woken_for(
    closing: Callable[[Any], Any], gate: Gate, log: EventLog
) -> None:
    class Slow(PythonWorker):
        def on_start(self) -> None:
            if self.generation:
                gate.hold()

    pool = closing(WorkerPool(Slow, size=2, supervision=Supervision(backoff=0)))
    both = threading.Barrier(2, timeout=20)

    def meet(_: Any) -> int:
        both.wait()
        return threading.get_ident()

    doomed, _ = (reply.get(20) for reply in [pool.send(Do(meet)) for _ in range(2)])
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    for _ in range(2):  # one of these wakes the doomed
        raise_in(ctypes.c_ulong(doomed), ctypes.py_object(SystemExit))
        assert pool.ask(Do(lambda _: 1), timeout=20) == 1
    log.wait_for("worker.restarted")
    assert pool.ask(Do(lambda _: 1), timeout=20) == 1
