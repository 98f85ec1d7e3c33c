// Much is made and dropped: balanced trees, linked lists, ropes, cycles for the collector.
class Node {
  constructor(key) {
    this.key = key;
    this.priority = (key * 2654435761) >>> 0;
    this.left = this.right = null;
  }
}
function rotateRight(node) {
  const top = node.left;
  node.left = top.right;
  top.right = node;
  return top;
}
function rotateLeft(node) {
  const top = node.right;
  node.right = top.left;
  top.left = node;
  return top;
}
function insert(node, key) {
  if (node === null) return new Node(key);
  if (key < node.key) {
    node.left = insert(node.left, key);
    if (node.left.priority > node.priority) node = rotateRight(node);
  } else if (key > node.key) {
    node.right = insert(node.right, key);
    if (node.right.priority > node.priority) node = rotateLeft(node);
  }
  return node;
}
const height = (node) => (node ? 1 + Math.max(height(node.left), height(node.right)) : 0);
function list(values) {
  let head = null;
  for (const value of values) head = { value, next: head };
  return head;
}
function reversed(head) {
  let done = null;
  for (; head; head = head.next) done = { value: head.value, next: done };
  return done;
}
function run() {
  let root = null, sum = 0;
  for (let i = 0; i < 500; i++) root = insert(root, (i * 7919) % 4093);
  sum += height(root);
  for (let round = 0; round < 6; round++) {
    let head = reversed(list(Array.from({ length: 120 }, (_, i) => i * round)));
    while (head) {
      sum += head.value;
      head = head.next;
    }
    const ring = { name: "ring" };
    ring.self = ring;
    ring.peers = [{ of: ring }, { of: ring, close: () => ring }];
    let rope = "";
    for (let i = 0; i < 100; i++) rope = i % 2 ? rope + i : `${i}${rope}`;
    sum += rope.length + ring.peers.length;
    const parts = [];
    for (let i = 0; i < 150; i++) parts.push([i, { i }, "s" + i]);
    sum += parts.filter(([i]) => i % 3).length;
  }
  return sum;
}
