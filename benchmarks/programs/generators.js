// Generators and iterators: pipelines, delegation, permutations, destructuring, early returns.
function* naturals(from = 0) {
  for (let n = from; ; n++) yield n;
}
function* filtered(source, wanted) {
  for (const each of source) if (wanted(each)) yield each;
}
function* mapped(source, change) {
  for (const each of source) yield change(each);
}
function* first(source, count) {
  if (count <= 0) return;
  for (const each of source) {
    yield each;
    if (--count === 0) return;
  }
}
function* permutations(list, size = list.length) {
  if (size <= 1) yield list;
  for (let i = 0; i < size && size > 1; i++) {
    yield* permutations(list, size - 1);
    const other = size % 2 ? 0 : i;
    [list[other], list[size - 1]] = [list[size - 1], list[other]];
  }
}
class Tree {
  constructor(depth, value) {
    this.value = value;
    this.children = depth > 0 ? [new Tree(depth - 1, value * 2), new Tree(depth - 1, value * 2 + 1)] : [];
  }
  *[Symbol.iterator]() {
    yield this.value;
    for (const child of this.children) yield* child;
  }
}
function* averager() {
  let sum = 0;
  let count = 0;
  let answer = 0;
  for (;;) {
    sum += yield answer;
    answer = sum / ++count;
  }
}
function run() {
  let sum = 0;
  const odd = filtered(naturals(), (n) => n % 2 === 1);
  for (const n of first(mapped(odd, (n) => (n * n) % 1013), 4000)) sum += n;
  for (const [a, , c] of permutations([1, 2, 3, 4, 5, 6])) sum += a * c;
  for (const value of new Tree(8, 1)) sum += value & 63;
  const average = averager();
  average.next();
  for (let i = 0; i < 5000; i++) sum += Math.floor(average.next(i % 100).value);
  for (let i = 0; i < 2500; i++) {
    const [head, second = 5, ...rest] = first(naturals(i), 4);
    const { a, b: [c, d] } = { a: head, b: [second, rest.length] };
    sum += a + c * d;
  }
  return sum + Math.max(...first(naturals(17), 500));
}
