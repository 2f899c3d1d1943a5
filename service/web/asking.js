// @ts-check
/** Small dialogs: whether to do something, and with what. */

import { h, replace } from './dom.js';

/**
 * @param {{title: string, text?: string, action: string, danger?: boolean, fields?: any[]}} question
 * @returns {Promise<boolean>} whether it is to be done
 */
export function ask({ title, text, action, danger = false, fields = [] }) {
  const id = `ask-${Math.random().toString(36).slice(2)}`;
  const dialog = h('dialog', { class: 'ask', 'aria-labelledby': id });
  const yes = h('button', { class: danger ? 'button button--danger' : 'button button--main', value: 'yes' }, action);
  replace(
    dialog,
    h('h2', { id }, title),
    text ? h('p', text) : null,
    h('form', { method: 'dialog', class: 'ask__form' }, fields,
      h('div', { class: 'row' }, yes, h('button', { class: 'button', value: '', formnovalidate: true }, 'Back'))),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}
