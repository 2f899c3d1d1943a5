// @ts-check
/** Lines across a chart at round numbers, and what they are. */

import { replace, svg } from '../dom.js';
import { clock, powers, steps } from './ticks.js';

/** @typedef {import('./scale.js').Scale} Scale */
/** @typedef {{left: number, right: number, top: number, bottom: number}} Box the plot within the picture, in pixels */

/** Pixels that a tick takes at least. */
const ROOM = { x: 76, y: 44 };

/** What each group shows by now. @type {WeakMap<SVGElement, string>} */
const shown = new WeakMap();

/**
 * Draw them, if they are not there already: laying texts out takes as long as twenty curves.
 * @param {SVGElement} group
 * @param {{x: Scale, y: Scale, box: Box, em: number, axis: 'epoch' | 'time', written: (value: number, digits: number) => string}} plot
 */
export function drawAxes(group, { x, y, box, em, axis, written }) {
  const width = box.right - box.left;
  const beside = ticksOfY(y, box.bottom - box.top, written).map(({ value, text }) => ({ at: round(y.to(value)), text }));
  const [low, high] = x.domain;
  const room = width / ROOM.x;
  const found = axis === 'time' ? clock(low, high, room) : steps(low, high, room, { whole: true });
  const below = found.map(({ value, text }) => ({ at: round(x.to(value)), text }));
  const now = JSON.stringify([beside, below, box, em, axis]);
  if (shown.get(group) === now) return;
  shown.set(group, now);
  replace(
    group,
    beside.map(({ at, text }) => [
      svg('line', { class: text ? 'chart__grid' : 'chart__grid chart__grid--faint', x1: box.left, x2: box.right, y1: at, y2: at }),
      text ? svg('text', { class: 'chart__tick', x: box.left - 0.6 * em, y: at, dy: '0.32em', 'text-anchor': 'end' }, text) : null,
    ]),
    svg('line', { class: 'chart__base', x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
    below.map(({ at, text }) => [
      svg('line', { class: 'chart__base', x1: at, x2: at, y1: box.bottom, y2: box.bottom + 0.35 * em }),
      svg('text', { class: 'chart__tick', x: at, y: box.bottom + 1.5 * em, 'text-anchor': 'middle' }, text),
    ]),
    svg('text', { class: 'chart__title', x: box.right, y: box.bottom + 2.9 * em, 'text-anchor': 'end' }, axis === 'time' ? 'time of training' : 'epoch'),
  );
}

/**
 * @param {Scale} y
 * @param {number} height
 * @param {(value: number, digits: number) => string} written
 */
export function ticksOfY(y, height, written) {
  const [low, high] = y.domain;
  const room = height / ROOM.y;
  return y.log ? powers(low, high, room) : steps(low, high, room, { text: written });
}

/** In the middle of a pixel a thin line is sharp. @param {number} pixels */
function round(pixels) {
  return Math.floor(pixels) + 0.5;
}
