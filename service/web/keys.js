// @ts-check
/** Keys: a view binds its own for as long as it is shown, and `?` says what there is. */

import { h, replace } from './dom.js';

const SEQUENCE_MILLISECONDS = 1200;
const TYPED_INTO = 'input:not([type=checkbox]):not([type=radio]):not([type=range]):not([type=button]), textarea, select, [contenteditable]';

/** One without a label is heard and not told. @typedef {{label: string, run: (event: KeyboardEvent) => void}} Key */

/** Newest first: a view's own keys go before those of the page. @type {Record<string, Key>[]} */
const bound = [];
let first = '';
let at = 0;

/**
 * Bind keys until the signal ends them. A key is `KeyboardEvent.key` or two of them with a space between (`g e`); they
 * are not heard while something is typed, except `Escape`.
 * @param {Record<string, Key>} keys
 * @param {{signal?: AbortSignal}} [options]
 */
export function bind(keys, { signal } = {}) {
  bound.unshift(keys);
  signal?.addEventListener('abort', () => {
    const place = bound.indexOf(keys);
    if (place >= 0) bound.splice(place, 1);
  });
}

/** Hear them; called once by the page. */
export function listen() {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target instanceof Element && event.target.closest(TYPED_INTO) && event.key !== 'Escape') return;
    if (document.querySelector('dialog[open]') && event.key !== 'Escape') return;
    const both = performance.now() - at < SEQUENCE_MILLISECONDS ? find(`${first} ${event.key}`) : undefined;
    const key = both ?? find(event.key);
    first = event.key;
    at = performance.now();
    if (!key) return;
    event.preventDefault();
    key.run(event);
  });
}

/** @param {string} name */
function find(name) {
  return bound.find((keys) => Object.hasOwn(keys, name))?.[name];
}

/** Show what keys there are, in a dialog of the page. */
export function help() {
  const rows = bound.flatMap((keys) => Object.entries(keys)).filter(([name, { label }], place, all) => label && all.findIndex((each) => each[0] === name) === place);
  const dialog = h('dialog', { class: 'help', 'aria-labelledby': 'help-title' });
  replace(
    dialog,
    h('h2', { id: 'help-title' }, 'Keys'),
    h('dl', { class: 'help__keys' }, rows.map(([name, { label }]) => [h('dt', name.split(' ').map((each) => h('kbd', shown(each)))), h('dd', label)])),
    h('form', { method: 'dialog' }, h('button', { class: 'button' }, 'Close')),
  );
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (/** @type {Event} */ event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {string} key */
function shown(key) {
  return { ' ': 'Space', ArrowUp: '↑', ArrowDown: '↓', ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc' }[key] ?? key;
}
