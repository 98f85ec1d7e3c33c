// Iterators and generators as pipelines; destructuring and spread of what they give.
function* count(from = 0, step = 1) {
  for (let i = from; ; i += step) yield i;
}
function* map(items, change) {
  for (const item of items) yield change(item);
}
function* filter(items, test) {
  for (const item of items) if (test(item)) yield item;
}
function* take(items, n) {
  if (n <= 0) return;
  for (const item of items) {
    yield item;
    if (--n === 0) return;
  }
}
function* chunks(items, size) {
  let chunk = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length === size) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length) yield chunk;
}
class Range {
  constructor(low, high) {
    this.low = low;
    this.high = high;
  }
  [Symbol.iterator]() {
    let at = this.low;
    const { high } = this;
    return {
      next: () => (at < high ? { value: at++, done: false } : { value: undefined, done: true }),
      return: () => ({ done: true }),
    };
  }
}
function* walk(tree) {
  if (!tree) return 0;
  const left = yield* walk(tree.left);
  yield tree.value;
  const right = yield* walk(tree.right);
  return left + right + 1;
}
function* accumulator() {
  let total = 0;
  try {
    while (true) total += yield total;
  } finally {
    total = -1;
  }
}
const grow = (depth) => (depth === 0 ? null : { value: depth, left: grow(depth - 1), right: grow(depth - 2 > 0 ? depth - 2 : 0) });
function run() {
  let sum = 0;
  const tree = grow(9);
  for (let i = 0; i < 8; i++) {
    for (const n of take(filter(map(count(i), (x) => x * 3), (x) => x % 2 === 0), 60)) sum += n;
    for (const [a, b = 0] of chunks(new Range(0, 41), 2)) sum += a * b;
    for (const value of walk(tree)) sum += value;
    const running = accumulator();
    running.next();
    for (let k = 0; k < 50; k++) sum += running.next(k).value;
    running.return(0);
    const [first, , third, ...others] = new Range(5, 30);
    sum += first + third + others.length + Math.max(...new Range(0, 90));
    sum += [...new Range(0, 30)].length + Array.from(take(count(), 40), (x) => x + 1).length;
    sum += Object.fromEntries(map(new Range(0, 20), (x) => ["k" + x, x])).k7;
    sum += new Range(1, 40)[Symbol.iterator]().next().value;
    sum += [1, 2, 3].values().map((x) => x * 2).toArray().length;
  }
  return sum;
}
