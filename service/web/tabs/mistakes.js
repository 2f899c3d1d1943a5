// @ts-check
/** The images that a run reads wrong, the worst first. */

import { segments } from '../charts/controls.js';
import { commands, request } from '../commands.js';
import { h, replace, write } from '../dom.js';
import { get } from '../http.js';
import { classes } from '../images/classes.js';
import { pending, version } from '../images/judged.js';
import { Wall, address } from '../images/wall.js';
import { stylesheet } from '../stylesheet.js';

/**
 * @param {HTMLElement} root
 * @param {import('../experiment/tabs.js').TabContext} context
 */
export async function show(root, { id, experiment, params, signal, setParams }) {
  const [sets] = await Promise.all([get('/v1/datasets', { signal }), stylesheet('images'), stylesheet('inside')]);
  const labels = sets.items.find((/** @type {any} */ each) => each.name === experiment.spec.dataset.name)?.facts.labels ?? [];
  const split = segments('Images of', [['test', 'Test'], ['validation', 'Validation']], (value) => setParams({ split: value === 'test' ? null : value, image: null }));
  const label = classes(labels, 'any class', (value) => setParams({ label: value, image: null }));
  const prediction = classes(labels, 'anything', (value) => setParams({ prediction: value, image: null }));
  const wall = new Wall({ id, signal, opened: (index) => setParams({ image: index === null ? null : String(index) }) });
  const how = h('div');
  const waiting = h('p', { class: 'panel empty muted' });
  replace(root, waiting,
    h('div', { class: 'row', dataset: { control: 'images' } }, split.node,
      h('label', { class: 'inline' }, 'that are ', label), h('label', { class: 'inline' }, 'and read as ', prediction)),
    wall.node, how);

  /** @param {URLSearchParams} now @param {any} run */
  function update(now, run) {
    const which = { split: now.get('split') === 'validation' ? 'validation' : 'test', label: numbered(now.get('label')), prediction: numbered(now.get('prediction')) };
    split.choose(which.split);
    label.value = which.label === null ? '' : String(which.label);
    prediction.value = which.prediction === null ? '' : String(which.prediction);
    const why = pending(run);
    write(waiting, why ?? '');
    waiting.hidden = !why;
    wall.node.hidden = Boolean(why);
    if (!why) wall.show(which, numbered(now.get('image')), version(run));
    commands(how, [request('These images', address(id, which))]);
  }

  update(params, experiment);
  return { update };
}

/** A number of an address. @param {string | null} text @returns {number | null} */
export function numbered(text) {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}
