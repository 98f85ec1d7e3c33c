"""The options of the worker for those who just want to run JavaScript."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from runtimes import DEFAULT, Default, RuntimeOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runtimes import ConsoleEvent, HostFunction, Module, Snapshot

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class DefaultWorkerOptions:
    """Options of a `DefaultWorker`. Limits are for one worker; None means unlimited.

    Attributes:
        default_entrypoint: Name of the function that is a module's entrypoint if it registers none
            and has no default export.
        timeout: Seconds that one run may take, from its start. A query's own timeout, which counts
            the time in the queue too, comes on top.
        memory_limit_bytes: All that the script may hold.
        stack_limit_bytes: JavaScript's stack; at most 128 KiB.
        result_limit_bytes: Encoded size of one result.
        result_limit_nodes: Values in one result; by default as `RuntimeOptions` says.
        hard_stop: How code that never polls is stopped; see `RuntimeOptions`.
        hard_stop_grace: Seconds between the deadline, when the script is asked to stop, and the
            hard stop, which costs the worker its runtime.
        allocation: Where a runtime's memory comes from; ``"on_demand"`` for workers that are to
            take a `SharedBuffer`. See `RuntimeOptions`.
        host_functions: Name to Python callable, or namespace to a mapping of those. They run on the
            worker's thread (with ``caller_runs``, on the thread that asks); with a pool they are
            called by several threads at once.
        modules: Modules to load at the start, in this order, before any query. All of them may be
            imported by name.
        globals: Name to value, set on ``globalThis`` before any script runs.
        console: Called with each console event, on the worker's thread (with ``caller_runs``,
            on the thread that asks). None hands them to the trace, so that they go to structlog if
            the program configured it.
        snapshot: What the runtime is made of at each start, instead of an empty one. Modules that
            it has loaded are not run again, and are known by their names.
    """

    default_entrypoint: str | None = None
    timeout: float | None = 30.0
    memory_limit_bytes: int | None = 64 * MIB
    stack_limit_bytes: int = 128 * 1024
    result_limit_bytes: int | None = 64 * MIB
    result_limit_nodes: int | Default | None = DEFAULT
    hard_stop: Literal["check", "epoch"] = "check"
    hard_stop_grace: float = 0.25
    allocation: Literal["pooled", "on_demand"] = "pooled"
    host_functions: Mapping[str, HostFunction | Mapping[str, HostFunction]] = field(
        default_factory=dict
    )
    modules: Sequence[Module] = ()
    globals: Mapping[str, Any] = field(default_factory=dict)
    console: Callable[[ConsoleEvent], None] | None = None
    snapshot: Snapshot | None = None

    def __post_init__(self) -> None:
        """Refuse limits that make no sense.

        Raises:
            ValueError: As `RuntimeOptions` does.
        """
        self.runtime_options(None)

    def runtime_options(self, console: Callable[[ConsoleEvent], None] | None) -> RuntimeOptions:
        """Return what a worker gives its runtime."""
        return RuntimeOptions(
            timeout=self.timeout,
            memory_limit_bytes=self.memory_limit_bytes,
            stack_limit_bytes=self.stack_limit_bytes,
            result_limit_bytes=self.result_limit_bytes,
            result_limit_nodes=self.result_limit_nodes,
            hard_stop=self.hard_stop,
            hard_stop_grace=self.hard_stop_grace,
            allocation=self.allocation,
            default_entrypoint=self.default_entrypoint,
            console=self.console or console,
            host_functions=self.host_functions,
            modules=self.modules,
            globals=self.globals,
            snapshot=self.snapshot,
        )
