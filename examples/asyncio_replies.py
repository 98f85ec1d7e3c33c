"""Replies in asyncio: they are awaited, and the loop stays free."""

import asyncio

from actors import CallFunction, DefaultWorker, DefaultWorkerOptions, QueryTimeout, WorkerPool
from runtimes import Module

SUM = Module(
    "sum.js",
    "export function sum(n) { let s = 0; for (let i = 0; i <= n; i++) s += i; return s; }",
)


async def main() -> None:
    beats = 0

    async def heart() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.001)

    options = DefaultWorkerOptions(modules=[SUM])
    async with await WorkerPool.start_async(DefaultWorker, 2, options) as pool:
        beating = asyncio.create_task(heart())
        queries = [CallFunction("sum", [n], module="sum.js") for n in (10, 1_000, 1_000_000)]
        print(await asyncio.gather(*(pool.send(query) for query in queries)))
        try:
            await pool.send(CallFunction("sum", [1e15], module="sum.js"), timeout=0.2)
        except QueryTimeout as error:
            print("stopped after", error.timeout, "s")
        beating.cancel()
    print("the loop was free meanwhile:", beats > 10)


asyncio.run(main())
