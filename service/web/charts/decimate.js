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
  let text = '';
  let points = 0;
  let column = NaN;
  let first = -1;
  let last = -1;
  let low = -1;
  let high = -1;
  let lowest = 0;
  let highest = 0;

  /** @param {number} i */
  function add(i) {
    text += `${points ? 'L' : 'M'}${tenth(toX(xs[i]))} ${tenth(toY(ys[i]))}`;
    points += 1;
  }

  function flush() {
    if (first < 0) return;
    add(first);
    const [one, other] = low < high ? [low, high] : [high, low];
    if (one !== first && one !== last) add(one);
    if (other !== one && other !== first && other !== last) add(other);
    if (last !== first) add(last);
    first = -1;
  }

  for (let i = from; i < to; i += 1) {
    const y = toY(ys[i]);
    if (!Number.isFinite(y)) {
      flush();
      if (points === 1) text += 'h0';
      points = 0;
      column = NaN;
      continue;
    }
    const here = Math.floor(toX(xs[i]));
    if (here !== column) {
      flush();
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
  flush();
  return points === 1 ? `${text}h0` : text;
}

/**
 * The area between two curves at the same places.
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
      const there = path(xs, highs, toX, toY, begun, i);
      const back = backwards(path(xs, lows, toX, toY, begun, i));
      text += `${there}${back}Z`;
      begun = -1;
    }
  }
  return text;
}

/** @param {string} text */
function backwards(text) {
  const points = text.slice(1).replace(/h0$/, '').split('L');
  return `L${points.reverse().join('L')}`;
}

/** @param {number} pixels */
function tenth(pixels) {
  return Math.round(10 * pixels) / 10;
}
