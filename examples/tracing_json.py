"""Tracing as JSON lines: one object for each event, for a log collector."""

import sys

import structlog

from actors import DefaultWorker, Eval, WorkerPool

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
)

with WorkerPool(DefaultWorker, size=2, name="web") as pool:
    replies = [pool.send(Eval(f"console.log('page {page}')")) for page in range(3)]
    for reply in replies:
        reply.get()
