// @ts-check
/** A wall of images that a run reads wrong, or of one cell of its confusion matrix; a click looks at one closely. */

import { h, replace } from '../dom.js';
import { count, percent } from '../format.js';
import { Problem, get } from '../http.js';
import { detail } from './detail.js';
import { picture } from './shown.js';

const AT_ONCE = 60;
const MOST = 500;

/**
 * @typedef {{split: string, label: number | null, prediction: number | null}} Which
 */

/**
 * The address of these images.
 * @param {string} id
 * @param {Which} which
 * @param {number} limit
 */
export function address(id, { split, label, prediction }, limit = AT_ONCE) {
  const query = new URLSearchParams({ split, limit: String(limit) });
  if (label !== null) query.set('label', String(label));
  if (prediction !== null) query.set('prediction', String(prediction));
  return `/v1/experiments/${id}/mistakes?${query}`;
}

export class Wall {
  /** @param {{id: string, signal: AbortSignal, opened: (index: number | null) => void}} options `opened`: an image, or none */
  constructor({ id, signal, opened }) {
    this.id = id;
    this.signal = signal;
    this.opened = opened;
    this.closely = h('div');
    this.heading = h('p', { class: 'muted', role: 'status' });
    this.images = h('div', { class: 'wall' });
    this.more = h('button', { type: 'button', class: 'button', hidden: true, onClick: () => this.fill(MOST) }, 'Show more');
    this.node = h('section', { class: 'walled', 'aria-label': 'Images' }, this.heading, this.closely, this.images, this.more);
    this.which = { split: 'test', label: /** @type {number | null} */ (null), prediction: /** @type {number | null} */ (null) };
    this.asked = this.shown = '';
    /** @type {any} */
    this.found = null;
    /** @type {number | null} */
    this.index = null;
  }

  /**
   * @param {Which} which
   * @param {number | null} index the image that is looked at closely
   * @param {string} version of what the run is judged by
   */
  async show(which, index, version) {
    this.which = which;
    this.index = index;
    this.asked = `${JSON.stringify(which)}.${version}`;
    if (this.shown !== this.asked) await this.fill(AT_ONCE);
    else this.open();
  }

  /** @param {number} limit */
  async fill(limit) {
    const { id, signal, which } = this;
    const asked = (this.shown = this.asked);
    this.node.setAttribute('aria-busy', 'true');
    try {
      const found = await get(address(id, which, limit), { signal });
      if (signal.aborted || this.asked !== asked) return;
      this.found = found;
      replace(this.heading, this.title());
      replace(this.images, found.items.map((/** @type {any} */ each) => this.card(each)));
      this.more.hidden = found.total <= found.items.length || found.items.length >= MOST;
      this.open();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      if (error.passing) this.shown = '';
      replace(this.heading, h('span', { class: 'bad', role: 'alert' }, error.message));
    } finally {
      this.node.removeAttribute('aria-busy');
    }
  }

  title() {
    const { total, images, labels, items, split } = this.found;
    const { label, prediction } = this.which;
    const part = total > items.length ? ` Here are the first ${count(items.length)}.` : '';
    if (label !== null && label === prediction) return `${count(total)} of ${count(images)} ${split} images are a ${labels[label]} and read as one, the least sure first.${part}`;
    const kind = [label === null ? '' : ` that are a ${labels[label]}`, prediction === null ? '' : ` and read as ${labels[prediction]}`].join('');
    if (!total) return kind ? `No ${split} image${kind}.` : `All ${count(images)} ${split} images are read right.`;
    return `${count(total)} of ${count(images)} ${split} images${kind || ' are read wrong'}, the largest loss first.${part}`;
  }

  /** @param {any} item */
  card(item) {
    const { labels } = this.found;
    const wrong = item.label !== item.prediction;
    const said = `${labels[item.label]} read as ${labels[item.prediction]}, ${percent(item.confidence, 0)}`;
    return h('button', { type: 'button', class: 'card', 'aria-label': `Image ${item.index}: ${said}`, 'aria-pressed': 'false', dataset: { index: item.index }, onClick: () => this.opened(this.index === item.index ? null : item.index) },
      picture(item.image, '', { class: 'card__image', loading: 'lazy' }),
      h('span', { class: 'card__title' }, labels[item.label], h('span', { class: 'muted' }, ' → '), h('span', { class: wrong ? 'bad' : 'good' }, labels[item.prediction])),
      h('span', { class: 'card__reading muted' }, percent(item.confidence, 0), ` · ${item.index}`));
  }

  /** Look closely at the image that is chosen, if it is among those that are shown. */
  open() {
    const item = this.found?.items.find((/** @type {any} */ each) => each.index === this.index);
    for (const each of this.images.querySelectorAll('.card')) each.setAttribute('aria-pressed', String(Number(each.dataset.index) === this.index));
    if (!item) {
      replace(this.closely);
      this.closely.dataset.index = '';
      return;
    }
    const key = `${this.shown}.${item.index}`;
    if (this.closely.dataset.index === key) return;
    this.closely.dataset.index = key;
    detail(this.closely, { id: this.id, item, labels: this.found.labels, split: this.which.split, signal: this.signal });
    this.closely.scrollIntoView({ block: 'nearest' });
  }
}
