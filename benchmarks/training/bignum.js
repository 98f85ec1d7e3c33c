// BigInt: factorials, powers with a modulus, Fibonacci, digits, square roots, bits.
function power(base, exponent, modulus) {
  let result = 1n;
  for (base %= modulus; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return result;
}
function root(value) {
  let guess = value;
  for (let next = (guess + 1n) / 2n; next < guess; next = (guess + value / guess) / 2n) guess = next;
  return guess;
}
function run() {
  let factorial = 1n, a = 0n, b = 1n;
  for (let i = 1n; i <= 90n; i++) factorial *= i;
  for (let i = 0; i < 300; i++) [a, b] = [b, a + b];
  const digits = String(factorial).length + b.toString(16).length;
  const prime = (1n << 127n) - 1n;
  let sum = power(3n, prime - 2n, prime) + root(factorial) + BigInt(digits);
  for (let i = 0n; i < 250n; i++) sum = ((sum ^ (i << 65n)) & ((1n << 200n) - 1n)) - (i % 7n) * 5n;
  let small = 0n;
  for (let i = 0; i < 900; i++) small += BigInt(i) * 3n - (small > 1000n ? 1n : 0n);
  return String(sum + small + BigInt("123456789012345678901234567890") + BigInt.asUintN(64, -5n));
}
