// @ts-check
/** What hidden layers add: the one map that a stack of linear layers is, or the linear map nearest to the network. */

import { h } from '../dom.js';
import { count, percent } from '../format.js';

/** @param {any} model the answer of `/model` @param {string[]} labels @returns {HTMLElement[]} */
export function linearity({ linear_collapse: collapse, linear_fit: fit, reason }, labels) {
  if (collapse) return collapsed(collapse);
  if (fit) return fitted(fit, labels);
  return [h('p', { class: 'muted' }, reason ?? 'Nothing is known of it.')];
}

/** @param {any} found */
function collapsed(found) {
  const lost = found.declared_parameters - found.effective_parameters;
  const largest = found.singular_values[0] || 1;
  return [
    h('p', { class: 'told' }, found.layers > 1
      ? `Its ${found.layers} layers with weights are one linear map: multiplied out, ${found.inputs} × ${found.outputs} weights and ${found.outputs} biases do the same. Of ${count(found.declared_parameters)} parameters ${count(found.effective_parameters)} count${lost > 0 ? `; ${count(lost)} add nothing` : ''}.`
      : `One linear map, by its making: ${found.formula.replaceAll('*', ' × ')} parameters.`),
    h('p', `Held against the network on ${count(found.images)} test images: the same class for ${count(found.same_predictions)} of them, and logits that differ by at most ${found.largest_difference.toExponential(1)} where the largest is ${found.largest_logit.toFixed(1)}: ${found.is_rounding ? 'rounding.' : 'more than rounding explains.'}`),
    h('figure', { class: 'singular' },
      h('figcaption', { class: 'muted' }, `Singular values of the map, of rank ${found.rank}`),
      h('div', { class: 'singular__bars', role: 'img', 'aria-label': `Singular values: ${found.singular_values.map((/** @type {number} */ each) => each.toPrecision(3)).join(', ')}` },
        found.singular_values.map((/** @type {number} */ each) => h('span', { class: 'singular__bar', title: each.toPrecision(4), style: { height: `${Math.max(1, (100 * each) / largest)}%` } })))),
  ];
}

/** @param {any} found @param {string[]} labels */
function fitted(found, labels) {
  return [
    h('p', { class: 'told' }, `The linear map nearest to it reads ${percent(found.accuracy)} of the test images right, the network ${percent(found.network_accuracy)}: its nonlinearity is worth ${(100 * found.accuracy_lost).toFixed(2)} points.`),
    h('p', `The map's ${count(found.coefficients)} numbers tell ${percent(found.r2, 1)} of the variance of the logits on ${count(found.images)} test images, and choose the same class for ${percent(found.same_predictions, 1)} of them.`),
    h('figure', { class: 'singular' },
      h('figcaption', { class: 'muted' }, 'Share of each logit that the linear map tells'),
      h('div', { class: 'singular__bars singular__bars--labelled', role: 'img', 'aria-label': found.r2_by_class.map((/** @type {number | null} */ each, /** @type {number} */ i) => `${labels[i] ?? i}: ${percent(each, 0)}`).join(', ') },
        found.r2_by_class.map((/** @type {number | null} */ each, /** @type {number} */ i) => h('span', { class: 'singular__bar', title: `${labels[i] ?? i}: ${percent(each, 1)}`, dataset: { label: labels[i] ?? String(i) }, style: { height: `${Math.max(1, 100 * Math.max(0, each ?? 0))}%` } })))),
    h('p', { class: 'muted' }, `${found.method[0].toUpperCase()}${found.method.slice(1)}.`),
  ];
}
