// A small physical plant: inheritance, super, getters and setters, private and static members.
class Part {
  static #made = 0;
  #wear = 0;
  constructor(name) {
    this.name = name;
    this.number = Part.#made++ & 255;
  }
  static forget() {
    Part.#made = 0;
  }
  get wear() {
    return this.#wear;
  }
  set wear(value) {
    this.#wear = value > 1000 ? 1000 : value;
  }
  step(load) {
    this.wear = this.#wear + load;
    return load;
  }
}
class Pump extends Part {
  constructor(name, strength) {
    super(name);
    this.strength = strength;
  }
  step(load) {
    return super.step(load >> 1) + this.strength;
  }
}
class Turbo extends Pump {
  #boost = 0;
  step(load) {
    this.#boost = (this.#boost + 3) % 11;
    return super.step(load) + this.#boost;
  }
}
class Valve extends Part {
  open = true;
  step(load) {
    if (this.wear % 5 === 0) this.open = !this.open;
    return this.open ? super.step(load) : super.step(1) - 1;
  }
  static of(count) {
    return Array.from({ length: count }, (_, i) => new this("v" + i));
  }
}
class Pipe extends Part {
  toString() {
    return `${this.name}:${this.wear}`;
  }
}
function run() {
  Part.forget();
  const plant = [...Valve.of(10)];
  for (let i = 0; i < 30; i++) {
    plant.push(new Pump("p" + i, i % 4), new Turbo("t" + i, i % 3), new Pipe("q" + i));
  }
  let flow = 0;
  for (let tick = 0; tick < 300; tick++) {
    let load = tick % 17;
    for (let i = 0; i < plant.length; i++) load = (load + plant[i].step(load)) & 255;
    flow = (flow * 31 + load) % 1000003;
  }
  let wear = 0;
  for (const part of plant) {
    wear += part.wear + part.number + (part instanceof Pump ? 1 : 0) + String(part).length;
  }
  return flow * 10 + (wear % 9973);
}
