// @ts-check
/**
 * Curves as SVG paths that have no more points than can be seen. Free of the page.
 *
 * Of each column of pixels the first, the lowest, the highest and the last point stay, so that the picture is the one
 * that all points would give (Jugel, Jerzak, Hackenbroich, Markl: M4, VLDB 2014).
 */

import { place } from './scale.js';

/** @typedef {(value: number) => number} ToPixels */

/**
 * Paths are written in tenths of a pixel, each point by its way from the one before: whole and small numbers are written
 * and read in half the time. They are drawn in a group that is scaled by this.
 */
export const UNIT = 0.1;

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
  return stretches(xs, ys, toX, toY, from, to).map(written).join('');
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
  let text = '';
  let begun = -1;
  const sound = (/** @type {number} */ i) => i < to && Number.isFinite(toY(lows[i])) && Number.isFinite(toY(highs[i]));
  for (let i = from; i <= to; i += 1) {
    if (sound(i)) {
      if (begun < 0) begun = i;
    } else if (begun >= 0) {
      const [there] = stretches(xs, highs, toX, toY, begun, i);
      const [back] = stretches(xs, lows, toX, toY, begun, i);
      text += `${written([...there, ...reversed(back)])}Z`;
      begun = -1;
    }
  }
  return text;
}

/**
 * The points that are drawn, x and y in turn, in units; a list for each stretch of finite values.
 * @param {ArrayLike<number>} xs
 * @param {ArrayLike<number>} ys
 * @param {ToPixels} toX
 * @param {ToPixels} toY
 * @param {number} from
 * @param {number} to
 * @returns {number[][]}
 */
function stretches(xs, ys, toX, toY, from, to) {
  /** @type {number[][]} */
  const found = [];
  /** @type {number[]} */
  let points = [];
  let column = NaN;
  let first = -1;
  let last = -1;
  let low = -1;
  let high = -1;
  let lowest = 0;
  let highest = 0;

  /** @param {number} i */
  function add(i) {
    points.push(Math.round(toX(xs[i]) / UNIT), Math.round(toY(ys[i]) / UNIT));
  }

  function leave() {
    if (first < 0) return;
    add(first);
    const [one, other] = low < high ? [low, high] : [high, low];
    if (one !== first && one !== last) add(one);
    if (other !== one && other !== first && other !== last) add(other);
    if (last !== first) add(last);
    first = -1;
    column = NaN;
  }

  for (let i = from; i < to; i += 1) {
    const y = toY(ys[i]);
    if (!Number.isFinite(y)) {
      leave();
      if (points.length) found.push(points);
      points = [];
      continue;
    }
    const here = Math.floor(toX(xs[i]));
    if (here !== column) {
      leave();
      column = here;
      first = low = high = i;
      lowest = highest = y;
    } else if (y > lowest) {
      low = i;
      lowest = y;
    } else if (y < highest) {
      high = i;
      highest = y;
    }
    last = i;
  }
  leave();
  if (points.length) found.push(points);
  return found;
}

const MOST = 20_000;
/** @type {string[]} */
const steps = new Array(2 * MOST);

/** @param {number[]} points */
function written(points) {
  let [x, y] = points;
  let text = `M${x} ${y}`;
  if (points.length === 2) return `${text}h0`;
  text += 'l';
  for (let i = 2; i < points.length; i += 2) {
    text += step(points[i] - x) + step(points[i + 1] - y);
    x = points[i];
    y = points[i + 1];
  }
  return text;
}

/** A number and what divides it from the one before. To look it up takes a tenth of the time. @param {number} units */
function step(units) {
  if (units <= -MOST || units >= MOST) return ` ${units}`;
  return (steps[units + MOST] ??= units < 0 ? String(units) : ` ${units}`);
}

/** @param {number[]} points */
function reversed(points) {
  return points.map((_, i) => points[points.length - 2 - i + 2 * (i % 2)]);
}
