"""The ledger sees each thing that must never happen."""

from __future__ import annotations

import os

import pytest

from actors import MailboxFull, PoolClosed, QueryCancelled, QueryTimeout, WorkerDied
from actors.tracing import TraceEvent

from ._faults import KINDS, WORKING
from ._ledger import IDEMPOTENT, UNSEEN, WATCHED, Ledger, says_not_run
from ._silence import Silence
from ._stage import Killed
from ._weather import ALLOWED_MORE, Holdings, Witness


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def query(ledger: Ledger, flags: int = 0) -> int:
    """Send a query that is accepted."""
    number = ledger.sent(flags)
    ledger.accepted(number)
    return number


def answered(ledger: Ledger, flags: int = 0) -> int:
    """Send a query that is run and answered."""
    number = query(ledger, flags)
    ledger.ran(number)
    ledger.answered(number, "right", "right")
    return number


def broken(ledger: Ledger) -> list[str]:
    """What the ledger complains of, by name."""
    return [name for name, times in ledger.verdict().counts.items() if times]


def test_books_in_order_are_clean(ledger: Ledger) -> None:
    answered(ledger)
    ledger.refused(ledger.sent(), PoolClosed())
    ledger.failed(query(ledger), QueryTimeout())
    ledger.called(answered(ledger, WATCHED))
    query(ledger, UNSEEN)
    assert ledger.verdict().clean
    assert ledger.counts["sent"] == 5
    assert ledger.counts["answered"] == 2


def test_a_query_that_is_never_settled_is_lost(ledger: Ledger) -> None:
    query(ledger)
    assert broken(ledger) == ["lost"]


def test_a_callback_that_is_never_called_is_lost(ledger: Ledger) -> None:
    answered(ledger, WATCHED)
    assert broken(ledger) == ["lost"]


def test_a_query_that_runs_twice_is_seen_unless_it_may(ledger: Ledger) -> None:
    ledger.ran(answered(ledger, IDEMPOTENT))
    assert broken(ledger) == []
    assert ledger.retried() == 1
    ledger.ran(answered(ledger))
    assert broken(ledger) == ["duplicated run"]


def test_a_told_query_that_runs_twice_is_seen(ledger: Ledger) -> None:
    number = query(ledger, UNSEEN)
    ledger.ran(number)
    ledger.ran(number)
    assert broken(ledger) == ["duplicated run"]


def test_a_reply_that_is_settled_twice_is_seen(ledger: Ledger) -> None:
    number = answered(ledger)
    ledger.failed(number, WorkerDied(may_have_run=True))
    assert broken(ledger) == ["duplicated reply"]


def test_a_callback_that_is_called_twice_is_seen(ledger: Ledger) -> None:
    number = answered(ledger, WATCHED)
    ledger.called(number)
    ledger.called(number)
    assert broken(ledger) == ["duplicated reply"]


@pytest.mark.parametrize("error", [QueryCancelled(), MailboxFull(), PoolClosed()])
def test_an_error_that_denies_a_run_is_seen(ledger: Ledger, error: Exception) -> None:
    number = query(ledger)
    ledger.failed(number, error)
    assert broken(ledger) == []
    ledger.ran(number)  # later, even
    assert broken(ledger) == ["false claim"]


def test_a_refused_query_that_runs_is_seen(ledger: Ledger) -> None:
    number = ledger.sent()
    ledger.refused(number, MailboxFull())
    ledger.ran(number)
    assert broken(ledger) == ["false claim"]


def test_an_error_that_admits_a_run_is_believed(ledger: Ledger) -> None:
    number = query(ledger)
    ledger.ran(number)
    ledger.failed(number, WorkerDied(may_have_run=True))
    assert broken(ledger) == []
    assert not says_not_run(ValueError())


def test_an_answer_without_a_run_is_seen(ledger: Ledger) -> None:
    ledger.answered(query(ledger), 1, 1)
    assert broken(ledger) == ["answered unrun"]


def test_the_response_of_another_is_seen(ledger: Ledger) -> None:
    number = query(ledger)
    ledger.ran(number)
    ledger.answered(number, 4, 7)
    assert broken(ledger) == ["wrong"]


def test_an_error_that_such_a_query_cannot_have_is_seen(ledger: Ledger) -> None:
    number = query(ledger)
    ledger.failed(number, QueryCancelled(), expected=False)
    assert broken(ledger) == ["disturbed"]


def test_a_remark_is_in_the_verdict(ledger: Ledger) -> None:
    ledger.remark("early", "stopped too soon")
    assert ledger.verdict().cases == ["early: stopped too soon"]


def test_nobody_may_get_the_deadline_or_the_cancellation_of_another() -> None:
    kind = WORKING[0]
    assert kind.permits(QueryTimeout(timeout=0.5), 0.5, cancelled=False)
    assert not kind.permits(QueryTimeout(timeout=0.5), 5.0, cancelled=False)
    assert not kind.permits(QueryTimeout(timeout=0.5), None, cancelled=False)
    assert kind.permits(QueryCancelled(), None, cancelled=True)
    assert not kind.permits(QueryCancelled(), None, cancelled=False)


def test_a_query_that_works_dies_only_if_its_worker_was_killed() -> None:
    died = WorkerDied()
    died.__cause__ = SystemExit()
    assert not WORKING[0].permits(died, None, cancelled=False)
    died.__cause__ = Killed()
    assert WORKING[0].permits(died, None, cancelled=False)
    assert not any(kind.permits(OSError(), None, cancelled=True) for kind in KINDS)


def test_an_outage_is_from_the_loss_to_the_next_start() -> None:
    witness = Witness()

    def see(name: str, at: float, **fields: object) -> None:
        event = TraceEvent(name, "info", {"worker": "w/0", **fields})  # type: ignore[arg-type]
        witness._seen.append((at, event))

    see("worker.ready", 0.0)
    see("worker.abandoned", 1.0)
    see("worker.restarted", 1.5, reason="abandoned")
    see("worker.ready", 3.0)
    see("query.done", 4.0, outcome="ok", query="Task", queue_time=0.25)
    witness.fold()
    assert witness.outages == [2.0]
    assert witness.restarts == {"abandoned": 1}
    assert witness.outcomes == {"ok": 1}
    assert witness.longest_queue_time == 0.25


def test_a_descriptor_and_mappings_that_are_left_are_seen() -> None:
    before = Holdings.now()
    descriptor = os.open("/dev/null", os.O_RDONLY)
    try:
        assert Holdings.now().grown(before) == {"descriptors": 1}
    finally:
        os.close(descriptor)
    more = {name.replace(" ", "_"): 1000 for name in ALLOWED_MORE}
    grown = Holdings(**{**vars(before), **more}).grown(Holdings(0, 0, 0, 0, 0, 0))
    assert set(grown) == set(ALLOWED_MORE)


def test_whatever_is_printed_is_heard() -> None:
    with Silence() as silence:
        assert silence.heard() == ""
        os.write(1, b"from C, say\n")
        os.write(2, b"a warning\n")
        assert silence.heard() == "from C, say\na warning\n"
