// Times networks with the clock of a browser, which may be coarse.

// A batch of runs takes this many ticks of the clock, so that a tick hardly counts.
const TICKS = 30;
const LEAST_BATCHES = 5;

/** Returns the median of numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Returns the smallest step of the clock in ms, of several that were seen. */
export function clockStep() {
  let step = Infinity;
  for (let index = 0; index < 10; index++) {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    step = Math.min(step, now - start);
  }
  return step;
}

/**
 * Times a network: the median over batches of the ms of a run.
 * @param network A `Network`.
 * @param runs Number of runs; more if batches need them.
 * @param step Step of the clock in ms.
 */
export async function timeNetwork(network, runs, step) {
  const warmUp = 5;
  // The first runs are slow, and decide nothing but the size of batches.
  await network.time(warmUp);
  let batch = 1;
  let took = await network.time(batch);
  while (took < TICKS * step && batch < 65536) {
    batch = took > 0 ? Math.ceil((1.2 * batch * TICKS * step) / took) : 4 * batch;
    took = await network.time(batch);
  }
  const times = [];
  const batches = Math.max(LEAST_BATCHES, Math.ceil(runs / batch));
  for (let index = 0; index < batches; index++) times.push((await network.time(batch)) / batch);
  return median(times);
}
