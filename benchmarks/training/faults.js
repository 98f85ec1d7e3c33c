// Errors: thrown deep and caught high, own classes, finally, causes, optional results, stacks read.
class AppError extends Error {
  constructor(message, options) {
    super(message, options);
    this.code = message.length;
  }
  get name() {
    return "AppError";
  }
}
class NotThere extends AppError {}
function dig(depth) {
  if (depth === 0) throw new NotThere("bottom");
  return dig(depth - 1) + 1;
}
function guarded(i) {
  const trail = [];
  try {
    trail.push("in");
    if (i % 4 === 0) return dig(6);
    if (i % 4 === 1) null.field;
    if (i % 4 === 2) undefinedName();
    trail.push("fine");
  } catch (error) {
    if (error instanceof NotThere) trail.push(error.code);
    else if (error instanceof TypeError) trail.push(error.message.length);
    else trail.push(error.name);
  } finally {
    trail.push("out");
  }
  return trail.join();
}
function wrapped(i) {
  try {
    JSON.parse("{" + i);
  } catch (cause) {
    throw new AppError(`bad input ${i}`, { cause });
  }
}
function firstWhole(texts) {
  outer: for (const text of texts) {
    for (const letter of text) {
      try {
        if (letter < "0" || letter > "9") continue outer;
      } finally {
        firstWhole.looked++;
      }
    }
    return text;
  }
  throw "none";
}
firstWhole.looked = 0;
function run() {
  let sum = 0;
  for (let i = 0; i < 220; i++) {
    sum += String(guarded(i)).length;
    try {
      wrapped(i);
    } catch ({ message, cause, stack }) {
      sum += message.length + (cause instanceof SyntaxError) + (stack ? 1 : 0);
    }
    sum += firstWhole(["a1", "1b", "12"]).length;
    try {
      BigInt(1.5);
    } catch (error) {
      sum += error instanceof RangeError;
    }
    try {
      firstWhole(["x"]);
    } catch (text) {
      sum += text.length;
    }
  }
  return sum;
}
