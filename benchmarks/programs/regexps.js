// Regular expressions: log lines with named groups, a sticky tokeniser, replace, split, look-around.
const LINE = /^(?<day>\d{4}-\d\d-\d\d)T(?<time>[\d:.]+)Z? \[(?<level>INFO|WARN|ERROR)\] (?<where>[\w./-]+):(?<line>\d+) - (?<text>.*)$/;
const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([a-z_]\w*)|("(?:[^"\\]|\\.)*")|([-+*\/=<>!]=?|[(){};,]))/giy;
const MAIL = /\b[\w.+-]+@(?:[a-z\d-]+\.)+[a-z]{2,}\b/gi;
const LEVELS = ["INFO", "WARN", "ERROR", "DEBUG"];
function logLine(i) {
  const level = LEVELS[i % 4];
  return `2024-0${1 + (i % 9)}-1${i % 10}T12:${10 + (i % 50)}:0${i % 10}.${i}Z [${level}] src/mod-${i % 7}.js:${i} - took ${i * 3} ms`;
}
function tokens(source) {
  const counts = [0, 0, 0, 0];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(source); match; match = TOKEN.exec(source)) {
    for (let group = 1; group < 5; group++) if (match[group] !== undefined) counts[group - 1]++;
  }
  return counts[0] + counts[1] * 10 + counts[2] * 100 + counts[3] * 1000;
}
function run() {
  let sum = 0;
  for (let i = 0; i < 700; i++) {
    const match = LINE.exec(logLine(i));
    if (match) sum += match.groups.text.length + Number(match.groups.line) + match.groups.where.length;
  }
  const source = 'let total_1 = price * 1.25 + fee("a \\"b\\"", 3); if (total_1 >= limit) { stop(total_1); }\n'.repeat(20);
  sum += tokens(source);
  const prose = "write to ann.lee@example.org or bob+x@mail.test.net, not to @home or x@y. ".repeat(30);
  sum += (prose.match(MAIL) || []).length;
  sum += prose.replace(/(\w+) (to|or)\b/g, (_, word, joint) => joint + word.toUpperCase()).length;
  sum += prose.split(/[\s,.]+/).filter((word) => /^[^aeiou]+$/i.test(word)).length;
  for (let i = 0; i < 400; i++) {
    const number = String(1234567 * (i + 1)).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
    sum += number.length + (/(?<=,)7\d\d/.test(number) ? 3 : 0);
    sum += /^(a+b?)+c$/.test("aabab".repeat(1 + (i % 3)) + (i & 1 ? "c" : "")) ? 1 : 0;
  }
  return sum;
}
