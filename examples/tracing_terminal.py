"""Tracing to the terminal: configure structlog, and workers tell it what they do."""

import structlog

from actors import DefaultWorker

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False),
    ]
)

with DefaultWorker.spawn(name="tracer") as worker:
    worker.evaluate("console.log('one and two is', 1 + 2)")
