// Functions as values: counters, composition, currying, memoising, callbacks that capture loops.
function counter(step) {
  let value = 0;
  return { next: () => (value += step), reset: () => (value = 0) };
}
const compose = (...parts) => (x) => parts.reduce((value, part) => part(value), x);
const curry = (f) => (a) => (b) => (c) => f(a, b, c);
function memoised(f) {
  const known = new Map();
  return (key) => {
    if (!known.has(key)) known.set(key, f(key));
    return known.get(key);
  };
}
function run() {
  let sum = 0;
  const counters = [];
  for (let i = 0; i < 40; i++) counters.push(counter(i));
  for (let round = 0; round < 250; round++) {
    for (const each of counters) sum += each.next();
    if (round % 50 === 49) for (const each of counters) each.reset();
  }
  const pipeline = compose((x) => x + 3, (x) => x * 7, (x) => x ^ 0x55, (x) => x % 10007);
  for (let i = 0; i < 4000; i++) sum += pipeline(i);
  const volume = curry((a, b, c) => a * b + c);
  for (let i = 0; i < 8000; i++) sum += volume(i)(i + 1)(i + 2) % 97;
  const squares = memoised((x) => x * x);
  for (let i = 0; i < 12000; i++) sum += squares(i % 300) & 1023;
  const later = [];
  for (let i = 0; i < 12000; i++) later.push(() => i * 2 + 1);
  for (const f of later) sum += f();
  return sum;
}
