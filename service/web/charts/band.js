// @ts-check
/** Runs that differ in their seed alone, as a mean and a band of one standard deviation. Free of the page. */

/** @typedef {{xs: number[], mean: number[], low: number[], high: number[]}} Band */

/**
 * At each epoch that every run has which is that far, so that a mean does not jump where one run is thinned and another
 * is not; runs that have ended before are left out of the later means. The deviation is the sample's, with n - 1.
 * @param {{epochs: ArrayLike<number>, values: ArrayLike<number>}[]} runs
 * @returns {Band}
 */
export function band(runs) {
  /** @type {Map<number, number[]>} */
  const found = new Map();
  for (const { epochs, values } of runs) {
    for (let i = 0; i < epochs.length; i += 1) {
      const there = found.get(epochs[i]) ?? [];
      there.push(values[i]);
      found.set(epochs[i], there);
    }
  }
  const ends = runs.map(({ epochs }) => (epochs.length ? epochs[epochs.length - 1] : 0));
  /** @type {Band} */
  const result = { xs: [], mean: [], low: [], high: [] };
  for (const epoch of [...found.keys()].sort((a, b) => a - b)) {
    const values = found.get(epoch) ?? [];
    if (values.length < ends.filter((end) => end >= epoch).length) continue;
    const finite = values.filter(Number.isFinite);
    const mean = finite.length ? finite.reduce((sum, value) => sum + value, 0) / finite.length : NaN;
    const squares = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const deviation = finite.length > 1 ? Math.sqrt(squares / (finite.length - 1)) : 0;
    result.xs.push(epoch);
    result.mean.push(mean);
    result.low.push(mean - deviation);
    result.high.push(mean + deviation);
  }
  return result;
}
