// Text: building, cutting, searching, counting, ciphers, padding, comparing, non-ASCII letters.
const WORDS = "amber birch cedar delta ember fjord grove heron inlet jetty kelp lichen märz ñandú".split(" ");
function sentence(seed, length) {
  const words = [];
  for (let i = 0; i < length; i++) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    words.push(WORDS[(seed >> 8) % WORDS.length]);
  }
  return words.join(" ");
}
function shifted(text, by) {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    out += code >= 97 && code < 123 ? String.fromCharCode(((code - 97 + by) % 26) + 97) : text[i];
  }
  return out;
}
function distance(a, b) {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(Math.min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + cost));
    }
    previous = row;
  }
  return previous[b.length];
}
function run() {
  let hash = 0;
  const mix = (text) => {
    for (let i = 0; i < text.length; i++) hash = (hash * 33 + text.charCodeAt(i)) | 0;
  };
  for (let i = 0; i < 60; i++) {
    const text = sentence(i + 1, 40);
    mix(shifted(text, i % 26));
    mix(text.toUpperCase().slice(10, 60).padEnd(64, "-"));
    hash += text.indexOf("heron") + text.lastIndexOf("kelp") + text.split("e").length;
    hash += text.replaceAll("delta", "<δ>").length + (text.includes("fjord inlet") ? 11 : 0);
    hash += text.substring(5, 25).trim().localeCompare("ember") + (text < sentence(i, 3) ? 1 : 2);
  }
  let table = "";
  for (let i = 0; i < 1500; i++) table += `${String(i).padStart(5, "0")}|${(i * 37).toString(16)};`;
  mix(table);
  hash += distance(sentence(5, 8), sentence(9, 8));
  for (const letter of sentence(3, 200)) hash = (hash + letter.codePointAt(0)) | 0;
  return hash;
}
