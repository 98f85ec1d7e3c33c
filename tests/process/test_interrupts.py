"""Ctrl-C: KeyboardInterrupt where the main thread waits, and everything works after it."""

from __future__ import annotations

import sys

import pytest

from ._programs import REPEAT, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")

INTERRUPTED = """
def interrupted(act, when=lambda: True):
    '''Run act in the main thread, and press Ctrl-C once it waits there.'''
    def press():
        while not when(): time.sleep(0.001)
        time.sleep(0.02)  # it is on its way into the wait; too early would be right as well
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=press, daemon=True).start()
    began = time.monotonic()
    try:
        act()
    except KeyboardInterrupt:
        took = time.monotonic() - began
        print("interrupted" if took < 3 else f"interrupted after {took:g} s")

def quiet(pool):
    '''Wait until nothing is queued or run: what was waited for must have been cancelled.'''
    until = time.monotonic() + 10
    while pool._hub.mailbox or any(worker._cell.running for worker in pool):
        if time.monotonic() > until: print("still busy")
        time.sleep(0.001)
"""

WAITS = {
    "ask": "lambda: pool.ask(LOOP)",
    "ask with a timeout": "lambda: pool.ask(LOOP, timeout=100)",
    "ask a worker": "lambda: pool[0].ask(LOOP)",
    "map": "lambda: pool.map([LOOP] * 100)",
    "imap": "lambda: list(pool.imap(LOOP for _ in range(100)))",
    "imap_unordered": "lambda: list(pool.imap_unordered(LOOP for _ in range(100)))",
}


@pytest.mark.parametrize("wait", WAITS)
def test_an_interrupted_wait_cancels_what_it_waited_for(wait: str) -> None:
    done = run(
        INTERRUPTED
        + f"""
LOOP = Eval("for (;;) {{}}")
pool = WorkerPool(DefaultWorker, size=2)
pool.ask(Eval("1"))
interrupted({WAITS[wait]}, lambda: any(worker._cell.running for worker in pool))
quiet(pool)
print(pool.map([Eval("6 * 7")] * 4), [worker.generation for worker in pool])
pool.close()
"""
    )
    assert (done.code, done.err) == (0, "")
    assert done.out == "interrupted\n[42, 42, 42, 42] [1, 1]\n"


@pytest.mark.parametrize("endless", ["for (;;) {}", "hang()", "sort()"])
def test_an_interrupted_ask_that_runs_on_the_asking_thread_stops_there(endless: str) -> None:
    done = run(
        INTERRUPTED
        + f"""
options = DefaultWorkerOptions(host_functions={{"hang": lambda: time.sleep(100)}})
worker = DefaultWorker.spawn(options, mailbox=MailboxOptions(caller_runs=True))
worker.evaluate("function sort() {{ [1,2,3].reduce(() => {{ for (;;); }}); }}")
time.sleep(0.05)
interrupted(lambda: worker.evaluate("{endless}"), lambda: worker.stats().running is not None)
print(worker.evaluate("6 * 7"), worker.generation)
interrupted(lambda: worker.evaluate("{endless}"), lambda: worker.stats().running is not None)
print(worker.send(Eval("6 * 7")).get(), worker.generation)
worker.close()
"""
    )
    assert (done.code, done.err) == (0, "")
    assert done.out == "interrupted\n42 1\n" * 2


def test_an_interrupted_get_leaves_the_query_to_its_owner() -> None:
    """`get` only waits: who sent the query may go on waiting, or cancel it."""
    done = run(
        INTERRUPTED
        + """
worker = PythonWorker.spawn()
gate = threading.Event()
reply = worker.send(Do(lambda w: gate.wait()))
interrupted(reply.get)
interrupted(lambda: reply.get(100))
gate.set()
print(reply.get())
worker.close()
"""
    )
    assert (done.code, done.out, done.err) == (0, "interrupted\ninterrupted\nTrue\n", "")


def test_an_interrupted_start_leaves_nothing_behind() -> None:
    done = run(
        INTERRUPTED
        + """
begun = threading.Event()
class Slow(PythonWorker):
    def on_start(self): begun.set(); time.sleep(0.3)
interrupted(lambda: WorkerPool(Slow, size=2), begun.is_set)
begun.clear()
interrupted(Slow.spawn, begun.is_set)
print(workers_left())
for thread in threading.enumerate():
    if thread.name.startswith("Slow"): thread.join(10)
with WorkerPool(PythonWorker, size=2) as pool: print(pool.ask(Do(lambda w: 1)))
"""
    )
    assert (done.code, done.out, done.err) == (0, "interrupted\ninterrupted\n[]\n1\n", "")


@pytest.mark.parametrize("wait", ["pool.close()", "pool.join()", "pool[0].wait_until_drained()"])
def test_an_interrupted_end_can_be_asked_for_again(wait: str) -> None:
    done = run(
        INTERRUPTED
        + f"""
gate = threading.Event()
pool = WorkerPool(PythonWorker, size=1, mailbox=MailboxOptions(high_water=1))
replies = [pool[0].send(Do(lambda w: gate.wait())) for _ in range(3)]
interrupted(lambda: {wait}, lambda: pool[0]._cell.running)
gate.set()
print([reply.get() for reply in replies])
pool.close()
print(workers_left())
"""
    )
    assert (done.code, done.err) == (0, "")
    assert done.out == "interrupted\n[True, True, True]\n[]\n"


STORM = """
import random
random.seed({seed})
main = threading.get_ident()
over = threading.Event()
armed = threading.Event()
pressed = 0

def press():
    global pressed
    while not over.is_set():
        armed.wait(1)
        time.sleep(random.random() * {spread})
        if armed.is_set():
            armed.clear()
            pressed += 1
            signal.pthread_kill(main, signal.SIGINT)

def watchdog():
    if not over.wait(25):
        import faulthandler
        faulthandler.dump_traceback(all_threads=True)
        os._exit(70)

threading.Thread(target=watchdog, daemon=True).start()
presser = threading.Thread(target=press)
presser.start()
ADD, LONG = Eval("1 + 1"), Eval("for (let i = 0; i < 1e5; i++); 2")
pool = WorkerPool(DefaultWorker, size=2)
acts = {{
    "asking": lambda: [pool.ask(ADD) for _ in range(20)],
    "asking with a timeout": lambda: [pool.ask(LONG, timeout=50) for _ in range(3)],
    "mapping": lambda: pool.map([ADD] * 50),
    "sending": lambda: [reply.get() for reply in [pool.send(ADD) for _ in range(20)]],
    "cancelling": lambda: [pool.send(LONG).cancel() for _ in range(5)],
    "opening and closing": open_and_close,
}}
until = time.monotonic() + {seconds}
rounds = 0
while time.monotonic() < until:
    rounds += 1
    act = random.choice({acts})
    try:
        try:
            armed.set()
            acts[act]()
        finally:
            armed.clear()
        time.sleep(0)
    except KeyboardInterrupt:
        pass
try: armed.clear(); over.set(); presser.join()
except KeyboardInterrupt: over.set(); presser.join()
assert pool.map([ADD] * 100, timeout=10) == [2] * 100
assert pool.ask(ADD, timeout=10) == 2
pool.close()
print(rounds > 20, pressed > 20)
"""
OPEN = """
def open_and_close():
    with WorkerPool(PythonWorker, size=1) as other: other.ask(Do(lambda w: 1), timeout=10)
"""


@pytest.mark.parametrize("seed", range(REPEAT))
def test_a_storm_of_ctrl_c_breaks_neither_locks_nor_pool(seed: int) -> None:
    acts = '["asking", "asking with a timeout", "mapping", "sending", "cancelling"]'
    storm = STORM.format(seed=seed, spread=0.004, seconds=3, acts=acts)
    done = run(OPEN + storm, timeout=50)
    assert (done.code, done.out, done.err) == (0, "True True\n", "")
