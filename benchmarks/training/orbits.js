// Bodies that attract one another: floats in the properties of objects.
const bodies = [];
for (let i = 0; i < 6; i++)
  bodies.push({ x: i * 1.7, y: i * i * 0.3, z: -i, vx: 0.01 * i, vy: 0.2 / (i + 1), vz: 0, mass: 1 / (i + 1) });
function energy() {
  let total = 0;
  for (const [at, body] of bodies.entries()) {
    total += 0.5 * body.mass * (body.vx ** 2 + body.vy ** 2 + body.vz ** 2);
    for (let j = at + 1; j < bodies.length; j++) {
      const other = bodies[j];
      total -= (body.mass * other.mass) / Math.hypot(body.x - other.x, body.y - other.y, body.z - other.z);
    }
  }
  return total;
}
function step(dt) {
  for (let i = 0; i < bodies.length; i++) {
    const a = bodies[i];
    for (let j = i + 1; j < bodies.length; j++) {
      const b = bodies[j];
      const dx = a.x - b.x, dy = a.y - b.y, dz = a.z - b.z;
      const d2 = dx * dx + dy * dy + dz * dz + 0.01;
      const pull = dt / (d2 * Math.sqrt(d2));
      a.vx -= dx * b.mass * pull;
      a.vy -= dy * b.mass * pull;
      a.vz -= dz * b.mass * pull;
      b.vx += dx * a.mass * pull;
      b.vy += dy * a.mass * pull;
      b.vz += dz * a.mass * pull;
    }
  }
  for (const body of bodies) {
    body.x += dt * body.vx;
    body.y += dt * body.vy;
    body.z += dt * body.vz;
  }
}
function run() {
  for (let i = 0; i < 900; i++) step(0.001);
  return energy().toFixed(6);
}
