"""Workers, pools and supervisors: actors that own a runtime each.

A `Worker` is a Pykka actor; what users hold is a handle that survives its restarts. `DefaultWorker`
runs JavaScript in a sandbox; `WorkerPool` runs many of them. ``actors.tracing`` shows what they do.
"""

from actors._reply import Reply, Response
from actors.default import DefaultWorker, DefaultWorkerHandle, DefaultWorkerOptions
from actors.errors import (
    ActorsError,
    AskCycle,
    MailboxFull,
    PoolClosed,
    QueryCancelled,
    QueryTimeout,
    RestartLimitExceeded,
    WorkerDied,
    WorkerError,
    WorkerStartError,
    WorkerStopped,
)
from actors.handle import WorkerHandle
from actors.pool import WorkerPool
from actors.queries import (
    CallEntrypoint,
    CallFunction,
    Eval,
    GetValue,
    LoadMainModule,
    LoadModule,
    ModuleId,
)
from actors.query import Query
from actors.supervision import Supervision
from actors.worker import Worker

__all__ = [
    "ActorsError",
    "AskCycle",
    "CallEntrypoint",
    "CallFunction",
    "DefaultWorker",
    "DefaultWorkerHandle",
    "DefaultWorkerOptions",
    "Eval",
    "GetValue",
    "LoadMainModule",
    "LoadModule",
    "MailboxFull",
    "ModuleId",
    "PoolClosed",
    "Query",
    "QueryCancelled",
    "QueryTimeout",
    "Reply",
    "Response",
    "RestartLimitExceeded",
    "Supervision",
    "Worker",
    "WorkerDied",
    "WorkerError",
    "WorkerHandle",
    "WorkerPool",
    "WorkerStartError",
    "WorkerStopped",
]
