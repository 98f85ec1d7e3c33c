"""Python ends promptly, silently and with the right status, whatever its workers are doing."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from ._programs import REPEAT, finish, run, start

MOST_SECONDS = 6.0
"""For start and end together on a slow machine; the end alone takes 1.5 s at most."""

SITUATIONS = {
    "idle worker": "w = PythonWorker.spawn(); w.ask(Do(lambda w: 1))",
    "idle pool": "p = WorkerPool(DefaultWorker, size=2); p.ask(Eval('1'))",
    "closed pool": "with WorkerPool(DefaultWorker, size=2) as p: p.ask(Eval('1'))",
    "endless loop": "w = DefaultWorker.spawn(); r = w.send(Eval('for (;;) {}')); busy(w)",
    "loops and a queue": """
        p = WorkerPool(DefaultWorker, size=2)
        replies = [p.send(Eval('for (;;) {}')) for _ in range(100)]
        busy(*p)
    """,
    "builtin that never looks": """
        w = DefaultWorker.spawn()
        r = w.send(Eval('Array.prototype.reverse.call({ length: 2 ** 53 - 1 })')); busy(w)
    """,
    "loop in Python": """
        def spin(w):
            while True: pass
        w = PythonWorker.spawn(); r = w.send(Do(spin)); busy(w)
    """,
    "blocked in a lock": """
        w = PythonWorker.spawn(); r = w.send(Do(lambda w: threading.Event().wait())); busy(w)
    """,
    "host function in a lock": """
        w = DefaultWorker.spawn(DefaultWorkerOptions(host_functions={'f': threading.Event().wait}))
        r = w.send(Eval('f()')); busy(w)
    """,
    "host function asleep": """
        w = DefaultWorker.spawn(DefaultWorkerOptions(host_functions={'f': lambda: time.sleep(50)}))
        r = w.send(Eval('f()')); busy(w)
    """,
    "host function in a socket": """
        a, b = socket.socketpair()
        w = DefaultWorker.spawn(DefaultWorkerOptions(host_functions={'f': lambda: a.recv(1)}))
        r = w.send(Eval('f()')); busy(w)
    """,
    "host function in a loop": """
        def spin():
            while True: pass
        w = DefaultWorker.spawn(DefaultWorkerOptions(host_functions={'f': spin}))
        r = w.send(Eval('f()')); busy(w)
    """,
    "worker that starts": """
        class Slow(PythonWorker):
            def on_start(self):
                print(end="", flush=True); threading.Event().wait()
        threading.Thread(target=Slow.spawn, daemon=True).start()
    """,
    "pause before a restart": """
        w = PythonWorker.spawn(supervision=Supervision(backoff=60))
        for _ in range(2): w.send(Do(lambda w: sys.exit())).exception()
    """,
    "pool in a worker": """
        class Outer(PythonWorker):
            def init_runtime(self, options): self.inner = WorkerPool(DefaultWorker, size=2)
        w = Outer.spawn()
        w.tell(Do(lambda w: w.inner.ask(Eval('for (;;) {}')))); busy(w)
    """,
    "forgotten pool": """
        def forget():
            pool = WorkerPool(DefaultWorker, size=2)
            for _ in range(50): pool.tell(Eval('for (;;) {}'))
        forget()
    """,
    "deadline far away": "w = PythonWorker.spawn(); w.ask(Do(lambda w: 1), timeout=1000)",
}
BUSY = """
def busy(*workers):
    for worker in workers:
        while not worker._cell.running: time.sleep(0.001)
"""
ENDINGS = {
    "the end": ("", 0, ""),
    "sys.exit": ("sys.exit(3)", 3, ""),
    "an exception": ("raise ValueError('mine')", 1, "ValueError: mine"),
}


def program_of(situation: str, ending: str) -> str:
    lines = SITUATIONS[situation].split("\n")
    return BUSY + "\n".join(line.removeprefix("        ") for line in lines) + f"\n{ending}\n"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_python_ends_promptly_and_silently(situation: str) -> None:
    """Each situation with one of the endings; `JSACTORS_REPEAT` tries all of them, and again."""
    turn = list(SITUATIONS).index(situation)
    every = list(ENDINGS.values())
    for number in range(turn, turn + (1 if REPEAT == 1 else len(every) * REPEAT)):
        code, status, last_line = every[number % len(every)]
        done = run(program_of(situation, code))
        errors = done.err.splitlines()
        assert (done.code, done.out) == (status, "")
        assert errors[-1:] == ([last_line] if last_line else [])
        assert sum(line.startswith("Traceback") for line in errors) == bool(last_line)
        assert not any("Fatal" in line or "Exception ignored" in line for line in errors)
        assert done.seconds < MOST_SECONDS


def test_a_thread_that_wakes_while_python_is_torn_down_harms_nobody() -> None:
    """The host function returns when Python's lock is not to be had any more."""
    done = run(
        """
        class Late:
            def __del__(self, sleep=time.sleep): sleep(0.8)
        sys.late = Late()
        options = DefaultWorkerOptions(host_functions={"nap": time.sleep})
        workers = [DefaultWorker.spawn(options) for _ in range(8)]
        for i, worker in enumerate(workers): worker.tell(Eval(f"nap({1.3 + i / 10})"))
        while not all(worker._cell.running for worker in workers): time.sleep(0.001)
        """
    )
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("os._exit(7)", 7),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", -signal.SIGTERM),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
         "os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", 5),
        ("w.send(Do(lambda w: sys.exit(9))).exception(); threading.Thread(target=sys.exit).start()",
         0),
    ],
    ids=["os._exit", "SIGTERM", "SIGTERM with a handler", "SystemExit elsewhere"],
)  # fmt: skip
def test_other_ways_to_end(ending: str, code: int) -> None:
    done = run(
        "w = PythonWorker.spawn(); p = WorkerPool(DefaultWorker, size=2)\n"
        "for _ in range(20): p.tell(Eval('for (;;) {}'))\n" + ending
    )
    assert (done.code, done.out, done.err) == (code, "", "")
    assert done.seconds < MOST_SECONDS


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_that_nobody_handles_ends_the_program_as_usual() -> None:
    process = start(
        """
        pool = WorkerPool(DefaultWorker, size=2)
        print("ready", flush=True)
        pool.ask(Eval("for (;;) {}"))
        """
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.kill(process.pid, signal.SIGINT)
    done = finish(process)
    assert done.code == -signal.SIGINT
    assert done.err.splitlines()[-1] == "KeyboardInterrupt"
    assert done.seconds < MOST_SECONDS


def test_replies_that_are_pending_at_the_end_do_not_hang_other_threads() -> None:
    done = run(
        """
        w = PythonWorker.spawn()
        held = w.send(Do(lambda w: threading.Event().wait()))
        queued = w.send(Do(lambda w: 1))
        thread = threading.Thread(target=lambda: print(type(queued.exception()).__name__))
        thread.start()
        w.shutdown(0)
        """
    )
    assert (done.code, done.out, done.err) == (0, "WorkerStopped\n", "")


def test_what_asks_at_the_very_end_gets_an_error() -> None:
    done = run(
        """
        import atexit
        @atexit.register
        def last():
            for act in (lambda: w.ask(Do(lambda w: 1)), lambda: p.ask(Eval("1"))):
                try: act()
                except WorkerStopped as error: print("refused")
                except PoolClosed as error: print("refused")
        w = PythonWorker.spawn()
        p = WorkerPool(DefaultWorker, size=1)
        """
    )
    assert (done.code, done.out, done.err) == (0, "refused\nrefused\n", "")


def test_what_is_still_open_at_the_end_is_a_resource_warning() -> None:
    done = run(
        """
        w = PythonWorker.spawn(name="anna")
        gate = threading.Event()
        w.send(Do(lambda w: gate.wait()))
        for _ in range(3): w.tell(Do(lambda w: 1))
        pool = WorkerPool(PythonWorker, size=2, name="smiths")
        closed = PythonWorker.spawn(name="closed"); closed.close()
        """,
        "-X",
        "dev",
    )
    assert done.code == 0
    text = "still open when Python exited: pool smiths, worker anna; 3 queued queries were not run"
    assert f"ResourceWarning: {text}" in done.err
    assert "Traceback" not in done.err
