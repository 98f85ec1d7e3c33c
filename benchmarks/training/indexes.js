// Map, Set, WeakMap and objects as dictionaries: an inverted index, a cache, counts, joins.
const texts = Array.from({ length: 60 }, (_, i) =>
  Array.from({ length: 15 }, (_, k) => "w" + ((i * 31 + k * k * 17) % 97)).join(" "),
);
class Cache {
  constructor(size) {
    this.size = size;
    this.kept = new Map();
  }
  get(key, make) {
    let value = this.kept.get(key);
    if (value === undefined) value = make(key);
    else this.kept.delete(key);
    this.kept.set(key, value);
    if (this.kept.size > this.size) this.kept.delete(this.kept.keys().next().value);
    return value;
  }
}
function run() {
  let sum = 0;
  const index = new Map(), counts = {};
  texts.forEach((text, at) => {
    for (const word of text.split(" ")) {
      if (!index.has(word)) index.set(word, new Set());
      index.get(word).add(at);
      counts[word] = (counts[word] || 0) + 1;
    }
  });
  for (const [word, where] of index) sum += word.length * where.size;
  const top = Object.entries(counts).sort(([, a], [, b]) => b - a).slice(0, 10);
  sum += top.reduce((total, [, count]) => total + count, 0);
  const cache = new Cache(40);
  for (let i = 0; i < 600; i++) sum += cache.get((i * i) % 71, (key) => key + 1);
  const tags = new WeakMap(), nodes = Array.from({ length: 150 }, (_, i) => ({ i }));
  for (const node of nodes) tags.set(node, node.i * 2);
  for (const node of nodes) sum += tags.get(node);
  const even = new Set(nodes.filter(({ i }) => i % 2 === 0)), many = new Set(nodes.slice(50));
  sum += [...even].filter((node) => many.has(node)).length + even.union(many).size;
  const sparse = new Map([[1.5, "a"], [-0, "b"], ["1", "c"], [NaN, "d"], [null, "e"], [2n, "f"]]);
  sum += sparse.get(0).length + sparse.get(NaN).length + sparse.size;
  const grid = {};
  for (let x = 0; x < 20; x++) for (let y = 0; y < 20; y++) grid[`${x},${y}`] = x ^ y;
  for (let x = 1; x < 19; x++) sum += grid[`${x - 1},${x}`] + grid[`${x + 1},${x}`];
  index.forEach((where, word) => where.size > 9 && index.delete(word));
  const grouped = Map.groupBy(nodes, ({ i }) => i % 5);
  return sum + index.size + grouped.get(3).length;
}
