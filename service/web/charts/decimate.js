// @ts-check
/**
 * Curves as SVG paths that have no more points than can be seen. Free of the page.
 *
 * Of each column of pixels the first, the lowest, the highest and the last point stay, so that the picture is the one
 * that all points would give (Jugel, Jerzak, Hackenbroich, Markl: M4, VLDB 2014).
 */

import { PathText, Points } from './path_text.js';
import { place } from './scale.js';

/** @typedef {(value: number) => number} ToPixels */

/** Paths are written in tenths of a pixel, as whole numbers. They are drawn in a group that is scaled by this. */
export const UNIT = 0.1;
/** Pixels of a column of a faint line. */
const COARSE = 2;

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
 */
export function path(xs, ys, toX, toY, from = 0, to = xs.length) {
  for (let i = from; i < to; i += 1) {
    points.clear(to - i);
    i = thin(xs, ys, toX, toY, i, to);
    text.add(points);
  }
  return text.take();
}

/**
 * The same of a line that is faint, behind another: of each two pixels the lowest and the highest point alone, which takes
 * half the time where there are more points than pixels.
 * @type {typeof path}
 */
export function faint(xs, ys, toX, toY, from = 0, to = xs.length) {
  for (let i = from; i < to; i += 1) {
    points.clear(to - i);
    i = extremes(xs, ys, toX, toY, i, to);
    text.add(points);
  }
  return text.take();
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
      thin(xs, highs, toX, toY, begun, i);
      const { length } = points;
      thin(xs, lows, toX, toY, begun, i);
      points.turn(length);
      text.add(points, { closed: true });
      begun = -1;
    }
  }
  return text.take();
}

/**
 * Add the points that are drawn of one stretch of finite values, column by column.
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number>} ys
 * @param {ToPixels} toX
 * @param {ToPixels} toY
 * @param {number} from
 * @param {number} to
 * @returns {number} the first place whose value is not finite, or `to`
 */
function thin(xs, ys, toX, toY, from, to) {
  let i = from;
  while (i < to) {
    let y = toY(ys[i]);
    if (!Number.isFinite(y)) return i;
    let x = toX(xs[i]);
    points.add(x / UNIT, y / UNIT);
    const column = Math.floor(x);
    const first = i;
    let last = i;
    let low = i;
    let high = i;
    let lastX = x;
    let lastY = y;
    let lowX = x;
    let lowest = y;
    let highX = x;
    let highest = y;
    for (i += 1; i < to; i += 1) {
      x = toX(xs[i]);
      y = toY(ys[i]);
      if (Math.floor(x) !== column || !Number.isFinite(y)) break;
      last = i;
      lastX = x;
      lastY = y;
      if (y > lowest) {
        low = i;
        lowX = x;
        lowest = y;
      } else if (y < highest) {
        high = i;
        highX = x;
        highest = y;
      }
    }
    if (low < high && low !== first) points.add(lowX / UNIT, lowest / UNIT);
    if (high !== first && high !== last) points.add(highX / UNIT, highest / UNIT);
    if (low > high && low !== last) points.add(lowX / UNIT, lowest / UNIT);
    if (last !== first) points.add(lastX / UNIT, lastY / UNIT);
  }
  return to;
}

/**
 * Add the lowest and the highest point of each `COARSE` column of one stretch of finite values.
 * @type {typeof thin}
 */
function extremes(xs, ys, toX, toY, from, to) {
  let i = from;
  while (i < to) {
    let y = toY(ys[i]);
    if (!Number.isFinite(y)) return i;
    const column = Math.floor(toX(xs[i]) / COARSE);
    let low = i;
    let high = i;
    let lowest = y;
    let highest = y;
    for (i += 1; i < to; i += 1) {
      y = toY(ys[i]);
      if (Math.floor(toX(xs[i]) / COARSE) !== column || !Number.isFinite(y)) break;
      if (y > lowest) {
        low = i;
        lowest = y;
      } else if (y < highest) {
        high = i;
        highest = y;
      }
    }
    if (low < high) points.add(toX(xs[low]) / UNIT, lowest / UNIT);
    points.add(toX(xs[high]) / UNIT, highest / UNIT);
    if (low > high) points.add(toX(xs[low]) / UNIT, lowest / UNIT);
  }
  return to;
}
