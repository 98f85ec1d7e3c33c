// Short lives: trees, cyclic lists, boxed points, throw-away arrays and strings, closures.
function tree(depth) {
  return depth === 0 ? { left: null, right: null } : { left: tree(depth - 1), right: tree(depth - 1) };
}
function nodes(t) {
  return t.left === null ? 1 : 1 + nodes(t.left) + nodes(t.right);
}
function ring(size) {
  const head = { value: 0, next: null, previous: null };
  let last = head;
  for (let i = 1; i < size; i++) {
    const node = { value: i, next: null, previous: last };
    last.next = node;
    last = node;
  }
  last.next = head;
  head.previous = last;
  return head;
}
function plus(a, b) {
  return { x: a.x + b.x, y: a.y + b.y };
}
function run() {
  let sum = 0;
  const kept = tree(9);
  for (let i = 0; i < 12; i++) sum += nodes(tree(8));
  for (let i = 0; i < 400; i++) {
    let node = ring(20);
    for (let k = 0; k < 25; k++) node = k % 5 ? node.next : node.previous;
    sum += node.value;
  }
  let point = { x: 0, y: 0 };
  for (let i = 0; i < 15000; i++) point = plus(point, { x: i & 3, y: i & 1 });
  for (let i = 0; i < 5000; i++) sum += [i, [i + 1, i + 2], { n: i }].length + ("s" + i).length;
  const window = [];
  for (let i = 0; i < 8000; i++) {
    window.push({ id: i, payload: [i, i + 1], call: () => i });
    if (window.length > 200) sum += window.shift().call() & 1;
  }
  return sum + point.x * 3 + point.y + nodes(kept);
}
