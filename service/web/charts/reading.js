// @ts-check
/** What all lines say at one place, and how far the values go that are shown. Free of the page. */

import { visible } from './decimate.js';
import { nearest } from './scale.js';

/**
 * @typedef {object} Line
 * @property {string} key of this line alone
 * @property {string} run the run's id, or that of a group's first run
 * @property {string} label
 * @property {'train' | 'val'} split
 * @property {string} colour
 * @property {string} dash
 * @property {ArrayLike<number>} xs rising
 * @property {ArrayLike<number>} ys as drawn
 * @property {ArrayLike<number> | null} raw where `ys` are smoothed: what they were
 * @property {{low: ArrayLike<number>, high: ArrayLike<number>} | null} band
 * @property {{x: number, y: number, epoch: number} | null} best
 * @property {{x: number, text: string}[]} marks
 * @property {boolean} diverged
 */

/** @typedef {{line: Line, x: number, y: number, raw: number}} Reading */

/** Values by which it is judged what is usual. */
const SOME = 2000;
/** A value so many times as far as nearly all others is let out of the picture. */
const OUTLIER = 20;

/**
 * Each line's value at the place, the highest first, as the lines lie; those that do not reach so far are left out.
 * @param {Line[]} lines
 * @param {number} x
 * @param {number} reach how far from the place a line's nearest point may be
 * @returns {Reading[]}
 */
export function readings(lines, x, reach) {
  const found = [];
  for (const line of lines) {
    const i = nearest(line.xs, x);
    if (i < 0 || Math.abs(line.xs[i] - x) > reach) continue;
    found.push({ line, x: line.xs[i], y: line.ys[i], raw: (line.raw ?? line.ys)[i] });
  }
  const height = (/** @type {Reading} */ each) => (Number.isFinite(each.y) ? each.y : -Infinity);
  return found.sort((a, b) => height(b) - height(a));
}

/**
 * From the first to the last place that any line has; at least one apart.
 * @param {Line[]} lines
 * @returns {[number, number]}
 */
export function reach(lines) {
  let low = Infinity;
  let high = -Infinity;
  for (const { xs } of lines) {
    if (!xs.length) continue;
    low = Math.min(low, xs[0]);
    high = Math.max(high, xs[xs.length - 1]);
  }
  if (low > high) return [0, 1];
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

/**
 * How far the values go within the domain; `cut` where a few lie so far out that the others would be a flat line.
 * @param {Line[]} lines
 * @param {[number, number]} domain
 * @param {{log: boolean}} options with a logarithm only what is above 0 counts
 * @returns {{low: number, high: number, cut: '' | 'above' | 'below'} | null} null where there is nothing
 */
export function extent(lines, domain, { log }) {
  let low = Infinity;
  let high = -Infinity;
  /** @type {number[]} */
  const found = [];
  for (const line of lines) {
    const [from, to] = visible(line.xs, domain);
    const columns = [line.ys, line.raw, line.band?.low, line.band?.high];
    const every = Math.max(1, Math.floor(((to - from) * lines.length) / SOME));
    for (const column of columns) {
      if (!column) continue;
      for (let i = from; i < to; i += 1) {
        const value = column[i];
        if (!Number.isFinite(value) || (log && value <= 0)) continue;
        if (value < low) low = value;
        if (value > high) high = value;
        if ((i - from) % every === 0) found.push(value);
      }
    }
  }
  if (low > high) return null;
  const some = Float64Array.from(found).sort(); // of numbers alone, so by value
  const most = some[Math.floor(0.95 * (some.length - 1))];
  const least = some[Math.ceil(0.05 * (some.length - 1))];
  const far = (/** @type {number} */ usual) => !log && usual > 0 && high - low > OUTLIER * usual;
  if (far(most - low)) return { low, high: low + 1.5 * (most - low), cut: 'above' };
  if (far(high - least)) return { low: high - 1.5 * (high - least), high, cut: 'below' };
  return { low, high, cut: '' };
}
