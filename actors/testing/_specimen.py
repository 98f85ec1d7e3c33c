"""What the conformance suite must know of a worker type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.handle import WorkerHandle
    from actors.query import Query


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """A worker type under test: how one is spawned, and what is sent to it.

    ::

        PRICING = Specimen(
            spawn=partial(Pricing.spawn, PricingOptions({"tea": 420, "cup": 690})),
            answers=[(Quote("tea"), Price(420)), (Quote("cup"), Price(690))],
            failing=Quote("gold"),
            error=KeyError,
        )

    A member that is None says that the worker has no such thing: the checks that need it do not
    apply.

    Attributes:
        spawn: Spawns a worker, as `Worker.spawn` does; it is called with the keyword arguments
            ``name`` and ``supervision`` at most, many times.
        answers: Queries, each with its response. They get it however often and in whatever order
            they are sent, after a restart too. With several different ones, the checks find out
            whether answers are mixed up.
        failing: A query that the worker answers with an error, and goes on.
        error: The class of that error.
        endless: A query that runs until it is stopped.
        deadly: A query that costs the worker its thread or its runtime.
        failing_spawn: Spawns a worker whose start fails.
        counting: A query whose responses count up by one each time that it is answered, from
            whatever number on: as a script does that counts in a variable. It says that the worker
            has checkpoints; then `spawn` is called with ``checkpoint`` too.
        patience: Seconds after which whatever does not happen is taken for never happening.
    """

    spawn: Callable[..., WorkerHandle[Any]]
    answers: Sequence[tuple[Query[Any], Any]]
    failing: Query[Any] | None = None
    error: type[Exception] = Exception
    endless: Query[Any] | None = None
    deadly: Query[Any] | None = None
    failing_spawn: Callable[[], object] | None = None
    counting: Query[int] | None = None
    patience: float = 10.0

    def __post_init__(self) -> None:
        """Refuse a specimen that nothing could be asked.

        Raises:
            ValueError: If `answers` is empty, or `patience` is not above 0.
        """
        if not self.answers:
            raise ValueError("a specimen needs at least one query with its response")
        if not self.patience > 0:
            raise ValueError(f"patience must be above 0, not {self.patience!r}")
