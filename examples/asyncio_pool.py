"""A pool in asyncio: orders stream in, scripts price them on two cores, prices stream out."""

import asyncio
from collections.abc import AsyncIterator

from actors import CallFunction, DefaultWorker, DefaultWorkerOptions, WorkerPool
from runtimes import Module

PRICES = Module(
    "prices.js",
    """
    const list = { tea: 3.5, cake: 4.25, coffee: 2.75 };
    export const total = (order) => order.reduce((sum, [item, n]) => sum + list[item] * n, 0);
    """,
)


async def orders() -> AsyncIterator[list[tuple[str, int]]]:
    """What would come from a queue or a socket."""
    for order in ([("tea", 2)], [("cake", 1), ("coffee", 2)], [("coffee", 10)]):
        await asyncio.sleep(0.01)
        yield order


async def queries() -> AsyncIterator[CallFunction[float]]:
    async for order in orders():
        yield CallFunction("total", [order], module="prices.js", returns=float)


async def main() -> None:
    options = DefaultWorkerOptions(modules=[PRICES])
    async with await WorkerPool.start_async(DefaultWorker, 2, options) as pool:
        # One response is handed out as soon as it is there, while the next order is awaited.
        async with pool.imap(queries(), look_ahead=8) as totals:
            async for total in totals:
                print(f"{total:.2f}")

        # The quick ones first; leaving the loop cancels what is still under way.
        endless = (CallFunction("total", [[("tea", n)]], module="prices.js") for n in range(10**9))
        async for total in pool.imap_unordered(endless):
            if total > 100:
                print("enough tea")
                break
    print("closed")


asyncio.run(main())
