// Grids and automata: the game of life, a turtle, rewriting rules, flood fill, a state machine.
function generation(grid) {
  const height = grid.length, width = grid[0].length, next = [];
  for (let y = 0; y < height; y++) {
    const row = [];
    for (let x = 0; x < width; x++) {
      let near = 0;
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++)
          if ((dx || dy) && grid[(y + dy + height) % height][(x + dx + width) % width]) near++;
      row.push(near === 3 || (near === 2 && grid[y][x]) ? 1 : 0);
    }
    next.push(row);
  }
  return next;
}
function rewrite(axiom, rules, times) {
  for (let i = 0; i < times; i++) {
    let next = "";
    for (const symbol of axiom) next += rules[symbol] ?? symbol;
    axiom = next;
  }
  return axiom;
}
function turtle(orders) {
  let x = 0, y = 0, heading = 0;
  const saved = [], seen = new Set();
  for (let i = 0; i < orders.length; i++) {
    switch (orders[i]) {
      case "F":
        x += [1, 0, -1, 0][heading];
        y += [0, 1, 0, -1][heading];
        seen.add(x * 1000 + y);
        break;
      case "+":
        heading = (heading + 1) & 3;
        break;
      case "-":
        heading = (heading + 3) & 3;
        break;
      case "[":
        saved.push([x, y, heading]);
        break;
      case "]":
        [x, y, heading] = saved.pop();
        break;
      default:
        continue;
    }
  }
  return seen.size;
}
function flood(grid, x, y) {
  const pending = [[x, y]];
  let filled = 0;
  while (pending.length) {
    const [cx, cy] = pending.pop();
    if (grid[cy]?.[cx] !== 0) continue;
    grid[cy][cx] = 2;
    filled++;
    pending.push([cx + 1, cy], [cx - 1, cy], [cx, cy + 1], [cx, cy - 1]);
  }
  return filled;
}
function run() {
  let grid = Array.from({ length: 18 }, (_, y) => Array.from({ length: 18 }, (_, x) => ((x * 7 + y * 13) % 5 === 0 ? 1 : 0)));
  for (let i = 0; i < 6; i++) grid = generation(grid);
  const drawn = turtle(rewrite("X", { X: "F[+X][-X]FX", F: "FF" }, 4));
  let state = "idle", ticks = 0;
  const moves = { idle: { go: "busy" }, busy: { done: "idle", fail: "broken" }, broken: { fix: "idle" } };
  for (let i = 0; i < 600; i++) {
    const event = ["go", "done", "go", "fail", "fix"][i % 5];
    if (moves[state][event]) {
      state = moves[state][event];
      ticks++;
    }
  }
  return flood(grid, 0, 0) + drawn + ticks + grid.flat().reduce((a, b) => a + b);
}
