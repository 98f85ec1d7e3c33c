// Sorting: the built-in sort with and without comparators, and quick, merge and heap sort by hand.
function numbers(count, seed) {
  const list = [];
  for (let i = 0; i < count; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    list.push(seed >>> 8);
  }
  return list;
}
function quick(list, low, high) {
  while (low < high) {
    const pivot = list[(low + high) >> 1];
    let i = low;
    let j = high;
    while (i <= j) {
      while (list[i] < pivot) i++;
      while (list[j] > pivot) j--;
      if (i <= j) {
        const kept = list[i];
        list[i++] = list[j];
        list[j--] = kept;
      }
    }
    quick(list, low, j);
    low = i;
  }
}
function merged(list) {
  if (list.length < 2) return list;
  const middle = list.length >> 1;
  const left = merged(list.slice(0, middle));
  const right = merged(list.slice(middle));
  const out = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) out.push(left[i] <= right[j] ? left[i++] : right[j++]);
  while (i < left.length) out.push(left[i++]);
  while (j < right.length) out.push(right[j++]);
  return out;
}
function sink(heap, at, end) {
  for (;;) {
    let child = 2 * at + 1;
    if (child >= end) return;
    if (child + 1 < end && heap[child + 1] > heap[child]) child++;
    if (heap[at] >= heap[child]) return;
    [heap[at], heap[child]] = [heap[child], heap[at]];
    at = child;
  }
}
function heaped(list) {
  for (let at = (list.length >> 1) - 1; at >= 0; at--) sink(list, at, list.length);
  for (let end = list.length - 1; end > 0; end--) {
    [list[0], list[end]] = [list[end], list[0]];
    sink(list, 0, end);
  }
  return list;
}
function run() {
  let sum = 0;
  const add = (list) => {
    for (let i = 0; i < list.length; i += 37) sum = (sum * 31 + Number(list[i])) % 1000003;
  };
  const byHand = numbers(5000, 7);
  quick(byHand, 0, byHand.length - 1);
  add(byHand);
  add(merged(numbers(3000, 11)));
  add(heaped(numbers(2500, 13)));
  add(numbers(3000, 17).sort((a, b) => a - b));
  add(numbers(1500, 19).sort());
  const people = numbers(1500, 23).map((n) => ({ name: "n" + (n % 50), age: n % 90 }));
  people.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.age - b.age));
  add(people.map((person) => person.age));
  add(Array.from(Float64Array.from(numbers(4000, 29), (n) => n / 3).sort(), Math.floor));
  return sum;
}
