// Asynchronous code: a pool of workers, retries, a semaphore, streams, chains of then.
const later = (value) => new Promise((resolve) => queueMicrotask(() => resolve(value)));
class Gate {
  #free;
  #waiting = [];
  constructor(free) {
    this.#free = free;
  }
  async enter() {
    if (this.#free > 0) this.#free--;
    else await new Promise((go) => this.#waiting.push(go));
  }
  leave() {
    const go = this.#waiting.shift();
    if (go) go();
    else this.#free++;
  }
  async run(work) {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }
}
async function retry(work, times) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= times) throw error;
    }
  }
}
async function* lines(count) {
  for (let i = 0; i < count; i++) yield await later("line " + i);
}
async function mapLimit(items, limit, change) {
  const results = [], pending = items.entries();
  const worker = async () => {
    for (const [at, item] of pending) results[at] = await change(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}
async function run() {
  let sum = 0;
  const gate = new Gate(3);
  const done = await Promise.all(Array.from({ length: 60 }, (_, i) => gate.run(() => later(i))));
  sum += done.reduce((a, b) => a + b, 0);
  for await (const line of lines(80)) sum += line.length;
  sum += await retry(async (attempt) => {
    if (attempt < 4) throw new Error("again");
    return attempt;
  }, 5);
  const mapped = await mapLimit([...Array(70).keys()], 5, async (x) => (await later(x)) * 2);
  sum += mapped.length + mapped[69];
  const settled = await Promise.allSettled([later(1), Promise.reject(new Error("no")), 7]);
  sum += settled.filter(({ status }) => status === "fulfilled").length;
  let chain = Promise.resolve(0);
  for (let i = 0; i < 150; i++) chain = chain.then((value) => value + i);
  sum += await chain;
  sum += await Promise.race([new Promise(() => {}), later(5)]);
  sum += await Promise.any([Promise.reject(1), later(9)]).catch(() => 0);
  return sum;
}
