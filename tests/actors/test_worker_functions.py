"""Functions of workers and pools, looked up once; and batches of calls as one query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors import (
    CallBound,
    CallMany,
    DefaultWorker,
    DefaultWorkerHandle,
    DefaultWorkerOptions,
    QueryTimeout,
    Reply,
    WorkerDied,
    WorkerFunction,
    WorkerPool,
)
from runtimes import ConversionError, JSError, Module, ValueNotCallable, ValueNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODULE = Module(
    "m.js",
    "export const key = 7; export function add(a, b) { return a + b; }"
    "export function picky(x) { if (x === 2) throw new Error('two'); return x; }"
    "export function first(list) { return list[0]; }"
    "export function spin() { for (;;); }"
    "export function stuck() { Array.prototype.reverse.call({ length: 2 ** 53 - 1 }); }",
)


@pytest.fixture
def worker() -> Iterator[DefaultWorkerHandle]:
    options = DefaultWorkerOptions(modules=[MODULE], hard_stop_grace=0.01)
    with DefaultWorker.spawn(options) as worker:
        yield worker


def _lose(worker: DefaultWorkerHandle) -> None:
    with pytest.raises(QueryTimeout):
        worker.call_function("stuck", module="m.js", timeout=0.02)


def test_it_is_called_like_a_python_function(worker: DefaultWorkerHandle) -> None:
    add = worker.function("add", module="m.js", returns=int)
    reply = add.send(3, 4)
    add.tell(5, 6)
    assert isinstance(reply, Reply)
    assert (add(1, 2), reply.get(), add.name) == (3, 7, "add")


def test_it_is_looked_up_when_it_is_made(worker: DefaultWorkerHandle) -> None:
    with pytest.raises(ValueNotFound):
        worker.function("nobody", module="m.js")
    with pytest.raises(ValueNotCallable):
        worker.function("key", module="m.js")


def test_results_are_of_the_type_that_it_names(worker: DefaultWorkerHandle) -> None:
    add = worker.function("add", module="m.js", returns=int)
    with pytest.raises(ConversionError):
        add("a", "b")


def test_arguments_are_taken_as_they_are_when_it_is_called(
    worker: DefaultWorkerHandle, make_gate: Callable[[], Any]
) -> None:
    first, args = worker.function("first", module="m.js"), [1]
    replies = [first.send(args), first.send_many([[args]])]
    args[0] = 2
    assert [reply.get() for reply in replies] == [1, [1]]


def test_it_survives_a_restart(worker: DefaultWorkerHandle) -> None:
    add = worker.function("add", module="m.js")
    assert add(1, 2) == 3
    _lose(worker)
    assert (add(1, 2), worker.generation) == (3, 2)


def test_after_a_restart_it_may_be_gone_which_is_an_error(worker: DefaultWorkerHandle) -> None:
    worker.evaluate("function fleeting() { return 1; }")
    fleeting = worker.function("fleeting")
    assert fleeting() == 1
    _lose(worker)
    with pytest.raises(ValueNotFound):
        fleeting()
    worker.evaluate("function fleeting() { return 2; }")
    assert fleeting() == 2


def test_a_call_has_its_own_deadline(worker: DefaultWorkerHandle) -> None:
    spin = worker.function("spin", module="m.js")
    with pytest.raises(QueryTimeout):
        spin(timeout=0.02)


def test_a_batch_is_one_query(worker: DefaultWorkerHandle) -> None:
    before = worker.stats().answered
    assert worker.call_many("add", [[n, 1] for n in range(50)], module="m.js") == [*range(1, 51)]
    assert worker.stats().answered == before + 1


def test_a_batch_may_be_of_a_function_that_was_looked_up(worker: DefaultWorkerHandle) -> None:
    add = worker.function("add", module="m.js", returns=int)
    assert worker.call_many(add, [[1, 2]]) == add.call_many([1, 2] for _ in range(1)) == [3]
    assert worker.send(CallMany("add", [[1, 2]], module="m.js")).get() == [3]


def test_the_error_of_a_batch_says_which_call_it_was(worker: DefaultWorkerHandle) -> None:
    with pytest.raises(JSError, match="two") as caught:
        worker.call_many("picky", [[n] for n in range(5)], module="m.js")
    assert caught.value.call_index == 2


def test_a_pool_has_functions_too() -> None:
    with WorkerPool(DefaultWorker, 2, DefaultWorkerOptions(modules=[MODULE])) as pool:
        add = WorkerFunction(pool, "add", module="m.js", returns=int)
        assert add(1, 2) == 3
        assert [reply.get() for reply in [add.send(n, n) for n in range(20)]] == [*range(0, 40, 2)]
        assert add.call_many([[1, 2], [3, 4]]) == [3, 7]


def test_hooks_see_which_function_is_called() -> None:
    seen: list[str] = []

    class Watched(DefaultWorker):
        def before_query(self, query: Any) -> None:
            if isinstance(query, CallBound):
                seen.append(query.target.name)

    with Watched.spawn(DefaultWorkerOptions(modules=[MODULE])) as worker:
        assert worker.function("add", module="m.js")(1, 2) == 3
    assert seen == ["add", "add"]


def test_more_functions_than_a_worker_remembers_are_looked_up_anew(
    worker: DefaultWorkerHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.default.MOST_BOUND", 2)
    functions = [WorkerFunction(worker, "add", module="m.js") for _ in range(5)]
    assert [add(n, 1) for add in functions for n in range(2)] == [1, 2] * 5


def test_the_one_in_flight_is_lost_with_its_worker(worker: DefaultWorkerHandle) -> None:
    def crash() -> None:
        raise SystemExit

    options = DefaultWorkerOptions(host_functions={"crash": crash})
    with DefaultWorker.spawn(options) as other:
        other.evaluate("function f() { crash(); }")
        with pytest.raises(WorkerDied):
            other.function("f")()
