// @ts-check
/** The numbers behind a chart, for those who cannot see it or want to read them. */

import { h, replace } from '../dom.js';
import { duration } from '../format.js';
import { nearest } from './scale.js';

/** Rows at most: of longer runs every so many. */
const ROWS = 60;

export class ChartTable {
  /** @param {import('./line_chart.js').LineChart} chart */
  constructor(chart) {
    this.chart = chart;
    this.body = h('div', { class: 'scroll chart-table__body', tabIndex: 0, role: 'region', 'aria-label': `${chart.kind.title}: the numbers` });
    this.node = h('details', { class: 'chart-table', dataset: { control: 'tables' }, onToggle: () => this.fill() },
      h('summary', 'These numbers as a table'), this.body);
  }

  /** Only where somebody looks. */
  fill() {
    const { plot, kind } = this.chart;
    if (!this.node.open || !plot) return;
    const { lines, axis } = plot.scene;
    const longest = lines.reduce((most, line) => (line.xs.length > most.length ? line.xs : most), /** @type {ArrayLike<number>} */ ([]));
    const every = Math.max(1, Math.ceil(longest.length / ROWS));
    const places = Array.from(longest).filter((_, i) => i % every === 0 || i === longest.length - 1);
    const both = new Set(lines.map(({ split }) => split)).size > 1;
    replace(
      this.body,
      h('table', { class: 'table table--tight' },
        h('caption', { class: 'visually-hidden' }, `${kind.title}${every > 1 ? `, one in ${every}` : ''}`),
        h('thead', h('tr', h('th', { scope: 'col', class: 'num' }, axis === 'time' ? 'time' : 'epoch'),
          lines.map((line) => h('th', { scope: 'col', class: 'num' }, `${line.label}${both ? (line.split === 'val' ? ', validation' : ', training') : ''}`)))),
        h('tbody', places.map((x) => h('tr', h('th', { scope: 'row', class: 'num' }, axis === 'time' ? duration(x) : String(x)),
          lines.map((line) => h('td', { class: 'num' }, value(line, x, kind.format))))))),
    );
  }
}

/**
 * @param {import('./reading.js').Line} line
 * @param {number} x
 * @param {(value: number) => string} format
 */
function value(line, x, format) {
  const i = nearest(line.xs, x);
  if (i < 0 || x > line.xs[line.xs.length - 1]) return '–';
  return Number.isFinite(line.ys[i]) ? format(line.ys[i]) : 'not finite';
}
