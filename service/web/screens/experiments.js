// @ts-check
/** The list of experiments. */

import { h, replace } from '../dom.js';
import { get } from '../http.js';
import { poll } from '../live.js';
import { NONE, ago, percent } from '../format.js';
import { link } from '../router.js';

/**
 * @param {HTMLElement} root
 * @param {import('../app.js').Context} context
 */
export function show(root, { signal }) {
  const body = h('tbody');
  replace(
    root,
    h('h1', 'Experiments'),
    h('div', { class: 'panel scroll' }, h('table', { class: 'table' }, h('thead', h('tr', ['Name', 'State', 'Test', 'Created'].map((each) => h('th', each)))), body)),
  );
  poll(async () => {
    const page = await get('/v1/experiments?limit=50', { signal });
    replace(body, page.items.map((/** @type {any} */ each) => h('tr', h('td', h('a', { href: link('experiments', each.id) }, each.name)), h('td', h('span', { class: `chip chip--${each.state}` }, each.state)), h('td', { class: 'num' }, each.test ? percent(each.test.accuracy) : NONE), h('td', ago(each.created_at)))));
  }, { every: 1000, signal });
}
