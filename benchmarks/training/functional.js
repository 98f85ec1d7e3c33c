// Functions as values: currying, composition, memo, events, reducers, rest and default arguments.
const compose = (...steps) => (value) => steps.reduceRight((inner, step) => step(inner), value);
const curry = (f, ...given) => (given.length >= f.length ? f(...given) : (...more) => curry(f, ...given, ...more));
const memo = (f) => {
  const known = new Map();
  return (key) => {
    if (!known.has(key)) known.set(key, f(key));
    return known.get(key);
  };
};
function emitter() {
  const listeners = {};
  return {
    on(event, listener) {
      (listeners[event] ||= []).push(listener);
      return () => (listeners[event] = listeners[event].filter((each) => each !== listener));
    },
    emit(event, ...details) {
      for (const listener of listeners[event] || []) listener.apply(this, details);
    },
  };
}
function counter(start = 0, { step = 1, limit = Infinity } = {}) {
  let value = start;
  return { up: () => (value = Math.min(limit, value + step)), get value() { return value; } };
}
const reducer = (state, action) => {
  switch (action.type) {
    case "add": return { ...state, items: [...state.items, action.item] };
    case "drop": return { ...state, items: state.items.filter((item) => item !== action.item) };
    case "name": return { ...state, name: action.name };
    default: return state;
  }
};
function run() {
  let sum = 0;
  const fib = memo((n) => (n < 2 ? n : fib(n - 1) + fib(n - 2)));
  const volume = curry((a, b, c) => a * b * c);
  const shift = compose((x) => x + 1, (x) => x * 2, Math.abs);
  const events = emitter();
  const off = events.on("tick", function (n, by) { sum += n * by; });
  events.on("tick", (n) => (sum ^= n));
  const clicks = counter(0, { step: 3, limit: 900 });
  let state = { items: [], name: "" };
  for (let i = 0; i < 220; i++) {
    sum += shift(-i) + volume(i)(2)(3) + volume(1, i, 2) + fib(i % 60);
    events.emit("tick", i, 2);
    clicks.up();
    state = reducer(state, { type: i % 3 ? "add" : "drop", item: i % 10 });
    if (i % 50 === 0) state = reducer(state, { type: "name", name: `n${i}` });
    const makers = [];
    for (let k = 0; k < 4; k++) makers.push(() => k + i);
    sum += makers.map((make) => make()).reduce((a, b) => a + b);
  }
  off();
  events.emit("tick", 1, 1);
  return sum + clicks.value + state.items.length + state.name.length;
}
