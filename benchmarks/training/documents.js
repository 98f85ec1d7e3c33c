// JSON: settings, tables and texts are read, changed and written.
const settings = {
  version: "1.2.3",
  features: { search: true, upload: false, limits: { size: 1048576, rate: 0.25, names: [null, "x", -1.5e-7, 6.02e23] } },
  messages: { hello: "Grüße aus Köln\u2028", quote: 'He said "no"\\', empty: "", tabs: "a\tb\nc" },
};
const table = { columns: ["id", "when", "value", "ok"], rows: [] };
for (let i = 0; i < 250; i++) table.rows.push([i, `2024-01-${(i % 28) + 1}T00:00:00Z`, i * 1.25 - 7 / (i + 3), i % 2 === 0]);
class Money {
  constructor(amount) {
    this.amount = amount;
  }
  toJSON() {
    return `${this.amount} EUR`;
  }
}
function deepen(levels) {
  return levels === 0 ? { end: [] } : { level: levels, next: deepen(levels - 1), list: [levels, String(levels)] };
}
function run() {
  let sum = 0;
  const text = JSON.stringify(table);
  const copy = JSON.parse(text);
  copy.rows.forEach((row) => (sum += row[2]));
  sum += JSON.stringify(settings, null, 2).length + JSON.stringify(settings, ["version", "features", "limits"]).length;
  sum += JSON.stringify(JSON.parse(JSON.stringify(deepen(40)))).length;
  const revived = JSON.parse(text.slice(0, 2000).replace(/,\[[^\]]*$/, "]}"), (key, value) => (key === "0" ? value + 1 : value));
  sum += revived.rows.length;
  sum += JSON.stringify({ price: new Money(3), when: new Date(0), list: [undefined, () => 1, NaN] }).length;
  const lines = table.rows.slice(0, 80).map(([id, when]) => JSON.stringify({ id, when, note: "line " + id }));
  for (const line of lines) sum += JSON.parse(line).id;
  for (const bad of ["{", "[1,]", "nul", '"\\x"']) {
    try {
      JSON.parse(bad);
    } catch (error) {
      sum += error.name.length;
    }
  }
  return sum.toFixed(6);
}
