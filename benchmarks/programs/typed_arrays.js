// Typed arrays: matrices, a blur over an image, a checksum table, DataView records, views and slices.
function multiply(a, b, size) {
  const out = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      let cell = 0;
      for (let k = 0; k < size; k++) cell += a[row * size + k] * b[k * size + column];
      out[row * size + column] = cell;
    }
  }
  return out;
}
function blur(image, width, height) {
  const out = new Uint8ClampedArray(image.length);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      out[at] = (image[at - 1] + image[at + 1] + image[at - width] + image[at + width] + 4 * image[at]) >> 3;
    }
  }
  return out;
}
function checksum(bytes) {
  const table = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    table[n] = c;
  }
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
function run() {
  const size = 34;
  const matrix = Float64Array.from({ length: size * size }, (_, i) => (i % 11) / 4);
  const product = multiply(matrix, multiply(matrix, matrix, size), size);
  let image = Uint8ClampedArray.from({ length: 96 * 96 }, (_, i) => (i * 7 + (i >> 6) * 13) & 255);
  for (let round = 0; round < 4; round++) image = blur(image, 96, 96);
  const records = new DataView(new ArrayBuffer(16 * 700));
  for (let i = 0; i < 700; i++) {
    records.setUint32(i * 16, i * 2654435761, true);
    records.setInt16(i * 16 + 4, -i);
    records.setFloat64(i * 16 + 8, i / 3, true);
  }
  let sum = 0;
  for (let i = 0; i < 700; i++) sum += records.getUint32(i * 16, true) + records.getInt16(i * 16 + 4) + records.getFloat64(i * 16 + 8, true);
  const bytes = new Uint8Array(records.buffer);
  const copy = new Uint8Array(30000);
  for (let i = 0; i + 100 <= copy.length; i += 100) copy.set(bytes.subarray(i % 5000, (i % 5000) + 100), i);
  sum += checksum(copy) + checksum(image);
  sum += product.reduce((total, cell) => total + cell, 0) + new Int32Array(copy.buffer, 0, 500).slice(3).indexOf(0);
  return Math.round(sum);
}
