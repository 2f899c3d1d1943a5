// @ts-check
/** What is done with the runs that are selected: compare, cancel, delete. */

import { h, replace, write } from '../dom.js';
import { send } from '../http.js';
import { link } from '../router.js';

/**
 * The bar; `update` shows it for these ids.
 * @param {{onClear: () => void, onChanged: () => void, announce: (text: string) => void}} listeners
 */
export function selection({ onClear, onChanged, announce }) {
  const text = h('strong', { class: 'num' });
  const compare = h('a', { class: 'button button--main' }, 'Compare');
  const cancel = h('button', { type: 'button', class: 'button' }, 'Cancel runs');
  const remove = h('button', { type: 'button', class: 'button button--danger' }, 'Delete');
  const clear = h('button', { type: 'button', class: 'button button--quiet', onClick: onClear }, 'Select none');
  const node = h('div', { class: 'selection panel row', role: 'group', 'aria-label': 'Selected experiments', dataset: { control: 'selection' } }, text, compare, cancel, remove, clear);
  /** @type {any[]} */
  let runs = [];
  /** @type {string[]} */
  let chosen = [];

  cancel.addEventListener('click', () => all('cancelled', runs.filter(isOpen), (id) => send('POST', `/v1/experiments/${id}/cancel`)));
  remove.addEventListener('click', async () => {
    const gone = runs.filter((each) => each.state !== 'running');
    if (!(await confirmed(`Delete ${gone.length === 1 ? `“${gone[0].name}”` : `these ${gone.length} experiments`}, with curves, checkpoints and notes? This cannot be undone.`))) return;
    await all('deleted', gone, (id) => send('DELETE', `/v1/experiments/${id}`));
    onClear();
  });

  /**
   * @param {string} done
   * @param {any[]} among
   * @param {(id: string) => Promise<any>} act
   */
  async function all(done, among, act) {
    const results = await Promise.allSettled(among.map((each) => act(each.id)));
    const failed = results.find((each) => each.status === 'rejected');
    announce(failed ? String(/** @type {PromiseRejectedResult} */ (failed).reason.message) : `${among.length} ${done}`);
    onChanged();
  }

  /**
   * @param {string[]} ids
   * @param {any[]} items those of them that the list shows
   */
  function update(ids, items) {
    [chosen, runs] = [ids, items];
    node.hidden = !ids.length;
    write(text, `${ids.length} selected`);
    compare.hidden = chosen.length < 2;
    compare.href = link('compare', null, { ids: ids.join(',') });
    cancel.hidden = !runs.some(isOpen);
    remove.hidden = !runs.some((each) => each.state !== 'running');
  }

  return { node, compare, update };
}

/** @param {any} run */
function isOpen(run) {
  return run.state === 'queued' || run.state === 'running';
}

/**
 * Ask in a dialog of the page.
 * @param {string} question
 * @returns {Promise<boolean>}
 */
export function confirmed(question) {
  return new Promise((resolve) => {
    const dialog = h('dialog', { 'aria-label': 'Are you sure?' });
    replace(
      dialog,
      h('p', question),
      h('form', { method: 'dialog', class: 'row' }, h('button', { class: 'button button--danger', value: 'yes' }, 'Delete'), h('button', { class: 'button', value: 'no', autofocus: true }, 'Keep')),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
