"""Tracing: what is emitted, to whom, in which context, and that nothing is without listeners."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias, get_args

import pytest
import structlog

from actors import QueryTimeout, Reply, Supervision, WorkerHandle, WorkerPool, _trace, tracing
from actors._lives.cell import Cell
from actors.testing import Do, DoAgain, EchoWorker, EventLog, Gate, PythonWorker

DOCS = Path(__file__).parents[2] / "docs" / "tracing.md"

Handle: TypeAlias = WorkerHandle[Any]
Closing: TypeAlias = Callable[[Any], Any]


class Lines(list[dict[str, Any]]):
    """What structlog was given."""

    def __call__(self, logger: object, method: str, event: dict[str, Any]) -> Any:
        self.append({"method": method, **event})
        raise structlog.DropEvent


@pytest.fixture
def structured() -> Any:
    """Structlog, configured by the program."""
    lines = Lines()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, lines])
    yield lines
    structlog.reset_defaults()


def test_every_query_is_one_event(worker: Handle, log: EventLog) -> None:
    worker.ask(Do(lambda w: 1))
    worker.send(Do(lambda w: 1 / 0)).exception()
    worker.tell(DoAgain(lambda w: 1))
    first, second, third = log.wait_for("query.done", 3)
    assert first.fields["worker"] == worker.name
    assert [e.fields["outcome"] for e in (first, second, third)] == ["ok", "error", "ok"]
    assert [e.fields["query"] for e in (first, second, third)] == ["Do", "Do", "DoAgain"]
    assert first.fields["queue_time"] >= 0
    assert first.fields["run_time"] >= 0
    assert "parent_id" not in first.fields
    assert "division by zero" in second.fields["error"]
    assert len({e.fields["query_id"] for e in (first, second, third)}) == 3
    assert len({e.fields["trace_id"] for e in (first, second, third)}) == 3
    assert len(first.fields["trace_id"]) == 32
    assert len(first.fields["query_id"]) == 16


def test_who_has_an_answer_finds_it_noted_and_counted(worker: Handle, log: EventLog) -> None:
    for number in range(1, 300):
        worker.ask(Do(lambda w: 1))
        assert len(log.named("query.done")) == number
        assert worker.stats().answered == number


def test_the_trace_follows_a_worker_that_asks_another(closing: Closing, log: EventLog) -> None:
    first, second = closing(PythonWorker.spawn()), closing(PythonWorker.spawn())
    first.ask(Do(lambda w: second.ask(Do(lambda v: 1))))
    inner, outer = log.wait_for("query.done", 2)
    assert inner.fields["worker"] == second.name
    assert inner.fields["parent_id"] == outer.fields["query_id"]
    assert inner.fields["trace_id"] == outer.fields["trace_id"]


def test_the_trace_does_not_leak_into_the_next_query(
    worker: Handle, closing: Closing, log: EventLog
) -> None:
    other = closing(PythonWorker.spawn())
    worker.ask(Do(lambda w: other.ask(Do(lambda o: 1))))
    other.ask(Do(lambda o: 2))
    events = log.wait_for("query.done", 3)
    assert "parent_id" not in events[-1].fields
    assert events[-1].fields["trace_id"] != events[0].fields["trace_id"]


def test_queries_that_do_not_run_are_events_too(worker: Handle, gate: Gate, log: EventLog) -> None:
    held = worker.send(Do(gate.hold))
    gate.reached.wait(10)
    cancelled = worker.send(Do(lambda w: 1))
    late = worker.send(Do(lambda w: 1), timeout=0.01)
    cancelled.cancel()
    assert isinstance(late.exception(10), QueryTimeout)
    worker.send(Do(lambda w: 1))
    worker.shutdown(0)
    gate.open()
    worker.join(10)
    outcomes = [event.fields["outcome"] for event in log.wait_for("query.done", 4)]
    assert sorted(outcomes) == ["cancelled", "stopped", "stopped", "timeout"]
    assert held.done()


def test_a_query_is_one_event_whoever_sees_first_that_its_time_is_over(
    worker: Handle, gate: Gate, log: EventLog
) -> None:
    cell = worker._cell
    worker.send(Do(gate.hold))
    gate.reached.wait(10)
    reply = worker.send(Do(lambda w: 1), timeout=60)
    assert reply._expire()  # who waits for it looked at the clock,
    cell.watch._look(monotonic() + 1000)  # the alarm takes it out of the queue,
    cell.withdrawn(reply)  # and who waits comes too late for that
    gate.open()
    events = log.wait_for("query.done", 2)
    assert sorted(event.fields["outcome"] for event in events) == ["ok", "timeout"]


def test_each_query_is_one_event_even_if_it_is_run_again(worker: Handle, log: EventLog) -> None:
    runs = []

    def die_once(w: Any) -> Any:
        runs.append(1)
        if len(runs) == 1:
            raise SystemExit

    worker.ask(DoAgain(die_once))
    worker.ask(Do(lambda w: 1))
    assert [e.fields["query"] for e in log.wait_for("query.done", 2)] == ["DoAgain", "Do"]


def test_a_query_that_is_run_again_is_one_event_though_another_worker_is_quicker(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[int] = []
    again: Callable[[Cell, Reply[Any]], None] = Cell.run_again

    def run_again_and_see_it_done(cell: Cell, reply: Reply[Any]) -> None:
        done = threading.Event()
        reply.add_done_callback(lambda _: done.set())
        again(cell, reply)
        assert done.wait(10)

    def die_once(w: Any) -> int:
        runs.append(1)
        if len(runs) == 1:
            raise SystemExit
        return len(runs)

    monkeypatch.setattr(Cell, "run_again", run_again_and_see_it_done)
    with WorkerPool(PythonWorker, size=2) as pool:
        assert pool.ask(DoAgain(die_once), timeout=10) == 2
        pool.run_on_all(Do(lambda w: 1))
    assert [e.fields["query"] for e in log.named("query.done")] == ["DoAgain", "Do", "Do"]


def test_the_life_of_a_worker_is_traced(log: EventLog) -> None:
    with PythonWorker.spawn(name="anna") as worker:
        worker.send(Do(lambda w: (_ for _ in ()).throw(SystemExit(1)))).exception()
        worker.ask(Do(lambda w: 1))
    names = [event.name for event in log.named("worker.ready") + log.named("worker.stopped")]
    assert names == ["worker.ready", "worker.ready", "worker.stopped"]
    (restarted,) = log.named("worker.restarted")
    assert restarted.fields["reason"] == "died"
    assert restarted.fields["worker"] == "anna"
    assert "SystemExit" in restarted.fields["error"]
    assert restarted.level == "warning"


def test_the_life_of_a_pool_is_traced(log: EventLog) -> None:
    with WorkerPool(PythonWorker, size=2, name="web") as pool:
        pool.ask(Do(lambda w: 1))
    assert log.named("pool.started")[0].fields == {"pool": "web", "size": 2}
    assert log.named("pool.closed")[0].fields == {"pool": "web"}
    assert log.named("query.done")[0].fields["pool"] == "web"
    assert log.named("worker.ready")[0].fields["pool"] == "web"


def test_console_lines_carry_the_query_they_belong_to(closing: Closing, log: EventLog) -> None:
    worker = closing(EchoWorker.spawn())
    worker.evaluate('say ["hello", 1]')
    (line,) = log.named("console.line")
    (done,) = log.wait_for("query.done")
    assert line.fields["text"] == "hello 1"
    assert line.fields["console_level"] == "log"
    assert line.fields["query_id"] == done.fields["query_id"]


def test_structlog_gets_the_events_once_it_is_configured(structured: Any) -> None:
    with PythonWorker.spawn(name="anna") as worker:
        worker.ask(Do(lambda w: 1))
    assert [line["event"] for line in structured] == [
        "worker.started",
        "worker.ready",
        "query.done",
        "worker.stopped",
    ]
    assert [line["method"] for line in structured] == ["debug", "info", "debug", "info"]


def test_lines_that_a_handler_logs_carry_its_query(structured: Any) -> None:
    def log_something(w: Any) -> Any:
        structlog.get_logger().info("in the handler")

    with PythonWorker.spawn() as worker:
        token = structlog.contextvars.bind_contextvars(request_id=7)
        worker.ask(Do(log_something))
        structlog.contextvars.reset_contextvars(**token)
        worker.ask(Do(log_something))
    first, second = (line for line in structured if line["event"] == "in the handler")
    done = [line for line in structured if line["event"] == "query.done"]
    assert first["query_id"] == done[0]["query_id"]
    assert first["worker"] == worker.name
    assert first["request_id"] == done[0]["request_id"] == 7
    assert second["query_id"] == done[1]["query_id"]
    assert "request_id" not in second
    assert structlog.contextvars.get_contextvars() == {}


def test_an_unconfigured_structlog_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with PythonWorker.spawn() as worker:
        worker.ask(Do(lambda w: 1))
    with EchoWorker.spawn() as worker:
        worker.evaluate('say ["hello"]')
    assert capfd.readouterr() == ("", "")


def test_the_library_never_configures_structlog_or_logging() -> None:
    assert not structlog.is_configured()
    with PythonWorker.spawn() as worker:
        worker.ask(Do(lambda w: 1))
    assert not structlog.is_configured()
    assert not any(
        name.startswith(("actors", "runtimes")) for name in logging.root.manager.loggerDict
    )


def test_nothing_is_emitted_when_nobody_listens(
    worker: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise AssertionError("emitted")

    monkeypatch.setattr(_trace, "_emit", fail)
    worker.ask(Do(lambda w: 1))
    worker.send(Do(lambda w: 1 / 0)).exception()
    assert worker.ask(Do(lambda w: w.generation)) == 1


def test_a_subscriber_that_fails_harms_nobody(
    worker: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    def fail(event: Any) -> Any:
        raise LookupError("in the subscriber")

    end = tracing.subscribe(fail)
    with EventLog() as log:
        assert worker.ask(Do(lambda w: 1)) == 1
        log.wait_for("query.done")
    end()
    end()
    assert worker.ask(Do(lambda w: w.generation)) == 1
    assert {report.exc_type for report in reported} == {LookupError}


def test_a_subscriber_that_cannot_be_called_is_refused_at_once() -> None:
    wrong: Any = "a file's name"
    with pytest.raises(TypeError, match="a subscriber must be a callable, not str"):
        tracing.subscribe(wrong)
    assert not tracing._subscribers


def test_the_table_in_the_docs_lists_every_event() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for name in get_args(tracing.EventName):
        assert f"| `{name}`" in text
    for outcome in get_args(tracing.Outcome):
        assert f"`{outcome}`" in text


def test_the_names_of_the_events_are_constants() -> None:
    constants = {
        value for name, value in vars(tracing).items() if name.isupper() and isinstance(value, str)
    }
    assert constants == set(get_args(tracing.EventName))


def test_abandoned_threads_are_traced(closing: Closing, gate: Gate, log: EventLog) -> None:
    worker = closing(PythonWorker.spawn(supervision=Supervision(stuck_grace=0.01)))
    worker.send(Do(gate.hold)).cancel()
    worker.send(Do(gate.hold), timeout=0.01)
    (event,) = log.wait_for("worker.abandoned")
    assert event.level == "error"
    assert event.fields == {"worker": worker.name, "abandoned": 1}
    (left,) = [e for e in log.wait_for("query.done", 2) if e.fields["outcome"] != "cancelled"]
    assert left.fields["outcome"] == "stuck"
    gate.open()
