// @ts-check
/** What can be done with a run now: cancel, continue, clone and edit, reproduce, delete. */

import { ask } from '../asking.js';
import { h, replace, write } from '../dom.js';
import { send } from '../http.js';
import { link } from '../router.js';

const LONGEST = 10_000;

/**
 * @param {string} id
 * @param {{changed: (run: any) => void, cancelling: () => void, go: (hash: string) => void, announce: (text: string) => void}} told
 *   `changed` has the run as it was answered
 */
export function actions(id, { changed, cancelling, go, announce }) {
  const path = `/v1/experiments/${id}`;
  const wrong = h('p', { class: 'bad', role: 'alert' });
  const node = h('div', { class: 'actions', dataset: { control: 'actions' } });
  /** @type {any} */
  let run = null;

  /** @param {() => Promise<void>} action */
  async function attempt(action) {
    write(wrong, '');
    try {
      await action();
    } catch (error) {
      write(wrong, error instanceof Error ? error.message : String(error));
    }
  }

  const cancel = button('Cancel', async () => {
    const answer = await send('POST', `${path}/cancel`);
    announce(answer.state === 'cancelled' ? 'Cancelled' : 'It ends with its batch');
    if (answer.state === 'running') cancelling();
    changed(answer);
  });
  const further = button('Continue…', async () => {
    const epochs = h('input', { type: 'number', min: 1, max: LONGEST, value: String(Math.min(10, run.spec.epochs)), required: true });
    const text = `It is trained further as one series of epochs, from epoch ${run.progress.epoch} on.`;
    if (!(await ask({ title: 'Continue the training', text, action: 'Continue', fields: [h('label', { class: 'field' }, 'Epochs more', epochs)] }))) return;
    changed(await send('POST', `${path}/continue`, { epochs: Number(epochs.value) }));
    announce('Queued again');
  });
  const again = button('Reproduce', async () => {
    const answer = await send('POST', `${path}/reproduce`);
    announce('Queued: the same spec again');
    go(link('experiments', answer.id));
  });
  const remove = button('Delete…', async () => {
    const text = 'Its figures, checkpoints and notes are gone for good. Registered models made from it stay.';
    if (!(await ask({ title: `Delete ${run.name}?`, text, action: 'Delete', danger: true }))) return;
    await send('DELETE', path);
    announce('Deleted');
    go(link('experiments'));
  });
  const clone = h('a', { class: 'button', href: link('new', null, { from: id }) }, 'Clone and edit');

  /** @param {string} text @param {() => Promise<void>} action */
  function button(text, action) {
    return h('button', { type: 'button', class: 'button', onClick: () => attempt(action) }, text);
  }

  /** What there is to do in this state. @param {any} now @param {{ending: boolean}} options `ending`: a cancel is on its way */
  function show(now, { ending }) {
    const before = run;
    run = now;
    cancel.disabled = ending;
    if (before?.state === now.state && before?.diverged === now.diverged) return;
    const active = now.state === 'queued' || now.state === 'running';
    const continuable = (now.state === 'completed' || now.state === 'cancelled') && !now.diverged;
    const held = document.activeElement;
    replace(node, active ? cancel : null, continuable ? further : null, clone, again, now.state === 'running' ? null : remove);
    if (held instanceof HTMLElement && node.contains(held)) held.focus();
  }

  return { node, wrong, show };
}
