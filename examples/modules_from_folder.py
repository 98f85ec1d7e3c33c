"""Modules from a folder: they import each other and a JSON file, and nothing outside of it."""

from pathlib import Path

from actors import DefaultWorker, DefaultWorkerOptions
from runtimes import JSRuntimeError, Module

modules = Module.load_dir(Path(__file__).parent / "site_modules")
print([module.name for module in modules])

with DefaultWorker.spawn(DefaultWorkerOptions(modules=modules)) as worker:
    print(worker.call_function("navigation", ["/docs/"], module="main.js"))

    # What nobody handed over does not exist, whatever lies on the disk.
    try:
        worker.load_module(Module("spy.js", "import hosts from '/etc/hosts'"))
    except JSRuntimeError as error:
        print(type(error).__name__, "-", error)
