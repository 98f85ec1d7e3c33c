"""`DefaultWorker`, over the engine and over a runtime without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from actors import (
    CallEntrypoint,
    CallFunction,
    DefaultWorker,
    DefaultWorkerOptions,
    Eval,
    GetValue,
    LoadMainModule,
    LoadModule,
    ModuleId,
    WorkerDied,
    WorkerPool,
    WorkerStartError,
)
from runtimes import (
    ConversionError,
    JSError,
    JSSyntaxError,
    MemoryLimitError,
    MissingEntrypoint,
    Module,
    ModuleNotFound,
    StaleHandle,
    TimeoutExceeded,
    ValueNotCallable,
    ValueNotFound,
)

if TYPE_CHECKING:
    from actors.testing import EventLog

HARD = "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })"
"""Never asks whether it shall stop."""

Closing: TypeAlias = Callable[[Any], Any]


@pytest.fixture
def spawn(engine: Any, closing: Closing) -> Any:
    def spawn(**options: Any) -> Any:
        return closing(engine.worker.spawn(DefaultWorkerOptions(**options)))

    return spawn


@pytest.fixture
def say(engine: Any) -> Any:
    return engine.dialect


def test_scripts_are_evaluated_and_what_they_define_stays(spawn: Any, say: Any) -> None:
    worker = spawn()
    assert worker.evaluate(say.value({"a": [1]})) == {"a": [1]}
    worker.evaluate(say.definitions)
    assert [worker.call_function("count") for _ in range(3)] == [1, 2, 3]
    assert worker.get_value("answer") == 42
    assert worker.get_value("nothing") is None


def test_results_may_be_checked(spawn: Any, say: Any) -> None:
    @dataclass
    class Point:
        x: int
        y: float

    worker = spawn()
    assert worker.evaluate(say.value({"x": 1, "y": 2.5}), returns=Point) == Point(1, 2.5)
    worker.evaluate(say.definitions)
    assert worker.call_function("same", [[1, 2]], returns=tuple[int, int]) == (1, 2)
    assert worker.get_value("answer", returns=int) == 42
    with pytest.raises(ConversionError):
        worker.evaluate(say.value("text"), returns=int)


def test_modules_are_loaded_and_called_by_id_or_name(spawn: Any, say: Any) -> None:
    worker = spawn()
    module = worker.load_module(Module("lib.js", say.module))
    assert module == ModuleId("lib.js", 0, worker.name)
    assert worker.call_function("add", [1, 2], module=module) == 3
    assert worker.call_function("add", [1, 2], module="lib.js") == 3
    assert worker.get_value("answer", module=module) == 42
    assert worker.call_entrypoint(module, [7]) == ["default", 7]
    assert worker.call_entrypoint("lib.js", [7], returns=tuple[str, int]) == ("default", 7)
    assert worker.load_module(Module("lib.js", say.module)) == module


def test_a_main_module_comes_with_side_modules(spawn: Any, say: Any) -> None:
    worker = spawn()
    main = worker.load_main_module(
        Module("main.js", say.importing("lib.js")), [Module("lib.js", say.module)]
    )
    assert main.name == "main.js"
    assert worker.call_function("twice", [4], module=main) == 8
    assert worker.call_function("add", [1, 2], module="lib.js") == 3
    with pytest.raises(ValueError, match="main module already"):
        worker.load_main_module(Module("other.js", say.module))


def test_the_options_name_modules_globals_functions_and_the_entrypoint(
    spawn: Any, say: Any
) -> None:
    worker = spawn(
        default_entrypoint="main",
        modules=[Module("lib.js", say.module), Module("main.js", say.main_only)],
        globals={"most": 7},
        host_functions={"double": lambda x: 2 * x},
    )
    assert worker.call_function("add", [1, 2], module="lib.js") == 3
    assert worker.call_entrypoint("main.js", [1]) == ["main", 1]
    assert worker.get_value("most") == 7
    assert worker.evaluate(say.calling("double", [21])) == 42


def test_modules_of_the_options_may_import_each_other_whatever_their_order(
    spawn: Any, say: Any
) -> None:
    worker = spawn(
        modules=[Module("user.js", say.importing("lib.js")), Module("lib.js", say.module)]
    )
    assert worker.call_function("twice", [4], module="user.js") == 8


def test_errors_of_the_runtime_reach_the_sender_as_they_are(spawn: Any, say: Any) -> None:
    worker, impatient = spawn(memory_limit_bytes=8 * 1024 * 1024), spawn(timeout=0.05)
    worker.evaluate(say.definitions)
    module = worker.load_module(Module("main.js", say.main_only))
    for kind, ask in [
        (JSError, lambda: worker.evaluate(say.throwing("bad"))),
        (JSSyntaxError, lambda: worker.evaluate(say.unparsable)),
        (ValueNotFound, lambda: worker.call_function("nobody")),
        (ValueNotFound, lambda: worker.get_value("missing")),
        (ValueNotCallable, lambda: worker.call_function("answer")),
        (MissingEntrypoint, lambda: worker.call_entrypoint(module)),
        (ModuleNotFound, lambda: worker.call_function("f", module="nobody.js")),
        (ModuleNotFound, lambda: worker.load_module(Module("x.js", say.importing("nobody.js")))),
        (ConversionError, lambda: worker.call_function("same", [object()])),
        (TimeoutExceeded, lambda: impatient.evaluate(say.endless)),
        (MemoryLimitError, lambda: worker.evaluate(say.greedy)),
    ]:
        with pytest.raises(kind):
            ask()
    assert worker.evaluate(say.value(1)) == 1


def test_arguments_are_encoded_when_the_query_is_sent(spawn: Any, say: Any) -> None:
    worker = spawn()
    module = worker.load_module(Module("lib.js", say.module))
    data = {"list": [1]}
    query = CallFunction("same", [data], module=module)
    first = worker.send(query)
    data["list"].append(2)
    second = worker.send(query)
    data["list"].append(3)
    entry = worker.send(CallEntrypoint(module, [data]))
    data.clear()
    assert first.get(10) == {"list": [1]}
    assert second.get(10) == {"list": [1, 2]}
    assert entry.get(10) == ["default", {"list": [1, 2, 3]}]


def test_what_cannot_cross_is_refused_at_the_sender(spawn: Any, say: Any) -> None:
    worker = spawn()
    with pytest.raises(ConversionError):
        worker.send(CallFunction("f", [object()]))
    assert worker.backlog == 0


def test_queries_are_values(spawn: Any) -> None:
    assert Eval("1") == Eval("1")
    assert Eval("1", filename="a") != Eval("1")
    assert CallFunction("f", [1]) == CallFunction("f", [1])
    assert "source='1'" in repr(Eval("1"))
    with pytest.raises(AttributeError):
        Eval("1").source = "2"  # type: ignore[misc]
    assert LoadModule(Module("a", "")) == LoadModule(Module("a", ""))
    assert GetValue("x") != GetValue("y")
    assert LoadMainModule(Module("a", "")).side_modules == ()


def test_a_module_of_another_worker_is_stale(engine: Any, closing: Closing, say: Any) -> None:
    pool = closing(WorkerPool(engine.worker, size=2))
    module = pool[0].load_module(Module("lib.js", say.module))
    with pytest.raises(StaleHandle, match="was loaded by worker"):
        pool[1].call_function("add", [1, 2], module=module)
    with pytest.raises(TypeError):
        pool[0].call_function("add", [1, 2], module=3)
    assert pool[0].call_function("add", [1, 2], module=module) == 3


def test_console_lines_go_to_the_programs_callable(spawn: Any, say: Any, log: EventLog) -> None:
    lines = []
    worker = spawn(console=lambda event: lines.append((event.level, event.text)))
    worker.evaluate(say.saying(["hello", 1]))
    assert lines == [("log", "hello 1")]
    assert not log.named("console.line")


def test_console_lines_go_to_the_trace_otherwise(spawn: Any, say: Any, log: EventLog) -> None:
    spawn().evaluate(say.saying(["hello"]))
    (event,) = log.named("console.line")
    assert event.fields["text"] == "hello"
    assert event.level == "info"


def test_options_that_make_no_sense_are_refused(engine: Any) -> None:
    with pytest.raises(ValueError, match="timeout"):
        DefaultWorkerOptions(timeout=0)


def test_a_module_that_fails_to_load_fails_the_start(engine: Any, say: Any) -> None:
    options = DefaultWorkerOptions(modules=[Module("bad.js", say.throwing("broken"))])
    with pytest.raises(WorkerStartError) as caught:
        engine.worker.spawn(options)
    assert isinstance(caught.value.__cause__, JSError)


def test_modules_are_loaded_again_after_a_hard_stop(closing: Closing) -> None:
    worker = closing(DefaultWorker.spawn(DefaultWorkerOptions(timeout=0.1)))
    module = worker.load_module(Module("lib.js", "export function one() { return 1; }"))
    worker.evaluate("globalThis.left = 1")
    with pytest.raises(TimeoutExceeded) as caught:
        worker.evaluate(HARD)
    assert not caught.value.runtime_usable
    assert worker.call_function("one", module=module) == 1
    assert worker.generation == 2
    with pytest.raises(ValueNotFound):
        worker.get_value("left")


def test_a_function_that_a_result_contained_can_be_called_until_the_restart(
    closing: Closing,
) -> None:
    worker = closing(DefaultWorker.spawn(DefaultWorkerOptions(timeout=0.1)))
    function = worker.evaluate("(a, b) => a + b")
    assert worker.call_function(function, [1, 2]) == 3
    apply = worker.evaluate("(f, x) => f(x, x)")
    assert worker.call_function(apply, [function, 4]) == 8
    with pytest.raises(TimeoutExceeded):
        worker.evaluate(HARD)
    with pytest.raises(StaleHandle):
        worker.call_function(function, [1, 2])
    with pytest.raises(StaleHandle):
        worker.call_function(worker.evaluate("(f) => f(1, 1)"), [function])


def test_a_function_of_one_worker_is_stale_in_another(closing: Closing) -> None:
    pool = closing(WorkerPool(DefaultWorker, size=2))
    function = pool[0].evaluate("() => 1")
    with pytest.raises(StaleHandle):
        pool[1].call_function(function)


def test_an_interrupt_in_a_host_function_costs_the_worker_its_life_only(
    spawn: Any, say: Any
) -> None:
    def interrupt() -> Any:
        raise KeyboardInterrupt

    worker = spawn(host_functions={"interrupt": interrupt})
    with pytest.raises(WorkerDied) as caught:
        worker.evaluate(say.calling("interrupt", []))
    assert isinstance(caught.value.__cause__, KeyboardInterrupt)
    assert worker.evaluate(say.value(1)) == 1


def test_a_query_of_a_derived_class_is_answered_like_its_base(spawn: Any, say: Any) -> None:
    @dataclass(frozen=True)
    class Named(CallFunction[Any]):
        label: str = ""

    class Script(Eval[Any]):
        pass

    worker = spawn()
    worker.evaluate(say.definitions)
    assert worker.ask(Script(say.value(1))) == 1
    args = [1, 2]
    named = Named("add", args, None, None, "sum")
    reply = worker.send(named)
    args.clear()
    assert reply.get(10) == 3
    assert named.args == []
