"""The family of errors: its tree, its data, and that it survives pickling and copying."""

from __future__ import annotations

import pickle
from typing import Any, TypeAlias

import pytest

import actors.errors
from actors import (
    ActorsError,
    AskCycle,
    CheckpointError,
    MailboxFull,
    Overloaded,
    PoolClosed,
    QueryCancelled,
    QueryDropped,
    QueryShed,
    QueryTimeout,
    RestartLimitExceeded,
    WorkerDied,
    WorkerError,
    WorkerHandle,
    WorkerStartError,
    WorkerStopped,
)
from actors._replies.fresh import fresh

ERRORS = [
    ActorsError("a"),
    WorkerError("a", worker="w", may_have_run=True),
    WorkerStartError("a", worker="w"),
    WorkerStopped("a", worker="w"),
    WorkerDied("a", worker="w", may_have_run=True),
    CheckpointError("a", worker="w"),
    QueryTimeout("a", timeout=1.5, may_have_run=True, run_time=0.5),
    QueryCancelled("a", may_have_run=True),
    Overloaded("a"),
    MailboxFull("a", capacity=3, tenant="t"),
    QueryDropped("a"),
    QueryShed("a", expected_wait=2.0, timeout=1.0),
    PoolClosed("a"),
    RestartLimitExceeded("a", intensity=3, period=5.0),
    AskCycle("a", workers=("x", "y")),
]

Handle: TypeAlias = WorkerHandle[Any]


def test_the_list_above_is_complete() -> None:
    family = {
        kind
        for kind in vars(actors.errors).values()
        if isinstance(kind, type) and issubclass(kind, ActorsError)
    }
    assert {type(error) for error in ERRORS} == family
    assert family <= {getattr(actors, name) for name in actors.__all__}


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    text = actors.errors.__doc__ or ""
    for error in ERRORS:
        assert f" {type(error).__name__} " in text


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_and_copying(error: BaseException) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), fresh(error)):
        assert twin is not error
        assert type(twin) is type(error)
        assert twin.args == error.args
        assert twin.__dict__ == error.__dict__
        assert str(twin) == "a"


def test_who_asks_for_timeouts_finds_ours() -> None:
    assert issubclass(QueryTimeout, TimeoutError)


def test_an_error_that_went_through_a_worker_can_be_pickled(worker: Handle) -> None:
    from actors.testing import Do

    def leave(w: Any) -> Any:
        raise SystemExit(2)

    error = worker.send(Do(leave)).exception()
    twin = pickle.loads(pickle.dumps(error))
    assert twin.worker == worker.name
    assert twin.may_have_run


class Stubborn(Exception):
    """Cannot be copied in any way."""

    def __new__(cls, *args: object) -> Stubborn:
        if args == ("again",):
            raise TypeError("no copies")
        return super().__new__(cls, *args)


def test_what_cannot_be_copied_is_raised_itself() -> None:
    error = Stubborn()
    error.args = ("again",)
    assert fresh(error) is error
