// @ts-check
/** From values to pixels and back. Free of the page. */

/**
 * @typedef {object} Scale
 * @property {[number, number]} domain values at both ends
 * @property {[number, number]} range pixels at both ends
 * @property {boolean} log
 * @property {(value: number) => number} to pixels; not finite where a logarithm has no such value
 * @property {(pixel: number) => number} from
 */

/**
 * @param {[number, number]} domain
 * @param {[number, number]} range
 * @returns {Scale}
 */
export function linear(domain, range) {
  const [begin] = range;
  const [low] = domain;
  const per = (range[1] - begin) / (domain[1] - low || 1);
  return {
    domain,
    range,
    log: false,
    to: (value) => begin + (value - low) * per,
    from: (pixel) => low + (pixel - begin) / per,
  };
}

/**
 * Logarithmic; both ends of the domain are above 0.
 * @param {[number, number]} domain
 * @param {[number, number]} range
 * @returns {Scale}
 */
export function logarithmic(domain, range) {
  const [begin] = range;
  const first = Math.log(domain[0]);
  const per = (range[1] - begin) / (Math.log(domain[1]) - first || 1);
  return {
    domain,
    range,
    log: true,
    to: (value) => (value > 0 ? begin + (Math.log(value) - first) * per : NaN),
    from: (pixel) => Math.exp(first + (pixel - begin) / per),
  };
}

/**
 * The first place in a rising list whose value is not below this one.
 * @param {ArrayLike<number>} rising
 * @param {number} value
 */
export function place(rising, value) {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The place of the nearest value in a rising list; -1 where that is empty.
 * @param {ArrayLike<number>} rising
 * @param {number} value
 */
export function nearest(rising, value) {
  const above = place(rising, value);
  if (above === 0) return rising.length ? 0 : -1;
  if (above === rising.length) return above - 1;
  return value - rising[above - 1] <= rising[above] - value ? above - 1 : above;
}
