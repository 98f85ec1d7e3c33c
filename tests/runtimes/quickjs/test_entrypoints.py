"""Entrypoints: registered, else the default export, else the default name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtimes import JSError, MissingEntrypoint, Module, QuickJSRuntime

MakeRuntime = Callable[..., QuickJSRuntime]

REGISTERS = "register_entrypoint((x) => ['registered', x]);"
DEFAULT = "export default (x) => ['default', x];"
NAMED = "export function main(x) { return ['named', x]; }"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (REGISTERS + DEFAULT + NAMED, "registered"),
        (REGISTERS, "registered"),
        (DEFAULT + NAMED, "default"),
        (NAMED, "named"),
        ("export default 5;" + NAMED, "named"),
    ],
)
def test_the_first_that_there_is_is_called(
    make_runtime: MakeRuntime, source: str, kind: str
) -> None:
    runtime = make_runtime(default_entrypoint="main")
    module = runtime.load_module(Module("a.js", source))
    assert runtime.call_entrypoint(module, [1]) == [kind, 1]


@pytest.mark.parametrize("source", ["", "export default 5;", "export const main = 5;", NAMED])
def test_without_any_it_is_missing(runtime: QuickJSRuntime, source: str) -> None:
    module = runtime.load_module(Module("a.js", source))
    with pytest.raises(MissingEntrypoint) as caught:
        runtime.call_entrypoint(module)
    assert caught.value.runtime_usable


def test_the_default_name_may_be_a_global(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(default_entrypoint="main")
    runtime.evaluate("function main() { return 'global'; }")
    module = runtime.load_module(Module("a.js", ""))
    assert runtime.call_entrypoint(module) == "global"


def test_each_module_has_its_own(runtime: QuickJSRuntime) -> None:
    handles = [
        runtime.load_module(Module(f"{name}.js", f"register_entrypoint(() => '{name}');"))
        for name in "ab"
    ]
    assert [runtime.call_entrypoint(handle) for handle in handles] == ["a", "b"]


def test_the_last_one_registered_counts(runtime: QuickJSRuntime) -> None:
    source = "register_entrypoint(() => 1); register_entrypoint(() => 2);"
    assert runtime.call_entrypoint(runtime.load_module(Module("a.js", source))) == 2


def test_an_imported_module_does_not_register_for_the_one_that_imports_it_last(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(modules=[Module("lib.js", "register_entrypoint(() => 'lib');")])
    source = "import './lib.js'; register_entrypoint(() => 'user');"
    assert runtime.call_entrypoint(runtime.load_module(Module("user.js", source))) == "user"


def test_one_may_be_registered_after_an_await(runtime: QuickJSRuntime) -> None:
    source = "await null; register_entrypoint(() => 'late');"
    assert runtime.call_entrypoint(runtime.load_module(Module("a.js", source))) == "late"


def test_none_may_be_registered_when_no_module_loads(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSError, match="while a module loads"):
        runtime.evaluate("register_entrypoint(() => 1)")


def test_only_a_function_may_be_registered(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSError, match="needs a function"):
        runtime.load_module(Module("a.js", "register_entrypoint(5);"))


def test_a_failed_load_registers_nothing(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSError):
        runtime.load_module(Module("a.js", REGISTERS + "throw new Error();"))
    module = runtime.load_module(Module("a.js", ""))
    with pytest.raises(MissingEntrypoint):
        runtime.call_entrypoint(module)


def test_an_async_one_is_awaited(runtime: QuickJSRuntime) -> None:
    source = "export default async (x) => { await null; return x + 1; };"
    assert runtime.call_entrypoint(runtime.load_module(Module("a.js", source)), [1]) == 2


def test_what_it_throws_reaches_the_caller(runtime: QuickJSRuntime) -> None:
    source = "export default () => { throw new RangeError('no'); };"
    module = runtime.load_module(Module("a.js", source))
    with pytest.raises(JSError, match="RangeError: no"):
        runtime.call_entrypoint(module)
