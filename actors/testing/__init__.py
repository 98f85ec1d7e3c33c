"""Tools for testing workers, and what is built upon them. No test framework needed.

>>> from actors.testing import Specimen, check_worker
>>> check_worker(Specimen(spawn=Pricing.spawn, answers=[(Quote("tea"), Price(420))]))

For pytest there is a plugin: ``pytest_plugins = ["actors.testing.plugin"]``.
"""

from actors.testing._bench import WorkerCheck
from actors.testing._clock import FakeClock
from actors.testing._conformance import check_worker, worker_checks
from actors.testing._events import EventLog
from actors.testing._gate import Gate, hold_worker, kill_supervisor, kill_worker
from actors.testing._leaks import stop_workers_left, workers_left
from actors.testing._specimen import Specimen
from actors.testing._workers import Do, DoAgain, EchoWorker, PythonWorker

__all__ = [
    "Do",
    "DoAgain",
    "EchoWorker",
    "EventLog",
    "FakeClock",
    "Gate",
    "PythonWorker",
    "Specimen",
    "WorkerCheck",
    "check_worker",
    "hold_worker",
    "kill_supervisor",
    "kill_worker",
    "stop_workers_left",
    "worker_checks",
    "workers_left",
]
