"""os.fork: the child is told what it cannot use, makes its own, and the parent does not notice."""

from __future__ import annotations

import os

import pytest

from ._programs import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

IN_CHILDREN = """
import traceback

def in_child(act):
    '''Run act in a child; return its exit status, or -14 if it hung.'''
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(99)
        sys.stdout.flush()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def told(act):
    try: act()
    except WorkerStopped as error: print(error)

ONE = Eval("6 * 7")
"""


def test_in_the_child_what_is_of_the_parent_is_refused_at_once() -> None:
    done = run(
        IN_CHILDREN
        + """
worker = PythonWorker.spawn(name="anna")
pool = WorkerPool(PythonWorker, size=1, name="smiths")
gate = threading.Event()
pending = worker.send(Do(lambda w: gate.wait()))
queued = worker.send(Do(lambda w: "parent"), timeout=30)
held, waiting = [pool.send(Do(lambda w: gate.wait())) for _ in range(2)]

def child():
    for act in (pending.get, queued.get, lambda: worker.ask(Do(lambda w: 1))):
        told(act)
    for act in (waiting.get, lambda: pool.ask(Do(lambda w: 1)), lambda: pool.map([Do(len)])):
        told(act)
    print(worker.state, worker.join(1), pool.join(1))
    worker.close(); pool.close()

assert in_child(child) == 0
gate.set()
print(queued.get(10), waiting.get(10))
worker.close(); pool.close()
"""
    )
    anna = "worker anna did not survive os.fork(); spawn workers in the child"
    smiths = "pool smiths did not survive os.fork(); make a pool in the child"
    assert done.err == ""
    assert done.out.splitlines() == [
        *[anna] * 3,
        *[smiths] * 3,
        "stopped True True",
        "parent True",
    ]


def test_a_child_makes_workers_pools_and_engines_of_its_own() -> None:
    done = run(
        IN_CHILDREN
        + """
def own():
    with WorkerPool(DefaultWorker, size=2) as mine:
        assert mine.map([ONE] * 8) == [42] * 8
        assert isinstance(mine.send(Eval("for (;;) {}"), timeout=0.1).exception(), QueryTimeout)
    with DefaultWorker.spawn(DefaultWorkerOptions(hard_stop="epoch")) as worker:
        assert worker.ask(ONE, timeout=10) == 42

pool = WorkerPool(DefaultWorker, size=2)
assert pool.ask(ONE) == 42
assert [in_child(own) for _ in range(3)] == [0] * 3
assert in_child(lambda: in_child(own) and os._exit(1)) == 0  # a grandchild
assert pool.map([ONE] * 4) == [42] * 4
pool.close()
assert in_child(own) == 0
own()
"""
    )
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_tree_of_the_parent_is_stopped_in_the_child_and_closes_there_in_silence() -> None:
    done = run(
        IN_CHILDREN
        + """
specs = [WorkerSpec(PythonWorker, name="anna"), PoolSpec(PythonWorker, 2, name="smiths")]
tree = Supervisor([SupervisorSpec(specs, name="inner")], name="tree")

def child():
    told(lambda: tree["inner"]["anna"].ask(Do(lambda w: 1)))
    told(lambda: tree["inner"]["smiths"].ask(Do(lambda w: 1)))
    tree.close()
    print(threading.active_count(), tree.join(5))

assert in_child(child) == 0
assert in_child(lambda: sys.exit) == 0  # which drops it there
print(tree["inner"]["anna"].ask(Do(lambda w: 1)))
tree.close()
""",
        "-X",
        "dev",
    )
    assert done.err == ""
    assert done.out.splitlines() == [
        "worker tree/inner/anna did not survive os.fork(); spawn workers in the child",
        "pool tree/inner/smiths did not survive os.fork(); make a pool in the child",
        "1 True",
        "1",
    ]


def test_a_runtime_of_the_parent_refuses_to_work_in_the_child() -> None:
    done = run(
        IN_CHILDREN
        + """
from runtimes.quickjs import QuickJSRuntime
runtime = QuickJSRuntime()
runtime.evaluate("var kept = 1")

def child():
    try: runtime.evaluate("kept")
    except BrokenRuntimeError as error: print("refused")
    runtime.close()
    with QuickJSRuntime() as own: print(own.evaluate("6 * 7"))

assert in_child(child) == 0
print(runtime.evaluate("kept"))
runtime.close()
"""
    )
    assert (done.out, done.err) == ("refused\n42\n1\n", "")


def test_forks_while_other_threads_hold_any_of_the_locks() -> None:
    """Threads ask, open, close, cancel and restart without pause, and children must not hang."""
    done = run(
        IN_CHILDREN
        + """
over = threading.Event()
pool = WorkerPool(DefaultWorker, size=2, max_size=3, idle_timeout=0.01)

def ask():
    while not over.is_set():
        pool.ask(ONE, timeout=20)
        pool.send(ONE, timeout=20, tenant=1).cancel()

def open_and_close():
    while not over.is_set():
        with DefaultWorker.spawn() as worker: worker.ask(ONE)
        with WorkerPool(PythonWorker, size=2) as other: other.ask(Do(lambda w: 1))

def child():
    told(lambda: pool.ask(ONE, timeout=5))
    with WorkerPool(DefaultWorker, size=1) as own: assert own.ask(ONE, timeout=5) == 42
    pool.close()

threads = [threading.Thread(target=act) for act in (ask, ask, open_and_close)]
for thread in threads: thread.start()
for _ in range(25): print(in_child(child))
over.set()
for thread in threads: thread.join(20)
assert pool.ask(ONE) == 42
pool.close()
""",
        timeout=50,
    )
    assert done.err == ""
    refused = "pool DefaultWorker-pool-1 did not survive os.fork(); make a pool in the child"
    assert done.out.splitlines() == [refused, "0"] * 25


def test_a_handler_that_forks_leaves_a_child_that_is_no_worker() -> None:
    done = run(
        IN_CHILDREN
        + """
worker = PythonWorker.spawn()
def fork(w):
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        told(lambda: worker.ask(Do(lambda w: 1)))
        sys.stdout.flush()
        return "the child's answer, which nobody gets"
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

first = worker.send(Do(fork))
second = worker.send(Do(lambda w: os.getpid()))
print(first.get(20), second.get(10) == os.getpid())
worker.close()
"""
    )
    assert done.err == ""
    told, answered = done.out.splitlines()
    assert told.endswith("did not survive os.fork(); spawn workers in the child")
    assert answered == "0 True"
