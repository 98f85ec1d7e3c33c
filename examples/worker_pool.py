"""A pool: four workers, each with a JavaScript engine of its own, that run in parallel."""

from actors import DefaultWorker, Eval, WorkerPool

with WorkerPool(DefaultWorker, size=4) as pool:
    pool.next_worker().send(Eval("console.log('Hello from worker A!')"))
    busy = pool.next_worker()
    reply = busy.send(Eval("let s = 0; for (let i = 0; i < 1e6; i++) s += i; s"))
    print(reply.get(timeout=60))
