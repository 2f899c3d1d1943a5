// @ts-check
/** One image of the test split looked at closely: what the run makes of it, and what it made of it after each epoch. */

import { Bars } from '../charts/bars.js';
import { h, replace, write } from '../dom.js';
import { EpochSlider, meant } from '../epoch_slider.js';
import { loss, percent } from '../format.js';
import { Problem, get } from '../http.js';
import { link } from '../router.js';
import { picture } from './shown.js';

/**
 * @param {HTMLElement} node
 * @param {object} options
 * @param {string} options.id of the run
 * @param {any} options.item a `Mistake`
 * @param {string[]} options.labels
 * @param {string} options.split only of test images there is a history
 * @param {AbortSignal} options.signal
 */
export async function detail(node, { id, item, labels, split, signal }) {
  const bars = new Bars(labels, 'How probable the network finds each class');
  const title = h('h3', `Image ${item.index}: ${labels[item.label]}, read as ${labels[item.prediction]}`);
  const words = h('p', { class: 'muted' }, `Probability of what it is: ${percent(item.probabilities[item.label], 1)}. Loss: ${loss(item.loss)}.`);
  const over = h('div', { class: 'detail__epochs' });
  const inside = h('a', { href: link('experiments', id, { tab: 'inside', index: String(item.index), of: split === 'test' ? null : 'train' }) }, 'Look inside the network with it');
  bars.show(item.probabilities, { top: item.prediction, truth: item.label });
  replace(node, h('div', { class: 'panel detail' }, picture(item.image, '', { class: 'detail__image' }), h('div', { class: 'detail__text' }, title, words, over, inside), bars.node));
  if (split !== 'test') {
    replace(over, h('p', { class: 'muted' }, 'Over the epochs only test images can be followed.'));
    return;
  }
  try {
    const found = await get(`/v1/experiments/${id}/images/${item.index}/history`, { signal });
    if (!signal.aborted) replace(over, history(found, { bars, words, signal }));
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    replace(over, h('p', { class: 'muted' }, error.message));
  }
}

/** @param {any} found @param {{bars: Bars, words: HTMLElement, signal: AbortSignal}} parts */
function history({ items, labels, label, learned_at: learned, forgotten }, { bars, words, signal }) {
  const epochs = items.map((/** @type {any} */ each) => each.epoch);
  const stored = { epochs, best: null, last: epochs.at(-1) };
  const steps = items.map((/** @type {any} */ each) => h('button', { type: 'button', class: `step ${each.right ? 'step--right' : 'step--wrong'}`, title: `Epoch ${each.epoch}: ${labels[each.prediction]} (${percent(each.confidence, 0)})`, 'aria-label': `Epoch ${each.epoch}: read as ${labels[each.prediction]}`, onClick: () => choose(String(each.epoch)) }, labels[each.prediction]));
  const slider = new EpochSlider({ signal, changed: choose });
  slider.best.remove();

  /** @param {string} chosen */
  function choose(chosen) {
    const epoch = meant(stored, chosen);
    slider.show(stored, chosen);
    for (const [i, each] of items.entries()) {
      steps[i].setAttribute('aria-pressed', String(each.epoch === epoch));
      if (each.epoch !== epoch) continue;
      bars.show(each.probabilities, { top: each.prediction, truth: label });
      write(words, `After epoch ${each.epoch} it is read as ${labels[each.prediction]} (${percent(each.confidence, 1)}); probability of what it is: ${percent(each.probabilities[label], 1)}. Loss: ${loss(each.loss)}.`);
    }
  }

  slider.show(stored, String(stored.last));
  const said = learned === null ? 'At the end it is read wrong.' : `Read right from epoch ${learned} on.`;
  const forgot = forgotten === 0 ? '' : ` Forgotten ${forgotten === 1 ? 'once' : `${forgotten} times`}: right in one stored epoch, wrong in the next.`;
  if (items.length < 2) return [h('p', { class: 'muted' }, `Weights of ${items.length === 1 ? `epoch ${epochs[0]} alone are` : 'no epoch are'} stored; with "checkpoints": {"keep": "all"} in the spec it could be followed over all epochs.`)];
  return [h('p', said + forgot), h('div', { class: 'steps', role: 'group', 'aria-label': 'What it is read as, epoch by epoch' }, steps), slider.node];
}
