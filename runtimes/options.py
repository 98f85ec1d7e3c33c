"""What a runtime is given: limits, host functions, modules, globals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from runtimes.modules import Module
from runtimes.snapshots import Snapshot

if TYPE_CHECKING:
    from runtimes.console import ConsoleEvent

MIB = 1024 * 1024


class Default:
    """The type of `DEFAULT`."""

    def __repr__(self) -> str:
        """Show as in signatures."""
        return "DEFAULT"

    def __reduce__(self) -> str:
        """Copies and pickles are the one instance again."""
        return "DEFAULT"


DEFAULT = Default()
"""Take what the options say, or what follows from them; None would mean unlimited."""

HostFunction: TypeAlias = Callable[..., Any]
"""A Python callable that scripts may call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeOptions:
    """Options of a runtime. Limits are for one runtime; None means unlimited, never 0 or -1.

    Attributes:
        timeout: Seconds that one run may take, from its start.
        memory_limit_bytes: All that the guest may hold: heap, buffers, the codec's own buffers.
        stack_limit_bytes: JavaScript's stack; at most 128 KiB, which is some 420 plain calls deep.
        result_limit_bytes: Encoded size of one result.
        result_limit_nodes: Values in one result, containers and their members counted alike. By
            default one for each 64 bytes of the memory limit, since that is what one may take in
            Python, and at most 4 million.
        default_entrypoint: Name of the function that is a module's entrypoint if it registers none
            and has no default export.
        hard_stop: How code that never polls is stopped: ``"check"`` by tests built into the guest
            (free), ``"epoch"`` by tests that wasmtime adds (a third slower; it also holds against
            a guest whose own code was corrupted).
        hard_stop_grace: Seconds between the deadline, when the script is asked to stop, and the
            hard stop, which costs the runtime.
        allocation: Where the memory comes from: ``"pooled"`` is a slot that is kept warm, where
            there are slots and one is free (see `configure`), else as ``"on_demand"``, which asks
            the system for memory and gives it back. On demand takes longer to make, and keeps
            nothing; and only such a runtime takes a `SharedBuffer`.
        console: Called with each console event on the runtime's own thread; None drops them.
        host_functions: Name to callable, or namespace to a mapping of those.
        modules: Modules that may be imported by name; they run when first imported.
        globals: Name to value, set on ``globalThis`` before any script runs.
        snapshot: What the runtime starts from, instead of from nothing. All other options are those
            of the new runtime; host functions are bound by name to what the snapshot's scripts
            know, and `globals` are set after it.
    """

    timeout: float | None = 30.0
    memory_limit_bytes: int | None = 64 * MIB
    stack_limit_bytes: int = 128 * 1024
    result_limit_bytes: int | None = 64 * MIB
    result_limit_nodes: int | Default | None = DEFAULT
    default_entrypoint: str | None = None
    hard_stop: Literal["check", "epoch"] = "check"
    hard_stop_grace: float = 0.25
    allocation: Literal["pooled", "on_demand"] = "pooled"
    console: Callable[[ConsoleEvent], None] | None = None
    host_functions: Mapping[str, HostFunction | Mapping[str, HostFunction]] = field(
        default_factory=dict
    )
    modules: Sequence[Module] = ()
    globals: Mapping[str, Any] = field(default_factory=dict)
    snapshot: Snapshot | None = None

    def __post_init__(self) -> None:
        """Refuse limits that make no sense.

        Raises:
            TypeError: If an option is of a wrong type.
            ValueError: If a limit is zero, negative, not a number, or too small to boot with.
        """
        self._check_types()
        for name in ("timeout", *_COUNTS):
            limit = getattr(self, name)
            if isinstance(limit, (int, float)) and not limit > 0:
                raise ValueError(f"{name} must be above 0, or None for unlimited; got {limit!r}")
        if self.memory_limit_bytes is not None and self.memory_limit_bytes < MIB:
            raise ValueError(f"memory_limit_bytes must be at least {MIB}")
        if not 16 * 1024 <= self.stack_limit_bytes <= 128 * 1024:
            raise ValueError("stack_limit_bytes must be between 16 KiB and 128 KiB")
        if not self.hard_stop_grace >= 0:
            raise ValueError("hard_stop_grace must not be negative")
        if self.hard_stop not in ("check", "epoch"):
            raise ValueError(f"hard_stop must be 'check' or 'epoch', not {self.hard_stop!r}")
        if self.allocation not in ("pooled", "on_demand"):
            raise ValueError(f"allocation must be 'pooled' or 'on_demand', not {self.allocation!r}")

    def _check_types(self) -> None:
        for name, (allowed, expected) in _TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, allowed) or isinstance(value, bool):
                raise TypeError(
                    f"{name} must be {expected}, not {_shown(value)}{_advice(name, value)}"
                )
        if self.console is not None and not callable(self.console):
            raise TypeError(f"console must be a callable or None, not {_shown(self.console)}")
        for module in self.modules:
            if not isinstance(module, Module):
                raise TypeError(f"modules must be Modules, not {_shown(module)}")


def _shown(value: object) -> str:
    """Show a wrong value, or only its type: it may be a whole heap, or source, with its secrets."""
    short = value is None or isinstance(value, (bool, int, float))
    return repr(value) if short else type(value).__name__


def _advice(name: str, value: object) -> str:
    read = name == "snapshot" and isinstance(value, (bytes, bytearray, memoryview))
    return "; read bytes with Snapshot.from_bytes" if read else ""


_COUNTS = ("memory_limit_bytes", "result_limit_bytes", "result_limit_nodes")
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "timeout": ((int, float, type(None)), "a number of seconds or None"),
    **dict.fromkeys(_COUNTS, ((int, Default, type(None)), "an int or None")),
    "stack_limit_bytes": ((int,), "an int"),
    "hard_stop_grace": ((int, float), "a number of seconds"),
    "default_entrypoint": ((str, type(None)), "a function's name or None"),
    "host_functions": ((Mapping,), "a mapping of names to callables"),
    "globals": ((Mapping,), "a mapping of names to values"),
    "modules": ((Sequence,), "a sequence of Modules"),
    "snapshot": ((Snapshot, type(None)), "a Snapshot or None"),
}
