"""The hooks around a query. What a class does not override it does not pay for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from actors._lives import answer
from actors._lives.life import Leave
from actors._threads import report_unraisable

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors._replies.reply import Reply
    from actors.worker import Worker

Run: TypeAlias = "Callable[[Worker[Any, Any], Any, Any, Reply[Any], bool], Any]"
"""How a query is run inside its own context."""


def way_to_run(kind: type[Worker[Any, Any]]) -> Run:
    """Choose, once for a class, how its queries are run."""
    from actors.worker import Worker

    hooked = (
        kind.before_query is not Worker.before_query or kind.after_query is not Worker.after_query
    )
    return run_with_hooks if hooked else answer.run


def run_with_hooks(
    worker: Worker[Any, Any], runtime: Any, query: Any, message: Reply[Any], traced: bool
) -> Any:
    """Run the handler between its hooks, all of it inside the query's own context."""
    answer.enter(worker, message, traced)
    worker.before_query(query)
    try:
        response = worker.handle_query(runtime, query)
    except BaseException as error:
        _after(worker, query, None, error)
        raise
    _after(worker, query, response, None)
    return response


def _after(
    worker: Worker[Any, Any], query: Any, response: Any, error: BaseException | None
) -> None:
    try:
        worker.after_query(query, response, error)
    except Exception as failure:
        report_unraisable(failure)


def serve_and_idle(worker: Worker[Any, Any], runtime: Any) -> None:
    """The loop of a worker that has something to do when it has nothing to do."""
    cell, take, respond = worker._cell, worker._take, answer.answer
    message = None
    try:
        while True:
            try:
                message = take(worker.idle_after)
            except TimeoutError:
                _idle(worker, runtime)
                message = take()
            if message is None:
                return
            respond(worker, cell, runtime, message)
    except BaseException as error:
        answer.see_to(cell, worker, message, error)
        raise


def _idle(worker: Worker[Any, Any], runtime: Any) -> None:
    try:
        worker.on_idle(runtime)
    except Exception as error:
        report_unraisable(error)
    if not worker.is_current():  # it took too long, and another reads the mailbox now
        raise Leave("abandoned")
    if worker._watches_usable and not runtime.usable:  # else the next query would find that out
        raise Leave("replace")
