// @ts-check
/** Which class is read as which: the errors stand out, and each cell opens its images. */

import { segments } from '../charts/controls.js';
import { commands, request } from '../commands.js';
import { h, replace } from '../dom.js';
import { count, percent } from '../format.js';
import { Problem, get } from '../http.js';
import { pending, version } from '../images/judged.js';
import { Wall } from '../images/wall.js';
import { stylesheet } from '../stylesheet.js';
import { numbered } from './mistakes.js';

/**
 * @param {HTMLElement} root
 * @param {import('../experiment/tabs.js').TabContext} context
 */
export async function show(root, { id, experiment, params, signal, setParams, announce }) {
  await Promise.all([stylesheet('images'), stylesheet('inside')]);
  const split = segments('Images of', [['test', 'Test'], ['validation', 'Validation']], (value) => setParams({ split: value === 'test' ? null : value, cell: null, image: null }));
  const table = h('div', { class: 'panel scroll' });
  const said = h('p');
  const often = h('div', { class: 'row often' });
  const wall = new Wall({ id, signal, opened: (index) => setParams({ image: index === null ? null : String(index) }) });
  const how = h('div');
  wall.node.hidden = true;
  replace(root, h('div', { class: 'row row--apart' }, said, h('div', { dataset: { control: 'splits' } }, split.node)), h('div', { class: 'confused' }, table, often), wall.node, how);
  let drawn = '';

  /** @param {string} which @param {string} asked */
  async function draw(which, asked) {
    drawn = asked;
    try {
      const found = await get(`/v1/experiments/${id}/confusion?split=${which}`, { signal });
      if (signal.aborted || drawn !== asked) return;
      const wrong = found.matrix.flat().reduce((/** @type {number} */ sum, /** @type {number} */ each) => sum + each, 0) - found.matrix.reduce((/** @type {number} */ sum, /** @type {number[]} */ row, /** @type {number} */ i) => sum + row[i], 0);
      replace(said, `${count(wrong)} of ${count(found.images)} ${which} images are read wrong: ${percent(found.accuracy)} are right. A cell opens its images.`);
      replace(table, matrix(found, (cell) => setParams({ cell, image: null })));
      replace(often, found.most_confused.length ? h('span', { class: 'muted' }, 'Most often:') : null,
        found.most_confused.slice(0, 6).map((/** @type {any} */ each) => h('button', { type: 'button', class: 'button often__one', onClick: () => setParams({ cell: `${each.label}-${each.prediction}`, image: null }) }, `${found.labels[each.label]} as ${found.labels[each.prediction]}`, h('span', { class: 'muted' }, ` × ${each.count}`))));
      mark();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      if (error.passing) drawn = '';
      else replace(table, h('p', { class: 'bad', role: 'alert' }, error.message));
    }
  }

  let cell = '';
  function mark() {
    for (const each of table.querySelectorAll('[data-cell]')) each.setAttribute('aria-pressed', String(each.dataset.cell === cell));
  }

  /** @param {URLSearchParams} now @param {any} run */
  async function update(now, run) {
    const which = now.get('split') === 'validation' ? 'validation' : 'test';
    const before = cell;
    split.choose(which);
    cell = now.get('cell') ?? '';
    const [label, prediction] = cell.split('-').map(numbered);
    const open = typeof label === 'number' && typeof prediction === 'number';
    commands(how, [request('The matrix', `/v1/experiments/${id}/confusion?split=${which}`), ...(open ? [request('The images of this cell', `/v1/experiments/${id}/mistakes?split=${which}&label=${label}&prediction=${prediction}`)] : [])]);
    const why = pending(run);
    wall.node.hidden = !open || Boolean(why);
    if (why) {
      replace(table, h('p', { class: 'empty muted' }, why));
      return;
    }
    const asked = `${which}.${version(run)}`;
    if (asked !== drawn) await draw(which, asked);
    mark();
    if (!open) return;
    await wall.show({ split: which, label, prediction }, numbered(now.get('image')), version(run));
    if (cell !== before) {
      wall.node.scrollIntoView({ block: 'nearest' });
      announce(wall.heading.textContent ?? '');
    }
  }

  update(params, experiment);
  return { update };
}

/** @param {any} found @param {(cell: string) => void} opened */
function matrix({ labels, matrix: rows, per_class: classes }, opened) {
  const most = Math.max(1, ...rows.flatMap((/** @type {number[]} */ row, /** @type {number} */ i) => row.filter((_, j) => i !== j)));
  return h('table', { class: 'matrix' },
    h('caption', { class: 'visually-hidden' }, 'A row for each true class, a column for each class that was read'),
    h('thead',
      h('tr', h('td'), h('th', { scope: 'colgroup', colspan: labels.length, class: 'matrix__axis' }, 'read as'), h('td')),
      h('tr', h('th', { scope: 'col', class: 'matrix__axis' }, 'is'), labels.map((/** @type {string} */ each) => h('th', { scope: 'col' }, each)), h('th', { scope: 'col', class: 'matrix__rate', title: 'Of the images of this class, the share read as it' }, 'recall'))),
    h('tbody', rows.map((/** @type {number[]} */ row, /** @type {number} */ i) => h('tr',
      h('th', { scope: 'row' }, labels[i]),
      row.map((value, j) => h('td', cell(value, { i, j, most, labels, opened }))),
      h('td', { class: 'matrix__rate num' }, percent(classes[i].recall, 1))))),
    h('tfoot', h('tr', h('th', { scope: 'row', class: 'matrix__rate', title: 'Of the images read as this class, the share that is of it' }, 'precision'), classes.map((/** @type {any} */ each) => h('td', { class: 'matrix__rate num' }, percent(each.precision, 0))), h('td'))));
}

/** @param {number} value @param {{i: number, j: number, most: number, labels: string[], opened: (cell: string) => void}} at */
function cell(value, { i, j, most, labels, opened }) {
  const right = i === j;
  if (!value) return h('span', { class: 'matrix__none' }, '·');
  // By the root, so that a single error is seen beside a frequent one.
  const strength = right ? 0 : Math.round(22 + 78 * Math.sqrt(value / most));
  return h('button', { type: 'button', class: `matrix__cell ${right ? 'matrix__cell--right' : ''}`, dataset: { cell: `${i}-${j}` }, style: { '--strength': `${strength}%` }, 'aria-pressed': 'false', 'aria-label': right ? `${value} times ${labels[i]} read right` : `${value} times ${labels[i]} read as ${labels[j]}`, onClick: () => opened(`${i}-${j}`) }, count(value));
}
