// A recursive-descent parser for arithmetic with variables, its tree walked, folded and printed.
class Parser {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }
  skip() {
    while (this.text[this.at] === " ") this.at++;
  }
  take(symbol) {
    this.skip();
    if (!this.text.startsWith(symbol, this.at)) return false;
    this.at += symbol.length;
    return true;
  }
  sum() {
    let left = this.product();
    for (;;) {
      if (this.take("+")) left = { kind: "+", left, right: this.product() };
      else if (this.take("-")) left = { kind: "-", left, right: this.product() };
      else return left;
    }
  }
  product() {
    let left = this.atom();
    for (;;) {
      if (this.take("*")) left = { kind: "*", left, right: this.atom() };
      else if (this.take("/")) left = { kind: "/", left, right: this.atom() };
      else return left;
    }
  }
  atom() {
    if (this.take("(")) {
      const inside = this.sum();
      if (!this.take(")")) throw new SyntaxError("expected ) at " + this.at);
      return inside;
    }
    if (this.take("-")) return { kind: "neg", operand: this.atom() };
    this.skip();
    const start = this.at;
    while (this.at < this.text.length && /[\w.]/.test(this.text[this.at])) this.at++;
    const word = this.text.slice(start, this.at);
    const number = Number(word);
    return Number.isNaN(number) ? { kind: "name", name: word } : { kind: "number", value: number };
  }
}
const RULES = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => (b === 0 ? 0 : a / b),
};
function value(node, scope) {
  switch (node.kind) {
    case "number":
      return node.value;
    case "name":
      return scope[node.name] ?? 0;
    case "neg":
      return -value(node.operand, scope);
    default:
      return RULES[node.kind](value(node.left, scope), value(node.right, scope));
  }
}
function folded(node) {
  if (node.kind === "neg") return { ...node, operand: folded(node.operand) };
  if (!(node.kind in RULES)) return node;
  const left = folded(node.left);
  const right = folded(node.right);
  if (left.kind === "number" && right.kind === "number") {
    return { kind: "number", value: RULES[node.kind](left.value, right.value) };
  }
  return { kind: node.kind, left, right };
}
function printed(node) {
  if (node.kind === "number") return String(node.value);
  if (node.kind === "name") return node.name;
  if (node.kind === "neg") return `-${printed(node.operand)}`;
  return `(${printed(node.left)} ${node.kind} ${printed(node.right)})`;
}
function run() {
  let sum = 0;
  for (let i = 1; i < 90; i++) {
    const text = `(x + ${i} * 3.5) * (y - ${i} / (2 + 3)) - -z * (1 + 2 * ${i}) + rate_${i % 3} * (4 - 1)`;
    const node = folded(new Parser(text).sum());
    for (let x = 0; x < 12; x++) sum += value(node, { x, y: i, z: 2, rate_0: 1, rate_1: 0.5 });
    sum += printed(node).length;
  }
  return Math.round(sum * 100);
}
