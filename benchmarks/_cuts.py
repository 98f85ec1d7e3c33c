"""Features cut out of the shipped code, to measure what each of them costs a message.

A cut names lines of a function and what stands there instead. The function is compiled anew with
them, and its code is swapped in place: same worker, same thread, same objects, only without the
feature. So what is compared is the shipped code with the shipped code less one thing. Lines that
are not found, because the code has changed, are an error, never a quiet zero.
"""

from __future__ import annotations

import inspect
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors._lives import answer
from actors._lives.address import Address
from actors._mailboxes import mailbox
from actors._mailboxes.store import Store
from actors._replies.reply import Reply
from actors._replies.waiting import listen
from actors.handle import WorkerHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FunctionType


@dataclass(frozen=True)
class Edit:
    """Lines of a function, and those that stand there without the feature.

    Attributes:
        function: The function.
        lines: The lines; how deep they are indented does not matter.
        instead: What replaces them.
    """

    function: Callable[..., object]
    lines: str
    instead: str = ""


@dataclass(frozen=True)
class Cut:
    """A feature, and how to cut it out.

    Attributes:
        feature: Its name.
        edits: What to change.
    """

    feature: str
    edits: tuple[Edit, ...]

    def codes(self) -> list[tuple[FunctionType, CodeType]]:
        """Compile each function without the feature.

        Raises:
            LookupError: Lines are not there: the code has changed, and this module must follow.
        """
        by_function: dict[Callable[..., object], list[Edit]] = {}
        for edit in self.edits:
            by_function.setdefault(edit.function, []).append(edit)
        return [_compile(function, edits) for function, edits in by_function.items()]


@contextmanager
def swapped(codes: list[tuple[FunctionType, CodeType]]) -> Iterator[None]:
    """Give functions other code for a while."""
    kept = [(function, function.__code__) for function, _ in codes]
    try:
        for function, code in codes:
            function.__code__ = code
        yield
    finally:
        for function, code in kept:
            function.__code__ = code


def _compile(function: Callable[..., object], edits: list[Edit]) -> tuple[FunctionType, CodeType]:
    assert inspect.isfunction(function)
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    for edit in edits:
        _replace(lines, edit)
    source = "\n".join(["from __future__ import annotations", *lines])
    found: dict[str, FunctionType] = {}
    exec(compile(source, inspect.getfile(function), "exec"), function.__globals__, found)
    return function, found[function.__name__].__code__


def _replace(lines: list[str], edit: Edit) -> None:
    wanted = [line.strip() for line in textwrap.dedent(edit.lines).strip().splitlines()]
    places = [
        start
        for start in range(len(lines) - len(wanted) + 1)
        if [_code(line) for line in lines[start : start + len(wanted)]] == wanted
    ]
    if len(places) != 1:
        name = edit.function.__qualname__
        raise LookupError(f"{name} has these lines {len(places)} times:\n{edit.lines}")
    start = places[0]
    indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    instead = textwrap.indent(textwrap.dedent(edit.instead).strip(), indent).splitlines()
    lines[start : start + len(wanted)] = instead


def _code(line: str) -> str:
    return line.split("  # ")[0].strip()


_ANSWER, _POST, _INIT = answer.answer, Address.post, Reply.__init__

_IN_CONTEXT = "value = message._context.run(worker._run, worker, runtime, query, message, traced)"

CUTS = (
    Cut(
        "deadline",
        (
            Edit(
                _POST,
                """
                now = monotonic()
                deadline = inherit
                if timeout is not None:
                    if type(timeout) is not float or timeout != timeout:
                        check_seconds("timeout", timeout)
                    if inherit is None or now + timeout < inherit:
                        deadline = now + timeout
                reply = kind(query, self, now, deadline, flow)
                """,
                "reply = kind(query, self, 0.0, None, flow)",
            ),
            Edit(
                _POST,
                """
                if deadline is not None and deadline < self.watch.at:
                    self.watch.arm(deadline)
                """,
            ),
            Edit(
                _ANSWER,
                """
                deadline = message._deadline
                if deadline is not None and deadline <= now:
                    message._expire()
                """,
            ),
            Edit(
                _ANSWER,
                """
                if deadline is not None or worker._deadline_is_set:
                    set_deadline(worker, runtime, deadline)
                """,
            ),
        ),
    ),
    Cut(
        "runs that do not end are noticed",
        (
            Edit(_ANSWER, "now = monotonic()", "now = 0.0"),
            Edit(_ANSWER, "cell.run_started = now"),
            Edit(
                _ANSWER,
                """
                limit = worker.stuck_after
                if limit is not None and now + limit < cell.watch.at:
                    cell.watch.arm(now + limit + worker.stop_grace + cell.policy.stuck_grace)
                """,
            ),
        ),
    ),
    Cut(
        "tracing, nobody listening",
        (
            Edit(
                _INIT,
                """
                self._id = number = _next_id()
                parent = current.get()
                if parent is None:
                    self._trace = number
                    self._parent = 0
                else:
                    self._trace = parent._trace
                    self._parent = parent._id
                """,
            ),
            Edit(_ANSWER, "traced = listening()", "traced = False"),
            Edit(
                _ANSWER,
                """
                if traced:
                    message._context.run(_trace.query_done, cell, message, now)
                """,
                "pass",
            ),
        ),
    ),
    Cut(
        "exactly one reply (the claim)",
        (
            Edit(
                Reply._settle_quietly,
                """
                try:
                    del self._query
                except AttributeError:
                    return False
                """,
            ),
        ),
    ),
    Cut(
        "accounting of what runs, so that it can be stopped or given up",
        (
            Edit(_INIT, "self._started = False"),
            Edit(_INIT, "self._attempts = 0"),
            Edit(_ANSWER, "worker._running.append(message)"),
            Edit(
                _ANSWER,
                """
                if cell.hard:
                    cell.refuse(message, may_have_run=message._started)
                message._started = True
                """,
            ),
            Edit(
                _ANSWER,
                """
                else:
                    give_back(cell, worker)
                """,
                "else:",
            ),
        ),
    ),
    Cut(
        "a context of its own for each query",
        (
            Edit(_INIT, "self._context = copy_context()"),
            Edit(
                _ANSWER,
                _IN_CONTEXT,
                "value = worker._run(worker, runtime, query, message, traced)",
            ),
            Edit(_ANSWER, "message._context = NO_CONTEXT"),
            Edit(answer.run, "current.set(message)"),
        ),
    ),
    Cut(
        "bounds, priorities and closing of the mailbox",
        (
            Edit(
                WorkerHandle.send,
                "flow = None if tenant is None and priority == 0 else flow_key(priority, tenant)",
                "flow = None",
            ),
            Edit(_INIT, "self._flow = flow"),
            Edit(
                Store.put,
                """
                if self._bounded or message._flow is not None:
                    return self._put_with_care(message)
                """,
            ),
            Edit(Store.put, "return not self._closed or not self.remove(message)", "return True"),
            Edit(
                mailbox.Mailbox.take,
                """
                if self._attention or self._chosen:
                    self._took_own()
                """,
            ),
        ),
    ),
    Cut(
        "only the queries that the worker answers, frozen",
        (
            Edit(
                _POST,
                """
                plan = self._accepted.get(type(query))
                if plan is None:
                    plan = self._accepted[type(query)] = plan_for(self.worker_class, query)
                if plan is not True:
                    if type(plan) is Tagged:
                        flow = plan.flow_of(query, flow)
                    query = plan(query)
                """,
            ),
        ),
    ),
    Cut(
        "count of the answers, recycling",
        (
            Edit(_ANSWER, "cell.answered = answered = cell.answered + 1"),
            Edit(
                _ANSWER,
                """
                if answered >= cell.renew_at:
                    cell.look_at_age(runtime)
                """,
            ),
        ),
    ),
)
"""The features that are always on."""

ASKING = Cut(
    "asks that could never be answered are refused",
    (
        Edit(
            listen,
            """
            caller = current.get()
            if caller is None or not caller._addressee.about_to_wait(reply, bell):
                return _listen_once(reply, bell, limit, None)
            """,
            "return _listen_once(reply, bell, limit, None)",
        ),
    ),
)
"""On only where a reply is waited for."""

ALL = Cut("all of these", tuple(edit for cut in CUTS for edit in cut.edits))
