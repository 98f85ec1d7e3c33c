"""Child specs: what a supervisor is told about each of its children."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors._pools.routing import Choose, ConsistentHash, RouterName
    from actors._trees.guardian import RestartType, State, Strategy
    from actors.checkpoints import Checkpoint
    from actors.mailbox import MailboxOptions
    from actors.supervision import Supervision
    from actors.worker import Worker


@dataclass(frozen=True)
class WorkerSpec:
    """One worker.

    Attributes:
        worker_class: A subclass of `Worker`.
        options: Its options; None takes the class's default options.
        name: Its name within its supervisor.
        restart: ``"permanent"``: it is always restarted. ``"transient"``: only if it was lost, not
            if it left by itself (`Worker.leave`). ``"temporary"``: never; it is forgotten when it
            has ended.
        shutdown: Seconds that it may take for what is queued (or, if it is only to be restarted
            with others, for the query that runs) before it is stopped hard; None for as long as it
            takes.
        supervision: Its start timeout, stuck grace, health checks, renewals and checkpoints; None
            takes its supervisor's. Intensity, period and back-off are always the supervisor's.
        mailbox: How queries are queued; None takes the class's.
        checkpoint: What it is made of, and restarted from until there is a newer one; None makes it
            anew.
    """

    worker_class: type[Worker[Any, Any]]
    options: Any = None
    _: KW_ONLY
    name: str
    restart: RestartType = "permanent"
    shutdown: float | None = 30.0
    supervision: Supervision | None = None
    mailbox: MailboxOptions | None = None
    checkpoint: Checkpoint | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: If something is out of its range.
        """
        _check(self)


@dataclass(frozen=True)
class PoolSpec:
    """A pool of workers, with a supervisor of its own below this one.

    Attributes:
        worker_class: A subclass of `Worker`.
        size: How many workers; at least 1.
        options: Options for each of them; None takes the class's default options.
        name: Its name within its supervisor.
        restart: What happens when the pool gives up, because too many of its workers were lost;
            see `WorkerSpec`.
        shutdown: Seconds that the pool may take for what is queued; see `WorkerSpec`.
        supervision: What its supervisor puts up with.
        max_size: See `WorkerPool`.
        idle_timeout: See `WorkerPool`.
        router: See `WorkerPool`.
        mailbox: See `WorkerPool`.
    """

    worker_class: type[Worker[Any, Any]]
    size: int
    options: Any = None
    _: KW_ONLY
    name: str
    restart: RestartType = "permanent"
    shutdown: float | None = 30.0
    supervision: Supervision | None = None
    max_size: int | None = None
    idle_timeout: float = 30.0
    router: RouterName | ConsistentHash | Choose = "round_robin"
    mailbox: MailboxOptions | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: If something is out of its range.
        """
        _check(self)


@dataclass(frozen=True)
class SupervisorSpec:
    """A supervisor below another.

    Attributes:
        children: The specs of its children, in the order in which they start.
        name: Its name within its supervisor.
        strategy: See `Supervisor`.
        supervision: What it puts up with.
        restart: What happens when it gives up; see `WorkerSpec`.
        shutdown: Seconds that all its children together may take; None for as long as each of them
            may.
    """

    children: Iterable[ChildSpec]
    _: KW_ONLY
    name: str
    strategy: Strategy = "one_for_one"
    supervision: Supervision | None = None
    restart: RestartType = "permanent"
    shutdown: float | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: If something is out of its range.
        """
        object.__setattr__(self, "children", tuple(self.children))
        _check(self)
        check_strategy(self.strategy)


ChildSpec: TypeAlias = WorkerSpec | PoolSpec | SupervisorSpec
"""What may stand below a supervisor."""


@dataclass(frozen=True)
class ChildInfo:
    """How a supervisor's child stands.

    Attributes:
        name: Its name.
        kind: ``"worker"``, ``"pool"`` or ``"supervisor"``.
        state: ``"starting"``, ``"ready"``, ``"restarting"``, ``"stopping"`` or ``"stopped"``.
        restarts: How often it was restarted because it was lost.
        restart: Its restart type.
    """

    name: str
    kind: Literal["worker", "pool", "supervisor"]
    state: State
    restarts: int
    restart: RestartType


def _check(spec: ChildSpec) -> None:
    if not isinstance(spec.name, str) or not spec.name:
        raise ValueError(f"name must be a string that is not empty, not {spec.name!r}")
    if spec.restart not in ("permanent", "transient", "temporary"):
        raise ValueError(
            f'restart must be "permanent", "transient" or "temporary", not {spec.restart!r}'
        )
    if spec.shutdown is not None and not spec.shutdown >= 0:
        raise ValueError(f"shutdown must not be negative, or None, not {spec.shutdown!r}")


def check_strategy(strategy: Strategy) -> None:
    """Refuse a strategy that there is not.

    Raises:
        ValueError: There is not.
    """
    if strategy not in ("one_for_one", "one_for_all", "rest_for_one"):
        raise ValueError(
            f'strategy must be "one_for_one", "one_for_all" or "rest_for_one", not {strategy!r}'
        )
