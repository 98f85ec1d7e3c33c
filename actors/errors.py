"""The errors of workers and pools: one honest family.

::

    ActorsError                     base
      WorkerError                   about one worker       .worker .may_have_run
        WorkerStartError            its start failed; the cause is chained
        WorkerStopped               it was shut down before it could answer
        WorkerDied                  it broke or died under the query
      QueryTimeout                  (also TimeoutError)    .timeout .may_have_run
      QueryCancelled                somebody called cancel()       .may_have_run
      MailboxFull                   too much is queued     .capacity
      PoolClosed                    you closed the pool
      RestartLimitExceeded          it fell over too often .intensity .period
      AskCycle                      the ask could never be answered .workers

Errors of a runtime (``runtimes.errors``) and of your own handlers reach the caller as they are,
with a note that names the worker. Every getter of a reply gets an instance of its own.
"""

from __future__ import annotations

from typing import Any


class ActorsError(Exception):
    """Base of everything that workers and pools raise on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from ``args`` and attributes, so that errors survive pickling."""
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(kind: type[ActorsError], args: tuple[Any, ...], state: dict[str, Any]) -> ActorsError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class WorkerError(ActorsError):
    """Something about one worker.

    Attributes:
        worker: The worker's name.
        may_have_run: Whether the query may have had effects before this happened. False means that
            it surely did not run, so that sending it again is safe.
    """

    def __init__(self, message: str = "", *, worker: str = "", may_have_run: bool = False) -> None:
        super().__init__(message)
        self.worker = worker
        self.may_have_run = may_have_run


class WorkerStartError(WorkerError):
    """A worker could not be started; ``__cause__`` says why.

    The cause is what ``init_runtime`` raised, or a TimeoutError if it did not come back in time.
    """


class WorkerStopped(WorkerError):
    """The worker was shut down before it answered, or is not there any more."""


class WorkerDied(WorkerError):
    """The worker broke or died while it ran the query; it is being restarted.

    What happened is chained as ``__cause__``. A query type that says ``idempotent = True`` is run
    again instead, until that too has failed.
    """


class QueryTimeout(ActorsError, TimeoutError):
    """The query's own deadline passed: queued it was removed, running it was stopped.

    Attributes:
        timeout: The seconds it was given, queue and run together.
        may_have_run: Whether it had been started.
    """

    def __init__(
        self, message: str = "", *, timeout: float | None = None, may_have_run: bool = False
    ) -> None:
        super().__init__(message)
        self.timeout = timeout
        self.may_have_run = may_have_run


class QueryCancelled(ActorsError):
    """The query was cancelled: queued it was removed, running it was stopped.

    Attributes:
        may_have_run: Whether it had been started.
    """

    def __init__(self, message: str = "", *, may_have_run: bool = False) -> None:
        super().__init__(message)
        self.may_have_run = may_have_run


class MailboxFull(ActorsError):
    """As many queries are queued as the mailbox may hold; this one was not accepted.

    Attributes:
        capacity: How many it may hold.
    """

    def __init__(self, message: str = "", *, capacity: int = 0) -> None:
        super().__init__(message)
        self.capacity = capacity


class PoolClosed(ActorsError):
    """The pool was closed; this query was not accepted."""


class RestartLimitExceeded(ActorsError):
    """Workers fell over more often than allowed, so their supervisor gave up and closed.

    Attributes:
        intensity: How many restarts were allowed ...
        period: ... within how many seconds.
    """

    def __init__(self, message: str = "", *, intensity: int = 0, period: float = 0.0) -> None:
        super().__init__(message)
        self.intensity = intensity
        self.period = period


class AskCycle(ActorsError):
    """Workers would wait for each other for ever: a worker asked itself, or a ring of them asked.

    Attributes:
        workers: Names of the workers in the ring, the asking one first.
    """

    def __init__(self, message: str = "", *, workers: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.workers = workers
