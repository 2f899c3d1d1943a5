// @ts-check
/** A network layer by layer: what each gives, and the sum that its parameters come from. */

import { h } from '../dom.js';
import { NONE, count, percent } from '../format.js';

/** @param {any} ledger @returns {HTMLElement} */
export function ledger({ layers, parameters, multiply_accumulates: work }) {
  const shared = layers.some((/** @type {any} */ each) => each.dense_equivalent);
  return h('div', { class: 'scroll' }, h('table', { class: 'table ledger' },
    h('caption', { class: 'visually-hidden' }, 'Layers and their parameters'),
    h('thead', h('tr', h('th', { scope: 'col' }, 'Layer'), h('th', { scope: 'col' }, 'gives'), h('th', { scope: 'col' }, 'Parameters, and the sum they come from'), h('th', { scope: 'col', class: 'num' }, 'Share'), h('th', { scope: 'col', class: 'num', title: 'Multiplications by a weight, for one image' }, 'Multiplications'), shared ? h('th', { scope: 'col' }, 'As a dense layer') : null)),
    h('tbody', layers.map((/** @type {any} */ each) => row(each, parameters, shared))),
    h('tfoot', h('tr', h('th', { scope: 'row' }, 'All'), h('td'), h('td', h('strong', { class: 'num' }, count(parameters))), h('td'), h('td', { class: 'num' }, count(work)), shared ? h('td') : null))));
}

/** @param {any} layer @param {number} all @param {boolean} shared */
function row(layer, all, shared) {
  const dense = layer.dense_equivalent;
  return h('tr', { class: layer.parameters ? '' : 'muted' },
    h('th', { scope: 'row' }, layer.name, ' ', h('span', { class: 'muted' }, layer.type)),
    h('td', { class: 'shape' }, layer.output_shape.join(' × ')),
    h('td', { class: 'mono' }, layer.formula ? layer.formula.replace(/\d{4,}/g, (/** @type {string} */ each) => count(Number(each))).replaceAll('*', ' × ').replaceAll('+', ' + ') : NONE),
    h('td', { class: 'num' }, layer.parameters ? [percent(layer.parameters / all, 1), h('span', { class: 'share' }, h('span', { class: 'share__fill', style: { transform: `scaleX(${layer.parameters / all})` } }))] : NONE),
    h('td', { class: 'num' }, layer.multiply_accumulates ? count(layer.multiply_accumulates) : NONE),
    shared ? h('td', dense ? [`${count(dense.parameters)} parameters`, h('span', { class: 'muted' }, `, ${count(dense.sharing_factor)} times as many`)] : NONE) : null);
}
