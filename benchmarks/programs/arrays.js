// Arrays: push and pop, queues, higher-order methods, splice, grids, dynamic programming.
function run() {
  let sum = 0;
  const numbers = Array.from({ length: 6000 }, (_, i) => (i * 7919) % 1000);
  sum += numbers.filter((n) => n % 3 === 0).map((n) => n * 2).reduce((a, b) => a + b, 0);
  sum += numbers.slice().reverse().findIndex((n) => n === 7) + numbers.lastIndexOf(13) + numbers.indexOf(999);
  sum += numbers.some((n) => n > 998) + numbers.every((n) => n >= 0) + numbers.flatMap((n) => [n, n]).length;
  const stack = [];
  for (let i = 0; i < 30000; i++) {
    if (i % 3 === 2) sum += stack.pop();
    else stack.push(i & 127);
  }
  const grid = Array.from({ length: 60 }, (_, y) => Array.from({ length: 60 }, (_, x) => (x * y) % 3 === 0));
  for (let round = 0; round < 2; round++) {
    for (let y = 1; y < 59; y++) {
      for (let x = 1; x < 59; x++) {
        let alive = 0;
        for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) if (grid[y + dy][x + dx]) alive++;
        grid[y][x] = alive === 3 || alive === 4;
      }
    }
  }
  for (const row of grid) sum += row.filter(Boolean).length;
  const best = new Array(1200).fill(0);
  for (const [weight, value] of [[7, 13], [11, 21], [29, 60], [5, 8], [17, 35], [23, 41]]) {
    for (let room = weight; room < best.length; room++) best[room] = Math.max(best[room], best[room - weight] + value);
  }
  sum += best[best.length - 1];
  const list = [];
  for (let i = 0; i < 800; i++) list.splice((i * 31) % (list.length + 1), 0, i);
  for (let i = 0; i < 400; i++) list.splice((i * 17) % list.length, 1);
  for (let i = 0; i < list.length; i++) sum += list[i] * (i & 3);
  const [a, b, ...rest] = [...list, ...numbers.slice(0, 100)].concat([[1, 2]].flat());
  return sum + a + b + rest.length + rest.join(",").length;
}
