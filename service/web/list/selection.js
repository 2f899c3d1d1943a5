// @ts-check
/** What is done with the runs that are selected: compare, cancel, delete. */

import { ask } from '../asking.js';
import { h, write } from '../dom.js';
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
    const title = gone.length === 1 ? `Delete “${gone[0].name}”?` : `Delete ${gone.length} experiments?`;
    if (!(await ask({ title, text: 'Curves, checkpoints and notes go with it. This cannot be undone.', action: 'Delete', danger: true }))) return;
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
