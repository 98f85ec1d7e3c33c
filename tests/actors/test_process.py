"""A good guest in the process: its end, its forks. Each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PRELUDE = """
import os, signal, sys, threading, time
from actors import *
from actors.testing import *
"""


def run(program: str) -> tuple[subprocess.CompletedProcess[str], float]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PRELUDE + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return done, time.monotonic() - began


@pytest.mark.parametrize(
    "program",
    [
        "w = PythonWorker.spawn(); w.ask(Do(lambda w: 1))",
        "p = WorkerPool(PythonWorker, size=3)",
        "w = DefaultWorker.spawn(); w.evaluate('1')",
        "w = DefaultWorker.spawn(); w.send(Eval('for (;;) {}'))",
        "p = WorkerPool(DefaultWorker, size=3)\nfor _ in range(30): p.send(Eval('for (;;) {}'))",
        "w = DefaultWorker.spawn()\n"
        "w.send(Eval('Array.prototype.reverse.call({ length: 2 ** 53 - 1 })'))",
        "w = PythonWorker.spawn(); w.send(Do(lambda w: threading.Event().wait()))",
        "w = DefaultWorker.spawn(DefaultWorkerOptions("
        "host_functions={'block': threading.Event().wait}))\n"
        "w.send(Eval('block()'))",
        "w = PythonWorker.spawn(); w.send(Do(lambda w: 1), timeout=1000).get()",
        "w = PythonWorker.spawn(supervision=Supervision(backoff=60))\n"
        "for _ in range(2): w.send(Do(lambda w: sys.exit())).exception()",
    ],
    ids=["idle", "pool", "engine", "loop", "loops", "hard", "blocked", "host", "timer", "pause"],
)
def test_the_interpreter_leaves_promptly_and_silently(program: str) -> None:
    done, seconds = run(program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert seconds < 20


def test_replies_that_are_pending_at_the_end_do_not_hang_other_threads() -> None:
    done, _ = run(
        """
        w = PythonWorker.spawn()
        held = w.send(Do(lambda w: threading.Event().wait()))
        queued = w.send(Do(lambda w: 1))
        thread = threading.Thread(target=lambda: print(type(queued.exception()).__name__))
        thread.start()
        w.shutdown(0)
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "WorkerStopped\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_after_a_fork_the_child_is_told_and_can_spawn_its_own_workers() -> None:
    done, _ = run(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        worker = PythonWorker.spawn(name="anna")
        gate = threading.Event()
        pending = worker.send(Do(lambda w: gate.wait()))
        queued = worker.send(Do(lambda w: "parent"), timeout=30)
        if os.fork() == 0:
            for act in (queued.get, pending.get, lambda: worker.ask(Do(lambda w: 1))):
                try:
                    act()
                except WorkerStopped as error:
                    print(error)
            with PythonWorker.spawn() as own:
                print(own.ask(Do(lambda w: "child"), timeout=10))
            print(worker.join(1), worker.state)
            sys.exit(0)
        os.wait()
        gate.set()
        print(queued.get())
        worker.close()
        """
    )
    told = "worker anna did not survive os.fork(); spawn workers in the child"
    assert done.stderr == ""
    assert done.stdout.splitlines() == [told] * 3 + ["child", "True stopped", "parent"]


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_in_a_blocking_ask_leaves_the_pool_usable() -> None:
    done, _ = run(
        """
        pool = WorkerPool(DefaultWorker, size=1)
        begun = threading.Event()
        def interrupt():
            begun.wait(10)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt, daemon=True).start()
        pool[0].send(Eval("1")).add_done_callback(lambda reply: begun.set())
        try:
            pool.ask(Eval("for (;;) {}"))
        except KeyboardInterrupt:
            print("interrupted")
        print(pool.ask(Eval("6 * 7")), pool[0].generation)
        pool.close()
        """
    )
    assert (done.stdout, done.stderr) == ("interrupted\n42 1\n", "")
