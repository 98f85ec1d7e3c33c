// Recursion: queens on a board, permutations, a knapsack with a memo, towers, Ackermann's function.
function queens(n, row = 0, columns = 0, left = 0, right = 0) {
  if (row === n) return 1;
  let found = 0;
  for (let free = ~(columns | left | right) & ((1 << n) - 1); free; free &= free - 1) {
    const bit = free & -free;
    found += queens(n, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
  }
  return found;
}
function permute(items, visit, at = 0) {
  if (at === items.length) return visit(items);
  for (let i = at; i < items.length; i++) {
    [items[at], items[i]] = [items[i], items[at]];
    permute(items, visit, at + 1);
    [items[at], items[i]] = [items[i], items[at]];
  }
}
const ackermann = (m, n) => (m === 0 ? n + 1 : n === 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)));
function towers(n, from, to, over, moves) {
  if (n === 0) return;
  towers(n - 1, from, over, to, moves);
  moves[to].push(moves[from].pop());
  towers(n - 1, over, to, from, moves);
}
function knapsack(weights, room, at = 0, memo = {}) {
  if (at === weights.length) return 0;
  const key = `${at}:${room}`;
  if (key in memo) return memo[key];
  let best = knapsack(weights, room, at + 1, memo);
  if (weights[at] <= room) best = Math.max(best, weights[at] * 3 + knapsack(weights, room - weights[at], at + 1, memo));
  return (memo[key] = best);
}
function run() {
  let sum = queens(7);
  permute([1, 2, 3, 4, 5, 6], (order) => {
    if (order[0] < order[5]) sum += order[2];
  });
  sum += ackermann(2, 12);
  const pegs = [[9, 8, 7, 6, 5, 4, 3, 2, 1], [], []];
  towers(9, 0, 2, 1, pegs);
  sum += pegs[2].length + knapsack([3, 7, 9, 12, 14, 5, 2, 21, 8], 40);
  return sum;
}
