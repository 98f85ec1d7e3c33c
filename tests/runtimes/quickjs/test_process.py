"""Runtimes and the end of the process, forks, faulthandler; each in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def _run(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=ROOT,
        check=False,
    )


def _assert_quiet(done: subprocess.CompletedProcess[str], said: str = "") -> None:
    assert (done.stdout.strip(), done.stderr, done.returncode) == (said, "", 0)


def test_a_runtime_that_is_never_closed_does_no_harm_at_exit() -> None:
    _assert_quiet(
        _run(
            """
            from runtimes import QuickJSRuntime
            runtime = QuickJSRuntime()
            runtime.register("f", lambda: runtime)
            kept = runtime.evaluate("[() => 1, Promise.resolve(1)]")
            print("done")
            """
        ),
        "done",
    )


def test_a_runtime_in_a_circle_is_collected() -> None:
    _assert_quiet(
        _run(
            """
            import gc, weakref
            from runtimes import QuickJSRuntime
            runtime = QuickJSRuntime()
            runtime.register("f", lambda: runtime)
            runtime.kept = runtime.evaluate("() => 1")
            gone = weakref.ref(runtime)
            del runtime
            gc.collect()
            print(gone())
            """
        ),
        "None",
    )


@pytest.mark.parametrize(
    "source", ["for (;;) {}", "Array.prototype.reverse.call({length: 2**53-1})"]
)
def test_the_interpreter_ends_while_a_daemon_thread_runs_a_script(source: str) -> None:
    done = _run(
        f"""
        import threading
        from runtimes import QuickJSRuntime
        begun = threading.Event()
        def work():
            runtime = QuickJSRuntime()
            runtime.register("begun", begun.set)
            runtime.evaluate("begun(); {source}", timeout=None)
        threading.Thread(target=work, daemon=True).start()
        begun.wait()
        print("leaving")
        """
    )
    assert done.returncode == 0
    assert done.stdout.strip() == "leaving"
    for word in ("Fatal", "panicked", "Segmentation", "terminate"):
        assert word not in done.stderr


def test_the_interpreter_ends_while_a_daemon_thread_calls_host_functions() -> None:
    done = _run(
        """
        import threading
        from runtimes import QuickJSRuntime
        begun = threading.Event()
        def work():
            runtime = QuickJSRuntime()
            runtime.register("host", begun.set)
            runtime.evaluate("for (;;) host()", timeout=None)
        threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
        for thread in threads: thread.start()
        begun.wait()
        print("leaving")
        """
    )
    assert done.returncode == 0
    assert done.stdout.strip() == "leaving"
    for word in ("Fatal", "panicked", "Segmentation", "terminate"):
        assert word not in done.stderr


def test_sys_exit_in_a_host_function_ends_the_process_with_its_code() -> None:
    done = _run(
        """
        import sys
        from runtimes import QuickJSRuntime
        runtime = QuickJSRuntime()
        runtime.register("leave", lambda: sys.exit(7))
        runtime.evaluate("for (;;) { try { leave() } catch {} }")
        """
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 7)


def _run_forking(before: str, child: str, parent: str = "") -> subprocess.CompletedProcess[str]:
    """Fork after `before`; the parent prints the child's exit status, and what `parent` says."""
    return _run(
        "\n".join(
            [
                "import os, warnings",
                'warnings.simplefilter("ignore", DeprecationWarning)  # of forks, from 3.12',
                textwrap.dedent(before),
                "child = os.fork()",
                "if child == 0:",
                textwrap.indent(textwrap.dedent(child), "    "),
                "    os._exit(9)",
                "_, status = os.waitpid(child, 0)",
                f"print(os.waitstatus_to_exitcode(status), {parent})",
            ]
        )
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_makes_its_own_runtimes_and_the_parent_goes_on() -> None:
    done = _run_forking(
        """
        from runtimes import QuickJSRuntime
        runtime = QuickJSRuntime()
        runtime.evaluate("var x = 1")
        """,
        """
        with QuickJSRuntime() as own:
            code = own.evaluate("40 + 2")
            try:
                own.evaluate("for (;;) {}", timeout=0.05)
            except TimeoutError:
                os._exit(code)
        """,
        'runtime.evaluate("x")',
    )
    _assert_quiet(done, "42 1")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_parents_runtime_refuses_to_work_in_a_forked_child() -> None:
    done = _run_forking(
        """
        from runtimes import JSRuntimeError, QuickJSRuntime
        runtime = QuickJSRuntime()
        runtime.evaluate("var x = 1")
        """,
        """
        try:
            runtime.evaluate("x")
        except JSRuntimeError:
            os._exit(7)
        except BaseException:
            os._exit(8)
        """,
        'runtime.evaluate("x")',
    )
    _assert_quiet(done, "7 1")


IS_REFUSED = """
try:
    runtime.evaluate("1")
except BrokenRuntimeError:
    os._exit(7)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("layer", ["raw", "plain"])
def test_a_closed_runtime_does_not_open_those_after_it_to_a_forked_child(layer: str) -> None:
    done = _run_forking(
        f"""
        os.environ["JSACTORS_LAYER"] = "{layer}"
        from runtimes import BrokenRuntimeError, QuickJSRuntime
        closed, runtime = QuickJSRuntime(), QuickJSRuntime()
        closed.close()
        """,
        IS_REFUSED,
        'runtime.evaluate("1")',
    )
    _assert_quiet(done, "7 1")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_an_instance_that_fails_at_a_fork_leaves_the_others_refused() -> None:
    done = _run_forking(
        """
        from runtimes import BrokenRuntimeError, QuickJSRuntime
        from runtimes.quickjs._raw import RawInstance
        first, runtime = QuickJSRuntime(), QuickJSRuntime()
        orphan = RawInstance.orphan
        def fail_for_the_first(instance):
            if instance is first._guest._instance:
                raise LookupError("for the test")
            orphan(instance)
        RawInstance.orphan = fail_for_the_first
        """,
        IS_REFUSED,
    )
    assert (done.stdout.strip(), done.returncode) == ("7", 0)
    assert "for the test" in done.stderr


@pytest.mark.parametrize("moment", ["before", "after"])
def test_faulthandler_does_not_turn_limits_into_crashes(moment: str) -> None:
    enable = "import faulthandler; faulthandler.enable()"
    before, after = (enable, "") if moment == "before" else ("", enable)
    done = _run(
        f"""
        {before}
        from runtimes import JSRuntimeError, QuickJSRuntime, RuntimeOptions
        QuickJSRuntime().close()
        {after}
        for source in (
            "(function f() {{ f() }})()",
            "for (;;) {{}}",
            "Array.prototype.reverse.call({{ length: 2 ** 53 - 1 }})",
            "const a = []; for (;;) a.push({{}})",
            "JSON.parse('['.repeat(1e5))",
        ):
            options = RuntimeOptions(timeout=0.1, hard_stop_grace=0.1, memory_limit_bytes=2**23)
            with QuickJSRuntime(options) as runtime:
                try:
                    runtime.evaluate(source)
                except JSRuntimeError as error:
                    print(type(error).__name__)
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "StackLimitError",
        "TimeoutExceeded",
        "TimeoutExceeded",
        "MemoryLimitError",
        "StackLimitError",
    ]


def test_a_thread_whose_stack_is_too_small_is_refused() -> None:
    _assert_quiet(
        _run(
            """
            import threading
            from runtimes import QuickJSRuntime, WrongThread
            def work():
                try:
                    QuickJSRuntime()
                except WrongThread as error:
                    print("stack_size" in str(error))
            threading.stack_size(512 * 1024)
            thread = threading.Thread(target=work)
            thread.start(); thread.join()
            threading.stack_size(4 * 1024 * 1024)
            def fits():
                with QuickJSRuntime() as runtime:
                    try:
                        runtime.evaluate("(function f() { f() })()")
                    except RecursionError: pass
                    except Exception as error: print(type(error).__name__)
            thread = threading.Thread(target=fits)
            thread.start(); thread.join()
            """
        ),
        "True\nStackLimitError",
    )


_INTERPRETERS = next(
    (n for n in ("_interpreters", "_xxsubinterpreters") if importlib.util.find_spec(n)), ""
)


@pytest.mark.skipif(not _INTERPRETERS, reason="needs sub-interpreters")
@pytest.mark.skipif(
    sys.version_info[:2] == (3, 12),
    reason="CPython 3.12 aborts at its end after `import hashlib` in a sub-interpreter",
)
@pytest.mark.parametrize("layer", ["", "raw", "plain"])
def test_a_runtime_in_a_sub_interpreter_is_refused(layer: str) -> None:
    inner = """
        try:
            from runtimes import QuickJSRuntime
        except ImportError:  # of a package that does not load there: as good a refusal
            print("refused", flush=True)
        else:
            try:
                runtime = QuickJSRuntime()
                runtime.register("f", lambda: 1)
                print(runtime.evaluate("f()"))
            except RuntimeError as error:
                print("refused" if "sub-interpreter" in str(error) else error, flush=True)
        """
    _assert_quiet(
        _run(
            f"""
            import os
            os.environ["JSACTORS_LAYER"] = "{layer}"
            import {_INTERPRETERS} as interpreters
            other = interpreters.create()
            failure = interpreters.run_string(other, {textwrap.dedent(inner)!r})
            print(failure or "alive")
            """
        ),
        "refused\nalive",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the address space")
@pytest.mark.parametrize("layer", ["raw", "plain"])
def test_a_system_without_room_is_a_memory_error_that_says_why(layer: str) -> None:
    _assert_quiet(
        _run(
            f"""
            import os, resource
            os.environ["JSACTORS_LAYER"] = "{layer}"
            from runtimes import QuickJSRuntime, RuntimeOptions
            options = RuntimeOptions(allocation="on_demand")
            QuickJSRuntime(options).close()
            in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (in_use + 2**28, resource.RLIM_INFINITY))
            try:
                QuickJSRuntime(options)
            except MemoryError as error:
                print("room" in str(error), "mmap" in str(error))
            """
        ),
        "True True",
    )


def test_warnings_as_errors_do_no_harm() -> None:
    _assert_quiet(
        _run(
            "from runtimes import QuickJSRuntime; print(QuickJSRuntime().evaluate('1'))",
            "-W",
            "error",
            "-X",
            "dev",
        ),
        "1",
    )
