// @ts-check
/** What a network consists of, the function that it computes, and what its hidden layers add. */

import { commands, request } from '../commands.js';
import { h, replace } from '../dom.js';
import { count } from '../format.js';
import { formula, meaning } from '../formula.js';
import { Problem, get, send } from '../http.js';
import { ledger } from '../inside/ledger.js';
import { linearity } from '../inside/linearity.js';
import { stylesheet } from '../stylesheet.js';

/**
 * @param {HTMLElement} root
 * @param {import('../experiment/tabs.js').TabContext} context
 */
export async function show(root, { id, experiment, signal }) {
  const [found, sets] = await Promise.all([
    send('POST', '/v1/specs/preview', experiment.spec, { signal }),
    get('/v1/datasets', { signal }),
    stylesheet('inside'),
  ]);
  const labels = sets.items.find((/** @type {any} */ each) => each.name === experiment.spec.dataset.name)?.facts.labels ?? [];
  const adds = h('section', { class: 'panel told-panel', 'aria-busy': 'true' }, h('h2', 'What its hidden layers add'), h('p', { class: 'muted' }, 'It is being reckoned…'));
  const how = h('div');
  replace(root,
    computed(found.ledger.function),
    h('section', { class: 'panel' }, h('h2', 'Layer by layer'), ledger(found.ledger)),
    adds, found.counterpart ? counterpart(found) : null, how);
  commands(how, [request('The network of this run, and what its hidden layers add', `/v1/experiments/${id}/model`), request('Of a spec, before anything is trained', '/v1/specs/preview', { body: experiment.spec })]);
  let known = '';

  /** @param {any} run */
  async function reckon(run) {
    const now = `${run.state}.${run.finished_at}`;
    if (now === known) return;
    known = now;
    try {
      const model = await get(`/v1/experiments/${id}/model`, { signal });
      if (!signal.aborted) replace(adds, h('h2', 'What its hidden layers add'), linearity(model, labels));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      if (error.passing) known = '';
      replace(adds, h('h2', 'What its hidden layers add'), h('p', { class: 'bad', role: 'alert' }, error.message));
    } finally {
      adds.removeAttribute('aria-busy');
    }
  }

  return { update: (/** @type {URLSearchParams} */ _, /** @type {any} */ run) => { reckon(run); } };
}

/** @param {any} found */
function computed({ text, latex, where }) {
  const copy = h('button', { type: 'button', class: 'button button--quiet', onClick: copyIt }, 'Copy as LaTeX');
  async function copyIt() {
    const whole = [latex, ...where.map((/** @type {any} */ each) => each.latex)].join('\n');
    const done = await navigator.clipboard.writeText(whole).then(() => true, () => false);
    copy.textContent = done ? 'Copied' : 'This browser does not let it be copied';
    setTimeout(() => (copy.textContent = 'Copy as LaTeX'), 1500);
  }
  return h('section', { class: 'panel' },
    h('div', { class: 'row row--apart' }, h('h2', 'The function it computes'), copy),
    h('p', { class: 'formula' }, formula(text)),
    h('ul', { class: 'meanings' }, where.map((/** @type {any} */ each) => h('li', meaning(each.text)))));
}

/** @param {any} found */
function counterpart({ ledger: own, counterpart: other }) {
  const kind = other.kind === 'dense' ? 'a dense network' : 'a convolutional network';
  return h('section', { class: 'panel' },
    h('h2', `Beside it, ${kind}`),
    h('p', `With ${other.rule}: ${count(other.ledger.parameters)} parameters against ${count(own.parameters)}, ${times(other.ledger.parameters, own.parameters)}; ${count(other.ledger.multiply_accumulates)} multiplications an image against ${count(own.multiply_accumulates)}, ${times(other.ledger.multiply_accumulates, own.multiply_accumulates)}.`),
    h('details', h('summary', 'Its layers'), ledger(other.ledger)));
}

/** @param {number} one @param {number} other */
function times(one, other) {
  const ratio = one / other;
  return ratio >= 1 ? `${ratio.toPrecision(3)} times as many` : `${(100 * ratio).toPrecision(3)} % of them`;
}
