// The rules for orders: one JSON text a line in, the faults of each line out.

const COUNTRIES = new Set(["AT", "BE", "CH", "DE", "ES", "FR", "IT", "LU", "NL", "PL"]);
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const MAIL = /^[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9-]+\.)+[a-z]{2,}$/;

/** An IBAN's check: its digits, letters counted from 10, leave 1 when divided by 97. */
function isIban(text) {
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(text)) return false;
  const digits = [...text.slice(4), ...text.slice(0, 4)].map((sign) => parseInt(sign, 36)).join("");
  return BigInt(digits) % 97n === 1n;
}

function isDate(text) {
  const parts = DATE.exec(text);
  if (!parts) return false;
  const [, year, month, day] = parts.map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** The thirteen digits of an article: the last one makes the weighted sum a multiple of ten. */
function isArticle(text) {
  if (!/^\d{13}$/.test(text)) return false;
  let sum = 0;
  for (let i = 0; i < 13; i++) sum += Number(text[i]) * (i % 2 ? 3 : 1);
  return sum % 10 === 0;
}

const RULES = {
  id: (order) => Number.isSafeInteger(order.id) && order.id > 0,
  mail: (order) => MAIL.test(order.mail),
  country: (order) => COUNTRIES.has(order.country),
  iban: (order) => isIban(order.iban),
  date: (order) => isDate(order.date),
  items: (order) => order.items.length > 0 && order.items.every((item) => isArticle(item.article)),
  total: (order) =>
    order.items.reduce((sum, item) => sum + item.count * item.cents, 0) === order.cents,
};

function faultsOf(line) {
  let order;
  try {
    order = JSON.parse(line);
  } catch {
    return ["syntax"];
  }
  const faults = [];
  for (const name of Object.keys(RULES)) {
    let fine = false;
    try {
      fine = RULES[name](order);
    } catch {
      // A record so odd that a rule falls over it breaks that rule.
    }
    if (!fine) faults.push(name);
  }
  return faults;
}

/** Check lines of a file; `first` is the number of the first one. */
export function check(first, lines) {
  const bad = [];
  lines.forEach((line, i) => {
    const faults = faultsOf(line);
    if (faults.length > 0) bad.push([first + i, faults]);
  });
  return { checked: lines.length, bad };
}
