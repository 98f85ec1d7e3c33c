// Binary data: matrices, a hash, base 64, records in a DataView, pictures in clamped bytes.
function multiply(a, b, n) {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const factor = a[i * n + k];
      for (let j = 0; j < n; j++) out[i * n + j] += factor * b[k * n + j];
    }
  return out;
}
const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
function crc(bytes) {
  let value = -1;
  for (const byte of bytes) value = crcTable[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ -1) >>> 0;
}
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
function base64(bytes) {
  let out = "";
  for (let i = 0; i + 2 < bytes.length; i += 3) {
    const word = (bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2];
    out += letters[word >> 18] + letters[(word >> 12) & 63] + letters[(word >> 6) & 63] + letters[word & 63];
  }
  return out;
}
function blur(pixels, width) {
  const out = new Uint8ClampedArray(pixels.length);
  for (let i = width; i < pixels.length - width; i++)
    out[i] = (pixels[i - 1] + pixels[i + 1] + pixels[i - width] + pixels[i + width] + 2 * pixels[i]) / 6;
  return out;
}
function run() {
  const n = 14;
  let a = Float64Array.from({ length: n * n }, (_, i) => Math.sin(i));
  a = multiply(multiply(a, a, n), a, n);
  const bytes = new Uint8Array(1800).map((_, i) => i * 7);
  let sum = crc(bytes) + base64(bytes.subarray(30, 900)).length;
  const view = new DataView(new ArrayBuffer(1200));
  for (let at = 0; at < 1200; at += 12) {
    view.setUint16(at, at);
    view.setInt16(at + 2, -at, true);
    view.setFloat64(at + 4, at / 3);
  }
  for (let at = 0; at < 1200; at += 12) sum += view.getUint16(at) + view.getInt16(at + 2, true) + view.getFloat64(at + 4);
  const picture = blur(blur(new Uint8ClampedArray(2400).fill(200, 700, 1500), 60), 60);
  const floats = new Float32Array(500);
  floats.set([1.5, 2.5], 10);
  const ints = new Int32Array(floats.buffer.slice(0, 400));
  for (let i = 0; i < ints.length; i++) ints[i] = (ints[i] ^ (i << 5)) >> 1;
  sum += picture.reduce((x, y) => x + y, 0) + ints.sort()[40] + new BigInt64Array(4).length + floats.indexOf(2.5);
  return (sum + a[17]).toFixed(5);
}
