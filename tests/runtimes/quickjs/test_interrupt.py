"""Ctrl-C in the main thread, whatever the guest is doing; each case in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")

PROGRAM = """
import os, signal, threading
from runtimes import QuickJSRuntime, RuntimeOptions

signal.signal(signal.SIGINT, signal.default_int_handler)
runtime = QuickJSRuntime(RuntimeOptions(timeout=30.0, hard_stop={hard_stop!r}))

def begun():
    # Sent from another thread, so that it arrives while the guest runs.
    threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGINT)).start()

runtime.register("begun", begun)
runtime.register("wait", lambda: threading.Event().wait(30))
runtime.evaluate("var kept = 1")
try:
    runtime.evaluate({source!r})
except KeyboardInterrupt:
    if runtime.usable:
        assert runtime.evaluate("kept") == 1
        print("interrupted, usable")
    else:
        print("interrupted, not usable")
else:
    print("not interrupted")
"""


def _run(program: str, timeout: float = 20) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        check=False,
    )


LOOP = "begun(); for (;;) {}"
CATCHING = "begun(); for (;;) { try { for (;;) {} } catch {} finally { continue } }"
JOBS = "begun(); (async () => { for (;;) await null })()"
BUILTIN = "begun(); Array.prototype.reverse.call({ length: 2 ** 53 - 1 })"
HOST_FUNCTION = "begun(); try { wait() } catch {} for (;;) {}"


@pytest.mark.parametrize("hard_stop", ["check", "epoch"])
@pytest.mark.parametrize(
    ("source", "usable"),
    [
        (LOOP, (True,)),
        (CATCHING, (True, False)),
        (JOBS, (True, False)),  # seen by the interpreter or in a loop of the engine, as it happens
        (BUILTIN, (False,)),
        (HOST_FUNCTION, (True,)),
    ],
    ids=["loop", "catching", "jobs", "builtin", "host function"],
)
def test_ctrl_c_stops_the_run_and_is_raised(
    source: str, usable: tuple[bool, ...], hard_stop: str
) -> None:
    if hard_stop == "epoch" and source not in (LOOP, BUILTIN):
        pytest.skip("the same path as with checks")
    done = _run(PROGRAM.format(source=source, hard_stop=hard_stop))
    assert (done.stderr, done.returncode) == ("", 0)
    said = {True: "interrupted, usable", False: "interrupted, not usable"}
    assert done.stdout.strip() in [said[each] for each in usable]


def test_ctrl_c_at_rest_is_pythons_own() -> None:
    done = _run("""
        import os, signal
        from runtimes import QuickJSRuntime
        signal.signal(signal.SIGINT, signal.default_int_handler)
        runtime = QuickJSRuntime()
        runtime.evaluate("1")
        try:
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000): pass
        except KeyboardInterrupt:
            print(runtime.evaluate("'usable'"))
    """)
    assert (done.stdout.strip(), done.stderr) == ("usable", "")


def test_a_signal_handler_that_returns_does_not_disturb_the_run() -> None:
    done = _run("""
        import os, signal, threading
        from runtimes import QuickJSRuntime
        seen = []
        signal.signal(signal.SIGINT, lambda *_: seen.append(1))
        runtime = QuickJSRuntime()
        def begun():
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        runtime.register("begun", begun)
        source = "begun(); const end = Date.now() + 400; while (Date.now() < end); 'done'"
        print(runtime.evaluate(source), runtime.usable, seen)
    """)
    assert (done.stdout.strip(), done.stderr) == ("done True [1]", "")


def test_ctrl_c_without_anybody_to_catch_it_ends_the_process() -> None:
    program = PROGRAM.split("try:")[0].format(hard_stop="check") + f"runtime.evaluate({LOOP!r})"
    done = _run(program)
    assert done.returncode in (-signal.SIGINT, 130)
    assert "KeyboardInterrupt" in done.stderr
    for word in ("Exception ignored", "Fatal", "wasmtime", "panicked"):
        assert word not in done.stderr


def test_a_storm_of_ctrl_c_does_no_harm() -> None:
    done = _run(
        """
        import os, signal, threading
        from runtimes import QuickJSRuntime
        runtime = QuickJSRuntime()
        runtime.register("host", lambda: None)
        over, armed, interrupted = threading.Event(), False, 0
        def on_signal(*_):
            # Once a round, and only inside of its try: wherever that is, it must do no harm.
            global armed
            if armed:
                armed = False
                raise KeyboardInterrupt
        signal.signal(signal.SIGINT, on_signal)
        def storm():
            while not over.wait(0.002):
                os.kill(os.getpid(), signal.SIGINT)
        thread = threading.Thread(target=storm, daemon=True)
        thread.start()
        for _ in range(150):
            try:
                armed = True
                runtime.evaluate("for (var i = 0; i < 20000; i++) host();")
                armed = False
            except KeyboardInterrupt:
                interrupted += 1
        over.set()
        thread.join()
        assert runtime.usable
        print(interrupted > 0, runtime.evaluate("6 * 7"))
    """,
        timeout=50,
    )
    assert (done.stdout.strip(), done.stderr) == ("True 42", "")
