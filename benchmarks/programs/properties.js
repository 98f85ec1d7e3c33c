// Objects as records and as dictionaries: few and many shapes, computed keys, spread, delete, in.
function record(i) {
  switch (i % 4) {
    case 0:
      return { id: i, x: i * 2, y: i * 3, tag: "a" };
    case 1:
      return { x: i * 2, id: i, tag: "b", y: i };
    case 2:
      return { tag: "c", y: 1, x: 2, id: i, extra: null };
    default:
      return { id: i, inner: { depth: i & 7 }, x: 1, y: 2, tag: "d" };
  }
}
function run() {
  const records = [];
  for (let i = 0; i < 600; i++) records.push(record(i));
  let sum = 0;
  for (let round = 0; round < 60; round++) {
    for (let i = 0; i < records.length; i++) {
      const r = records[i];
      r.x = (r.x + r.id) & 0xffff;
      r.y += r.x > r.y ? 1 : -1;
      sum += r.x + r.y;
    }
  }
  const words = {};
  for (let i = 0; i < 12000; i++) {
    const key = "k" + ((i * 7919) % 500);
    words[key] = (words[key] || 0) + 1;
    if (i % 97 === 0) delete words["k" + (i % 500)];
  }
  for (const key in words) sum += words[key] * key.length;
  for (let i = 0; i < 1500; i++) {
    const { id, tag, ...rest } = records[i % 600];
    const copy = { ...rest, id: id + 1, [tag]: i };
    sum += Object.keys(copy).length + ("extra" in copy ? 5 : 0) + (copy.inner?.depth ?? 9);
  }
  for (const [key, value] of Object.entries(words)) sum += value + key.charCodeAt(1);
  return sum;
}
