// @ts-check
/** A few rows of numbers, each on the colour that it has in a picture; where they are many, the picture alone. */

import { h } from '../dom.js';
import { inkOn } from '../images/pixels.js';
import { painted } from '../images/shown.js';

const WIDEST = 9;
/** Values of a layer without rows are laid out in rows of so many. */
const FOLDED = 32;

/** @param {number | null} value */
export function short(value) {
  if (value === null) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : size < 0.005 ? '~0' : value.toFixed(2);
}

/**
 * A single long row as several; what the last of them lacks is undefined.
 * @param {import('../images/pixels.js').Grid} grid
 * @returns {import('../images/pixels.js').Grid}
 */
export function folded(grid) {
  if (grid.length !== 1 || grid[0].length <= FOLDED) return grid;
  const [row] = grid;
  const rows = Array.from({ length: Math.ceil(row.length / FOLDED) }, (_, i) => row.slice(i * FOLDED, (i + 1) * FOLDED));
  const last = rows[rows.length - 1];
  while (last.length < FOLDED) last.push(undefined);
  return rows;
}

/**
 * @param {(number | null)[][]} grid
 * @param {import('../images/pixels.js').Palette} palette
 * @param {string} title
 * @returns {HTMLElement}
 */
export function numberGrid(grid, palette, title) {
  const columns = grid[0]?.length ?? 0;
  if (columns > WIDEST) return h('figure', { class: 'numbers' }, painted(folded(grid), palette, { class: 'numbers__picture', role: 'img', 'aria-label': title }), h('figcaption', { class: 'muted' }, title));
  const cells = grid.flatMap((row) => row.map((value) => {
    const colour = value === null ? [128, 128, 128] : palette(value);
    return h('span', { title: value === null ? 'not finite' : String(value), style: { 'background-color': `rgb(${colour.join(' ')})`, color: inkOn(colour) } }, short(value));
  }));
  return h('figure', { class: 'numbers' }, h('div', { class: `numbers__grid ${columns > 4 ? 'numbers__grid--many' : ''}`, role: 'img', 'aria-label': `${title}: ${grid.map((row) => row.map(short).join(' ')).join('; ')}`, style: { '--columns': columns } }, cells), h('figcaption', { class: 'muted' }, title));
}
