// @ts-check
/** A picture of numbers of which one is chosen, by pointer or arrow keys. */

import { h } from '../dom.js';
import { paint } from '../images/shown.js';

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class Cells {
  /**
   * @param {object} options
   * @param {string} options.title
   * @param {(row: number, column: number) => void} options.picked
   * @param {(row: number, column: number) => void} [options.passed] the pointer is over it
   * @param {() => void} [options.left] the pointer is gone
   */
  constructor({ title, picked, passed, left }) {
    this.picked = picked;
    /** @type {import('../images/pixels.js').Grid} */
    this.grid = [];
    /** @type {[number, number] | null} */
    this.chosen = null;
    this.canvas = h('canvas', { class: 'pixels cells__picture' });
    this.frame = h('span', { class: 'cells__frame', hidden: true });
    this.node = h('div', { class: 'cells', tabIndex: 0, role: 'application', 'aria-label': `${title}. Arrows choose a number.`,
      onKeydown: (/** @type {KeyboardEvent} */ event) => this.press(event),
      onClick: (/** @type {MouseEvent} */ event) => { const at = this.at(event); if (at) picked(...at); },
      onPointermove: (/** @type {PointerEvent} */ event) => { const at = this.at(event); if (at && event.pointerType === 'mouse') passed?.(...at); },
      onPointerleave: () => left?.(),
    }, this.canvas, this.frame);
  }

  /**
   * @param {import('../images/pixels.js').Grid} grid
   * @param {import('../images/pixels.js').Palette} palette
   */
  paint(grid, palette) {
    this.grid = grid;
    paint(this.canvas, grid, palette);
    this.node.style.setProperty('--shape', String((grid[0]?.length ?? 1) / Math.max(1, grid.length)));
    this.choose(this.chosen);
  }

  /** Frame a cell, or so many cells from it on. @param {[number, number] | null} cell @param {number} [rows] @param {number} [columns] */
  choose(cell, rows = 1, columns = 1) {
    this.chosen = cell;
    this.frame.hidden = !cell || !this.grid.length;
    if (!cell || !this.grid.length) return;
    const [height, width] = [this.grid.length, this.grid[0].length];
    for (const [name, value] of Object.entries({ top: cell[0] / height, left: cell[1] / width, height: rows / height, width: columns / width })) this.frame.style.setProperty(name, `${100 * value}%`);
  }

  /** @param {MouseEvent} event @returns {[number, number] | null} */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const [height, width] = [this.grid.length, this.grid[0]?.length ?? 0];
    const row = Math.floor(((event.clientY - box.top) / box.height) * height);
    const column = Math.floor(((event.clientX - box.left) / box.width) * width);
    return row >= 0 && row < height && column >= 0 && column < width && this.grid[row][column] !== undefined ? [row, column] : null;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const by = ARROWS[/** @type {keyof typeof ARROWS} */ (event.key)];
    if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const [row, column] = this.chosen ?? [0, 0];
    const [nextRow, nextColumn] = [row + by[0], column + by[1]];
    if (this.grid[nextRow]?.[nextColumn] === undefined) return;
    this.choose([nextRow, nextColumn]); // the next key may come before whatever this one leads to
    this.picked(nextRow, nextColumn);
  }
}
