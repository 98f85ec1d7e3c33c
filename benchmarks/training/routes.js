// Search: shortest ways with a heap, edit distance, topological order, binary search, a trie.
class Heap {
  constructor() {
    this.items = [];
  }
  push(cost, node) {
    const { items } = this;
    let at = items.push([cost, node]) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent][0] <= items[at][0]) break;
      [items[parent], items[at]] = [items[at], items[parent]];
      at = parent;
    }
  }
  pop() {
    const { items } = this, top = items[0], last = items.pop();
    if (items.length) {
      items[0] = last;
      for (let at = 0; ; ) {
        let child = 2 * at + 1;
        if (child >= items.length) break;
        if (child + 1 < items.length && items[child + 1][0] < items[child][0]) child++;
        if (items[at][0] <= items[child][0]) break;
        [items[at], items[child]] = [items[child], items[at]];
        at = child;
      }
    }
    return top;
  }
}
function shortest(ways, from, to) {
  const best = { [from]: 0 }, heap = new Heap();
  heap.push(0, from);
  while (heap.items.length) {
    const [cost, node] = heap.pop();
    if (node === to) return cost;
    if (cost > best[node]) continue;
    for (const { target, length } of ways[node]) {
      const total = cost + length;
      if (!(target in best) || total < best[target]) {
        best[target] = total;
        heap.push(total, target);
      }
    }
  }
  return -1;
}
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = a[i - 1] === b[j - 1] ? row[j - 1] : 1 + Math.min(row[j], next[j - 1], row[j - 1]);
    row = next;
  }
  return row[b.length];
}
function order(needs) {
  const done = new Set(), out = [];
  const visit = (name) => {
    if (done.has(name)) return;
    done.add(name);
    needs[name].forEach(visit);
    out.push(name);
  };
  Object.keys(needs).forEach(visit);
  return out;
}
function lowest(sorted, wanted) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
function run() {
  const ways = {}, needs = {};
  for (let i = 0; i < 120; i++) {
    ways["n" + i] = [1, 7, 13].map((skip) => ({ target: "n" + ((i + skip) % 120), length: ((i * skip) % 9) + 1 }));
    needs["m" + i] = [2 * i + 1, 2 * i + 2].filter((k) => k < 120).map((k) => "m" + k);
  }
  let sum = shortest(ways, "n0", "n119") + shortest(ways, "n60", "n5");
  sum += distance("the quick brown fox jumps", "a lazy dog quickly jumped over") + order(needs).indexOf("m0");
  const sorted = Array.from({ length: 400 }, (_, i) => i * 3);
  for (let i = 0; i < 400; i++) sum += lowest(sorted, i * 2);
  const trie = {};
  for (const word of ["car", "card", "care", "cat", "dog", "do"]) {
    let node = trie;
    for (const letter of word) node = node[letter] ??= {};
    node.end = true;
  }
  for (let i = 0; i < 60; i++) {
    let node = trie;
    for (const letter of "cards") node = node?.[letter];
    sum += node ? 1 : 0;
  }
  const names = Array.from({ length: 150 }, (_, i) => `item ${(i * 7919) % 151}`);
  sum += names.sort()[9].length + [5, 3, 40, 1].sort()[1] + names.toSorted((a, b) => b.length - a.length)[0].length;
  return sum + [...Array(300).keys()].sort((a, b) => ((a * 37) % 101) - ((b * 37) % 101))[17];
}
