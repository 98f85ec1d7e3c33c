// Map, Set and WeakMap: counting, grouping, set algebra, an LRU cache, keys of every kind.
class Recent {
  constructor(capacity) {
    this.capacity = capacity;
    this.entries = new Map();
    this.hits = 0;
  }
  get(key, make) {
    let value = this.entries.get(key);
    if (value === undefined) {
      value = make(key);
      if (this.entries.size >= this.capacity) this.entries.delete(this.entries.keys().next().value);
    } else {
      this.hits++;
      this.entries.delete(key);
    }
    this.entries.set(key, value);
    return value;
  }
}
function run() {
  let sum = 0;
  const counts = new Map();
  for (let i = 0; i < 30000; i++) {
    const key = (i * i) % 1009;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const [key, count] of counts) sum += key * count;
  const groups = new Map();
  for (let i = 0; i < 8000; i++) {
    const key = "group-" + (i % 61);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(i);
  }
  groups.forEach((members, key) => (sum += members.length * key.length));
  const threes = new Set();
  const fives = new Set();
  for (let i = 0; i < 6000; i++) {
    if (i % 3 === 0) threes.add(i);
    if (i % 5 === 0) fives.add(i);
  }
  for (const n of threes) if (fives.has(n)) sum += n & 15;
  sum += new Set([...threes, ...fives]).size;
  const cache = new Recent(64);
  for (let i = 0; i < 9000; i++) sum += cache.get((i * 31) % (40 + (i % 80)), (key) => key * 2) & 3;
  const objects = Array.from({ length: 300 }, (_, i) => ({ i }));
  const labels = new WeakMap();
  for (const object of objects) labels.set(object, object.i * 3);
  const mixed = new Map([[NaN, 1], ["1", 2], [1, 3], [true, 4], [null, 5], [objects[7], 6]]);
  for (let i = 0; i < 6000; i++) sum += labels.get(objects[i % 300]) + mixed.get(i % 2 ? NaN : objects[7]);
  return sum + cache.hits;
}
