// Errors as control flow: throw and catch across frames, finally, own classes, causes, stacks.
class Refused extends Error {
  constructor(code, options) {
    super("refused " + code, options);
    this.name = "Refused";
    this.code = code;
  }
}
function check(n) {
  if (n % 5 === 0) throw new Refused(n & 15);
  if (n % 7 === 0) throw new TypeError("type " + (n & 7));
  if (n % 11 === 0) null.missing;
  return n;
}
function guarded(n, depth) {
  let trace = 0;
  try {
    if (depth > 0) return guarded(n, depth - 1) + 1;
    return check(n);
  } catch (error) {
    if (error instanceof Refused && depth > 2) return error.code;
    if (error instanceof TypeError && depth > 1) throw new Refused(1, { cause: error });
    throw error;
  } finally {
    trace += depth;
    if (trace < 0) return -1;
  }
}
function labelled(limit) {
  let count = 0;
  outer: for (let i = 0; i < limit; i++) {
    for (let j = 0; j < limit; j++) {
      try {
        if ((i * j) % 13 === 12) continue outer;
        count++;
      } finally {
        count += 2;
      }
    }
  }
  return count;
}
function run() {
  let sum = 0;
  for (let i = 1; i < 3000; i++) {
    try {
      sum += guarded(i, 5);
    } catch (error) {
      sum += error.message.length + (error.cause ? error.cause.message.length : 0);
    }
  }
  for (let i = 0; i < 1200; i++) {
    try {
      JSON.parse(i % 2 ? "[1,2" : "[1,2]");
    } catch (error) {
      sum += error.name.length;
    }
  }
  return sum + labelled(110);
}
