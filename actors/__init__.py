"""Workers, pools and supervisors: actors that own a runtime each.

A `Worker` is a Pykka actor; what users hold is a handle that survives its restarts. `DefaultWorker`
runs JavaScript in a sandbox; `WorkerPool` runs many of them. ``actors.tracing`` shows what they do.
"""

from actors._pools.routing import consistent_hash
from actors._replies.flow import Flow, as_completed
from actors._replies.reply import Reply
from actors._replies.response import Response
from actors.checkpoints import Checkpoint
from actors.default import DefaultWorker
from actors.default_handle import DefaultWorkerHandle
from actors.default_options import DefaultWorkerOptions
from actors.errors import (
    ActorsError,
    AskCycle,
    CheckpointError,
    MailboxFull,
    Overloaded,
    PoolClosed,
    QueryCancelled,
    QueryDropped,
    QueryShed,
    QueryTimeout,
    RestartLimitExceeded,
    WorkerDied,
    WorkerError,
    WorkerStartError,
    WorkerStopped,
)
from actors.functions import CallBound, WorkerFunction
from actors.handle import WorkerHandle
from actors.mailbox import MailboxOptions
from actors.pool import WorkerPool
from actors.queries import (
    CallEntrypoint,
    CallFunction,
    CallMany,
    Eval,
    GetValue,
    LoadMainModule,
    LoadModule,
    ModuleId,
)
from actors.query import Query
from actors.specs import ChildInfo, ChildSpec, PoolSpec, SupervisorSpec, WorkerSpec
from actors.stats import PoolStats, WorkerStats
from actors.supervision import Supervision
from actors.supervisor import Supervisor
from actors.watching import WorkerDown
from actors.worker import Worker

__all__ = [
    "ActorsError",
    "AskCycle",
    "CallBound",
    "CallEntrypoint",
    "CallFunction",
    "CallMany",
    "Checkpoint",
    "CheckpointError",
    "ChildInfo",
    "ChildSpec",
    "DefaultWorker",
    "DefaultWorkerHandle",
    "DefaultWorkerOptions",
    "Eval",
    "Flow",
    "GetValue",
    "LoadMainModule",
    "LoadModule",
    "MailboxFull",
    "MailboxOptions",
    "ModuleId",
    "Overloaded",
    "PoolClosed",
    "PoolSpec",
    "PoolStats",
    "Query",
    "QueryCancelled",
    "QueryDropped",
    "QueryShed",
    "QueryTimeout",
    "Reply",
    "Response",
    "RestartLimitExceeded",
    "Supervision",
    "Supervisor",
    "SupervisorSpec",
    "Worker",
    "WorkerDied",
    "WorkerDown",
    "WorkerError",
    "WorkerFunction",
    "WorkerHandle",
    "WorkerPool",
    "WorkerSpec",
    "WorkerStartError",
    "WorkerStats",
    "WorkerStopped",
    "as_completed",
    "consistent_hash",
]
