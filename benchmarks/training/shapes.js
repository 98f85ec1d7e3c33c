// Classes: inheritance, accessors, private fields, statics, mixins, symbols, instanceof.
class Shape {
  static made = 0;
  #label;
  constructor(label) {
    this.#label = label;
    Shape.made++;
  }
  get label() {
    return this.#label;
  }
  set label(value) {
    this.#label = value.trim();
  }
  area() {
    return 0;
  }
  scaled(factor) {
    return new this.constructor(...this.sizes().map((size) => size * factor));
  }
  sizes() {
    return [];
  }
  toString() {
    return `${this.constructor.name} ${this.label}: ${this.area().toFixed(1)}`;
  }
}
class Box extends Shape {
  constructor(width, height) {
    super("box");
    this.width = width;
    this.height = height;
  }
  area() {
    return this.width * this.height;
  }
  sizes() {
    return [this.width, this.height];
  }
}
class Square extends Box {
  constructor(side) {
    super(side, side);
  }
  sizes() {
    return super.sizes().slice(1);
  }
  [Symbol.toPrimitive](hint) {
    return hint === "number" ? this.width : "square";
  }
}
class Disc extends Shape {
  radius;
  constructor(radius) {
    super("disc");
    this.radius = radius;
  }
  static unit() {
    return new this(1);
  }
  area() {
    return Math.PI * this.radius ** 2;
  }
  sizes() {
    return [this.radius];
  }
}
const Named = (Base) =>
  class extends Base {
    #name = "nobody";
    rename(name) {
      this.#name = name;
      return this;
    }
    hasName(name) {
      return #name in this && this.#name === name;
    }
  };
class NamedDisc extends Named(Disc) {}
function Old(value) {
  this.value = value;
}
Old.prototype.twice = function () {
  return this.value * 2;
};
function run() {
  let sum = 0;
  for (let i = 1; i < 160; i++) {
    const shapes = [new Box(i, 2), new Square(i), Disc.unit(), new NamedDisc(i).rename(`n${i % 4}`)];
    for (const shape of shapes) {
      sum += shape.area() + shape.label.length;
      if (shape instanceof Box) sum += shape.scaled(2).area();
      else if (shape instanceof NamedDisc && shape.hasName("n1")) sum += 1;
    }
    shapes[0].label = "  wide box ";
    sum += shapes[0].toString().length + +shapes[1] + `${shapes[1]}`.length + new Old(i).twice();
    sum += Shape.prototype.isPrototypeOf(shapes[2]) + ("width" in shapes[2]);
  }
  return sum.toFixed(3) + Shape.made;
}
