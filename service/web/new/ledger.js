// @ts-check
/** The network that is described, layer by layer, with the sum that each number of parameters comes from. */

import { h, replace } from '../dom.js';
import { count, duration } from '../format.js';

/**
 * @param {HTMLElement} node
 * @param {any} preview what `POST /v1/specs/preview` answers
 */
export function showLedger(node, preview) {
  const { ledger, counterpart, epoch_estimate: estimate, spec } = preview;
  const open = [...node.querySelectorAll('details')].map((each) => each.open);
  replace(
    node,
    h(
      'div',
      { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Layers' },
      h(
        'table',
        { class: 'table ledger' },
        h('caption', { class: 'visually-hidden' }, 'Layers and their parameters'),
        h('thead', h('tr', h('th', { scope: 'col' }, 'Layer'), h('th', { scope: 'col', class: 'num' }, 'Output'), h('th', { scope: 'col', class: 'num' }, 'Parameters'))),
        h('tbody', ledger.layers.map(layer)),
      ),
    ),
    h(
      'dl',
      { class: 'facts' },
      h('dt', 'An image takes'), h('dd', `${count(ledger.multiply_accumulates)} multiplications`),
      h('dt', 'An epoch takes'), h('dd', { title: estimate?.basis ?? '' }, estimate ? `about ${duration(estimate.seconds)}; ${count(spec.epochs)} of them about ${duration(estimate.seconds * spec.epochs)}` : 'nobody knows yet: no such network has been trained here'),
      counterpart ? [h('dt', counterpart.kind === 'dense' ? 'Dense instead' : 'With convolutions'), h('dd', `${count(counterpart.ledger.parameters)} parameters; ${counterpart.rule}`)] : null,
    ),
    h('details', { open: open[0] ?? false }, h('summary', 'The function that it computes'), h('p', { class: 'mono wrap' }, ledger.function.text), h('ul', { class: 'where' }, ledger.function.where.map((/** @type {any} */ each) => h('li', { class: 'mono' }, each.text)))),
    h('details', { open: open[1] ?? false }, h('summary', 'The whole spec, with every default'), h('pre', { tabIndex: 0 }, JSON.stringify(spec, null, 2))),
  );
}

/** @param {any} layer */
function layer({ name, type, output_shape: shape, formula, parameters }) {
  return h(
    'tr',
    h('td', h('span', name), h('span', { class: 'row-note' }, type)),
    h('td', { class: 'num' }, shape.join(' × ')),
    h('td', { class: 'num' }, parameters ? count(parameters) : '', formula ? h('span', { class: 'row-note' }, formula.split(' = ')[0].replaceAll('*', ' · ').replaceAll('+', ' + ')) : null),
  );
}
