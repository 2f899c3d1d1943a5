// @ts-check
/** The runs that can read a digit: those that have weights. */

import { h, replace } from '../dom.js';
import { percent } from '../format.js';
import { get } from '../http.js';

/** Weights of a run: `ID`, `ID:last` or `ID:12` in an address. @typedef {{id: string, checkpoint: string}} Reader */

/**
 * @param {string | null} text
 * @returns {Reader[]}
 */
export function parsed(text) {
  return (text ?? '').split(',').filter(Boolean).map((each) => {
    const [id, checkpoint = ''] = each.split(':', 2);
    return { id, checkpoint: /^(last|[1-9]\d{0,4})$/.test(checkpoint) ? checkpoint : 'best' };
  });
}

/** @param {Reader[]} readers */
export function written(readers) {
  return readers.map(({ id, checkpoint }) => (checkpoint === 'best' ? id : `${id}:${checkpoint}`)).join(',');
}

/** The newest first. @param {AbortSignal} signal @returns {Promise<any[]>} */
export async function withWeights(signal) {
  const { items } = await get('/v1/experiments?limit=200&sort=-created_at', { signal });
  return items.filter((/** @type {any} */ each) => each.best);
}

/**
 * Fill a choice of runs, data set by data set. One that is chosen already stays, whether it is among them or not.
 * @param {HTMLSelectElement} select
 * @param {any[]} runs
 * @param {{id: string, name: string}} chosen
 */
export function offer(select, runs, chosen) {
  const all = runs.some((each) => each.id === chosen.id) ? runs : [chosen, ...runs];
  const groups = new Map();
  for (const each of all) {
    const name = each.spec?.dataset.name ?? 'This one';
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  replace(select, [...groups].map(([name, members]) => h('optgroup', { label: name }, members.map((/** @type {any} */ each) => h('option', { value: each.id }, label(each))))));
  select.value = chosen.id;
}

/** @param {any} run */
function label(run) {
  if (run.test) return `${run.name} · ${percent(run.test.accuracy, 1)}`;
  return run.state ? `${run.name} · ${run.state}` : run.name;
}
