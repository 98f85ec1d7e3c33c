"""What a program waits for before its first result: modules that take long and are not needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

HEAVY = {
    "asyncio",  # 15 ms
    "email",  # 10 ms
    "hypothesis",
    "importlib.metadata",  # 20 ms, with what it brings
    "multiprocessing",
    "random",  # 3 ms
    "socket",
    "ssl",
    "structlog",  # 20 ms, and it brings asyncio
    "subprocess",
    "tempfile",  # 5 ms
    "unittest",
    "zipfile",
}
"""By name, not by the clock: what they take is that of a machine with two shared cores."""

RUNTIME = "import runtimes\nassert runtimes.QuickJSRuntime().evaluate('6 * 7') == 42"
WORKER = (
    "import actors\nwith actors.DefaultWorker.spawn() as worker:\n"
    "    assert worker.evaluate('6 * 7') == 42"
)
POOL = (
    "import actors\nwith actors.WorkerPool(actors.DefaultWorker, 2) as pool:\n"
    "    assert pool.ask(actors.Eval('6 * 7')) == 42"
)


@pytest.mark.parametrize("program", [RUNTIME, WORKER, POOL], ids=["runtime", "worker", "pool"])
def test_a_first_result_does_not_wait_for_what_it_does_not_need(program: str) -> None:
    # Once before it, since the very first run on a machine compiles the guest and stores it.
    shown = f"import sys\nbefore = set(sys.modules)\n{program}\nprint(*set(sys.modules) - before)"
    command = [sys.executable, "-c", shown]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert not HEAVY & set(done.stdout.split())


def test_a_version_is_the_one_that_the_installer_knows() -> None:
    from importlib.metadata import version

    import msgspec
    import wasmtime

    from runtimes.quickjs._versions import installed

    assert installed(wasmtime) == version("wasmtime")
    assert installed(msgspec) == version("msgspec")


def test_a_version_that_no_folder_names_is_looked_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from importlib.metadata import version

    import wasmtime

    from runtimes.quickjs._versions import installed

    monkeypatch.setattr(wasmtime, "__file__", str(tmp_path / "wasmtime" / "__init__.py"))
    assert installed(wasmtime) == version("wasmtime")
    (tmp_path / "wasmtime-1.0.dist-info").mkdir()
    assert installed(wasmtime) == "1.0"
    (tmp_path / "wasmtime-2.0.dist-info").mkdir()
    assert installed(wasmtime) == version("wasmtime")
