// Whole numbers in 32 bits: sieve, shifts and masks, hashing, greatest common divisors, Collatz.
function primesBelow(limit) {
  const composite = new Array(limit).fill(false);
  let count = 0;
  for (let i = 2; i < limit; i++) {
    if (composite[i]) continue;
    count++;
    for (let j = i * i; j < limit; j += i) composite[j] = true;
  }
  return count;
}
function bits(x) {
  x -= (x >>> 1) & 0x55555555;
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return (((x + (x >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
function divisor(a, b) {
  while (b !== 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}
function run() {
  let sum = primesBelow(30000);
  let state = 0x2545f491;
  for (let i = 0; i < 90000; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    sum = (sum + bits(state)) | 0;
  }
  let hash = 0x811c9dc5;
  for (let i = 0; i < 90000; i++) hash = Math.imul(hash ^ (i & 255), 0x01000193);
  for (let i = 1; i < 4000; i++) sum += divisor(i * 12, 5040 + i);
  let longest = 0;
  for (let start = 1; start < 1200; start++) {
    let n = start;
    let steps = 0;
    while (n !== 1) {
      n = n & 1 ? 3 * n + 1 : n >> 1;
      steps++;
    }
    if (steps > longest) longest = steps;
  }
  return sum + longest + (hash >>> 0);
}
