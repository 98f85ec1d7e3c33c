"""What went wrong once, reduced to what it takes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from actors import (
    AskCycle,
    PoolSpec,
    RestartLimitExceeded,
    Supervision,
    Supervisor,
    WorkerDied,
    WorkerStopped,
)
from actors._threads import start_thread
from actors.testing import Do, DoAgain, PythonWorker, kill_worker

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_query_that_waits_to_be_run_again_is_not_said_never_to_have_run(
    closing: Callable[[Any], Any],
) -> None:
    policy = Supervision(intensity=10, backoff=30.0, backoff_limit=30.0)
    worker = closing(PythonWorker.spawn(supervision=policy))
    second_run = threading.Event()

    def die(_: Any) -> None:
        raise SystemExit

    def die_once_more(_: Any) -> None:
        second_run.set()
        raise SystemExit

    with pytest.raises(WorkerDied):
        worker.ask(Do(die))  # the next restart is only after a pause
    reply = worker.send(DoAgain(die_once_more))
    assert second_run.wait(10)
    worker.close(0)
    with pytest.raises(WorkerStopped) as stopped:
        reply.get(10)
    assert stopped.value.may_have_run


def test_a_pool_in_a_tree_that_gave_up_says_so_and_not_that_it_was_closed(
    closing: Callable[[Any], Any],
) -> None:
    policy = Supervision(intensity=0)
    tree = closing(Supervisor([PoolSpec(PythonWorker, 1, name="pool")], supervision=policy))
    pool = tree.pool("pool", PythonWorker)
    kill_worker(pool[0])
    assert pool.join(10)
    with pytest.raises(RestartLimitExceeded):
        pool.ask(Do(lambda worker: None))


def test_a_thread_with_the_number_of_a_dead_worker_s_may_wait_until_that_is_drained(
    closing: Callable[[Any], Any],
) -> None:
    policy = Supervision(intensity=10, backoff=30.0, backoff_limit=30.0)
    worker = closing(PythonWorker.spawn(supervision=policy))
    numbers: list[int] = []
    waited: list[object] = []

    def die(_: Any) -> None:
        numbers.append(threading.get_ident())
        raise SystemExit

    def wait() -> None:
        if threading.get_ident() in numbers:
            try:
                waited.append(worker.wait_until_drained(0.001))
            except AskCycle as error:
                waited.append(error)

    for _ in range(2):  # the next restart is only after a pause
        assert isinstance(worker.send(Do(die)).exception(10), WorkerDied)
    for reply in [worker.send(Do(die)) for _ in range(3)]:
        assert not reply.done()
    for _ in range(20):
        start_thread(wait, "a program's own", big_stack=True).join(10)
        if waited:
            break
    if not waited:
        pytest.skip("the system gave the number to no other thread")
    assert waited == [True]
