// @ts-check
/** Who looks at the page: with a token, by a link that was shared, or anybody where the service is open. */

import { h, replace, write } from './dom.js';
import { get, onSignedOut, send } from './http.js';
import { route } from './router.js';
import { remember } from './store.js';

const PATH = '/v1/session';

/**
 * @param {HTMLElement} place where it is said who is signed in; empty on an open service
 * @param {() => void} show called once there is something to show
 */
export async function begin(place, show) {
  const { screen, params } = route();
  const ended = screen === 'shared' && !(await exchange(params));
  onSignedOut(() => signIn(ended ? 'This link opens nothing any more.' : ''));
  show();
  const found = await get(PATH).catch(() => null);
  if (!found || found.open) return;
  remember('owner', found.owner);
  document.documentElement.toggleAttribute('data-read-only', found.read_only);
  const known = found.read_only ? 'Reading only' : found.owner;
  replace(place, h('button', { type: 'button', class: 'button button--quiet', dataset: { control: 'session' }, onClick: () => tell(found) }, known));
}

/**
 * The token of a shared link becomes a cookie and leaves the address; who is signed in already stays who they are.
 * @param {URLSearchParams} params
 * @returns {Promise<boolean>} whether somebody is signed in now
 */
async function exchange(params) {
  history.replaceState(null, '', `#/${params.get('to') ?? ''}`);
  if (await get(PATH).catch(() => null)) return true;
  return send('POST', PATH, { token: params.get('token') }).then(() => true, () => false);
}

/** @param {string} text why, where that is known */
function signIn(text) {
  if (document.querySelector('.sign-in')) return;
  const token = h('input', { type: 'password', autocomplete: 'current-password', required: true });
  const wrong = h('p', { class: 'bad', role: 'alert' }, text);
  const dialog = open('Sign in', 'sign-in',
    h('p', 'This service is for those who have a token. Who runs it makes one with ', h('code', 'ardoise token create'), '.'),
    h('form', { class: 'ask__form', onSubmit: submit }, h('label', { class: 'field' }, 'Token', token), wrong,
      h('div', { class: 'row' }, h('button', { class: 'button button--main' }, 'Sign in'))));
  dialog.addEventListener('cancel', (/** @type {Event} */ event) => event.preventDefault());

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    try {
      await send('POST', PATH, { token: token.value.trim() });
      location.reload();
    } catch (error) {
      write(wrong, error instanceof Error ? error.message : String(error));
    }
  }
}

/** Who is signed in, and what they can do about it. @param {any} session */
function tell(session) {
  const said = h('p', { role: 'status' });
  const dialog = open('Signed in', 'signed-in',
    h('p', `As ${session.owner}, ${session.role}${session.read_only ? '; you can look at everything and change nothing' : ''}.`),
    said,
    h('div', { class: 'row' }, session.read_only ? null : button('Share this view', share), button('Sign out', leave), button('Back', () => dialog.close())));
  dialog.addEventListener('close', () => dialog.remove());

  async function share() {
    const made = await send('POST', '/v1/shares', { view: location.hash || '#/experiments' });
    const link = h('input', { type: 'text', readonly: true, value: made.url, onFocus: () => link.select() });
    replace(said, h('label', { class: 'field' }, 'Whoever has this link looks at everything and changes nothing, for 30 days', link));
    link.focus();
  }

  async function leave() {
    await send('DELETE', PATH);
    location.reload();
  }

  /** @param {string} text @param {() => any} action */
  function button(text, action) {
    return h('button', { type: 'button', class: 'button', onClick: async () => {
      await Promise.resolve(action()).catch((/** @type {any} */ error) => write(said, error.message));
    } }, text);
  }
}

/**
 * @param {string} title
 * @param {string} name
 * @param {...any} children
 */
function open(title, name, ...children) {
  const dialog = h('dialog', { class: `ask ${name}`, 'aria-labelledby': `${name}-title` }, h('h2', { id: `${name}-title` }, title), children);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
