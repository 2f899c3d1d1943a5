// @ts-check
/** One experiment as a row, which is made once and then told what is new: nothing in it that stays is touched. */

import { colourOf, knownColour } from '../colours.js';
import { h, write } from '../dom.js';
import { ago, count, date, duration, percent } from '../format.js';
import { standing } from '../experiment/standing.js';
import { link } from '../router.js';
import { inShort } from '../spec_words.js';
import { draw, sparkline } from './sparkline.js';

/**
 * @typedef {object} Row
 * @property {HTMLTableRowElement} node
 * @property {HTMLInputElement} box
 * @property {HTMLAnchorElement} name what the keyboard goes to
 * @property {(experiment: any, curve: import('./feed.js').Curve | undefined, selected: string[]) => void} update
 */

/**
 * @param {any} experiment
 * @param {{onSelect: (id: string, selected: boolean) => void, onTag: (tag: string) => void}} listeners
 * @returns {Row}
 */
export function row(experiment, { onSelect, onTag }) {
  const { id, spec } = experiment;
  const box = h('input', { type: 'checkbox', 'aria-label': `Select ${experiment.name}`, onChange: () => onSelect(id, box.checked) });
  const swatch = h('span', { class: 'run-dot', 'aria-hidden': 'true' });
  const name = h('a', { class: 'run-name', href: link('experiments', id) }, experiment.name);
  const tags = spec.tags.map((/** @type {string} */ tag) => h('button', { type: 'button', class: 'tag', title: `Only those tagged ${tag}`, onClick: () => onTag(tag) }, tag));
  const chip = h('span', { class: 'chip' });
  const note = h('span', { class: 'row-note' });
  const fill = h('span', { class: 'bar__fill' });
  const bar = h('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
  const line = sparkline();
  const [validation, test, time, created] = Array.from({ length: 4 }, () => h('td', { class: 'num' }));
  created.title = date(experiment.created_at);
  for (const each of [validation, time]) each.classList.add('wide');
  created.classList.add('widest');
  const node = h(
    'tr',
    { dataset: { id } },
    h('td', { class: 'pick', dataset: { control: 'select' } }, box),
    h('td', { class: 'run' }, h('span', { class: 'run-title' }, swatch, name, tags), h('span', { class: 'row-note' }, inShort(spec).join(' · '))),
    h('td', { class: 'state' }, chip, bar, note),
    h('td', { class: 'wide curve' }, line),
    validation,
    test,
    h('td', { class: 'num widest' }, count(experiment.parameters)),
    time,
    created,
  );

  /** @type {Row['update']} */
  function update(run, curve, selected) {
    const state = standing(run).chip;
    const isSelected = selected.includes(id);
    chip.className = `chip chip--${state}`;
    write(chip, state);
    write(note, said(run));
    note.title = run.error ? `${run.error.type}: ${run.error.message}` : '';
    bar.hidden = run.state !== 'running';
    fill.style.setProperty('transform', `scaleX(${run.progress.fraction})`);
    write(validation, percent(run.best?.val_accuracy));
    write(test, percent(run.test?.accuracy));
    write(time, run.finished_at && run.started_at ? duration((Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000) : '');
    write(created, ago(run.created_at));
    box.checked = isSelected;
    node.classList.toggle('is-selected', isSelected);
    const colour = isSelected ? colourOf(id, selected) : knownColour(id);
    swatch.hidden = !colour;
    if (colour) swatch.style.setProperty('--colour', colour.colour);
    if (curve) draw(line, curve, run.progress.epochs, colour);
  }

  return { node, box, name, update };
}

/** What is to be said of the state, honestly and in a few words. @param {any} run */
function said({ state, progress, queue_position: position, error, diverged, resumptions }) {
  const { epoch, epochs, eta_seconds: eta } = progress;
  if (state === 'queued') return position ? `place ${position} in the queue${epoch ? `, at epoch ${epoch}` : ''}` : 'waits';
  if (state === 'failed') return error ? error.message : '';
  const lost = (resumptions ?? []).filter((/** @type {any} */ each) => !each.continued).at(-1);
  const resumed = lost ? `, resumed at epoch ${lost.after_epoch}` : '';
  if (state === 'running') return `epoch ${epoch} of ${epochs}${eta === null ? '' : `, ${duration(eta)} left`}${resumed}`;
  if (diverged) return `after epoch ${epoch}`;
  return epoch === epochs ? '' : `at epoch ${epoch} of ${epochs}`;
}

/**
 * The heading of a column; one that the list can be sorted by is a button, and `show` says by what the list is sorted.
 * @param {{label: string, sort?: string, class?: string}} column
 * @param {(sort: string) => void} onSort
 * @returns {{node: HTMLTableCellElement, show: (current: string) => void}}
 */
export function heading({ label, sort, class: kind = '' }, onSort) {
  let next = '';
  const node = h('th', { scope: 'col', class: kind }, sort ? h('button', { type: 'button', class: 'sort', onClick: () => onSort(next) }, label) : label);
  return { node, show };

  /** @param {string} current the list's `sort` */
  function show(current) {
    if (!sort) return;
    const active = current.replace('-', '') === sort;
    const descending = current.startsWith('-');
    // Figures are first sorted the best first, names from A.
    next = active ? `${descending ? '' : '-'}${sort}` : `${sort === 'name' ? '' : '-'}${sort}`;
    node.setAttribute('aria-sort', active ? (descending ? 'descending' : 'ascending') : 'none');
  }
}
