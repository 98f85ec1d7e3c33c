"""A worker that runs JavaScript: load a module, call its function."""

from actors import DefaultWorker
from runtimes import Module

with DefaultWorker.spawn() as worker:
    module = worker.load_module(Module("test.js", "export function add(a, b) { return a + b; }"))
    assert worker.call_function("add", [1, 2], module=module) == 3
