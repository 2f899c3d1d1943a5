// @ts-check
/** What is shown is told by the address after `#`: every view is a link, and none of it is sent anywhere. */

/** Of the whole page and not of one view: they stay while one goes from view to view. */
const STICKY = ['view', 'hide'];

/** @typedef {{screen: string, id: string | null, params: URLSearchParams}} Route */

/** @type {Set<(route: Route) => void>} */
const watchers = new Set();

/**
 * The route of an address: `#/experiments/ID?tab=curves` is screen `experiments`, id `ID` and the params.
 * @param {string} [hash]
 * @returns {Route}
 */
export function route(hash = location.hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [screen = '', id = ''] = path.split('/');
  return { screen: screen || 'experiments', id: id ? decoded(id) : null, params: new URLSearchParams(query) };
}

/**
 * The address of a view.
 * @param {string} screen
 * @param {string | null} [id]
 * @param {Record<string, string | null> | URLSearchParams} [params] null leaves one out
 */
export function link(screen, id = null, params = {}) {
  const given = params instanceof URLSearchParams ? [...params] : Object.entries(params);
  const kept = given.filter((each) => each[1] !== null).map(([key, value]) => `${encode(key)}=${encode(String(value))}`);
  return `#/${screen}${id ? `/${encodeURIComponent(id)}` : ''}${kept.length ? `?${kept.join('&')}` : ''}`;
}

/**
 * Change the state of this view; the browser's history does not grow by it.
 * @param {Record<string, string | null>} changes null takes one away
 */
export function setParams(changes) {
  const { screen, id, params } = route();
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) params.delete(key);
    else params.set(key, value);
  }
  const hash = link(screen, id, params);
  if (hash === location.hash) return;
  history.replaceState(null, '', hash);
  notify();
}

/** Go to another view. @param {string} hash */
export function go(hash) {
  location.hash = hash;
}

/** @param {(route: Route) => void} watcher called whenever the address changes, and now */
export function onChange(watcher) {
  watchers.add(watcher);
  watcher(route());
}

let before = route();
window.addEventListener('hashchange', () => {
  const { screen, id, params } = route();
  const lost = STICKY.filter((key) => before.params.has(key) && !params.has(key));
  for (const key of lost) params.set(key, before.params.get(key) ?? '');
  if (lost.length) history.replaceState(null, '', link(screen, id, params));
  notify();
});

function notify() {
  before = route();
  for (const each of watchers) each(before);
}

/** Readable addresses: what needs no escape in a fragment has none. @param {string} text */
function encode(text) {
  return encodeURIComponent(text).replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%2F', '/');
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
