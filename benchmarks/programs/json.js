// JSON both ways: nested records, numbers of all sizes, escapes, revivers, replacers, indentation.
function order(i) {
  return {
    id: i,
    customer: { name: `Customer ${i}`, address: { street: `${i} Main "Street"`, zip: String(10000 + i), geo: [i / 7, -i / 13] } },
    lines: Array.from({ length: 5 }, (_, k) => ({ sku: `S-${i}-${k}`, count: k + 1, price: (i * k * 1.1) / 3, note: k % 2 ? null : "π ≈ 3\n" })),
    paid: i % 2 === 0,
    total: i * 1e10,
    tags: ["new", "export", "tab\there"],
  };
}
function run() {
  const orders = [];
  for (let i = 0; i < 120; i++) orders.push(order(i));
  let sum = 0;
  for (let round = 0; round < 4; round++) {
    const text = JSON.stringify(orders);
    const back = JSON.parse(text);
    back[round].id += 1;
    sum += text.length + back.length;
    for (let i = 0; i < text.length; i += 101) sum = (sum * 17 + text.charCodeAt(i)) % 1000003;
  }
  sum += JSON.stringify(orders, null, 2).length;
  sum += JSON.stringify(orders, ["id", "lines", "sku", "count"]).length;
  const doubled = JSON.parse(JSON.stringify(orders.slice(0, 40)), (key, value) => (typeof value === "number" ? value * 2 : value));
  for (const each of doubled) sum += each.lines[2].count + each.id;
  for (let i = 0; i < 1500; i++) sum += JSON.parse(`{"a":[${i},true,"x${i}"],"b":{"c":${i / 8}}}`).a[0] & 7;
  return Math.round(sum);
}
