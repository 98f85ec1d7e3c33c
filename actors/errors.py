"""The errors of workers and pools: one honest family.

::

    ActorsError                     base                   .may_have_run
      WorkerError                   about one worker       .worker .may_have_run
        WorkerStartError            its start failed; the cause is chained
        WorkerStopped               it was shut down before it could answer
        WorkerDied                  it broke or died under the query
        CheckpointError             no checkpoint of it could be taken; it goes on
      QueryTimeout                  (also TimeoutError)    .timeout .may_have_run
      QueryCancelled                somebody called cancel()       .may_have_run
      Overloaded                    it was not run; try again later
        MailboxFull                 too much is queued     .capacity .tenant
        QueryDropped                a newer query took its place in the queue
        QueryShed                   it could not start in time .expected_wait .timeout
      PoolClosed                    you closed the pool
      RestartLimitExceeded          it fell over too often .intensity .period
      AskCycle                      the ask could never be answered .workers

Errors of a runtime (``runtimes.errors``) and of your own handlers reach the caller as they are,
with a note that names the worker. Every getter of a reply gets an instance of its own.
"""

from __future__ import annotations

from typing import Any


class ActorsError(Exception):
    """Base of everything that workers and pools raise on purpose.

    Attributes:
        may_have_run: Whether the query may have had effects before this happened. False means that
            it surely did not run, so that sending it again is safe.
    """

    may_have_run: bool = False

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


class CheckpointError(WorkerError):
    """No checkpoint of the worker could be taken; it goes on as before.

    Its runtime has no snapshots, or its type does not say how a worker is made of one; or it failed
    this time, and ``__cause__`` says why.
    """


class QueryTimeout(ActorsError, TimeoutError):
    """The query's own deadline passed: queued it was removed, running it was stopped.

    Attributes:
        timeout: The seconds it was given, queue and run together.
        may_have_run: Whether it had been started.
        queue_time: How many of these seconds it was queued ...
        run_time: ... and how many it ran.
    """

    def __init__(
        self,
        message: str = "",
        *,
        timeout: float | None = None,
        may_have_run: bool = False,
        run_time: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.timeout = timeout
        self.may_have_run = may_have_run
        self.run_time = run_time
        self.queue_time = (timeout or 0.0) - run_time


class QueryCancelled(ActorsError):
    """The query was cancelled: queued it was removed, running it was stopped.

    Attributes:
        may_have_run: Whether it had been started.
    """

    def __init__(self, message: str = "", *, may_have_run: bool = False) -> None:
        super().__init__(message)
        self.may_have_run = may_have_run


class Overloaded(ActorsError):
    """There is more to do than can be done: the query surely did not run, and may be sent again."""


class MailboxFull(Overloaded):
    """As many queries are queued as the mailbox may hold; this one was not accepted.

    Attributes:
        capacity: How many it may hold.
        tenant: Whose share is full, if it is not the whole.
    """

    def __init__(self, message: str = "", *, capacity: int = 0, tenant: object = None) -> None:
        super().__init__(message)
        self.capacity = capacity
        self.tenant = tenant


class QueryDropped(Overloaded):
    """The mailbox was full, and the oldest query, this one, made room for a newer."""


class QueryShed(Overloaded):
    """The query could not have been started within its deadline, so it was not accepted.

    Attributes:
        expected_wait: The seconds that it would have been queued, by what the last ones took.
        timeout: The seconds that it was given.
    """

    def __init__(
        self, message: str = "", *, expected_wait: float = 0.0, timeout: float = 0.0
    ) -> None:
        super().__init__(message)
        self.expected_wait = expected_wait
        self.timeout = timeout


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
