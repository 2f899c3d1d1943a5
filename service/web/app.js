// @ts-check
/** The page around the views: which of them is shown, the theme, the keys of the page, and whether the service answers. */

import * as busy from './busy.js';
import { h, replace, write } from './dom.js';
import * as keys from './keys.js';
import { onConnection } from './live.js';
import * as presentation from './presentation.js';
import { go, link, onChange, setParams } from './router.js';
import * as session from './session.js';
import { recall, remember } from './store.js';

/**
 * @typedef {object} Context
 * @property {string | null} id
 * @property {URLSearchParams} params
 * @property {AbortSignal} signal ends with the view
 * @property {typeof setParams} setParams
 * @property {typeof go} go
 * @property {(text: string) => void} announce say it to those who listen to the page
 *
 * @typedef {{update?: (params: URLSearchParams) => void} | (() => void) | void} View what `show` returns: told of new
 *   params while it is shown, or called at its end
 */

/** Each view is loaded when it is first shown. @type {Record<string, {title: string, load: () => Promise<{show: (root: HTMLElement, context: Context) => View | Promise<View>}>}>} */
const SCREENS = {
  experiments: { title: 'Experiments', load: () => import('./screens/experiments.js') },
  experiment: { title: 'Experiment', load: () => import('./screens/experiment.js') },
  compare: { title: 'Compare', load: () => import('./screens/compare.js') },
  draw: { title: 'Draw a digit', load: () => import('./screens/draw.js') },
  new: { title: 'New experiment', load: () => import('./screens/new.js') },
  queue: { title: 'Queue and workers', load: () => import('./screens/queue.js') },
};

/** `#/experiments/ID` is a view of its own. @type {Record<string, string>} */
const OF_ONE = { experiments: 'experiment' };

const main = element('main');
const announcer = element('announcer');
/** @type {{name: string, id: string | null, end: AbortController, view: any} | null} */
let current = null;

/** @param {string} text */
function announce(text) {
  write(announcer, text);
}

/** @param {import('./router.js').Route} route */
async function follow({ screen, id, params }) {
  presentation.apply(params);
  const name = (id && OF_ONE[screen]) || screen;
  if (current && current.name === name && current.id === id) {
    current.view?.update?.(params);
    return;
  }
  const first = current === null;
  current?.end.abort();
  if (typeof current?.view === 'function') current.view();
  const end = new AbortController();
  const mine = (current = { name, id, end, view: /** @type {any} */ (null) });
  mark(screen);
  busy.begin(main);
  const known = SCREENS[name];
  document.title = known ? `${known.title} · Ardoise` : 'Ardoise';
  try {
    if (!known) throw new Error(`there is no view ${screen}`);
    const { show } = await known.load();
    if (end.signal.aborted) return;
    const root = h('div', { class: `screen screen--${name}` });
    replace(main, root);
    if (!first) {
      scrollTo(0, 0);
      main.focus({ preventScroll: true });
    }
    mine.view = await show(root, { id, params, signal: end.signal, setParams, go, announce });
    if (end.signal.aborted && typeof mine.view === 'function') mine.view();
    else if (location.hash) mine.view?.update?.(new URLSearchParams(location.hash.split('?')[1] ?? ''));
  } catch (error) {
    if (!end.signal.aborted) replace(main, lost(error));
  }
}

/** @param {any} error */
function lost(error) {
  return h(
    'section',
    { class: 'panel empty' },
    h('h1', 'This cannot be shown'),
    h('p', String(error?.message ?? error)),
    h('p', h('a', { class: 'button', href: link('experiments') }, 'All experiments')),
  );
}

/** @param {string} screen */
function mark(screen) {
  for (const each of element('nav').querySelectorAll('a')) {
    if (each.dataset.screen === screen) each.setAttribute('aria-current', 'page');
    else each.removeAttribute('aria-current');
  }
}

/** @param {string} id @returns {HTMLElement} */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

const THEMES = ['auto', 'light', 'dark'];

function showTheme() {
  const chosen = recall('theme', 'auto');
  if (chosen === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  write(element('theme'), { auto: '◐', light: '☀', dark: '☾' }[String(chosen)] ?? '◐');
  element('theme').setAttribute('aria-label', `Theme: ${chosen}`);
  element('theme').title = `Theme: ${chosen}`;
}

function nextTheme() {
  remember('theme', THEMES[(THEMES.indexOf(recall('theme', 'auto')) + 1) % THEMES.length]);
  showTheme();
}

element('theme').addEventListener('click', nextTheme);
element('keys').addEventListener('click', keys.help);
element('present').addEventListener('click', presentation.choose);
element('skip').addEventListener('click', () => main.focus());
showTheme();
keys.listen();
keys.bind({
  '?': { label: 'These keys', run: keys.help },
  'g e': { label: 'Go to the experiments', run: () => go(link('experiments')) },
  'g d': { label: 'Draw a digit', run: () => go(link('draw')) },
  'g n': { label: 'Describe a new experiment', run: () => go(link('new')) },
  'g q': { label: 'Go to queue and workers', run: () => go(link('queue')) },
  p: { label: 'Projector view on and off', run: presentation.toggle },
  t: { label: 'Next theme', run: nextTheme },
});
onConnection(({ online, since }) => {
  const banner = element('banner');
  banner.hidden = online;
  write(banner, online ? '' : `The service does not answer since ${new Date(since).toTimeString().slice(0, 8)}. What is shown is what it said last; it is asked again and again.`);
});
session.begin(element('session'), () => onChange((route) => busy.during(follow(route))));
