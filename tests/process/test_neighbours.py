"""Other libraries' actors: never touched by ours, and they cannot touch ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pykka
import pytest

from actors import DefaultWorker, Eval, WorkerPool
from actors.testing import Do, PythonWorker

from ._programs import run

if TYPE_CHECKING:
    from collections.abc import Iterator


class Neighbour(pykka.ThreadingActor):
    """Another library's actor."""

    use_daemon_thread = True

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, BaseException):
            raise message
        return message


@pytest.fixture
def neighbour() -> Iterator[Any]:
    ref = Neighbour.start()
    yield ref
    ref.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), ValueError("theirs")])
def test_what_kills_a_neighbour_and_stops_all_actors_stops_no_worker(error: Any) -> None:
    victim = Neighbour.start()
    with WorkerPool(PythonWorker, size=2) as pool, DefaultWorker.spawn() as worker:
        victim.tell(error)
        victim.actor_stopped.wait(10)
        assert pykka.ActorRegistry.get_all() == []
        pykka.ActorRegistry.stop_all()
        assert pool.ask(Do(lambda w: w.generation)) == 1
        assert worker.ask(Eval("1")) == 1


def test_broadcasts_and_lookups_of_theirs_find_no_worker(neighbour: Any) -> None:
    with WorkerPool(PythonWorker, size=2) as pool:
        assert pykka.ActorRegistry.get_all() == [neighbour]
        assert pykka.ActorRegistry.get_by_class(PythonWorker) == []
        pykka.ActorRegistry.broadcast({"command": "hello"})
        assert pool.ask(Do(lambda w: w.generation)) == 1
    assert neighbour.ask("hello") == "hello"


def test_a_neighbour_may_ask_workers_and_a_worker_neighbours(neighbour: Any) -> None:
    class Asker(pykka.ThreadingActor):
        use_daemon_thread = True

        def on_receive(self, message: Any) -> Any:
            return message.ask(Do(lambda w: neighbour.ask("from a worker")))

    asker = Asker.start()
    with PythonWorker.spawn() as worker:
        assert asker.ask(worker) == "from a worker"
    asker.stop()
    assert neighbour.is_alive()


@pytest.mark.parametrize("act", ["close(0)", "shutdown(0)"])
def test_ends_of_ours_leave_neighbours_alone(neighbour: Any, act: str) -> None:
    pool = WorkerPool(PythonWorker, size=2)
    pool.send(Do(lambda w: 1 / 0)).exception()
    eval(f"pool.{act}", {"pool": pool})
    pool.join()
    assert neighbour.ask("hello") == "hello"


def test_the_end_of_python_leaves_neighbours_to_themselves() -> None:
    done = run(
        """
        import atexit, pykka
        class Neighbour(pykka.ThreadingActor):
            use_daemon_thread = True
            def on_receive(self, message): return message
            def on_stop(self): print("was stopped")
        ref = Neighbour.start()
        atexit.register(lambda: print(ref.ask("still here")))
        worker = PythonWorker.spawn()
        """
    )
    assert (done.code, done.out, done.err) == (0, "still here\n", "")
