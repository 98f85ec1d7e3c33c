// Async functions: chains, queues, Promise.all and race, async generators, rejections.
const pause = () => Promise.resolve();
async function depth(n) {
  return n === 0 ? 0 : 1 + (await depth(n - 1));
}
async function* ticks(count) {
  for (let i = 0; i < count; i++) {
    await pause();
    yield i;
  }
}
class Channel {
  constructor() {
    this.values = [];
    this.waiting = [];
  }
  put(value) {
    const taker = this.waiting.shift();
    if (taker) taker(value);
    else this.values.push(value);
  }
  take() {
    if (this.values.length > 0) return Promise.resolve(this.values.shift());
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
async function workers(count, items) {
  const work = new Channel();
  const done = new Channel();
  for (let w = 0; w < count; w++) {
    (async () => {
      for (let item = await work.take(); item !== null; item = await work.take()) done.put(item * (w + 1));
    })();
  }
  for (let i = 0; i < items; i++) work.put(i);
  let sum = 0;
  for (let i = 0; i < items; i++) sum += (await done.take()) % 101;
  for (let w = 0; w < count; w++) work.put(null);
  return sum;
}
async function risky(i) {
  await pause();
  if (i % 3 === 0) throw new RangeError("r" + i);
  return i;
}
async function run() {
  let sum = 0;
  for (let i = 0; i < 30; i++) sum += await depth(60);
  for await (const tick of ticks(2000)) sum += tick & 7;
  sum += await workers(4, 1500);
  const settled = await Promise.allSettled(Array.from({ length: 1200 }, (_, i) => risky(i)));
  for (const each of settled) sum += each.status === "fulfilled" ? each.value & 3 : each.reason.message.length;
  for (let i = 0; i < 500; i++) {
    const [a, b] = await Promise.all([risky(1), Promise.race([risky(2), pause().then(pause)])]).catch(() => [0, 0]);
    sum += a + (b ?? 4);
  }
  await Array.from({ length: 3000 }).reduce((chain, _, i) => chain.then(() => (sum += i & 1)), pause());
  return sum;
}
