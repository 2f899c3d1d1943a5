// @ts-check
/** A bar for every class: how probable a network finds it. They are moved and not made anew, as often as need be. */

import { h, write } from '../dom.js';
import { percent } from '../format.js';

export class Bars {
  /** @param {string[]} labels the classes by name @param {string} title for those who do not see it */
  constructor(labels, title) {
    this.rows = labels.map((label) => {
      const fill = h('span', { class: 'bars__fill' });
      const value = h('span', { class: 'bars__value num' }, '–');
      return { node: h('li', { class: 'bars__row' }, h('span', { class: 'bars__label' }, label), h('span', { class: 'bars__track' }, fill), value), fill, value };
    });
    this.node = h('ol', { class: 'bars', 'aria-label': title }, this.rows.map((each) => each.node));
  }

  /**
   * @param {(number | null)[] | null} probabilities null: nothing is asked
   * @param {{top?: number | null, truth?: number | null}} [marked] the class that was read, and the one it is
   */
  show(probabilities, { top = null, truth = null } = {}) {
    for (const [i, { node, fill, value }] of this.rows.entries()) {
      const share = probabilities?.[i] ?? null;
      fill.style.setProperty('transform', `scaleX(${share ?? 0})`);
      write(value, percent(share, 1));
      node.classList.toggle('is-top', i === top);
      node.classList.toggle('is-truth', i === truth);
    }
  }
}
