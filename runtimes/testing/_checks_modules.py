"""Rules about modules and entrypoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtimes.errors import JSError, MissingEntrypoint, ModuleNotFound, ValueNotFound
from runtimes.modules import Module, ModuleHandle
from runtimes.testing._check import Bench, Checks
from runtimes.testing._expect import expect_equal, expect_raises, expect_true

if TYPE_CHECKING:
    from runtimes.protocol import Runtime

MODULES = Checks()


def _loaded(bench: Bench) -> tuple[Runtime, ModuleHandle]:
    assert bench.dialect.module is not None
    runtime = bench.make()
    return runtime, runtime.load_module(Module("lib.js", bench.dialect.module))


@MODULES.needing("module")
def a_loaded_module_has_its_name_and_its_number(bench: Bench) -> None:
    assert bench.dialect.module is not None
    runtime, first = _loaded(bench)
    second = runtime.load_module(Module("other.js", bench.dialect.module))
    expect_equal((first.name, first.number), ("lib.js", 0), "the first handle")
    expect_equal((second.name, second.number), ("other.js", 1), "the second handle")


@MODULES.needing("module")
def loading_a_module_again_gives_the_same_handle_and_does_not_run_it(bench: Bench) -> None:
    assert bench.dialect.module is not None
    runtime, module = _loaded(bench)
    expect_equal(runtime.call_function("count", module=module), 1)
    again = runtime.load_module(Module("lib.js", bench.dialect.module))
    expect_equal(again, module, "the handle")
    expect_equal(runtime.call_function("count", module=again), 2)


@MODULES.needing("module")
def another_source_under_a_loaded_name_is_refused(bench: Bench) -> None:
    runtime, module = _loaded(bench)
    expect_raises(ValueError, lambda: runtime.load_module(Module("lib.js", "export {};")))
    expect_equal(runtime.call_function("add", [1, 2], module=module), 3)


@MODULES.needing("module")
def exports_are_called_with_the_namespace_as_this(bench: Bench) -> None:
    runtime, module = _loaded(bench)
    expect_equal(runtime.call_function("add", [1, 2], module=module), 3)
    members = runtime.call_function("members", module=module)
    expect_equal(
        members,
        ["add", "answer", "count", "default", "fail", "members", "missing", "nothing", "same"],
        "the members of this",
    )


@MODULES.needing("module")
def exports_are_found_and_undefined_ones_are_not(bench: Bench) -> None:
    runtime, module = _loaded(bench)
    expect_equal(runtime.get_value("answer", module=module), 42)
    expect_equal(runtime.get_value("nothing", module=module), None)
    expect_raises(ValueNotFound, lambda: runtime.get_value("missing", module=module))
    expect_raises(ValueNotFound, lambda: runtime.get_value("nobody", module=module))


@MODULES.needing("module")
def what_a_module_defines_is_no_global(bench: Bench) -> None:
    runtime, _ = _loaded(bench)
    expect_raises(ValueNotFound, lambda: runtime.call_function("add", [1, 2]))


@MODULES.needing("module", "definitions")
def a_name_that_is_not_exported_is_looked_for_among_the_globals(bench: Bench) -> None:
    assert bench.dialect.definitions is not None
    runtime = bench.make(host_functions={"hosted": lambda: "host"})
    runtime.evaluate(bench.dialect.definitions)
    assert bench.dialect.module is not None
    module = runtime.load_module(Module("lib.js", bench.dialect.module))
    expect_equal(runtime.call_function("hosted", module=module), "host")
    runtime.call_function("count")
    expect_equal(runtime.call_function("count", module=module), 1, "the export's count")
    expect_equal(runtime.call_function("count"), 2, "the global's count")


@MODULES.needing("module", "importing")
def a_module_imports_one_that_was_handed_over(bench: Bench) -> None:
    assert bench.dialect.importing is not None
    assert bench.dialect.module is not None
    runtime = bench.make(modules=[Module("lib.js", bench.dialect.module)])
    module = runtime.load_module(Module("user.js", bench.dialect.importing("lib.js")))
    expect_equal(runtime.call_function("twice", [21], module=module), 42)


@MODULES.needing("module", "importing")
def a_relative_import_is_resolved_against_the_importing_module(bench: Bench) -> None:
    assert bench.dialect.importing is not None
    assert bench.dialect.module is not None
    runtime = bench.make()
    runtime.add_module(Module("lib/maths.js", bench.dialect.module))
    beside = Module("lib/beside.js", bench.dialect.importing("./maths.js"))
    above = Module("app/user.js", bench.dialect.importing("../lib/maths.js"))
    for user in (beside, above):
        module = runtime.load_module(user)
        expect_equal(runtime.call_function("twice", [21], module=module), 42)


@MODULES.needing("importing", "module")
def an_import_that_was_not_handed_over_is_not_found(bench: Bench) -> None:
    assert bench.dialect.importing is not None
    assert bench.dialect.module is not None
    runtime = bench.make()
    user = Module("user.js", bench.dialect.importing("lib.js"))
    error = expect_raises(ModuleNotFound, lambda: runtime.load_module(user))
    expect_true("lib.js" in str(error), "the error names it")
    runtime.add_module(Module("lib.js", bench.dialect.module))
    module = runtime.load_module(user)
    expect_equal(runtime.call_function("twice", [21], module=module), 42)


@MODULES.needing("module", "importing")
def side_modules_are_loaded_before_the_main_one(bench: Bench) -> None:
    assert bench.dialect.importing is not None
    assert bench.dialect.module is not None
    runtime = bench.make()
    side = Module("lib.js", bench.dialect.module)
    main = runtime.load_main_module(Module("main.js", bench.dialect.importing("lib.js")), [side])
    expect_equal((main.name, main.number), ("main.js", 1), "the main handle")
    expect_equal(runtime.call_function("twice", [21], module=main), 42)


@MODULES.needing("module")
def there_is_only_one_main_module(bench: Bench) -> None:
    assert bench.dialect.module is not None
    source = bench.dialect.module
    runtime = bench.make()
    runtime.load_main_module(Module("main.js", source))
    expect_raises(ValueError, lambda: runtime.load_main_module(Module("second.js", source)))


@MODULES.needing("throwing", "module")
def a_module_that_failed_may_be_loaded_again_once_mended(bench: Bench) -> None:
    assert bench.dialect.throwing is not None
    assert bench.dialect.module is not None
    runtime = bench.make()
    broken = Module("lib.js", bench.dialect.throwing("too bad"))
    error = expect_raises(JSError, lambda: runtime.load_module(broken))
    expect_equal(error.message, "too bad", "the message")
    module = runtime.load_module(Module("lib.js", bench.dialect.module))
    expect_equal(runtime.call_function("add", [1, 2], module=module), 3)


@MODULES.needing("entrypoint")
def the_registered_entrypoint_is_called_first(bench: Bench) -> None:
    assert bench.dialect.entrypoint is not None
    runtime = bench.make(default_entrypoint="main")
    module = runtime.load_module(Module("lib.js", bench.dialect.entrypoint))
    expect_equal(runtime.call_entrypoint(module, [1]), ["registered", 1])


@MODULES.needing("module")
def the_default_export_is_the_entrypoint_if_none_is_registered(bench: Bench) -> None:
    runtime, module = _loaded(bench)
    expect_equal(runtime.call_entrypoint(module, [1]), ["default", 1])
    expect_equal(runtime.call_entrypoint(module, [1], returns=tuple[str, int]), ("default", 1))


@MODULES.needing("main_only")
def the_default_entrypoint_of_the_options_comes_last(bench: Bench) -> None:
    assert bench.dialect.main_only is not None
    runtime = bench.make(default_entrypoint="main")
    module = runtime.load_module(Module("lib.js", bench.dialect.main_only))
    expect_equal(runtime.call_entrypoint(module, [1]), ["main", 1])


@MODULES.needing("main_only")
def a_module_without_an_entrypoint_says_so(bench: Bench) -> None:
    assert bench.dialect.main_only is not None
    for options in ({}, {"default_entrypoint": "nobody"}, {"default_entrypoint": "other"}):
        runtime = bench.make(**options)
        module = runtime.load_module(Module("lib.js", bench.dialect.main_only))
        error = expect_raises(MissingEntrypoint, runtime.call_entrypoint, module)
        expect_equal(error.runtime_usable, True, "runtime_usable")
