"""How workers are supervised: limits, patience, and the count of restarts."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from actors._checks import check_counts, check_seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervision:
    """What a supervisor puts up with. Times are seconds; None is unlimited.

    Attributes:
        intensity: Restarts that are allowed within `period`, over all workers of a pool together;
            one more closes the pool (or the lone worker) with `RestartLimitExceeded`. A runtime
            that a script used up (a hard stop, its memory, its stack) is replaced without being
            counted, for that is the script's fault, and whoever sent it was told.
        period: See `intensity`.
        start_timeout: How long a start may take, ``init_runtime`` included.
        start_attempts: How often a *re*start may fail in a row before the supervisor gives up. The
            first start is never retried: `spawn` raises.
        backoff: Pause before the second restart in a row; it doubles with each further one, with a
            random part. The first is not delayed.
        backoff_limit: The longest pause.
        stuck_grace: How long a run may go on after it was told to stop, before its thread is given
            up and the worker gets a new one. It happens when a host function or handler blocks.
        max_abandoned: How many given-up threads of one worker may be alive at once; one more closes
            it as too many restarts would.
        health_interval: How often a worker is asked whether it is sound (`Worker.check_health`),
            between two queries and before what is queued; None never asks. One that is not is
            restarted, and counted.
        health_timeout: How long an answer may take, before the thread of a worker that runs no
            query is given up.
        renew_after_queries: After how many queries a worker is renewed: another incarnation is
            started beside it, and takes over between two queries when it is ready. Nothing waits,
            and nothing is counted.
        renew_after: The same, after so many seconds.
        renew_above_bytes: The same, when the runtime's memory (its ``memory_used``) has grown to
            more than this; it is looked at after every 16th query.
        checkpoint_every_queries: After how many queries a checkpoint of a worker is taken, between
            two of them, so that it is restarted from the last one instead of from nothing. The next
            query waits meanwhile: a millisecond or so for each megabyte that the script holds.
        checkpoint_every_seconds: The same, so many seconds after the first query that is not in the
            last checkpoint.
    """

    intensity: int = 3
    period: float = 5.0
    start_timeout: float | None = 30.0
    start_attempts: int = 3
    backoff: float = 0.05
    backoff_limit: float = 5.0
    stuck_grace: float = 1.0
    max_abandoned: int = 4
    health_interval: float | None = None
    health_timeout: float = 5.0
    renew_after_queries: int | None = None
    renew_after: float | None = None
    renew_above_bytes: int | None = None
    checkpoint_every_queries: int | None = None
    checkpoint_every_seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            TypeError: If something is no number.
            ValueError: If a number is out of its range.
        """
        counts = ("intensity", "start_attempts", "max_abandoned")
        limits = ("renew_after_queries", "renew_above_bytes", "checkpoint_every_queries")
        check_counts(self, (*counts, *limits))
        for name in (
            "period", "start_timeout", "backoff", "backoff_limit", "stuck_grace", "renew_after",
            "health_interval", "health_timeout", "checkpoint_every_seconds",
        ):  # fmt: skip
            check_seconds(name, getattr(self, name))
        at_least = {"intensity": 0, "start_attempts": 1, "max_abandoned": 0}
        for name, least in at_least.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)!r}")
        health = ("health_interval", "health_timeout", "checkpoint_every_seconds")
        for name in ("period", "start_timeout", *health, *limits, "renew_after"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0, not {value!r}")
        for name in ("backoff", "backoff_limit", "stuck_grace"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative")
        if self.takes_checkpoints and self.renew_above_bytes is not None:
            raise ValueError(
                "renew_above_bytes does not go with checkpoints: what is made of one is as big as"
                " before"
            )

    @property
    def takes_checkpoints(self) -> bool:
        """Whether it asks for them."""
        return (
            self.checkpoint_every_queries is not None or self.checkpoint_every_seconds is not None
        )

    def start_deadline(self) -> float | None:
        """Return the instant until which a worker that is launched now must be ready."""
        return None if self.start_timeout is None else monotonic() + self.start_timeout


class RestartBudget:
    """Counts restarts in a sliding window, and says how long to wait before the next.

    The algorithm is that of OTP's ``supervisor`` (``add_restart`` in ``supervisor.erl``). Not
    thread-safe: it belongs to its supervisor's thread.
    """

    def __init__(self, policy: Supervision) -> None:
        """Start with nothing spent."""
        self._policy = policy
        self._spent: list[float] = []

    def spend(self, now: float) -> bool:
        """Count one restart at the instant `now`; return False if it was one too many."""
        spent = self._spent
        spent.append(now)
        while spent and spent[0] < now - self._policy.period:
            del spent[0]
        return len(spent) <= self._policy.intensity

    @property
    def recent(self) -> int:
        """How many restarts were counted within the last period."""
        return len(self._spent)

    def pause(self, failures: int) -> float:
        """Return the seconds to wait before the restart that follows `failures` in a row.

        Exponential with equal jitter: between half of the pause and all of it, so that workers that
        fell together do not rise together.
        """
        policy = self._policy
        if failures <= 1 or policy.backoff == 0:
            return 0.0
        pause = min(policy.backoff_limit, policy.backoff * 2.0 ** min(failures - 2, 60))
        from random import random  # only here, for it takes 3 ms to import

        return pause * (0.5 + 0.5 * random())
