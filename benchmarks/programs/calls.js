// Plain calls: recursion, mutual recursion, rest and spread, default arguments, apply and bind.
function ways(steps) {
  return steps < 3 ? steps : ways(steps - 1) + ways(steps - 2);
}
function isEven(n) {
  return n === 0 ? true : isOdd(n - 1);
}
function isOdd(n) {
  return n === 0 ? false : isEven(n - 1);
}
function hanoi(disks, from, to, over, move) {
  if (disks === 0) return;
  hanoi(disks - 1, from, over, to, move);
  move(from, to);
  hanoi(disks - 1, over, to, from, move);
}
function total(...numbers) {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i];
  return sum;
}
function scaled(a, b = a + 1, c = b * 2) {
  return a + b + c;
}
function run() {
  let sum = ways(22);
  for (let i = 0; i < 150; i++) sum += isEven(100 + (i & 1)) ? 3 : 5;
  let moves = 0;
  hanoi(13, 1, 2, 3, (from, to) => {
    moves += from * 3 + to;
  });
  const triple = [1, 2, 3];
  const bound = total.bind(null, 10, 20);
  for (let i = 0; i < 6000; i++) {
    sum += total(i, ...triple) + total.apply(null, triple) + bound(i) + scaled(i) + scaled(i, 2);
    sum %= 1000003;
  }
  return sum * 7 + moves;
}
