"""Mistakes in a worker class, found when a worker is spawned and not at its first query."""

from __future__ import annotations

import inspect
import types
import typing
from typing import TYPE_CHECKING, Any

from actors._checks import check_instance, check_seconds
from actors._lives.generics import arguments_of, options_types_of
from actors.checkpoints import Checkpoint
from actors.errors import CheckpointError
from actors.mailbox import MailboxOptions
from actors.supervision import Supervision
from runtimes import CanMove

if TYPE_CHECKING:
    from actors.worker import Worker


_HOOKS = (
    "init_runtime",
    "handle_query",
    "close_runtime",
    "on_start",
    "on_stop",
    "on_failure",
    "before_query",
    "after_query",
    "on_idle",
    "check_health",
    "save_state",
    "restore_runtime",
    "routing_key",
    "serve",
)


def refuse_mistakes(
    kind: type[Worker[Any, Any]],
    options: object,
    supervision: object,
    mailbox: object,
    checkpoint: object = None,
) -> None:
    """Look whether a class is a worker's and says all that it must, and what it is started with.

    Raises:
        TypeError: It does not, or that is not what it should be.
    """
    from actors.worker import Worker

    if not isinstance(kind, type) or not issubclass(kind, Worker):
        raise TypeError(f"worker_class must be a subclass of Worker, not {kind!r}")
    _check_class(kind, Worker)
    check_instance("supervision", supervision, Supervision)
    check_instance("mailbox", mailbox, MailboxOptions)
    check_instance("checkpoint", checkpoint, Checkpoint)
    _check_lending(kind, kind.mailbox if mailbox is None else mailbox)
    wanted = options_types_of(kind)
    if wanted and not any(getattr(each, "_is_protocol", False) for each in wanted):
        check_instance("options", options, *wanted)
    if isinstance(checkpoint, Checkpoint):
        _check_checkpoint(kind, checkpoint, supervision)


def _check_class(kind: type[Worker[Any, Any]], base: type[Worker[Any, Any]]) -> None:
    name = kind.__name__
    if arguments_of(kind) is None:
        raise TypeError(
            f"{name} does not say what its options and its queries are:"
            f" write class {name}(Worker[Options, Query])"
        )
    for method, what in (
        ("init_runtime", "makes the runtime (and may return None)"),
        ("handle_query", "answers a query"),
    ):
        if getattr(kind, method) is getattr(base, method):
            raise TypeError(f"{name} has no {method}, which {what}")
    if _depth(kind, "save_state") < _depth(kind, "restore_runtime"):
        raise TypeError(
            f"{name} has a save_state, but no restore_runtime beside it that gives what it saves to"
            " the next incarnation"
        )
    for method in _HOOKS:
        hook = getattr(kind, method)
        if inspect.iscoroutinefunction(hook) or inspect.isasyncgenfunction(hook):
            raise TypeError(
                f"{name}.{method} is async, but hooks are called on the worker's own thread, where"
                " no loop runs; a plain one may call asyncio.run(...)"
            )
    check_instance("the class's mailbox", kind.mailbox, MailboxOptions)
    check_seconds(f"{name}.idle_after", kind.idle_after)


def _check_lending(kind: type[Worker[Any, Any]], mailbox: Any) -> None:
    from actors.worker import Worker

    if not mailbox.caller_runs:
        return
    if kind.serve is not Worker.serve:
        raise TypeError(f"{kind.__name__} has a serve of its own, which caller_runs would bypass")
    if kind.idle_after is not None:
        raise TypeError(f"{kind.__name__} wants to know when it is idle; caller_runs cannot say")


def refuse_unmovable(runtime: object) -> None:
    """Look whether a runtime can be used on the threads that ask, for ``caller_runs``.

    Raises:
        TypeError: It cannot.
    """
    if not isinstance(runtime, CanMove):
        raise TypeError(
            f"caller_runs needs a runtime that can change threads: {type(runtime).__name__} has no"
            " move_here() (which may do nothing, if any thread may use it)"
        )


def _depth(kind: type, method: str) -> int:
    """Return how many classes up the nearest one stands that says what a method does."""
    return next(i for i, base in enumerate(kind.__mro__) if method in vars(base))


def _check_checkpoint(
    kind: type[Worker[Any, Any]], checkpoint: Checkpoint, supervision: object
) -> None:
    name = kind.__name__
    if not can_resume(kind):
        raise TypeError(f"{name} has no restore_runtime, which makes a worker of a checkpoint")
    if checkpoint.worker_type != kind.__qualname__:
        raise TypeError(f"the checkpoint is one of a {checkpoint.worker_type}, not of a {name}")
    if isinstance(supervision, Supervision) and supervision.renew_above_bytes is not None:
        raise ValueError(
            "renew_above_bytes does not go with a checkpoint: what is made of one is as big as"
            " before"
        )


def refuse_no_runtime(kind: type[Worker[Any, Any]]) -> None:
    """Look whether ``init_runtime``, which has returned None, promises a runtime.

    Raises:
        TypeError: It does.
    """
    try:
        promised = typing.get_type_hints(kind.init_runtime).get("return")
    except Exception:  # names that only a type checker can see
        return
    if isinstance(promised, type) and promised not in (object, types.NoneType, typing.Any):
        says = f"says that it returns a {promised.__name__}"
        raise TypeError(f"{kind.__name__}.init_runtime {says}, but it returned None")


def refuse_no_snapshot(worker: Worker[Any, Any], runtime: object) -> None:
    """See that checkpoints of a worker can be taken, and workers made of them.

    Raises:
        CheckpointError: They cannot.
    """
    kind, name = type(worker).__name__, worker._cell.name
    if not can_resume(type(worker)):
        text = (
            f"a {kind} cannot be resumed: it has no restore_runtime, which makes it of a snapshot"
        )
        raise CheckpointError(text, worker=name)
    if not callable(getattr(runtime, "snapshot", None)):
        made = "has no runtime" if runtime is None else f"has a {type(runtime).__name__}"
        text = f"a {kind} has no checkpoints: it {made}, which has no snapshot()"
        raise CheckpointError(text, worker=name)


def can_resume(kind: type[Worker[Any, Any]]) -> bool:
    """Return whether a class says how a worker is made of a snapshot."""
    from actors.worker import Worker

    return kind.restore_runtime is not Worker.restore_runtime
