// The compiler itself: functions and scripts made from text, as a module's load does it.
const body = (i) => `
  "use strict";
  const table = { a${i}: 1, "b c": [1, 2, , 3], [\`k\${${i}}\`]: x => x + ${i}, get g() { return this.a${i}; } };
  class C${i} extends Object { #p = ${i}; static s = 2; m(a, b = 2, ...c) { return this.#p + a * b - c.length; } }
  async function later(n) { for (let j = 0; j < n; j++) await null; return n; }
  function* steps() { let z = 0; do { yield z++; } while (z < 3); }
  label: for (const [k, v] of Object.entries(table)) {
    switch (typeof v) { case "number": if (v > 0 && k !== "q" || !v) continue label; break; default: break; }
    try { var seen = v?.length ?? (k, 0); } catch { seen = -1; } finally { seen |= 0; }
  }
  const { a${i}: first = 3, ...others } = table;
  return new C${i}().m(first, 4, 5) + [...steps()].length + (others.g ? 1 : 0) + /ab+c/gi.test("xABBc") + (seen >>> 1) + 0x1f + 1e3 + 10n.toString().length;
`;
function run() {
  let sum = 0;
  for (let i = 0; i < 24; i++) {
    sum += new Function(body(i))();
    sum += (0, eval)(`(function (a, b) { if (a > b) { return a - b; } else { return a + b; } })`)(i, 12);
    sum += (0, eval)(`var made${i % 5} = ${i}; made${i % 5} * 2`);
    try {
      new Function("let x = ;");
    } catch (error) {
      sum += error.name.length;
    }
  }
  return sum + body.toString().length;
}
