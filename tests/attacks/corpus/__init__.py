"""The attacks: one module for each kind."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from attacks.attack import Attack

KINDS: Final = (
    "loops",
    "jobs",
    "builtins",
    "numbers",
    "memory",
    "stubborn",
    "recursion",
    "nesting",
    "tampering",
    "globals",
    "errors",
    "results",
    "liars",
    "imports",
    "sources",
    "host",
    "sharing",
)


def attacks_of(kind: str) -> dict[str, Attack]:
    """Return the attacks of a kind by their names.

    Raises:
        ValueError: Two of them have the same name.
    """
    attacks: list[Attack] = import_module(f"attacks.corpus.{kind}").ATTACKS
    by_name = {attack.name: attack for attack in attacks}
    if len(by_name) != len(attacks):
        raise ValueError(f"two attacks of kind {kind} have the same name")
    return by_name
