"""Rules about a runtime's life: threads, closing, handles, cancelling at rest."""

from __future__ import annotations

from runtimes.errors import ClosedRuntimeError, JSRuntimeError, StaleHandle, WrongThread
from runtimes.modules import Module
from runtimes.protocol import CanMove, Runtime
from runtimes.testing._check import Bench, Checks, on_another_thread
from runtimes.testing._expect import expect_equal, expect_raises, expect_true

LIFE = Checks()


@LIFE.needing()
def a_runtime_follows_the_protocol(bench: Bench) -> None:
    expect_true(isinstance(bench.make(), Runtime), "it has every member of the Runtime protocol")


@LIFE.needing()
def a_new_runtime_is_usable(bench: Bench) -> None:
    expect_equal(bench.make().usable, True, "usable")


@LIFE.needing()
def a_closed_runtime_is_not_usable(bench: Bench) -> None:
    runtime = bench.make()
    runtime.close()
    expect_equal(runtime.usable, False, "usable")


@LIFE.needing()
def closing_twice_is_harmless(bench: Bench) -> None:
    runtime = bench.make()
    runtime.close()
    runtime.close()


@LIFE.needing()
def leaving_a_with_block_closes(bench: Bench) -> None:
    runtime = bench.make()
    with runtime as entered:
        expect_true(entered is runtime, "entering gives the runtime itself")
    expect_equal(runtime.usable, False, "usable")


@LIFE.needing()
def a_closed_runtime_says_so_whatever_is_asked(bench: Bench) -> None:
    runtime = bench.make()
    runtime.close()
    for ask in (
        lambda: runtime.evaluate("1"),
        lambda: runtime.load_module(Module("a.js", "")),
        lambda: runtime.load_main_module(Module("a.js", "")),
        lambda: runtime.add_module(Module("a.js", "")),
        lambda: runtime.call_function("f"),
        lambda: runtime.call_many("f", [[]]),
        lambda: runtime.function("f"),
        lambda: runtime.get_value("x"),
        lambda: runtime.register("f", len),
    ):
        error = expect_raises(ClosedRuntimeError, ask)
        expect_equal(error.runtime_usable, False, "runtime_usable")


@LIFE.needing("value")
def a_runtime_that_can_move_belongs_to_the_thread_that_it_moved_to(bench: Bench) -> None:
    runtime, value = bench.make(), bench.dialect.value
    assert value is not None
    if not isinstance(runtime, CanMove):
        return
    answers: list[object] = []

    def borrow() -> None:
        runtime.move_here()
        answers.append(runtime.evaluate(value(1)))

    expect_equal(on_another_thread(borrow), None, "what was raised there")
    expect_equal(answers, [1], "the answer there")
    expect_raises(WrongThread, lambda: runtime.evaluate(value(2)))
    runtime.move_here()
    expect_equal(runtime.evaluate(value(2)), 2)


@LIFE.needing()
def cancelling_a_closed_runtime_is_harmless(bench: Bench) -> None:
    runtime = bench.make()
    runtime.close()
    runtime.cancel()


@LIFE.needing("value")
def cancelling_at_rest_does_not_stop_the_next_run(bench: Bench) -> None:
    assert bench.dialect.value is not None
    runtime = bench.make()
    runtime.cancel()
    expect_equal(on_another_thread(runtime.cancel), None, "what cancel() raised elsewhere")
    expect_equal(runtime.evaluate(bench.dialect.value(1)), 1)


@LIFE.needing("value")
def another_thread_is_refused(bench: Bench) -> None:
    assert bench.dialect.value is not None
    runtime = bench.make()
    source = bench.dialect.value(1)
    for ask in (
        lambda: runtime.evaluate(source),
        lambda: runtime.load_module(Module("a.js", "")),
        lambda: runtime.call_function("f"),
        lambda: runtime.get_value("x"),
        lambda: runtime.register("f", len),
    ):
        error = on_another_thread(ask)
        expect_true(isinstance(error, WrongThread), f"WrongThread was raised, but {error!r}")
    expect_equal(runtime.evaluate(source), 1)


@LIFE.needing()
def whether_it_is_usable_may_be_asked_anywhere(bench: Bench) -> None:
    runtime = bench.make()
    expect_equal(on_another_thread(lambda: runtime.usable), None, "what was raised elsewhere")


@LIFE.needing("module")
def a_module_of_another_runtime_is_a_stale_handle(bench: Bench) -> None:
    assert bench.dialect.module is not None
    runtime, other = bench.make(), bench.make()
    module = other.load_module(Module("lib.js", bench.dialect.module))
    runtime.load_module(Module("lib.js", bench.dialect.module))
    for ask in (
        lambda: runtime.call_function("add", [1, 2], module=module),
        lambda: runtime.get_value("answer", module=module),
        lambda: runtime.call_entrypoint(module),
    ):
        error = expect_raises(StaleHandle, ask)
        expect_true(error.runtime_usable, "the runtime stays usable")


@LIFE.needing("value", "definitions")
def runtimes_share_nothing(bench: Bench) -> None:
    assert bench.dialect.definitions is not None
    first, second = bench.make(), bench.make()
    first.evaluate(bench.dialect.definitions)
    expect_raises(JSRuntimeError, lambda: second.get_value("answer"))
    second.evaluate(bench.dialect.definitions)
    expect_equal(first.call_function("count"), 1)
    expect_equal(first.call_function("count"), 2)
    expect_equal(second.call_function("count"), 1)
