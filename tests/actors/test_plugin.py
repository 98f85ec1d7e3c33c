"""The pytest plugin: its fixtures, and its check that no test leaves anything behind."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from actors.testing import FakeClock

pytest_plugins = ["pytester"]

CONFTEST = 'pytest_plugins = ["actors.testing.plugin"]'


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project that uses the plugin."""
    pytester.makeconftest(CONFTEST)
    return pytester


def run(project: pytest.Pytester, program: str, *arguments: str) -> pytest.RunResult:
    project.makepyfile(program)
    return project.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_a_clean_test_passes_and_the_fixtures_work(project: pytest.Pytester) -> None:
    done = run(
        project,
        """
        from actors import WorkerPool
        from actors.testing import Do, PythonWorker

        def test_clean(spawn, event_log, gate, fake_clock):
            worker = spawn(PythonWorker, name="clean")
            held = worker.send(Do(gate.hold))
            assert gate.reached.wait(10)
            gate.open()
            assert held.get(10) == "held"
            (event,) = event_log.wait_for("query.done", worker="clean")
            assert event.fields["outcome"] == "ok"
            fake_clock.advance(5)
            assert fake_clock() == 5

        def test_pools_may_be_used_too():
            with WorkerPool(PythonWorker, size=2) as pool:
                assert pool.ask(Do(lambda worker: 1)) == 1

        def test_a_worker_that_hangs_at_the_end_of_its_test_is_stopped(spawn, gate):
            spawn(PythonWorker).send(Do(gate.hold))
            assert gate.reached.wait(10)
        """,
    )
    done.assert_outcomes(passed=3)


def test_a_test_that_leaves_a_worker_fails_and_the_next_one_does_not(
    project: pytest.Pytester,
) -> None:
    done = run(
        project,
        """
        from actors.testing import Do, PythonWorker, workers_left

        kept = []

        def test_leaves():
            kept.append(PythonWorker.spawn(name="forgotten"))

        def test_next():
            assert workers_left() == []
        """,
    )
    done.assert_outcomes(passed=2, errors=1)
    assert "workers were left running: ['forgotten']" in done.stdout.str()


def test_a_test_that_leaves_a_thread_fails(project: pytest.Pytester) -> None:
    done = run(
        project,
        """
        import threading

        import actors.testing.plugin

        actors.testing.plugin.PATIENCE = 0.05

        def test_leaves():
            threading.Thread(target=threading.Event().wait, name="lost", daemon=True).start()
        """,
    )
    done.assert_outcomes(passed=1, errors=1)
    assert "threads were left running: ['lost']" in done.stdout.str()


SESSION = """
import pytest

from actors import WorkerPool
from actors.testing import Do, PythonWorker, kill_worker

@pytest.fixture(scope="session")
def pool():
    with WorkerPool(PythonWorker, size=1) as pool:
        yield pool

def test_uses(pool):
    assert pool.ask(Do(lambda worker: 1)) == 1

def test_restarts(pool):
    kill_worker(pool[0])
    assert pool.ask(Do(lambda worker: worker.generation)) == 2
"""


def test_what_a_fixture_of_the_session_holds_is_no_leak(project: pytest.Pytester) -> None:
    run(project, SESSION).assert_outcomes(passed=2)


LEAVES = """
import pytest

from actors.testing import PythonWorker

kept = []

{marker}
def test_leaves():
    kept.append(PythonWorker.spawn())
"""


def test_a_marked_test_may_leave_things_behind(project: pytest.Pytester) -> None:
    program = LEAVES.format(marker="@pytest.mark.leaves_behind")
    run(project, program, "--strict-markers").assert_outcomes(passed=1)


@pytest.mark.parametrize(("checks", "errors"), [("", 0), ("threads", 0), ("workers", 1)])
def test_the_ini_option_names_what_is_looked_at(
    project: pytest.Pytester, checks: str, errors: int
) -> None:
    project.makeini(f"[pytest]\nactors_leak_check = {checks}")
    run(project, LEAVES.format(marker="")).assert_outcomes(passed=1, errors=errors)


def test_a_misspelt_ini_option_is_refused(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nactors_leak_check = wokers")
    done = run(project, LEAVES.format(marker=""))
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*knows workers and threads, not wokers*"])


def test_without_the_plugin_nothing_is_looked_at(pytester: pytest.Pytester) -> None:
    run(pytester, LEAVES.format(marker="")).assert_outcomes(passed=1)


def test_the_other_tools_do_not_import_pytest() -> None:
    program = "import sys, actors.testing; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n"


# -- the clock ------------------------------------------------------------------------------------


def test_a_clock_makes_its_calls_when_it_gets_to_them(fake_clock: FakeClock) -> None:
    made: list[tuple[str, float]] = []
    fake_clock.call_later(2, lambda: made.append(("second", fake_clock())))
    fake_clock.call_later(1, lambda: made.append(("first", fake_clock())))
    fake_clock.call_at(1, lambda: made.append(("also first", fake_clock())))
    fake_clock.advance(0.5)
    assert made == []
    fake_clock.advance(5)
    assert made == [("first", 1), ("also first", 1), ("second", 2)]
    assert fake_clock() == 5.5


def test_what_a_call_begins_is_called_in_the_same_advance(fake_clock: FakeClock) -> None:
    made: list[float] = []

    def again() -> None:
        made.append(fake_clock())
        if len(made) < 4:
            fake_clock.call_later(1, again)

    fake_clock.call_later(1, again)
    fake_clock.advance(3)
    assert made == [1, 2, 3]
    assert fake_clock.pending == [4]
    assert fake_clock.advance_to_next()
    assert made == [1, 2, 3, 4]
    assert not fake_clock.advance_to_next()


def test_a_cancelled_call_is_not_made(fake_clock: FakeClock) -> None:
    made: list[int] = []
    timer = fake_clock.call_later(1, lambda: made.append(1))
    timer.cancel()
    timer.cancel()
    assert fake_clock.pending == []
    fake_clock.advance(2)
    assert made == []


def test_a_clock_does_not_go_back(fake_clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="does not go back"):
        fake_clock.advance(-1)
