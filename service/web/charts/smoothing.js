// @ts-check
/** A noisy curve made calm. Free of the page. */

/**
 * The exponential moving average, freed of its start at 0 as in Kingma and Ba, arXiv:1412.6980, section 3: each value is
 * the mean of all before it, the older the lighter. What is not finite stays so and counts for nothing.
 * @param {ArrayLike<number>} values
 * @param {number} weight of what was before, 0 to below 1; 0 gives the values themselves
 * @returns {ArrayLike<number>}
 */
export function smooth(values, weight) {
  if (!(weight > 0)) return values;
  const found = new Float64Array(values.length);
  let mean = 0;
  let left = 1;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (Number.isFinite(value)) {
      mean = weight * mean + (1 - weight) * value;
      left *= weight;
      found[i] = mean / (1 - left);
    } else {
      found[i] = NaN;
    }
  }
  return found;
}
