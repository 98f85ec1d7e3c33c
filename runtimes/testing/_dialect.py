"""What the conformance suite must be able to say in an engine's language."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """An engine's language, as far as the conformance suite speaks it.

    A member that is None says that the engine has no such thing: the checks that need it do not
    apply. Scripts are for `Runtime.evaluate`, module texts for `Runtime.load_module`.

    Attributes:
        name: What the language is called.
        value: Makes a script whose value is the given one: None, bool, number, text, or lists and
            dicts with text keys of those.
        definitions: A script that defines globals: functions ``same(x)`` (its argument), ``add(a,
            b)``, ``count()`` (1, 2, 3 ... at each call), ``fail(text)`` (throws an Error with it),
            ``members()`` (the names of what
            ``this`` has, sorted), and values ``answer`` (42), ``nothing`` (null) and
            ``missing`` (defined, but undefined).
        module: A module text that exports the same names, whose default export is a function
            ``(x) => ["default", x]``.
        entrypoint: A module text that registers the function ``(x) => ["registered", x]`` as its
            entrypoint, and exports a function ``main(x)`` that gives ``["main", x]``.
        main_only: A module text that exports such a ``main`` and offers no entrypoint itself.
        importing: Makes a module text that imports ``add`` from the module of the given name and
            exports ``twice(x)``.
        throwing: Makes a script, or module text, that throws an Error with the given text.
        unparsable: A script that does not parse.
        endless: A script that never ends by itself.
        uncatchable: A script that never ends, and tries to catch what stops it.
        promise: Makes a script whose value is a promise of such a value as `value` takes.
        never: A script whose value is a promise that nothing will settle.
        calling: Makes a script that calls a global by its name with arguments (as for `value`), and
            whose value is the result.
        catching: As `calling`, but its value is what was thrown: ``[name, message]``.
        saying: Makes a script that says the given values to the console, at level ``"log"``.
        deep: A script that recurses without end.
        greedy: A script that fills the memory without end.
    """

    name: str
    value: Callable[[Any], str] | None = None
    definitions: str | None = None
    module: str | None = None
    entrypoint: str | None = None
    main_only: str | None = None
    importing: Callable[[str], str] | None = None
    throwing: Callable[[str], str] | None = None
    unparsable: str | None = None
    endless: str | None = None
    uncatchable: str | None = None
    promise: Callable[[Any], str] | None = None
    never: str | None = None
    calling: Callable[[str, Sequence[Any]], str] | None = None
    catching: Callable[[str, Sequence[Any]], str] | None = None
    saying: Callable[[Sequence[Any]], str] | None = None
    deep: str | None = None
    greedy: str | None = None


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(json.dumps(value) for value in values)


_FUNCTIONS = """
function same(x) { return x; }
function add(a, b) { return a + b; }
var counted = 0;
function count() { return ++counted; }
function fail(text) { throw new Error(text); }
function members() { return Object.keys(this).sort(); }
var answer = 42;
var nothing = null;
var missing = undefined;
"""

_EXPORTS = "export { same, add, count, fail, members, answer, nothing, missing };\n"

_MAIN = 'export function main(x) { return ["main", x]; }\n'

JAVASCRIPT = Dialect(
    name="JavaScript",
    value=lambda value: f"({json.dumps(value)})",
    definitions=_FUNCTIONS,
    module=_FUNCTIONS + _EXPORTS + 'export default function (x) { return ["default", x]; }',
    entrypoint=_MAIN + 'register_entrypoint((x) => ["registered", x]);',
    main_only=_MAIN + "export const other = 1;",
    importing=lambda name: (
        f"import {{ add }} from {json.dumps(name)};\n"
        "export function twice(x) { return add(x, x); }"
    ),
    throwing=lambda text: f"throw new Error({json.dumps(text)});",
    unparsable="let let = ;",
    endless="for (;;) {}",
    uncatchable="for (;;) { try { for (;;) {} } catch {} finally { continue; } }",
    promise=lambda value: f"Promise.resolve().then(() => ({json.dumps(value)}))",
    never="new Promise(() => {})",
    calling=lambda name, args: f"{name}({_listed(args)})",
    catching=lambda name, args: (
        f"try {{ {name}({_listed(args)}); }} catch (error) {{ [error.name, error.message]; }}"
    ),
    saying=lambda values: f"console.log({_listed(values)});",
    deep="(function deeper() { return deeper() + 1; })()",
    greedy="{ const kept = []; for (;;) kept.push('x'.repeat(100000) + kept.length); }",
)
"""JavaScript, for any engine that speaks it."""
