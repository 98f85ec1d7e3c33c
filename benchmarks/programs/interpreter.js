// A stack machine that runs its own little programs: one big switch over small integers.
const OPS = { push: 0, add: 1, sub: 2, mul: 3, dup: 4, swap: 5, load: 6, store: 7, jump: 8, jumpIf: 9, less: 10, mod: 11, halt: 12, call: 13, ret: 14, over: 15 };
function assemble(text) {
  const labels = {};
  const words = text.trim().split(/\s+/).filter((word, at, all) => {
    if (!word.endsWith(":")) return true;
    labels[word.slice(0, -1)] = all.slice(0, at).filter((each) => !each.endsWith(":")).length;
    return false;
  });
  return words.map((word) => (word in OPS ? OPS[word] : word in labels ? labels[word] : Number(word)));
}
function execute(code, memory) {
  const stack = [];
  const returns = [];
  let at = 0;
  let steps = 0;
  for (;;) {
    steps++;
    switch (code[at++]) {
      case 0: stack.push(code[at++]); break;
      case 1: { const b = stack.pop(); stack.push((stack.pop() + b) | 0); break; }
      case 2: { const b = stack.pop(); stack.push((stack.pop() - b) | 0); break; }
      case 3: { const b = stack.pop(); stack.push(Math.imul(stack.pop(), b)); break; }
      case 4: stack.push(stack[stack.length - 1]); break;
      case 5: { const b = stack.pop(); const a = stack.pop(); stack.push(b, a); break; }
      case 6: stack.push(memory[code[at++]]); break;
      case 7: memory[code[at++]] = stack.pop(); break;
      case 8: at = code[at]; break;
      case 9: if (stack.pop()) at = code[at]; else at++; break;
      case 10: { const b = stack.pop(); stack.push(stack.pop() < b ? 1 : 0); break; }
      case 11: { const b = stack.pop(); stack.push(stack.pop() % b); break; }
      case 12: return steps;
      case 13: returns.push(at + 1); at = code[at]; break;
      case 14: at = returns.pop(); break;
      case 15: stack.push(stack[stack.length - 2]); break;
      default: throw new Error("bad code at " + at);
    }
  }
}
const SUMS = assemble(`
  push 0 store 0 push 0 store 1
  loop: load 0 push 4000 less jumpIf body jump end
  body: load 0 call square load 1 add push 100003 mod store 1 load 0 push 1 add store 0 jump loop
  square: dup mul push 257 mod ret
  end: halt`);
const PRIMES = assemble(`
  push 2 store 0 push 0 store 1
  next: load 0 push 180 less jumpIf test halt
  test: push 2 store 2
  try: load 2 dup mul load 0 swap over over less jumpIf isprime
  load 0 load 2 mod jumpIf more jump skip
  more: load 2 push 1 add store 2 jump try
  isprime: load 1 load 0 add store 1
  skip: load 0 push 1 add store 0 jump next`);
function run() {
  const sums = [0, 0, 0, 0];
  const primes = [0, 0, 0, 0];
  const steps = execute(SUMS, sums) + execute(PRIMES, primes) + execute(PRIMES, primes);
  return steps * 1000 + sums[1] + primes[1] * 7;
}
