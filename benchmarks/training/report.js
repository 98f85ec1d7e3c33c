// Text: a table is laid out, wrapped, searched, cut and put together again.
const words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu naïve Ωmega straße".split(" ");
function wrap(text, width) {
  const lines = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else line += (line && " ") + word;
  }
  return lines.concat(line);
}
function slug(text) {
  let out = "";
  for (const letter of text.toLowerCase().normalize("NFD")) {
    if (letter >= "a" && letter <= "z") out += letter;
    else if (out && !out.endsWith("-")) out += "-";
  }
  return out;
}
function rot13(text) {
  const codes = [];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 97 && c <= 122) codes.push(((c - 97 + 13) % 26) + 97);
    else codes.push(c);
  }
  return String.fromCharCode(...codes);
}
function run() {
  let total = 0;
  for (let page = 0; page < 12; page++) {
    let table = "";
    for (let i = 0; i < 25; i++) {
      const word = words[(i * 7 + page) % words.length];
      const amount = i * 19.5 + page;
      table += `| ${String(i).padStart(4, "0")} | ${word.padEnd(9)} | ${amount.toFixed(2).padStart(10)} |\n`;
    }
    const lines = table.trim().split("\n");
    const cells = lines.map((line) => line.slice(2, -2).split(" | "));
    total += cells.reduce((sum, cell) => sum + parseFloat(cell[2]), 0);
    const prose = cells.map((cell) => cell[1].trim()).join(" ");
    total += wrap(prose, 40).length + slug(prose).length + prose.lastIndexOf("eta") + prose.indexOf("kappa");
    total += rot13(prose).localeCompare(prose) + prose.substring(3, 17).repeat(3).length;
    total += prose.replaceAll("eta", "ETA").toUpperCase().split("").reverse().join("").charCodeAt(5);
    if (prose.includes("mu") && !prose.startsWith("mu") && table.at(-2) === "|") total += prose.codePointAt(9);
    total += [...prose].filter((letter) => "aeiou".includes(letter)).length;
  }
  return total;
}
