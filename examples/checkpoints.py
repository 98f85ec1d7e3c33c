"""Checkpoints: a worker that goes on where it was, after a crash and in another process."""

import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

from actors import Checkpoint, DefaultWorker, DefaultWorkerOptions, Supervision, WorkerDied
from runtimes import Module

SHOP = Module(
    "shop.js",
    """
    const orders = [];
    export function order(item) { orders.push(item); return orders.length; }
    """,
)


def crash() -> None:
    """Cost the worker its thread, as a bug in a host function may."""
    raise SystemExit("crashed")


OPTIONS = DefaultWorkerOptions(host_functions={"crash": crash})


def go_on(file: Path) -> None:
    """Make a worker of what another process has written."""
    checkpoint = Checkpoint.from_bytes(file.read_bytes())
    with DefaultWorker.spawn(OPTIONS, checkpoint=checkpoint) as worker:
        count = worker.call_function("order", ["spoon"], module="shop.js")
        sys.stdout.write(f"elsewhere there are {count} orders\n")


def main() -> None:
    """Lose a worker, and move it to another process."""
    often = Supervision(checkpoint_every_queries=1)
    with DefaultWorker.spawn(OPTIONS, supervision=often) as worker:
        shop = worker.load_module(SHOP)
        worker.call_function("order", ["tea"], module=shop)
        worker.call_function("order", ["cup"], module=shop)
        try:
            worker.evaluate("crash()")
        except WorkerDied:
            count = worker.call_function("order", ["pot"], module=shop)
            sys.stdout.write(f"after a crash there are {count} orders\n")
        data = worker.checkpoint().to_bytes()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shop.checkpoint"
        file.write_bytes(data)
        sys.stdout.flush()
        other = get_context("spawn").Process(target=go_on, args=(file,))
        other.start()
        other.join()


if __name__ == "__main__":
    main()
