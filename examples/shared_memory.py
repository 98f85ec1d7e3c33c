"""Sum a NumPy array on several workers at once: all see one memory, and nothing is copied."""

import sys

from actors import CallFunction, DefaultWorker, DefaultWorkerOptions, WorkerPool
from runtimes import Module, SharedBuffer

try:
    import numpy as np
except ImportError:
    sys.exit("this example needs numpy")

SIZE = 1_000_000
SUM = Module(
    "sum.js",
    """
    export function sum(buffer, begin, end, slot) {
      const numbers = new Float64Array(buffer);
      let total = 0;
      for (let i = begin; i < end; i++) total += numbers[i];
      numbers[slot] = total;                   // the answer goes into shared memory too
    }
    """,
)

parts = 4
buffer = SharedBuffer((SIZE + parts) * 8)
numbers = np.frombuffer(buffer.view, dtype=np.float64)
numbers[:SIZE] = np.arange(SIZE)

options = DefaultWorkerOptions(modules=[SUM], allocation="on_demand")
with WorkerPool(DefaultWorker, size=2, options=options) as pool:
    borders = [SIZE * part // parts for part in range(parts + 1)]
    pool.map(
        CallFunction(
            "sum", [buffer, borders[part], borders[part + 1], SIZE + part], module="sum.js"
        )
        for part in range(parts)
    )

print(f"{numbers[SIZE:].sum():.0f}, and by NumPy {numbers[:SIZE].sum():.0f}")
