"""What is passed wrongly is refused where it is passed, by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from actors import (
    DefaultWorker,
    DefaultWorkerOptions,
    MailboxOptions,
    PoolClosed,
    Query,
    RestartLimitExceeded,
    Supervision,
    Worker,
    WorkerPool,
    WorkerStopped,
    consistent_hash,
)
from actors.testing import Do, Gate, PythonWorker

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import WorkerHandle


def nothing(worker: object) -> None:
    pass


@pytest.mark.parametrize("verb", ["ask", "send", "tell", "post"])
@pytest.mark.parametrize("timeout", ["5", [], True])
def test_a_timeout_that_is_no_number_is_refused(
    verb: str, timeout: Any, worker: WorkerHandle[Any]
) -> None:
    with pytest.raises(TypeError, match="timeout must be a number of seconds or None"):
        getattr(worker, verb)(Do(nothing), timeout)
    assert worker.backlog == 0


def test_a_timeout_that_is_not_a_number_is_refused(worker: WorkerHandle[Any]) -> None:
    with pytest.raises(ValueError, match="not nan"):
        worker.ask(Do(nothing), float("nan"))


@pytest.mark.parametrize(
    "wait",
    [
        lambda worker: worker.send(Do(nothing)).exception("5"),
        lambda worker: worker.map([Do(nothing)], "5"),
        lambda worker: worker.wait_until_drained("5"),
        lambda worker: worker.ping("5"),
    ],
)
def test_every_wait_looks_at_its_timeout(
    wait: Callable[[Any], Any], worker: WorkerHandle[Any], gate: Gate
) -> None:
    worker.send(Do(gate.hold))
    with pytest.raises(TypeError, match="timeout must be a number"):
        wait(worker)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("period", "5"),
        ("renew_after", "1"),
        ("renew_after_queries", 1.5),
        ("renew_above_bytes", "1MB"),
        ("health_interval", []),
        ("intensity", "many"),
        ("intensity", True),
    ],
)
def test_a_number_of_supervision_that_is_none_is_named(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=name):
        Supervision(**{name: value})


def test_a_block_timeout_that_is_no_number_is_named() -> None:
    with pytest.raises(TypeError, match="block_timeout"):
        MailboxOptions(block_timeout="1")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("supervision", Supervision, "must be a Supervision or None, not the class Supervision"),
        ("supervision", 5, "must be a Supervision or None, not int"),
        ("mailbox", MailboxOptions, "must be a MailboxOptions or None, not the class"),
        ("mailbox", {"capacity": 4}, "must be a MailboxOptions or None, not dict"),
        ("options", {"timeout": 1}, "must be a DefaultWorkerOptions or None, not dict"),
        ("options", DefaultWorkerOptions, "not the class DefaultWorkerOptions"),
    ],
)
def test_workers_and_pools_look_at_what_they_are_given(name: str, value: Any, text: str) -> None:
    given = {name: value}
    with pytest.raises(TypeError, match=text):
        DefaultWorker.spawn(**given)
    with pytest.raises(TypeError, match=text):
        WorkerPool(DefaultWorker, 1, **given)


def test_a_name_is_a_string() -> None:
    with pytest.raises(TypeError, match="name must be a str or None, not int"):
        PythonWorker.spawn(name=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="name must be a string"):
        WorkerPool(PythonWorker, 1, name=5)  # type: ignore[arg-type]


def test_a_class_is_looked_at_too() -> None:
    class Hasty(PythonWorker):
        idle_after = "1"  # type: ignore[assignment]

    class Loose(PythonWorker):
        mailbox = {"capacity": 5}  # type: ignore[assignment]  # noqa: RUF012

    with pytest.raises(TypeError, match=r"Hasty\.idle_after must be a number"):
        Hasty.spawn()
    with pytest.raises(TypeError, match="mailbox must be a MailboxOptions"):
        Loose.spawn()


# -- what pools say of themselves -----------------------------------------------------------------


@dataclass(frozen=True)
class For(Query[str]):
    who: str


class Answering(Worker[None, For | Do[Any]]):
    def init_runtime(self, options: None) -> None:
        pass

    def handle_query(self, runtime: None, query: For | Do[Any]) -> Any:
        return self.name if isinstance(query, For) else query.function(self)


def test_what_a_router_sent_to_a_worker_counts_for_the_pool(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    pool = closing(
        WorkerPool(
            Answering,
            2,
            router=consistent_hash(lambda query: 1),
            mailbox=MailboxOptions(high_water=4),
        )
    )
    pool.send(Do(gate.hold))
    assert gate.reached.wait(10)
    replies = [pool.send(For("me")) for _ in range(5)]
    assert pool.backlog == 5
    assert pool.needs_drain
    assert not pool.wait_until_drained(0.01)
    gate.open()
    assert pool.wait_until_drained(10)
    assert len({reply.get(10) for reply in replies}) == 1


def test_the_count_of_answers_of_a_pool_does_not_fall_when_workers_go(
    closing: Callable[[Any], Any],
) -> None:
    pool = closing(WorkerPool(PythonWorker, 3))
    pool.map([Do(nothing)] * 30)
    for handle in list(pool)[1:]:
        handle.ask(Do(nothing))
    pool.resize(1)
    while pool.stats().size > 1:
        pass
    assert pool.stats().answered == 32


def test_many_queries_may_be_for_one_tenant(closing: Callable[[Any], Any], gate: Gate) -> None:
    worker = closing(PythonWorker.spawn(mailbox=MailboxOptions(tenant_capacity=2)))
    worker.send(Do(gate.hold))
    assert gate.reached.wait(10)
    with worker.imap([Do(nothing)] * 9, tenant="greedy") as flow:
        gate.open()
        assert list(flow) == [None] * 9
    assert worker.map([Do(nothing)] * 3, tenant="greedy", priority=2) == [None] * 3


def test_every_error_says_whether_the_query_may_have_run(
    closing: Callable[[Any], Any], gate: Gate
) -> None:
    pool = closing(WorkerPool(PythonWorker, 1))
    running = pool.send(Do(gate.hold))
    assert gate.reached.wait(10)
    queued = pool.send(Do(nothing))
    pool.shutdown(0)
    gate.open()
    error, other = queued.exception(10), running.exception(10)
    assert isinstance(error, PoolClosed)
    assert not error.may_have_run
    assert isinstance(other, WorkerStopped)
    assert other.may_have_run
    assert isinstance(other.__cause__, PoolClosed)
    assert not RestartLimitExceeded("too many").may_have_run
