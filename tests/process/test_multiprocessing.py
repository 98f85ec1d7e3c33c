"""multiprocessing's ways to start processes: workers inside of them, and what travels between."""

from __future__ import annotations

import copy
import pickle
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

import actors
import runtimes
from actors import DefaultWorkerOptions, Eval, Response, Supervision, WorkerPool
from actors.testing import Do, PythonWorker
from runtimes import DEFAULT, Module, QuickJSRuntime, RuntimeOptions, encode_args, undefined

from ._programs import PRELUDE, run

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

def own(query):
    '''What a child process does: a pool of its own.'''
    with WorkerPool(DefaultWorker, size=2) as pool:
        return sum(pool.map([query] * 4))

if __name__ == "__main__":
    with WorkerPool(DefaultWorker, size=1) as mine:
        assert mine.ask(Eval("1")) == 1
        context = multiprocessing.get_context("{method}")
        with context.Pool(2) as processes:
            print(sum(processes.map(own, [Eval("6 * 7")] * 4)))
        with ProcessPoolExecutor(2, mp_context=context) as executor:
            print(sum(executor.map(own, [Eval("6 * 7")] * 4)))
        assert mine.ask(Eval("1")) == 1
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_processes_have_pools_of_their_own(method: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PRELUDE + textwrap.dedent(PROGRAM).replace("{method}", method))
    done = run(f"import subprocess; sys.exit(subprocess.call([sys.executable, {str(script)!r}]))")
    assert (done.code, done.out, done.err) == (0, "672\n672\n", "")


def errors_of(package: Any) -> list[BaseException]:
    """One of each error that the package shows, made as it is made there."""
    made = []
    for name in package.__all__:
        kind = getattr(package, name)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            made.append(_an_error(kind))
    return made


def _an_error(kind: type[BaseException]) -> BaseException:
    error = kind.__new__(kind, "a message")
    error.args = ("a message",)
    error.mark = "an attribute"  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    "error", [*errors_of(actors), *errors_of(runtimes)], ids=lambda error: type(error).__name__
)
def test_errors_travel_with_their_attributes(error: BaseException) -> None:
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert (twin.args, vars(twin)) == (error.args, vars(error))


def test_errors_as_they_are_raised_travel() -> None:
    with WorkerPool(actors.DefaultWorker, size=1) as pool:
        for query in (Eval("throw new TypeError('no')"), Eval("("), Eval("for (;;) {}")):
            error = pool.send(query, timeout=0.2).exception(20)
            assert error is not None
            twin = pickle.loads(pickle.dumps(error))
            assert (type(twin), twin.args, str(twin)) == (type(error), error.args, str(error))


@pytest.mark.parametrize(
    "value",
    [
        Eval("1"),
        actors.CallFunction("f", [1, {"a": None}], module="m"),
        actors.CallEntrypoint("m", [1]),
        actors.GetValue("x"),
        actors.LoadModule(Module("m", "1")),
        actors.LoadMainModule(Module("m", "1")),
        Response(1),
        DefaultWorkerOptions(timeout=1),
        RuntimeOptions(timeout=1),
        Supervision(intensity=1),
        actors.MailboxOptions(capacity=1),
        Module("m", "export default 1"),
        actors.WorkerSpec(actors.DefaultWorker, name="w"),
        actors.PoolSpec(actors.DefaultWorker, 2, name="p"),
        actors.SupervisorSpec([], name="s"),
        runtimes.BigInt(2**70),
        runtimes.JSMap([("a", 1)]),
        runtimes.JSSet([1]),
        runtimes.JSDate(0.5),
        runtimes.ArrayBuffer(b"bytes"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_queries_responses_options_and_modules_travel(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize("only", [undefined, DEFAULT], ids=repr)
def test_what_there_is_only_one_of_stays_the_one(only: Any) -> None:
    assert pickle.loads(pickle.dumps(only)) is only
    assert copy.deepcopy(only) is only


def test_arguments_that_were_encoded_travel_but_for_handles() -> None:
    assert pickle.loads(pickle.dumps(encode_args([1, {"a": "b"}]))).decode() == [1, {"a": "b"}]
    with QuickJSRuntime() as runtime:
        function = runtime.evaluate("() => 1")
        for thing in (function, encode_args([function])):
            with pytest.raises(TypeError, match="runtime"):
                pickle.dumps(thing)


def test_the_id_of_a_module_travels() -> None:
    with actors.DefaultWorker.spawn() as worker:
        made = worker.load_module(Module("m", "export const x = 1"))
        twin = pickle.loads(pickle.dumps(made))
        assert twin == made
        assert worker.get_value("x", module=twin) == 1


def test_handles_pools_and_replies_do_not_travel_and_say_what_does() -> None:
    with WorkerPool(PythonWorker, size=1) as pool:
        reply = pool.send(Do(lambda w: 1))
        reply.exception()
        for thing, instead in ((pool, "a Query"), (pool[0], "a Query"), (reply, "response()")):
            with pytest.raises(TypeError, match="cannot leave its process") as refused:
                pickle.dumps(thing)
            assert instead in str(refused.value)
