// @ts-check
/** The list of experiments: filter, sort, select, and watch it move. */

import { commands, request } from '../commands.js';
import { arrange, h, replace, write } from '../dom.js';
import { count } from '../format.js';
import { bind } from '../keys.js';
import { Feed } from '../list/feed.js';
import { DEFAULT_SORT, FILTERS, filters, queryOf } from '../list/filters.js';
import { firstMinute } from '../list/first_minute.js';
import { heading, row } from '../list/row.js';
import { selection } from '../list/selection.js';
import { poll } from '../live.js';
import { link } from '../router.js';

const EVERY = 1000;
const COLUMNS = [
  { label: 'Experiment', sort: 'name' },
  { label: 'State', class: 'state' },
  { label: 'Learning', class: 'wide curve' },
  { label: 'Validation', sort: 'best_val_accuracy', class: 'num wide' },
  { label: 'Test', sort: 'test_accuracy', class: 'num' },
  { label: 'Parameters', sort: 'parameters', class: 'num widest' },
  { label: 'Time', class: 'num wide' },
  { label: 'Created', sort: 'created_at', class: 'num widest' },
];

/**
 * @param {HTMLElement} root
 * @param {import('../app.js').Context} context
 */
export function show(root, { params, signal, setParams, go, announce }) {
  /** @type {Map<string, import('../list/row.js').Row>} */
  const rows = new Map();
  /** @type {Set<string>} */
  const visible = new Set();
  const seen = new IntersectionObserver(look, { rootMargin: '200px' });
  signal.addEventListener('abort', () => seen.disconnect());
  let feed = new Feed(queryOf(params));
  let turn = new AbortController();

  const summary = h('p', { class: 'muted tabular' });
  const fresh = h('a', { class: 'button button--main', href: link('new'), dataset: { control: 'new' } }, 'New experiment');
  const bar = filters({ params, setParams });
  const all = h('input', { type: 'checkbox', 'aria-label': 'Select all that are shown' });
  const headings = COLUMNS.map((each) => heading(each, (value) => setParams({ sort: value === DEFAULT_SORT ? null : value })));
  const head = h('tr', h('th', { class: 'pick', dataset: { control: 'select' } }, all), headings.map((each) => each.node));
  const body = h('tbody');
  const table = h('table', { class: 'table runs' }, h('caption', { class: 'visually-hidden' }, 'Experiments'), h('thead', head), body);
  const more = h('button', { type: 'button', class: 'button', hidden: true, onClick: extend });
  const nothing = h('p', { class: 'empty muted', hidden: true }, 'No experiment is like this. ', h('button', { type: 'button', class: 'button', onClick: clearFilters }, 'Show all'));
  const list = h('div', { class: 'panel panel--list' }, table, nothing, h('div', { class: 'row more' }, more));
  const first = firstMinute({ go, announce });
  const chosen = selection({ onClear: () => select([]), onChanged: () => ask(), announce });
  const lines = h('div');
  const fault = h('p', { class: 'panel bad', role: 'alert', hidden: true });
  replace(
    root,
    h('div', { class: 'row row--apart' }, h('div', h('h1', 'Experiments'), summary), fresh),
    bar.node, fault, list, first, chosen.node, lines,
  );
  list.hidden = first.hidden = true;
  seen.observe(more);
  all.addEventListener('change', () => select(all.checked ? feed.items.map((each) => each.id) : []));
  bind(
    {
      '/': { label: 'Filter the list', run: () => bar.search.focus() },
      j: { label: 'Next experiment', run: () => step(1) },
      k: { label: 'Previous experiment', run: () => step(-1) },
      x: { label: 'Select the experiment', run: toggle },
      c: { label: 'Compare the selected', run: () => !chosen.compare.hidden && go(chosen.compare.hash) },
      Escape: { label: 'Select none; leave the filter', run: leave },
    },
    { signal },
  );

  /** @param {URLSearchParams} now */
  function update(now) {
    params = now;
    bar.update(now);
    if (queryOf(now).toString() !== feed.query.toString()) {
      const { curves, items, total } = feed; // shown until the answer is there, so that nothing flickers or loses its focus
      feed = Object.assign(new Feed(queryOf(now)), { curves, items, total });
      ask();
    } else draw();
  }

  /** Ask now, and then every second. */
  function ask() {
    turn.abort();
    turn = new AbortController();
    feed.expire();
    const asked = feed;
    poll(
      async (turned) => {
        const before = asked.items;
        await asked.tick(turned, [...visible]);
        fault.hidden = true;
        const known = asked.items.every((each) => rows.has(each.id));
        tell(before, asked.items);
        draw();
        if (known) return;
        await laidOut(); // rows that were just made are seen from now on
        await asked.grow(turned, [...visible]);
        draw();
      },
      { every: EVERY, signal: AbortSignal.any([signal, turn.signal]), failed },
    );
  }

  function laidOut() {
    return new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** @param {import('../http.js').Problem} problem */
  function failed(problem) {
    write(fault, [problem.message, ...problem.errors.map((each) => each.detail)].join(': '));
    fault.hidden = false;
    feed.items = [];
    draw();
  }

  function draw() {
    const ids = selected();
    const filtered = FILTERS.some((name) => params.get(name));
    const empty = !feed.total && !feed.stale;
    first.hidden = !empty || filtered;
    list.hidden = !first.hidden || (feed.stale && !feed.items.length);
    nothing.hidden = !empty;
    table.hidden = empty;
    bar.node.hidden = fresh.hidden = summary.hidden = !first.hidden;
    for (const each of headings) each.show(params.get('sort') ?? DEFAULT_SORT);
    arrange(body, feed.items.map((each) => {
      const made = rows.get(each.id) ?? add(each);
      made.update(each, feed.curves.get(each.id), ids);
      return made.node;
    }));
    all.checked = ids.length > 0 && feed.items.every((each) => ids.includes(each.id));
    all.indeterminate = ids.length > 0 && !all.checked;
    const open = (/** @type {string} */ state) => feed.items.filter((each) => each.state === state).length;
    write(summary, `${count(feed.total)} in all${open('running') ? `, ${open('running')} running` : ''}${open('queued') ? `, ${open('queued')} queued` : ''}`);
    more.hidden = feed.items.length >= feed.total;
    write(more, `Show more of ${count(feed.total)}`);
    chosen.update(ids, feed.items.filter((each) => ids.includes(each.id)));
    commands(lines, [request('The list as it is shown', feed.address(50)), request('One of them', `/v1/experiments/${feed.items[0]?.id ?? 'ID'}`)]);
  }

  /** @param {any} experiment */
  function add(experiment) {
    const made = row(experiment, {
      onSelect: (id, on) => select(on ? [...selected(), id] : selected().filter((each) => each !== id)),
      onTag: (tag) => setParams({ tag }),
    });
    rows.set(experiment.id, made);
    seen.observe(made.node);
    return made;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  function look(entries) {
    for (const { target, isIntersecting } of entries) {
      const id = /** @type {HTMLElement} */ (target).dataset.id;
      if (id && isIntersecting) visible.add(id);
      else if (id) visible.delete(id);
      else if (isIntersecting && !more.hidden) extend();
    }
  }

  /** The next ones of a long list. */
  function extend() {
    if (feed.wanted > feed.items.length) return; // they are on their way
    feed.more();
    ask();
  }

  /** Those who listen are told what has ended. @param {any[]} before @param {any[]} now */
  function tell(before, now) {
    const was = new Map(before.map((each) => [each.id, each.state]));
    const changed = now.filter((each) => was.has(each.id) && was.get(each.id) !== each.state && each.state !== 'running');
    if (changed.length) announce(changed.slice(0, 3).map((each) => `${each.name}: ${each.state}`).join('; '));
  }

  /** @returns {string[]} */
  function selected() {
    return (params.get('ids') ?? '').split(',').filter(Boolean);
  }

  /** @param {string[]} ids */
  function select(ids) {
    setParams({ ids: ids.length ? ids.join(',') : null });
  }

  function clearFilters() {
    setParams(Object.fromEntries(FILTERS.map((name) => [name, null])));
  }

  /** @param {number} by */
  function step(by) {
    const at = feed.items.findIndex((each) => rows.get(each.id)?.node.contains(document.activeElement));
    const next = feed.items[at < 0 ? (by > 0 ? 0 : feed.items.length - 1) : Math.max(0, Math.min(feed.items.length - 1, at + by))];
    const made = next && rows.get(next.id);
    made?.name.focus();
    made?.node.scrollIntoView({ block: 'nearest' });
  }

  function toggle() {
    const current = document.activeElement?.closest('tr')?.dataset.id;
    if (current) rows.get(current)?.box.click();
  }

  function leave() {
    if (document.activeElement === bar.search) bar.search.blur();
    else select([]);
  }

  ask();
  return { update };
}
