// The task that piscina's thread runs: what our worker is asked for, too.
export default ([a, b]) => a + b;
