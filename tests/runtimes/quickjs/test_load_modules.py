"""Modules: loading, importing, JSON, failing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from runtimes import (
    ConsoleEvent,
    JSError,
    JSSyntaxError,
    Module,
    ModuleNotFound,
    QuickJSRuntime,
    TimeoutExceeded,
    UnsettledPromise,
    ValueNotFound,
)

if TYPE_CHECKING:
    from pathlib import Path

MakeRuntime = Callable[..., QuickJSRuntime]


def _value(runtime: QuickJSRuntime, source: str, name: str = "user.js") -> Any:
    """The default export of a module of that source."""
    return runtime.get_value("default", module=runtime.load_module(Module(name, source)))


def test_a_module_is_run_when_it_is_loaded(runtime: QuickJSRuntime) -> None:
    runtime.load_module(Module("a.js", "globalThis.ran = 'yes';"))
    assert runtime.get_value("ran") == "yes"


def test_a_module_is_strict_and_has_no_this(runtime: QuickJSRuntime) -> None:
    assert _value(runtime, "export default this === undefined;") is True
    with pytest.raises(JSError, match="ReferenceError"):
        runtime.load_module(Module("b.js", "undeclared = 1;"))


def test_modules_handed_over_run_when_they_are_first_imported(make_runtime: MakeRuntime) -> None:
    lib = Module("lib.js", "globalThis.ran = (globalThis.ran ?? 0) + 1; export const x = 1;")
    runtime = make_runtime(modules=[lib])
    assert runtime.evaluate("typeof ran") == "undefined"
    assert _value(runtime, "import { x } from 'lib.js'; export default x;", "a.js") == 1
    assert _value(runtime, "import { x } from 'lib.js'; export default x;", "b.js") == 1
    assert runtime.get_value("ran") == 1


def test_a_loaded_module_may_be_imported(runtime: QuickJSRuntime) -> None:
    runtime.load_module(Module("lib.js", "export const x = {};"))
    source = "import * as lib from 'lib.js'; globalThis.lib ??= lib; export default 1;"
    assert _value(runtime, source) == 1
    module = runtime.load_module(Module("lib.js", "export const x = {};"))
    assert runtime.get_value("x", module=module) == {}


def test_a_module_that_was_imported_may_be_loaded_and_is_not_run_again(
    make_runtime: MakeRuntime,
) -> None:
    lib = Module("lib.js", "globalThis.ran = (globalThis.ran ?? 0) + 1; export const x = ran;")
    runtime = make_runtime(modules=[lib])
    assert _value(runtime, "import { x } from 'lib.js'; export default x;") == 1
    module = runtime.load_module(lib)
    assert runtime.get_value("x", module=module) == 1
    assert runtime.get_value("ran") == 1


def test_every_kind_of_import_and_export_works(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(
        modules=[
            Module("a.js", "export let n = 1; export default function () { return n++; }"),
            Module("b.js", "export * from 'a.js'; export { default as next } from 'a.js';"),
        ]
    )
    source = """
        import first, { n } from "a.js";
        import * as all from "b.js";
        import { next as later } from "b.js";
        first(); later();
        export default [n, all.n, Object.keys(all)];
    """
    assert _value(runtime, source) == [3, 3, ["n", "next"]]


@pytest.mark.parametrize(
    ("base", "specifier", "name"),
    [
        ("user.js", "./a.js", "a.js"),
        ("lib/user.js", "./a.js", "lib/a.js"),
        ("lib/deep/user.js", "../a.js", "lib/a.js"),
        ("lib/deep/user.js", "../../a.js", "a.js"),
        ("lib/user.js", "./x/../a.js", "lib/a.js"),
        ("lib/user.js", "a.js", "a.js"),
        ("lib/user.js", "@scope/a.js", "@scope/a.js"),
        ("lib/user.js", "https://example.org/a.js", "https://example.org/a.js"),
    ],
)
def test_a_specifier_is_resolved_as_promised(
    make_runtime: MakeRuntime, base: str, specifier: str, name: str
) -> None:
    runtime = make_runtime(modules=[Module(name, "export default 'found';")])
    source = f'import x from "{specifier}"; export default x;'
    assert _value(runtime, source, base) == "found"


def test_modules_import_each_other_in_a_circle(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(
        modules=[
            Module(
                "even.js",
                "import { odd } from './odd.js';\n"
                "export function even(n) { return n === 0 || odd(n - 1); }",
            ),
            Module(
                "odd.js",
                "import { even } from './even.js';\n"
                "export function odd(n) { return n !== 0 && even(n - 1); }",
            ),
        ]
    )
    assert _value(runtime, "import { even } from './even.js'; export default even(10);") is True


def test_a_module_may_import_itself(runtime: QuickJSRuntime) -> None:
    source = "import * as me from './me.js'; export const x = 1; export default () => me.x;"
    module = runtime.load_module(Module("me.js", source))
    assert runtime.call_function("default", module=module) == 1


def test_a_folder_of_modules_is_loaded(make_runtime: MakeRuntime, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "main.js").write_text("import { b } from './lib/b.js'; export default b;")
    (tmp_path / "lib/b.js").write_text("import data from '../data.json'; export const b = data.x;")
    (tmp_path / "data.json").write_text('{"x": [1, null]}')
    modules = Module.load_dir(tmp_path)
    runtime = make_runtime(modules=modules)
    main = runtime.load_main_module(next(each for each in modules if each.name == "main.js"))
    assert runtime.get_value("default", module=main) == [1, None]


@pytest.mark.parametrize("attribute", ["", ' with { type: "json" }'])
def test_a_json_module_is_imported(make_runtime: MakeRuntime, attribute: str) -> None:
    runtime = make_runtime(modules=[Module("data.json", '{"list": [1, "ü", {"__proto__": 2}]}')])
    source = f"import data from './data.json'{attribute}; export default data.list;"
    assert _value(runtime, source) == [1, "ü", {"__proto__": 2}]


def test_a_json_module_is_loaded_by_itself(runtime: QuickJSRuntime) -> None:
    module = runtime.load_module(Module("data.json", "[1, 2]"))
    assert runtime.get_value("default", module=module) == [1, 2]


def test_importers_of_a_json_module_share_it(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(modules=[Module("data.json", "{}")])
    assert _value(runtime, "import d from 'data.json'; d.x = 1; export default 0;", "a.js") == 0
    assert _value(runtime, "import d from 'data.json'; export default d;", "b.js") == {"x": 1}


def test_a_json_module_that_does_not_parse_is_a_syntax_error(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(modules=[Module("data.json", '{\n"a": }')])
    with pytest.raises(JSSyntaxError) as caught:
        runtime.load_module(Module("user.js", "import data from './data.json';"))
    assert caught.value.filename == "data.json"
    with pytest.raises(JSSyntaxError):
        runtime.load_module(Module("other.json", "{"))


@pytest.mark.parametrize("attribute", ['type: "css"', 'integrity: "x"'])
def test_an_import_attribute_that_means_nothing_here_is_refused(
    make_runtime: MakeRuntime, attribute: str
) -> None:
    runtime = make_runtime(modules=[Module("data.json", "{}")])
    source = f"import data from './data.json' with {{ {attribute} }};"
    with pytest.raises(JSError, match="not supported"):
        runtime.load_module(Module("user.js", source))


def test_a_missing_module_is_not_found_and_says_who_asked(runtime: QuickJSRuntime) -> None:
    source = "import { x } from './gone.js';"
    with pytest.raises(ModuleNotFound, match=r"gone\.js.*imported by 'lib/user\.js'") as caught:
        runtime.load_module(Module("lib/user.js", source))
    assert caught.value.runtime_usable


def test_a_module_missing_two_imports_away_is_not_found(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(modules=[Module("a.js", "import './b.js';")])
    with pytest.raises(ModuleNotFound, match=r"imported by 'a\.js'"):
        runtime.load_module(Module("user.js", "import './a.js';"))
    runtime.add_module(Module("b.js", "globalThis.b = 1;"))
    runtime.load_module(Module("user.js", "import './a.js';"))
    assert runtime.get_value("b") == 1


def test_a_missing_export_is_a_syntax_error(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(modules=[Module("a.js", "export const x = 1;")])
    with pytest.raises(JSSyntaxError, match="y"):
        runtime.load_module(Module("user.js", "import { y } from './a.js';"))
    assert _value(runtime, "import { x } from './a.js'; export default x;", "other.js") == 1


def test_a_module_whose_import_lacked_an_export_loads_once_it_is_mended(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(modules=[Module("a.js", "export const x = 1;")])
    with pytest.raises(JSSyntaxError):
        runtime.load_module(Module("user.js", "import { y } from './a.js'; export default y;"))
    assert _value(runtime, "import { x } from './a.js'; export default x;", "user.js") == 1


def test_a_syntax_error_names_the_place_in_the_module(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(modules=[Module("a.js", "let a = 1;\n  let b = = 2;\n")])
    for source in (Module("user.js", "import './a.js';"), Module("b.js", "\nlet c = = 1;")):
        with pytest.raises(JSSyntaxError) as caught:
            runtime.load_module(source)
        error = caught.value
        assert error.line == 2
        assert error.filename in ("a.js", "b.js")
        assert error.source_line in ("  let b = = 2;", "let c = = 1;")


@pytest.mark.parametrize(
    "broken",
    ["throw new Error('no');", "let a = = 1;", "import './gone.js';", "await Promise.reject(1);"],
)
def test_a_module_that_failed_may_be_loaded_again_once_it_is_mended(
    runtime: QuickJSRuntime, broken: str
) -> None:
    for _ in range(2):
        with pytest.raises((JSError, ModuleNotFound)):
            runtime.load_module(Module("a.js", broken))
    assert _value(runtime, "export default 'mended';", "a.js") == "mended"
    assert _value(runtime, "import x from './a.js'; export default x;") == "mended"


def test_an_imported_module_that_failed_may_be_replaced_once_it_is_mended(
    make_runtime: MakeRuntime,
) -> None:
    runtime = make_runtime(modules=[Module("a.js", "throw new Error('no');")])
    with pytest.raises(JSError, match="no"):
        runtime.load_module(Module("user.js", "import x from './a.js'; export default x;"))
    runtime.add_module(Module("a.js", "export default 'mended';"))
    assert _value(runtime, "import x from './a.js'; export default x;") == "mended"


def test_an_imported_module_that_did_not_parse_may_be_replaced(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(modules=[Module("a.js", "let a = = 1;")])
    with pytest.raises(JSSyntaxError):
        runtime.load_module(Module("user.js", "import x from './a.js'; export default x;"))
    runtime.add_module(Module("a.js", "export default 'mended';"))
    assert _value(runtime, "import x from './a.js'; export default x;") == "mended"


def test_a_failing_module_leaves_those_that_it_imported(make_runtime: MakeRuntime) -> None:
    lib = Module("lib.js", "globalThis.ran = (globalThis.ran ?? 0) + 1; export const x = 1;")
    runtime = make_runtime(modules=[lib])
    with pytest.raises(JSError):
        runtime.load_module(Module("user.js", "import { x } from 'lib.js'; throw new Error(x);"))
    assert _value(runtime, "import { x } from 'lib.js'; export default x;", "user.js") == 1
    assert runtime.get_value("ran") == 1


def test_another_source_under_a_name_in_use_is_refused(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(modules=[Module("a.js", "export default 1;")])
    runtime.add_module(Module("a.js", "export default 2;"))
    assert _value(runtime, "import x from 'a.js'; export default x;") == 2
    with pytest.raises(ValueError, match=r"a\.js"):
        runtime.add_module(Module("a.js", "export default 3;"))
    with pytest.raises(ValueError, match=r"a\.js"):
        runtime.load_module(Module("a.js", "export default 3;"))
    assert _value(runtime, "import x from 'a.js'; export default x;", "b.js") == 2


@pytest.mark.parametrize("name", ["", "a\0b.js"])
def test_a_name_that_is_none_is_refused(runtime: QuickJSRuntime, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a module"):
        runtime.load_module(Module(name, ""))
    with pytest.raises(ValueError, match="no name for a module"):
        runtime.add_module(Module(name, ""))


def test_a_name_may_hold_any_other_character(runtime: QuickJSRuntime) -> None:
    assert _value(runtime, "export default import.meta.url ?? 'ok';", "mödül 1/ä.js")


def test_top_level_await_is_awaited(make_runtime: MakeRuntime) -> None:
    lib = Module("lib.js", "export const x = await Promise.resolve(20);")
    runtime = make_runtime(modules=[lib])
    source = "import { x } from 'lib.js'; export default x + await (async () => 22)();"
    assert _value(runtime, source) == 42


def test_a_module_that_awaits_for_ever_is_an_error_at_once(runtime: QuickJSRuntime) -> None:
    with pytest.raises(UnsettledPromise):
        runtime.load_module(Module("a.js", "await new Promise(() => {});"), timeout=None)
    assert runtime.evaluate("1") == 1


def test_a_module_that_awaits_for_ever_may_be_loaded_again_once_it_is_mended(
    runtime: QuickJSRuntime,
) -> None:
    with pytest.raises(UnsettledPromise):
        runtime.load_module(Module("a.js", "await new Promise(() => {});"))
    assert _value(runtime, "export default 'mended';", "a.js") == "mended"


def test_a_module_that_never_ends_is_stopped(runtime: QuickJSRuntime) -> None:
    with pytest.raises(TimeoutExceeded) as caught:
        runtime.load_module(Module("a.js", "for (;;) {}"), timeout=0.05)
    assert caught.value.runtime_usable
    assert _value(runtime, "export default 'mended';", "a.js") == "mended"


def test_what_a_module_throws_names_its_place(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSError) as caught:
        runtime.load_module(Module("lib/a.js", "\n  null.x;"))
    error = caught.value
    assert (error.name, error.filename, error.line) == ("TypeError", "lib/a.js", 2)
    assert error.source_line == "  null.x;"


def test_dynamic_import_finds_what_was_handed_over(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime(modules=[Module("lib/a.js", "export const x = 1;")])
    assert runtime.evaluate("import('lib/a.js').then((a) => a.x)") == 1
    source = "export default await import('./a.js').then((a) => a.x);"
    assert _value(runtime, source, "lib/user.js") == 1


def test_dynamic_import_of_anything_else_rejects_and_can_be_caught(
    runtime: QuickJSRuntime,
) -> None:
    source = "import('./gone.js').catch((error) => [error.name, error instanceof Error])"
    assert runtime.evaluate(source) == ["ModuleNotFound", True]
    with pytest.raises(ModuleNotFound, match="gone"):
        runtime.evaluate("import('./gone.js')")


def test_side_modules_run_in_their_order_before_the_main_one(
    make_runtime: MakeRuntime, events: list[ConsoleEvent]
) -> None:
    runtime = make_runtime(console=events.append)
    main = runtime.load_main_module(
        Module("main.js", "import './b.js'; console.log('main');"),
        [Module(f"{name}.js", f"console.log('{name}');") for name in "cab"],
    )
    assert [event.text for event in events] == ["c", "a", "b", "main"]
    assert main.name == "main.js"


def test_side_modules_may_import_later_ones_and_the_main_one(runtime: QuickJSRuntime) -> None:
    main = runtime.load_main_module(
        Module("main.js", "export const x = 1; export { y } from './a.js';"),
        [
            Module("a.js", "import { z } from './b.js'; export const y = z + 1;"),
            Module("b.js", "import { x } from './main.js'; export const z = x + 1;"),
        ],
    )
    assert runtime.get_value("y", module=main) == 3


def test_a_main_module_that_failed_leaves_room_for_another(runtime: QuickJSRuntime) -> None:
    with pytest.raises(JSError):
        runtime.load_main_module(Module("main.js", "throw new Error();"))
    main = runtime.load_main_module(Module("main.js", "export const x = 1;"))
    assert runtime.get_value("x", module=main) == 1


def test_a_modules_own_variables_are_hidden(runtime: QuickJSRuntime) -> None:
    module = runtime.load_module(Module("a.js", "const secret = 1; export {};"))
    with pytest.raises(ValueNotFound):
        runtime.get_value("secret", module=module)
    assert runtime.evaluate("typeof secret") == "undefined"


def test_a_module_handle_of_the_wrong_kind_is_a_type_error(runtime: QuickJSRuntime) -> None:
    with pytest.raises(TypeError, match="ModuleHandle"):
        runtime.get_value("x", module="a.js")  # type: ignore[call-overload]


def test_a_long_chain_of_modules_loads(make_runtime: MakeRuntime) -> None:
    chain = [
        Module(f"m{n}.js", f"import x from './m{n + 1}.js'; export default x + 1;")
        for n in range(200)
    ]
    runtime = make_runtime(modules=[*chain, Module("m200.js", "export default 0;")])
    assert _value(runtime, "import x from './m0.js'; export default x;") == 200
