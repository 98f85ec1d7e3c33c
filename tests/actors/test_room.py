"""No room for one more thread: a clear error, and everybody else goes on."""

from __future__ import annotations

import re
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from actors import WorkerPool, WorkerStartError, _room, _threads
from actors._trees import supervisor
from actors.testing import Do, PythonWorker

if TYPE_CHECKING:
    from pathlib import Path


def test_a_worker_for_whom_there_is_no_thread_says_what_is_in_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with PythonWorker.spawn() as worker:  # the supervisor has its thread
        monkeypatch.setattr(_threads, "STACK_BYTES", 1 << 46)  # no address space holds that
        with pytest.raises(WorkerStartError, match=r"new thread: \d+ run in this process") as lost:
            PythonWorker.spawn()
        assert isinstance(lost.value.__cause__, RuntimeError)
        monkeypatch.undo()
        with PythonWorker.spawn() as another:
            assert another.ask(Do(lambda w: 3)) == 3
        assert worker.ask(Do(lambda w: w.generation)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are read from /proc")
def test_the_limits_of_this_system_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    text = _room.threads_in_use()
    assert re.search(r"vm\.max_map_count is \d+ with \d+ in use", text)
    assert "kernel.threads-max is " in text


def test_a_system_that_tells_nothing_is_fine_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_room, "_KERNEL", tmp_path)
    monkeypatch.setattr(_room, "_CGROUP", tmp_path)
    monkeypatch.setattr(_room, "_of_the_user", lambda: None)
    assert _room.threads_in_use() == f"{threading.active_count()} run in this process"


def test_a_supervisor_for_whom_there_is_no_thread_is_a_failed_start_and_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.endswith("supervisor"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(supervisor, "_shared", None)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(WorkerStartError, match="supervisor jsactors did not start"):
        PythonWorker.spawn()
    with pytest.raises(WorkerStartError, match="supervisor p did not start"):
        WorkerPool(PythonWorker, 1, name="p")
    monkeypatch.setattr(threading.Thread, "start", start)
    with PythonWorker.spawn() as worker:
        assert worker.ask(Do(lambda w: w.generation)) == 1
