// Floating point: planets, a Julia set, a discrete Fourier transform, Newton's method.
function planets(steps) {
  const bodies = [];
  for (let i = 0; i < 5; i++) {
    bodies.push({ x: Math.cos(i) * (i + 1), y: Math.sin(i) * (i + 1), vx: 0.1 * i, vy: -0.05 * i, mass: 1 / (i + 1) });
  }
  for (let step = 0; step < steps; step++) {
    for (const a of bodies) {
      for (const b of bodies) {
        if (a === b) continue;
        const dx = b.x - a.x;
        const dy = b.y - a.y;
        const pull = b.mass / Math.pow(dx * dx + dy * dy + 0.01, 1.5);
        a.vx += dx * pull * 0.001;
        a.vy += dy * pull * 0.001;
      }
    }
    for (const body of bodies) {
      body.x += body.vx * 0.001;
      body.y += body.vy * 0.001;
    }
  }
  return bodies.reduce((sum, body) => sum + body.x * body.y, 0);
}
function julia(size) {
  let inside = 0;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      let re = (column / size) * 3 - 1.5;
      let im = (row / size) * 3 - 1.5;
      let left = 30;
      while (left > 0 && re * re + im * im < 4) {
        const next = re * re - im * im - 0.4;
        im = 2 * re * im + 0.6;
        re = next;
        left--;
      }
      inside += left;
    }
  }
  return inside;
}
function spectrum(size) {
  let energy = 0;
  for (let k = 0; k < size; k++) {
    let re = 0;
    let im = 0;
    for (let n = 0; n < size; n++) {
      const angle = (2 * Math.PI * k * n) / size;
      re += (n % 7) * Math.cos(angle);
      im -= (n % 7) * Math.sin(angle);
    }
    energy += Math.sqrt(re * re + im * im);
  }
  return energy;
}
function run() {
  let roots = 0;
  for (let i = 1; i < 2000; i++) {
    let guess = i / 2;
    for (let round = 0; round < 12; round++) guess = (guess + i / guess) / 2;
    roots += guess;
  }
  const sum = planets(600) + julia(70) + spectrum(72) + roots;
  return Math.round(sum * 1e4);
}
