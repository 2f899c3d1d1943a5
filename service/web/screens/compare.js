// @ts-check
/** Runs held against each other: their curves, the settings in which they differ, and which is better. */

import { CurvePanel } from '../charts/curve_panel.js';
import { follow } from '../charts/curve_feed.js';
import { exports } from '../charts/export_buttons.js';
import { segments } from '../charts/controls.js';
import { colourOf } from '../colours.js';
import { commands, request } from '../commands.js';
import { ofGroups, ofRuns } from '../compare/figures.js';
import { ComparisonTable } from '../compare/table.js';
import { Verdicts } from '../compare/verdicts.js';
import { h, replace, write } from '../dom.js';
import { get } from '../http.js';
import { poll } from '../live.js';
import { link } from '../router.js';
import { heading } from '../spec_words.js';

/** Milliseconds between two questions: what has ended changes seldom. */
const SOON = 2500;
const SELDOM = 10_000;

/**
 * @param {HTMLElement} root
 * @param {import('../app.js').Context} context
 */
export function show(root, context) {
  const { signal, setParams, announce } = context;
  let params = context.params;
  /** @type {AbortController | null} ends with the runs that are asked for */
  let asked = null;
  let which = '';
  /** @type {any} */
  let comparison = null;
  /** @type {Map<string, import('../charts/series.js').Series>} */
  let known = new Map();
  let states = '';

  const summary = h('p', { class: 'experiment__short' });
  const grouping = segments('Curves', [['runs', 'Runs'], ['seeds', 'Means over seeds']], (value) => setParams({ group: value === 'runs' ? null : value }));
  const panel = new CurvePanel({ signal, setParams, announce });
  const table = new ComparisonTable({
    set: setParams,
    focus: (id) => panel.focus(id && grouped() ? firstOf(id) : id),
    toggle: (id) => setParams({ off: listed(off().has(id) ? [...off()].filter((/** @type {string} */ each) => each !== id) : [...off(), id]) }),
    remove: (id) => setParams({ ids: listed(ids().filter((/** @type {string} */ each) => each !== id)), sweep_id: null, baseline: params.get('baseline') === id ? null : params.get('baseline') }),
  });
  const verdicts = new Verdicts(setParams);
  const how = h('div');
  const group = h('div', { dataset: { control: 'groups' } }, grouping.node);
  panel.controls.node.prepend(group);
  panel.controls.node.append(exports(panel, { name: () => title(), csv: '' }));
  const csv = /** @type {HTMLAnchorElement} */ (panel.controls.node.querySelector('a[download]'));
  panel.onFocus = (id) => table.mark(id);
  const body = h('div', { class: 'compare' }, panel.node, table.node, verdicts.node, how);
  replace(root, h('h1', 'Compare'), summary, body);

  const ids = () => (comparison ? comparison.rows.map((/** @type {any} */ each) => each.id) : split(params.get('ids')));
  const off = () => new Set(split(params.get('off')));
  const several = () => comparison?.groups.some((/** @type {any} */ each) => each.experiment_ids.length > 1) ?? false;
  const grouped = () => params.get('group') === 'seeds' && several();
  const baseline = () => params.get('baseline');
  const firstOf = (/** @type {string} */ id) => comparison.groups.find((/** @type {any} */ each) => each.experiment_ids.includes(id))?.experiment_ids[0] ?? id;
  const title = () => `${comparison?.rows.length ?? 0} runs${comparison?.differing.length ? ` by ${comparison.differing.map(heading).join(', ')}` : ''}`;

  /** Begin anew with the runs that the address names. */
  function choose() {
    const query = params.get('sweep_id') ? `sweep_id=${encodeURIComponent(params.get('sweep_id') ?? '')}` : `ids=${encodeURIComponent(split(params.get('ids')).join(',')).replaceAll('%2C', ',')}`;
    if (query === which) return;
    which = query;
    asked?.abort();
    asked = new AbortController();
    body.hidden = query === 'ids=';
    if (query === 'ids=') return replace(summary, 'Choose runs in the ', h('a', { href: link('experiments') }, 'list of experiments'), ', and press c there.');
    csv.href = `/v1/comparisons/learning-curves.csv?${query}`;
    const end = asked;
    const both = AbortSignal.any([signal, end.signal]);
    let following = false;
    poll(async () => {
      await ask(both);
      if (!following && !both.aborted) {
        following = true;
        follow(ids(), { signal: both, changed: (now) => grow(now), failed: lost });
      }
    }, { every: () => (/queued|running/.test(states) || !states ? SOON : SELDOM), signal: both, failed: lost });
    return undefined;
  }

  /** @param {AbortSignal} end */
  async function ask(end) {
    const held = ids().includes(baseline()) ? baseline() : null;
    const found = await get(`/v1/comparisons?${which}&series=false${held ? `&baseline=${held}` : ''}`, { signal: end });
    if (end.aborted) return;
    comparison = found;
    draw();
  }

  /** @param {Map<string, import('../charts/series.js').Series>} now */
  function grow(now) {
    known = now;
    states = [...known.values()].map((each) => each.status?.state).join();
    draw();
  }

  function draw() {
    if (!comparison) return;
    const all = ids();
    const away = off();
    const lineOf = (/** @type {string} */ id) => colourOf(id, all);
    write(summary, `${count(comparison)}. ${comparison.differing.length ? `They differ in ${comparison.differing.map(heading).join(', ')}.` : 'Their settings are the same.'}`);
    group.hidden = !several();
    grouping.choose(grouped() ? 'seeds' : 'runs');
    const labels = new Map(comparison.rows.map((/** @type {any} */ row) => [row.id, row.label]));
    panel.show({
      runs: all.flatMap((/** @type {string} */ id) => {
        const series = known.get(id);
        return series && !(away.has(grouped() ? firstOf(id) : id)) ? [{ id, label: String(labels.get(id)), ...lineOf(id), series }] : [];
      }),
      groups: grouped() ? comparison.groups.map((/** @type {any} */ each) => ({ label: each.label, ids: each.experiment_ids })) : null,
      ranges: [],
    });
    table.show({
      rows: grouped() ? ofGroups(comparison) : ofRuns(comparison, (id) => known.get(id)),
      differing: grouped() ? comparison.differing.filter((/** @type {string} */ path) => path !== 'seed') : comparison.differing,
      sort: params.get('sort') ?? '-best', baseline: grouped() && baseline() ? firstOf(String(baseline())) : baseline(), off: away, lineOf, grouped: grouped(),
    });
    table.mark(panel.focused);
    verdicts.show(comparison, { lang: params.get('lang') === 'fr' ? 'fr' : 'en', grouped: grouped(), baseline: baseline() });
    const base = `/v1/comparisons?${which}`;
    commands(how, [
      request('The table, the groups and the verdicts', `${base}&series=false${baseline() ? `&baseline=${baseline()}` : ''}`),
      request('What is newer of each curve', `/v1/learning-curves?ids=${all.map((/** @type {string} */ id) => `${id}:${known.get(id)?.last ?? 0}`).join(',')}`),
      request('The curves as a picture', `/v1/comparisons/learning-curves.svg?${which}${grouped() ? '&group=seeds' : ''}`),
    ]);
  }

  /** @param {any} problem */
  function lost(problem) {
    body.hidden = true;
    const named = split(params.get('ids'));
    const others = named.filter((id) => !problem.message.includes(id));
    const left = others.length && others.length < named.length;
    replace(summary, h('span', { class: 'bad', role: 'alert' }, problem.errors[0]?.detail ?? problem.message), '. ',
      left ? h('a', { href: link('compare', null, { ids: listed(others) }) }, 'Compare the others') : h('a', { href: link('experiments') }, 'All experiments'));
  }

  choose();
  signal.addEventListener('abort', () => asked?.abort());
  return {
    /** @param {URLSearchParams} now */
    update(now) {
      const held = baseline();
      params = now;
      choose();
      panel.update(now);
      // Of many runs, each is judged against the baseline alone.
      if (comparison && asked && held !== baseline()) ask(asked.signal).catch(() => {});
      draw();
    },
  };
}

/** @param {any} comparison */
function count({ rows, groups }) {
  const runs = `${rows.length} ${rows.length === 1 ? 'run' : 'runs'}`;
  return groups.length < rows.length ? `${runs} in ${groups.length} ${groups.length === 1 ? 'group' : 'groups'} over seeds` : runs;
}

/** @param {string | null} text */
function split(text) {
  return (text ?? '').split(',').filter(Boolean);
}

/** @param {string[]} ids */
function listed(ids) {
  return ids.length ? ids.join(',') : null;
}
