// @ts-check
/** The image that a network is looked into with: one of the run's own data set, or what was drawn on the slate. */

import { h } from '../dom.js';
import { send } from '../http.js';
import { fromBase64 } from '../images/pixels.js';
import { link } from '../router.js';
import { recall } from '../store.js';

/** @typedef {{split: 'test' | 'train', index: number, drawn: boolean}} Subject */

/** @param {URLSearchParams} params @returns {Subject} */
export function subject(params) {
  const index = params.get('index') ?? '';
  return { split: params.get('of') === 'train' ? 'train' : 'test', index: /^\d{1,7}$/.test(index) ? Number(index) : 0, drawn: params.get('of') === 'drawn' && drawn() !== null };
}

/** What was drawn last, as a PNG in base64; null where nothing was. @returns {string | null} */
export function drawn() {
  return recall('drawn', null);
}

/**
 * Ask about it.
 * @param {string} path
 * @param {Subject} of
 * @param {AbortSignal} signal
 */
export function look(path, of, signal) {
  if (!of.drawn) return send('POST', path, { index: of.index, split: of.split }, { signal });
  const blob = new Blob([fromBase64(drawn() ?? '')], { type: 'image/png' });
  return send('POST', path, blob, { headers: { 'Content-Type': 'image/png' }, signal });
}

/** The controls that choose it. @param {(changes: Record<string, string | null>) => void} set @param {{test: number, train: number}} sizes */
export function chooser(set, sizes) {
  const kind = h('select', { class: 'field__input', 'aria-label': 'Which image', onChange: () => set({ of: kind.value === 'test' ? null : kind.value, index: null }) },
    h('option', { value: 'test' }, 'Test image'), h('option', { value: 'train' }, 'Training image'), drawn() === null ? null : h('option', { value: 'drawn' }, 'The digit on the slate'));
  const number = h('input', { type: 'number', class: 'field__input subject__number', min: 0, 'aria-label': 'Its number', onChange: () => step(Number(number.value)) });
  const back = h('button', { type: 'button', class: 'button button--quiet', 'aria-label': 'The image before', onClick: () => step(now.index - 1) }, '‹');
  const on = h('button', { type: 'button', class: 'button button--quiet', 'aria-label': 'The next image', onClick: () => step(now.index + 1) }, '›');
  const any = h('button', { type: 'button', class: 'button button--quiet', onClick: () => step(Math.floor(Math.random() * sizes[now.split])) }, 'Any');
  const slate = h('a', { class: 'button button--quiet', href: link('draw') }, 'Draw one');
  /** @type {Subject} */
  let now = { split: 'test', index: 0, drawn: false };

  /** @param {number} index */
  function step(index) {
    const last = sizes[now.split] - 1;
    set({ index: String(Math.max(0, Math.min(last, Math.trunc(index) || 0))) });
  }

  return {
    node: h('div', { class: 'row subject', dataset: { control: 'image' } }, kind, back, number, on, any, slate),
    /** @param {Subject} of */
    show(of) {
      now = of;
      kind.value = of.drawn ? 'drawn' : of.split;
      number.max = String(sizes[of.split] - 1);
      if (document.activeElement !== number) number.value = String(of.index);
      for (const each of [number, back, on, any]) each.hidden = of.drawn;
      back.disabled = of.index <= 0;
      on.disabled = of.index >= sizes[of.split] - 1;
    },
  };
}
