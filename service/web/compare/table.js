// @ts-check
/** The compared runs as a table: the settings that differ and no others, and the figures that count. */

import { swatch } from '../charts/crosshair.js';
import { h, replace } from '../dom.js';
import { NONE, count, duration, percent } from '../format.js';
import { link } from '../router.js';
import { heading, written } from '../spec_words.js';
import { difference, sorted } from './figures.js';

/** @typedef {import('./figures.js').Row} Row */

/**
 * @typedef {object} Shown
 * @property {Row[]} rows
 * @property {string[]} differing paths of settings
 * @property {string} sort
 * @property {string | null} baseline the id of a row
 * @property {Set<string>} off runs whose curves are not drawn
 * @property {(id: string) => {colour: string, dash: string}} lineOf
 * @property {boolean} grouped
 */

/** What a row has besides its settings, and what its heading says when it is pointed at. */
const FIGURES = [
  ['best', 'Best val.', 'The highest validation accuracy, and its epoch'],
  ['last', 'Last val.', 'Validation accuracy of the newest epoch'],
  ['test', 'Test', 'Accuracy on the test images with the best weights, looked at once, at the end'],
  ['parameters', 'Parameters', 'Weights and biases'],
  ['seconds', 'Training', 'Seconds of training'],
];

export class ComparisonTable {
  /**
   * @param {{set: (changes: Record<string, string | null>) => void, focus: (id: string | null) => void, toggle: (id: string) => void, remove: (id: string) => void}} told
   */
  constructor(told) {
    this.told = told;
    /** @type {Map<string, HTMLElement>} */
    this.lines = new Map();
    this.node = h('div', { class: 'panel scroll comparison', tabIndex: 0, role: 'region', 'aria-label': 'The compared runs' });
    this.drawn = '';
  }

  /** @param {Shown} shown */
  show(shown) {
    const now = JSON.stringify([shown.rows, shown.differing, shown.sort, shown.baseline, [...shown.off], shown.grouped]);
    if (now === this.drawn) return;
    this.drawn = now;
    const held = /** @type {HTMLElement | null} */ (this.node.contains(document.activeElement) ? document.activeElement : null)?.dataset.held;
    const baseline = shown.rows.find(({ id }) => id === shown.baseline);
    this.lines.clear();
    const body = sorted(shown.rows, shown.sort).map((row) => this.line(row, baseline, shown));
    replace(this.node, h('table', { class: 'table' }, h('caption', { class: 'visually-hidden' }, 'Compared runs'), this.head(shown, baseline), h('tbody', body)));
    if (held) /** @type {HTMLElement | null} */ (this.node.querySelector(`[data-held="${held}"]`))?.focus();
  }

  /** @param {string | null} id the run that is meant */
  mark(id) {
    for (const [each, line] of this.lines) line.classList.toggle('is-focus', each === id);
  }

  /** @param {Shown} shown @param {Row | undefined} baseline */
  head({ differing, sort, grouped }, baseline) {
    const column = (/** @type {string} */ name, /** @type {string} */ text, /** @type {string} */ title, /** @type {boolean} */ number) => {
      const order = sort === name ? 'ascending' : sort === `-${name}` ? 'descending' : 'none';
      const next = order === 'none' ? (number ? `-${name}` : name) : order === 'descending' ? name : `-${name}`;
      return h('th', { scope: 'col', class: number ? 'num' : null, 'aria-sort': order },
        h('button', { type: 'button', class: 'sort', title, dataset: { held: `sort-${name}` }, onClick: () => this.told.set({ sort: next }) }, text));
    };
    return h('thead', h('tr',
      column('label', grouped ? 'Group' : 'Run', 'By name', false),
      differing.map((path) => column(path, heading(path), path, false)),
      FIGURES.flatMap(([name, text, title]) => [
        column(name, text, title, true),
        name === 'test' && grouped ? h('th', { scope: 'col', class: 'num', title: 'In which the mean over all seeds lies, 95 times of 100' }, '95 %') : null,
        (name === 'best' || name === 'test') && baseline ? h('th', { scope: 'col', class: 'num', title: `Points more than ${baseline.label}` }, 'Δ') : null,
      ]),
      h('th', { scope: 'col', title: 'What the others are held against' }, 'Baseline'),
      grouped ? null : h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, 'Take out'))));
  }

  /** @param {Row} row @param {Row | undefined} baseline @param {Shown} shown */
  line(row, baseline, { differing, off, lineOf, grouped }) {
    const away = off.has(row.id);
    const chip = row.diverged && !grouped ? 'diverged' : row.state;
    const chosen = row.id === baseline?.id;
    const line = h('tr', { class: away ? 'is-off' : null, dataset: { row: row.id }, onPointerenter: () => this.told.focus(row.id), onPointerleave: () => this.told.focus(null) },
      h('th', { scope: 'row', class: 'comparison__name' },
        h('button', { type: 'button', class: 'comparison__swatch', 'aria-pressed': String(!away), 'aria-label': `Curve of ${row.label}`, title: away ? 'Draw its curve' : 'Leave its curve out', dataset: { held: `swatch-${row.id}` }, onClick: () => this.told.toggle(row.id) }, swatch(lineOf(row.id))),
        grouped ? row.label : h('a', { href: link('experiments', row.id), dataset: { held: `name-${row.id}` } }, row.label),
        chip === 'completed' || grouped ? null : h('span', { class: `chip chip--${chip}` }, chip),
        grouped && row.seeds ? h('span', { class: 'muted' }, ` ${count(row.seeds.n)} ${row.seeds.n === 1 ? 'seed' : 'seeds'}`) : null),
      differing.map((path) => h('td', written(row.settings[path]))),
      h('td', { class: 'num' }, percent(row.best), row.bestEpoch ? h('span', { class: 'muted' }, ` @${row.bestEpoch}`) : null),
      baseline ? delta(difference(row, baseline, 'best'), chosen) : null,
      h('td', { class: 'num muted' }, percent(row.last)),
      h('td', { class: 'num' }, percent(row.test), grouped && row.seeds?.deviation != null ? h('span', { class: 'muted' }, ` ± ${(100 * row.seeds.deviation).toFixed(2)}`) : null),
      grouped ? h('td', { class: 'num muted' }, row.seeds?.interval ? row.seeds.interval.map((each) => (100 * each).toFixed(2)).join(' to ') : NONE) : null,
      baseline ? delta(difference(row, baseline, 'test'), chosen) : null,
      h('td', { class: 'num' }, count(row.parameters)),
      h('td', { class: 'num' }, duration(row.seconds)),
      h('td', h('input', { type: 'radio', name: 'baseline', checked: chosen, 'aria-label': `Hold the others against ${row.label}`, dataset: { held: `baseline-${row.id}` },
        onClick: () => this.told.set({ baseline: chosen ? null : row.id }) })),
      grouped ? null : h('td', h('button', { type: 'button', class: 'button button--quiet comparison__remove', 'aria-label': `Take ${row.label} out of the comparison`, title: 'Take it out of the comparison', onClick: () => this.told.remove(row.id) }, '×')));
    this.lines.set(row.id, line);
    return line;
  }
}

/** @param {number | null} points @param {boolean} own */
function delta(points, own) {
  if (points === null) return h('td', { class: 'num muted' }, own ? 'baseline' : NONE);
  const text = `${points > 0 ? '+' : points < 0 ? '−' : '±'}${Math.abs(points).toFixed(2)}`;
  return h('td', { class: `num ${points > 0 ? 'good' : points < 0 ? 'bad' : 'muted'}` }, text);
}
