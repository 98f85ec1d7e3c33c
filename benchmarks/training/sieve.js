// Small integers: primes, bits, remainders, a shuffle by a linear generator.
function primes(limit) {
  const marked = new Array(limit + 1).fill(false);
  let count = 0;
  for (let p = 2; p <= limit; p++) {
    if (marked[p]) continue;
    count++;
    for (let multiple = p * p; multiple <= limit; multiple += p) marked[multiple] = true;
  }
  return count;
}
function population(word) {
  let bits = 0;
  while (word !== 0) {
    word &= word - 1;
    bits++;
  }
  return bits;
}
function gcd(a, b) {
  while (b) [a, b] = [b, a % b];
  return a;
}
function run() {
  let seed = 12345, sum = primes(30000);
  const deck = Array.from({ length: 500 }, (_, i) => i);
  for (let i = deck.length - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    const j = (seed >>> 8) % (i + 1);
    const kept = deck[i];
    deck[i] = deck[j];
    deck[j] = kept;
  }
  for (let i = 0; i < 4000; i++) {
    sum += population((i * 2654435761) | 0) ^ (i << 3);
    sum = (sum + gcd(i + 36, deck[i % 500] + 12)) | 0;
    if (i % 3 === 0) sum = ~sum;
    else if (i % 5 === 0) sum ^= 0x55aa;
    else sum -= i >> 2;
  }
  let cost = 0;
  for (let day = 1; day < 60; day++) for (let stop = 0; stop < day; stop++) cost += day % 7 ? stop : -stop * 2;
  return sum + cost;
}
