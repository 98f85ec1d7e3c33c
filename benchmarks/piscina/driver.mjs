// Runs rounds on demand: a line "ask N", "pipeline N" or "wide N" on stdin is answered with the
// seconds per task on stdout. The first argument is the folder in which piscina is installed.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { Piscina } = createRequire(`${process.argv[2]}/`)("piscina");
const filename = new URL("add.mjs", import.meta.url).href;
const oneThread = { filename, minThreads: 1, maxThreads: 1 };
const pool = new Piscina(oneThread);
const widePool = new Piscina({ ...oneThread, concurrentTasksPerWorker: 1000 });

async function oneByOne(count) {
  for (let i = 0; i < count; i++) await pool.run([1, 2]);
}

const atOnce = (pool) => (count) =>
  Promise.all(Array.from({ length: count }, () => pool.run([1, 2])));

const rounds = { ask: oneByOne, pipeline: atOnce(pool), wide: atOnce(widePool) };

for (const round of Object.values(rounds)) await round(2000); // let the compiler do its work
console.log(`ready ${process.version}`);
for await (const line of createInterface({ input: process.stdin })) {
  const [name, count] = line.split(" ");
  const begin = process.hrtime.bigint();
  await rounds[name](Number(count));
  console.log(Number(process.hrtime.bigint() - begin) / 1e9 / Number(count));
}
await Promise.all([pool.destroy(), widePool.destroy()]);
