// Graphs: shortest paths with a binary heap, flood fill, topological order, union-find.
class Heap {
  #items = [];
  get size() {
    return this.#items.length;
  }
  push(cost, node) {
    const items = this.#items;
    let at = items.push({ cost, node }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent].cost <= items[at].cost) break;
      [items[parent], items[at]] = [items[at], items[parent]];
      at = parent;
    }
  }
  pop() {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0) return top;
    items[0] = last;
    for (let at = 0; ; ) {
      let child = 2 * at + 1;
      if (child >= items.length) return top;
      if (child + 1 < items.length && items[child + 1].cost < items[child].cost) child++;
      if (items[at].cost <= items[child].cost) return top;
      [items[child], items[at]] = [items[at], items[child]];
      at = child;
    }
  }
}
function build(size) {
  const edges = Array.from({ length: size }, () => []);
  for (let i = 0; i < size; i++) {
    for (let k = 1; k <= 4; k++) edges[i].push({ to: (i * k * 7 + k * 13) % size, cost: ((i * k) % 29) + 1 });
  }
  return edges;
}
function distances(edges, from) {
  const best = new Array(edges.length).fill(Infinity);
  const heap = new Heap();
  best[from] = 0;
  heap.push(0, from);
  while (heap.size > 0) {
    const { cost, node } = heap.pop();
    if (cost > best[node]) continue;
    for (const { to, cost: step } of edges[node]) {
      if (cost + step < best[to]) {
        best[to] = cost + step;
        heap.push(best[to], to);
      }
    }
  }
  return best;
}
function regions(width, height) {
  const seen = new Set();
  const wall = (x, y) => (x * 7 + y * 11 + x * y) % 5 === 0;
  let count = 0;
  for (let start = 0; start < width * height; start++) {
    if (seen.has(start) || wall(start % width, Math.floor(start / width))) continue;
    count++;
    const queue = [start];
    seen.add(start);
    while (queue.length > 0) {
      const cell = queue.pop();
      const x = cell % width;
      const y = Math.floor(cell / width);
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        const [nx, ny] = [x + dx, y + dy];
        const next = ny * width + nx;
        if (nx < 0 || ny < 0 || nx >= width || ny >= height || seen.has(next) || wall(nx, ny)) continue;
        seen.add(next);
        queue.push(next);
      }
    }
  }
  return count;
}
function run() {
  const edges = build(500);
  let sum = 0;
  for (const distance of distances(edges, 3)) if (distance < Infinity) sum += distance;
  const parents = Array.from({ length: 3000 }, (_, i) => i);
  const root = (i) => {
    while (parents[i] !== i) i = parents[i] = parents[parents[i]];
    return i;
  };
  for (let i = 0; i < 3000; i++) parents[root(i)] = root((i * 17 + 5) % 3000);
  const roots = new Set();
  for (let i = 0; i < 3000; i++) roots.add(root(i));
  return sum * 100 + regions(50, 40) * 10 + roots.size;
}
