// BigInt: factorials, Fibonacci numbers, modular powers, digits of e, shifts and masks, text.
function power(base, exponent, modulus) {
  let result = 1n;
  base %= modulus;
  while (exponent > 0n) {
    if (exponent & 1n) result = (result * base) % modulus;
    base = (base * base) % modulus;
    exponent >>= 1n;
  }
  return result;
}
function factorial(n) {
  let product = 1n;
  for (let i = 2n; i <= n; i++) product *= i;
  return product;
}
function fibonacci(n) {
  let [a, b] = [0n, 1n];
  for (let i = 0; i < n; i++) [a, b] = [b, a + b];
  return a;
}
function eDigits(digits) {
  const scale = 10n ** BigInt(digits + 5);
  let sum = 0n;
  let term = scale;
  for (let k = 1n; term > 0n; k++) {
    sum += term;
    term /= k;
  }
  return sum / 100000n;
}
function run() {
  let text = factorial(260n).toString() + fibonacci(2000).toString(16) + eDigits(250);
  const prime = (1n << 127n) - 1n;
  for (let i = 0; i < 10; i++) text += power(BigInt(3 + i), prime - 2n - BigInt(i), prime);
  let state = 0x9e3779b97f4a7c15n;
  for (let i = 0; i < 6000; i++) {
    state ^= BigInt.asUintN(64, state << 7n);
    state ^= state >> 9n;
    if (i % 1000 === 0) text += state;
  }
  let small = 0n;
  for (let i = 0n; i < 15000n; i++) small += (i * i) % 7n;
  text += small + String(BigInt.asIntN(32, state)) + (BigInt("123456789012345678901234567890") > state);
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) | 0;
  return hash;
}
