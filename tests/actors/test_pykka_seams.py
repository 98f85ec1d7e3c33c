"""The parts of Pykka that we replace or rely on; if one of these fails, look at its changelog."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import Any, TypeAlias

import pykka
import pytest
from pykka import messages

from actors import WorkerHandle, WorkerStopped
from actors._lives.actor import ContainedActor
from actors._trees.supervisor import Supervisor
from actors.testing import Do, Gate, PythonWorker

Handle: TypeAlias = WorkerHandle[Any]


def test_the_minor_version_is_the_one_that_was_read() -> None:
    assert version("pykka").split(".")[:2] == ["4", "5"]


def test_workers_and_supervisors_are_pykka_actors() -> None:
    assert issubclass(PythonWorker, pykka.ThreadingActor)
    assert issubclass(Supervisor, pykka.ThreadingActor)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_create_actor_inbox", []),
        ("_start_actor_loop", ["self"]),
        ("_actor_loop", ["self"]),
        ("on_start", ["self"]),
        ("on_stop", ["self"]),
        ("on_failure", ["self", "exception_type", "exception_value", "traceback"]),
    ],
)
def test_what_we_override_is_there_and_takes_the_same(name: str, parameters: list[str]) -> None:
    for kind in (pykka.ThreadingActor, ContainedActor, PythonWorker):
        assert list(inspect.signature(getattr(kind, name)).parameters) == parameters


def test_an_actors_ref_takes_inbox_and_stopped_flag_from_the_actor(worker: Handle) -> None:
    def look(w: Any) -> Any:
        ref = w.actor_ref
        return ref.actor_inbox is w.actor_inbox, ref.actor_stopped is w.actor_stopped

    assert worker.ask(Do(look)) == (True, True)


def test_a_stock_ref_asks_tells_and_stops(worker: Handle) -> None:
    ref = worker.ask(Do(lambda w: w.actor_ref))
    told: list[int] = []
    assert ref.is_alive()
    assert ref.ask(Do(lambda w: 1)) == 1
    ref.tell(Do(lambda w: told.append(2)))
    assert ref.ask(Do(lambda w: 3), block=False).get(timeout=10) == 3
    with pytest.raises(ZeroDivisionError):
        ref.ask(Do(lambda w: 1 / 0))
    with pytest.raises(TypeError):
        ref.ask("no query")
    assert told == [2]
    assert ref.stop() is True
    assert not ref.is_alive()
    assert worker.state == "stopped"
    with pytest.raises(WorkerStopped):
        worker.ask(Do(lambda w: 1))


def test_a_stock_asks_timeout_is_pykkas(worker: Handle, gate: Gate) -> None:
    ref = worker.ask(Do(lambda w: w.actor_ref))
    with pytest.raises(pykka.Timeout):
        ref.ask(Do(gate.hold), timeout=0.01)


def test_a_stop_message_is_what_it_was() -> None:
    assert isinstance(messages._ActorStop(), tuple)
