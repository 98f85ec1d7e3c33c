// Proxy, Reflect, Symbol, getters by definition, property descriptors, tagged templates.
const log = [];
const watched = (target) =>
  new Proxy(target, {
    get(object, key, receiver) {
      log.push(key);
      return Reflect.get(object, key, receiver);
    },
    set: (object, key, value) => Reflect.set(object, key, value * 2),
    has: (object, key) => key !== "secret" && key in object,
    ownKeys: (object) => Reflect.ownKeys(object).filter((key) => key !== "secret"),
  });
const defaults = (fallback) => new Proxy({}, { get: (object, key) => (key in object ? object[key] : fallback) });
const tag = (parts, ...values) => parts.raw.reduce((text, part, at) => text + values[at - 1] + part);
const lazy = {
  get costly() {
    const value = 42;
    Object.defineProperty(this, "costly", { value, configurable: true });
    return value;
  },
};
const kind = Symbol("kind");
class Temperature {
  static [Symbol.hasInstance](value) {
    return "degrees" in value;
  }
  get [Symbol.toStringTag]() {
    return "T";
  }
  valueOf() {
    return 20;
  }
}
function run() {
  let sum = 0;
  for (let i = 0; i < 120; i++) {
    const proxy = watched({ a: 1, b: 2, secret: 3, [kind]: i });
    proxy.a = i;
    sum += proxy.a + ("secret" in proxy) + Object.keys(proxy).length + Reflect.ownKeys(proxy).length;
    sum += defaults(7).missing + lazy.costly + tag`one ${i} two ${i + 1}`.length;
    sum += (({ degrees: 1 }) instanceof Temperature) + new Temperature() + Object.prototype.toString.call(new Temperature()).length;
    const described = Object.getOwnPropertyDescriptors({ get x() { return i; }, y: 2 });
    sum += Object.keys(described).length + Reflect.apply(Math.max, null, [1, i]) + Reflect.construct(Array, [3]).length;
    sum += Object.getOwnPropertyNames(Object.create(lazy, { z: { value: 1 } })).length;
    const made = function () { return arguments.length + (this ?? 0); };
    sum += made.call(i, 1, 2) + made.apply(1, [1, 2, 3]) + made.bind(5, 1)(2) + (new.target === undefined);
    delete proxy.b;
    with_(proxy, () => sum++);
  }
  return sum + log.length;
}
function with_(value, then) {
  for (const key in value) if (typeof value[key] !== "undefined") then();
}
