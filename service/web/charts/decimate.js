// @ts-check
/**
 * Curves as SVG paths that have no more points than can be seen. Free of the page.
 *
 * Of each column the lowest and the highest point stay, in their order, so that no peak is lost; a column is about as
 * wide as a line is thick. (Jugel, Jerzak, Hackenbroich, Markl: M4, VLDB 2014, which keeps two points more, for thin lines.)
 */

import { PathText, Points } from './path_text.js';
import { place } from './scale.js';

/** @typedef {(value: number) => number} ToPixels */

/** Paths are written in tenths of a pixel, as whole numbers. They are drawn in a group that is scaled by this. */
export const UNIT = 0.1;
/** Pixels of a column. */
const COLUMN = 2;
/** Those of a line that is faint, behind another. */
const COARSE = 3;

const points = new Points();
const text = new PathText();

/**
 * The places of a rising list that are drawn for this domain: those within, and one more at either side, so that the
 * line goes on to the edge.
 * @param {ArrayLike<number>} xs
 * @param {[number, number]} domain
 * @returns {[number, number]} from, and up to but without
 */
export function visible(xs, domain) {
  return [Math.max(0, place(xs, domain[0]) - 1), Math.min(xs.length, place(xs, domain[1]) + 1)];
}

/**
 * The line through the points from one place up to another; it is broken where a value is not finite, and a point that
 * stands alone is a dot.
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number>} ys
 * @param {ToPixels} toX
 * @param {ToPixels} toY
 * @param {number} [from]
 * @param {number} [to]
 * @param {number} [column] pixels
 */
export function path(xs, ys, toX, toY, from = 0, to = xs.length, column = COLUMN) {
  for (let i = from; i < to; i += 1) {
    points.clear(to - i);
    i = thin(xs, ys, toX, toY, i, to, column);
    text.add(points);
  }
  return text.take();
}

/**
 * The same of a line that is faint, behind another, in fewer points.
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number>} ys
 * @param {ToPixels} toX
 * @param {ToPixels} toY
 * @param {number} [from]
 * @param {number} [to]
 */
export function faint(xs, ys, toX, toY, from, to) {
  return path(xs, ys, toX, toY, from, to, COARSE);
}

/**
 * The area between two curves at the same places: there along the high values and back along the low ones.
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number>} lows
 * @param {ArrayLike<number>} highs
 * @param {ToPixels} toX
 * @param {ToPixels} toY
 * @param {number} [from]
 * @param {number} [to]
 */
export function area(xs, lows, highs, toX, toY, from = 0, to = xs.length) {
  let begun = -1;
  const sound = (/** @type {number} */ i) => i < to && Number.isFinite(toY(lows[i])) && Number.isFinite(toY(highs[i]));
  for (let i = from; i <= to; i += 1) {
    if (sound(i)) {
      if (begun < 0) begun = i;
    } else if (begun >= 0) {
      points.clear(2 * (i - begun));
      thin(xs, highs, toX, toY, begun, i, COLUMN);
      const { length } = points;
      thin(xs, lows, toX, toY, begun, i, COLUMN);
      points.turn(length);
      text.add(points, { closed: true });
      begun = -1;
    }
  }
  return text.take();
}

/**
 * Add the points that are drawn of one stretch of finite values, column by column: the lowest and the highest of each,
 * and both ends of the stretch.
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number>} ys
 * @param {ToPixels} toX
 * @param {ToPixels} toY
 * @param {number} from
 * @param {number} to
 * @param {number} width of a column
 * @returns {number} the first place whose value is not finite, or `to`
 */
function thin(xs, ys, toX, toY, from, to, width) {
  let i = from;
  while (i < to) {
    let y = toY(ys[i]);
    if (!Number.isFinite(y)) return i;
    const column = Math.floor(toX(xs[i]) / width);
    const first = i;
    const begun = y;
    let [low, high] = [i, i];
    let [lowest, highest, last] = [y, y, y];
    for (i += 1; i < to; i += 1) {
      y = toY(ys[i]);
      if (Math.floor(toX(xs[i]) / width) !== column || !Number.isFinite(y)) break;
      last = y;
      if (y > lowest) [low, lowest] = [i, y];
      else if (y < highest) [high, highest] = [i, y];
    }
    const ends = i === to || !Number.isFinite(y);
    if (first === from && low > first && high > first) points.add(toX(xs[first]) / UNIT, begun / UNIT);
    if (low < high) points.add(toX(xs[low]) / UNIT, lowest / UNIT);
    points.add(toX(xs[high]) / UNIT, highest / UNIT);
    if (low > high) points.add(toX(xs[low]) / UNIT, lowest / UNIT);
    if (ends && low < i - 1 && high < i - 1) points.add(toX(xs[i - 1]) / UNIT, last / UNIT);
  }
  return to;
}
