// Numbers and texts: parsing, formatting, rounding, Math, dates.
function run() {
  let sum = 0;
  for (let i = 0; i < 400; i++) {
    const value = (i * 9973) % 1009 / 7;
    const text = String(value);
    sum += Number(text) - parseFloat(text) + parseInt(text, 10) + parseInt(i.toString(36), 36);
    sum += value.toFixed(3).length + value.toPrecision(5).length + value.toExponential(2).length;
    sum += Math.floor(value) + Math.round(-value) + Math.trunc(value) + Math.abs(-i) + Math.sign(value) + Math.ceil(value);
    sum += Math.sin(value) * Math.cos(i) + Math.atan2(i, value + 1) + Math.log1p(i) + Math.exp(-i) + Math.pow(1.01, i);
    sum += Math.min(i, value, 3) + Math.max(i, -value) + Math.cbrt(i) + (i % 2.5) + (value % 3);
    if (Number.isInteger(value) || Number.isNaN(sum) || !isFinite(sum)) sum += 1;
    sum += (0.1 * i + "").length + `${i}px`.length + +`0x${(i & 255).toString(16)}` + (i | 0) + ~~value;
    sum += Number.MAX_SAFE_INTEGER % (i + 3) + (i ** 3) % 11 + -i / 4;
  }
  for (let day = 0; day < 90; day++) {
    const date = new Date(Date.UTC(2024, 0, 1 + day * 5, day % 24, 30));
    sum += date.getUTCDate() + date.getUTCDay() + date.toISOString().length + Date.parse(date.toISOString()) / 1e12;
    date.setUTCMonth(date.getUTCMonth() + 1);
    sum += date.getTime() / 1e12 + new Date("2024-03-05T10:00:00Z").getUTCHours();
  }
  return sum.toFixed(4);
}
