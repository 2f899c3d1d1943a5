// @ts-check
/** The test images that the networks on the page read differently, and who is right. */

import { swatch } from '../charts/crosshair.js';
import { colourOf } from '../colours.js';
import { h, replace } from '../dom.js';
import { count, percent } from '../format.js';
import { Problem, get } from '../http.js';
import { picture } from '../images/shown.js';

const SHOWN = 40;

/**
 * @param {HTMLElement} node
 * @param {string[]} ids two or more runs
 * @param {{signal: AbortSignal, put: (image: string, text: string) => void}} options `put` lays an image on the slate
 */
export async function disagreements(node, ids, { signal, put }) {
  node.setAttribute('aria-busy', 'true');
  try {
    const found = await get(`/v1/disagreements?ids=${ids.join(',')}&limit=${SHOWN}`, { signal });
    if (!signal.aborted) replace(node, drawn(found, put));
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    replace(node, h('p', { class: 'warn', role: 'alert' }, [...error.errors.map((each) => each.detail), error.message].at(0)));
  } finally {
    node.removeAttribute('aria-busy');
  }
}

/** @param {any} found @param {(image: string, text: string) => void} put */
function drawn(found, put) {
  const names = new Map(found.runs.map((/** @type {any} */ each) => [each.experiment_id, each.name]));
  return [
    h('p', `${found.total === 0 ? 'They read none' : `They read ${count(found.total)}`} of the ${count(found.images)} test images of ${found.dataset} differently; all are right on ${count(found.all_right)}, all wrong on ${count(found.all_wrong)}. Counted with the best weights of each.`),
    h('ul', { class: 'disagreeing__pairs' }, found.pairs.map((/** @type {any} */ each) => h('li', sentence(each, names)))),
    h('div', { class: 'disagreeing__images' }, found.items.map((/** @type {any} */ each) => card(each, found, put))),
    found.total > found.items.length ? h('p', { class: 'muted' }, `The ${found.items.length} with the widest margin.`) : null,
  ];
}

/** @param {any} pair @param {Map<string, string>} names */
function sentence(pair, names) {
  const { only_a: a, only_b: b, p_value: p } = pair;
  const judged = p === null ? '' : ` McNemar’s p = ${p < 0.001 ? p.toExponential(1) : p.toFixed(3)}: ${p < 0.05 ? 'more than luck would give.' : 'no more than luck would give.'}`;
  return `${names.get(pair.a)} alone is right on ${count(a)}, ${names.get(pair.b)} alone on ${count(b)}.${judged}`;
}

/** @param {any} item @param {any} found @param {(image: string, text: string) => void} put */
function card(item, found, put) {
  const truth = found.labels[item.label];
  const readings = item.readings.map((/** @type {any} */ each, /** @type {number} */ i) => ({ ...each, name: found.runs[i].name, label: found.labels[each.prediction], right: each.prediction === item.label }));
  const said = readings.map((/** @type {any} */ each) => `${each.name}: ${each.label} (${percent(each.confidence, 0)})`).join('; ');
  return h('button', { type: 'button', class: 'card', title: `Image ${item.index}, a ${truth}. ${said}. Click to lay it on the slate.`, 'aria-label': `Image ${item.index}, a ${truth}. ${said}. Lay it on the slate`, onClick: () => put(item.image, `image ${item.index} of the test split, a ${truth}`) },
    picture(item.image, '', { class: 'card__image' }),
    h('span', { class: 'card__title' }, `a ${truth}`),
    readings.map((/** @type {any} */ each) => h('span', { class: `card__reading ${each.right ? 'good' : 'bad'}` }, swatch(colourOf(each.experiment_id)), `${each.label} ${each.right ? '✓' : '✗'}`)));
}
