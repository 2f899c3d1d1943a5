// @ts-check
/** A line across a chart at one epoch, a dot on each curve, and a card with all values, the highest first. */

import { h, replace, svg } from '../dom.js';
import { duration } from '../format.js';
import { readings } from './reading.js';

/** Lines in one column of the card. */
const COLUMN = 24;
/** Pixels from a curve within which it is meant. */
const NEAR = 36;

export class Crosshair {
  /** @param {import('./line_chart.js').LineChart} chart */
  constructor(chart) {
    this.chart = chart;
    this.card = h('div', { class: 'reading', hidden: true });
    chart.stage.append(this.card);
  }

  /**
   * @param {number} x
   * @returns {import('./reading.js').Reading[]}
   */
  read(x) {
    const { plot } = this.chart;
    if (!plot) return [];
    const [low, high] = plot.scene.domain;
    return readings(plot.scene.lines, x, plot.scene.axis === 'epoch' ? Math.max(1, (high - low) / 100) : Infinity);
  }

  /**
   * The run whose curve is nearest to a height in pixels; null where none is near.
   * @param {number} x
   * @param {number} height
   */
  nearest(x, height) {
    const { plot } = this.chart;
    let found = null;
    let least = NEAR;
    for (const { line, y } of this.read(x)) {
      const off = Math.abs((plot?.y.to(y) ?? NaN) - height);
      if (off < least) [found, least] = [line.run, off];
    }
    return found;
  }

  /**
   * @param {number} x
   * @param {{card: boolean, focus: string | null}} options
   */
  show(x, { card, focus }) {
    const { plot, kind, cross } = this.chart;
    const found = this.read(x);
    if (!plot || !found.length || x < plot.scene.domain[0] || x > plot.scene.domain[1]) return this.hide();
    const left = Math.round(plot.x.to(x)) + 0.5;
    replace(
      cross,
      svg('line', { class: 'chart__cross-line', x1: left, x2: left, y1: plot.box.top, y2: plot.box.bottom }),
      found.map(({ line, x: at, y }) => {
        const top = plot.y.to(y);
        const inside = top >= plot.box.top - 1 && top <= plot.box.bottom + 1;
        return inside ? svg('circle', { class: 'chart__dot', cx: plot.x.to(at), cy: top, r: line.run === focus ? 5 : 3.5, fill: line.colour, dataset: { run: line.run } }) : null;
      }),
    );
    this.card.hidden = !card;
    if (!card) return undefined;
    const runs = new Set(found.map(({ line }) => line.run));
    const rows = runs.size === 1 ? found.map((each) => [each]) : byRun(found);
    const value = (/** @type {import('./reading.js').Reading} */ { line, y, raw }) => [
      h('span', { class: `reading__value reading__value--${line.split}` }, Number.isFinite(y) ? kind.format(y) : 'not finite'),
      line.raw ? h('span', { class: 'reading__raw' }, kind.format(raw)) : null,
    ];
    replace(
      this.card,
      h('p', { class: 'reading__at' }, where(x, plot.scene.axis), rows[0].length > 1 ? ': validation, then training' : '', found[0].line.raw ? '; smoothed, and as measured' : ''),
      h('div', { class: 'reading__rows', style: { '--rows': Math.min(COLUMN, rows.length) } }, rows.map((row) =>
        h('p', { class: `reading__row${row[0].line.run === focus ? ' is-focus' : ''}`, dataset: { run: row[0].line.run } },
          swatch(row[0].line), h('span', { class: 'reading__name' }, runs.size === 1 ? split(row[0].line) : row[0].line.label), row.map(value)))),
    );
    this.place(left, plot.box.right);
    const { top, bottom } = plot.box;
    const upper = found.filter(({ y }) => plot.y.to(y) < (top + bottom) / 2).length > found.length / 2;
    this.card.classList.toggle('reading--below', upper && this.card.offsetHeight < bottom - top);
    return undefined;
  }

  /** Beside the line, on whichever side it has room, and never beyond the window. @param {number} at @param {number} right */
  place(at, right) {
    const wide = this.card.offsetWidth;
    const start = this.chart.stage.getBoundingClientRect().left;
    const beside = at + 16 + wide <= right || at < wide + 16 ? at + 16 : at - 16 - wide;
    const within = Math.max(8 - start, Math.min(document.documentElement.clientWidth - 8 - start - wide, beside));
    this.card.style.setProperty('--left', `${within}px`);
  }

  hide() {
    replace(this.chart.cross);
    this.card.hidden = true;
  }
}

/**
 * What belongs to one run beside each other, the runs as they came: validation before training.
 * @param {import('./reading.js').Reading[]} found
 */
function byRun(found) {
  const validation = found.filter(({ line }) => line.split === 'val');
  const training = found.filter(({ line }) => line.split === 'train');
  if (!validation.length) return training.map((each) => [each]);
  return validation.map((each) => [each, ...training.filter(({ line }) => line.run === each.line.run)]);
}

/** @param {number} x @param {'epoch' | 'time'} axis */
export function where(x, axis) {
  return axis === 'time' ? `after ${duration(x)} of training` : `epoch ${Math.round(x)}`;
}

/** @param {{split: string}} line */
function split(line) {
  return line.split === 'val' ? 'validation' : 'training';
}

/**
 * A piece of the line.
 * @param {{colour: string, dash: string, split?: string}} line
 */
export function swatch({ colour, dash, split: which = 'val' }) {
  return svg('svg', { class: 'stroke', viewBox: '0 0 22 8', 'aria-hidden': 'true' },
    svg('path', { class: `chart__line chart__line--${which}`, d: 'M1 4H21', stroke: colour, 'stroke-dasharray': which === 'val' && dash ? dash : null }));
}
