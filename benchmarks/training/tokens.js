// A small language by hand: characters to tokens, tokens to a tree, the tree to a value and a text.
const source = `
let rate = 3.5; let years = 12; # comment
let total = (rate + 2) * years - 4 / (1 + rate) ;
let name = "a string" + 'another';
while (years > 0) { years = years - 1; total = total + years * rate; if (total > 300) { total = total / 2; } }
`;
function isLetter(c) {
  return (c >= "a" && c <= "z") || (c >= "A" && c <= "Z") || c === "_";
}
function* scan(text) {
  let at = 0;
  while (at < text.length) {
    const c = text[at];
    if (c === " " || c === "\n") at++;
    else if (c === "#") while (text[at] !== "\n") at++;
    else if (isLetter(c)) {
      const start = at;
      while (isLetter(text[at])) at++;
      yield { kind: "name", text: text.slice(start, at) };
    } else if (c >= "0" && c <= "9") {
      const start = at;
      while ((text[at] >= "0" && text[at] <= "9") || text[at] === ".") at++;
      yield { kind: "number", value: Number(text.slice(start, at)) };
    } else if (c === '"' || c === "'") {
      const end = text.indexOf(c, at + 1);
      yield { kind: "string", value: text.substring(at + 1, end) };
      at = end + 1;
    } else {
      yield { kind: c };
      at++;
    }
  }
  yield { kind: "end" };
}
class Parser {
  constructor(text) {
    this.tokens = [...scan(text)];
    this.at = 0;
  }
  get next() {
    return this.tokens[this.at];
  }
  accept(kind) {
    if (this.next.kind !== kind) return null;
    return this.tokens[this.at++];
  }
  expect(kind) {
    const token = this.accept(kind);
    if (!token) throw new SyntaxError(`${kind} expected, not ${this.next.kind}`);
    return token;
  }
  primary() {
    if (this.accept("(")) {
      const inner = this.binary(0);
      this.expect(")");
      return inner;
    }
    const token = this.tokens[this.at++];
    switch (token.kind) {
      case "number":
      case "string":
        return { type: "literal", value: token.value };
      case "name":
        return { type: "name", name: token.text };
      default:
        throw new SyntaxError(token.kind);
    }
  }
  binary(level) {
    const levels = [["<", ">"], ["+", "-"], ["*", "/"]];
    if (level === levels.length) return this.primary();
    let left = this.binary(level + 1);
    while (levels[level].includes(this.next.kind)) {
      const operator = this.tokens[this.at++].kind;
      left = { type: "binary", operator, left, right: this.binary(level + 1) };
    }
    return left;
  }
  statement() {
    const word = this.next.text;
    if (word === "let") this.at++;
    if (word === "while" || word === "if") {
      this.at++;
      const test = this.primary();
      this.expect("{");
      const body = [];
      while (!this.accept("}")) body.push(this.statement());
      return { type: word, test, body };
    }
    const { text: name } = this.expect("name");
    this.expect("=");
    const value = this.binary(0);
    this.expect(";");
    return { type: "assign", name, value };
  }
}
function evaluate(node, scope) {
  switch (node.type) {
    case "literal": return node.value;
    case "name": return scope[node.name];
    case "assign": return (scope[node.name] = evaluate(node.value, scope));
    case "while": while (evaluate(node.test, scope)) for (const each of node.body) evaluate(each, scope); return;
    case "if": if (evaluate(node.test, scope)) for (const each of node.body) evaluate(each, scope); return;
  }
  const left = evaluate(node.left, scope), right = evaluate(node.right, scope);
  switch (node.operator) {
    case "+": return left + right;
    case "-": return left - right;
    case "*": return left * right;
    case "/": return left / right;
    case "<": return left < right;
    default: return left > right;
  }
}
const print = (node) =>
  node.type === "binary" ? `(${print(node.left)} ${node.operator} ${print(node.right)})` : String(node.value ?? node.name);
function run() {
  let sum = 0;
  for (let i = 0; i < 25; i++) {
    const parser = new Parser(source), scope = Object.create(null), program = [];
    while (parser.next.kind !== "end") program.push(parser.statement());
    for (const each of program) evaluate(each, scope);
    sum += scope.total + scope.name.length + program.map((each) => print(each.value ?? each.test)).join(";").length;
  }
  return sum.toFixed(4);
}
