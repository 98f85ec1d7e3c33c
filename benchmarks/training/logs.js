// Regular expressions: lines of a log are taken apart, addresses found, templates filled, text cleaned.
const lines = [];
for (let i = 0; i < 60; i++) {
  const level = ["INFO", "WARN", "ERROR"][i % 3];
  lines.push(`2024-0${(i % 9) + 1}-1${i % 10}T10:${10 + (i % 50)}:07Z [${level}] host${i}.example.org user=u${i * 37} took ${i * 13}ms "GET /a/b${i}?q=x%20y" <tag>${i}</tag>`);
}
const log = lines.join("\n");
const shape = /^(?<date>\d{4}-\d\d-\d\d)T(?<time>[\d:]+)Z \[(?<level>INFO|WARN|ERROR)\] (?<host>[a-z0-9.]+) user=(?<user>\w+)/;
function run() {
  let sum = 0;
  for (const line of lines) {
    const { groups } = shape.exec(line);
    sum += groups.time.length + groups.host.length + Number(groups.date.replace(/-/g, ""));
    if (/error/i.test(line)) sum += 3;
    const took = line.match(/took (\d+)ms/);
    sum += took ? +took[1] : 0;
    sum += line.split(/[\s,;]+/).length + line.search(/["']/);
  }
  for (const match of log.matchAll(/(\w+)=(u\d+)/g)) sum += match.index % 7;
  sum += log.replace(/<(\w+)>([^<]*)<\/\1>/g, (_, tag, inner) => `{${tag}:${inner}}`).length;
  sum += log.replace(/\b[a-z]+(?=\d)/g, "$&_").length + (log.match(/\d+/g) ?? []).length;
  const sticky = /\s*(\w+|[^\w\s])/y;
  let count = 0;
  while (sticky.exec(lines[5])) count++;
  const cleaned = "  many   spaces\tand\n lines ".repeat(30).trim().replace(/\s+/g, " ");
  const camel = "some-css-property-name another_snake_case".replace(/[-_](\w)/g, (_, letter) => letter.toUpperCase());
  const unicode = "ÄÖÜ straße 東京 🎉🎉".repeat(10).replace(/\p{L}+/gu, "L").replace(/[^\x00-\x7f]/gu, "?");
  const numbers = "1,234.50 -17 +3e5 .5 x".match(/[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e\d+)?/gi);
  return sum + count + cleaned.length + camel.length + unicode.length + numbers.length;
}
