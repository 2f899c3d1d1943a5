// @ts-check
/** The curves of runs, kept up with while they grow: one request for all of them, each time for what is newer alone. */

import { get } from '../http.js';
import { poll } from '../live.js';
import { Series } from './series.js';

const SOON = 700;
const SELDOM = 4000;
/** Points of all runs together that are asked for at first. */
const POINTS = 60_000;
const ACTIVE = new Set(['queued', 'running']);

/**
 * @param {string[]} ids
 * @param {{signal: AbortSignal, changed: (series: Map<string, Series>) => void, failed?: (problem: any) => void}} options
 *   `changed` is called with all that are there whenever anything is new
 * @returns {{wake: () => void}} to be called where it is known from elsewhere that something is new
 */
export function follow(ids, { signal, changed, failed }) {
  const known = new Map(ids.map((id) => [id, new Series(id)]));
  const points = Math.max(200, Math.min(10_000, Math.floor(POINTS / ids.length)));
  /** @type {any} */
  let before = null;

  /** @param {AbortSignal} end */
  async function ask(end) {
    const cursors = [...known.values()].map((each) => (each.last ? `${each.id}:${each.last}` : each.id));
    if (!cursors.length) return false;
    const news = await get(`/v1/learning-curves?ids=${cursors.join(',')}&points=${points}`, { signal: end });
    if (end.aborted || news === before) return undefined;
    before = news;
    const there = new Set(news.items.map((/** @type {any} */ each) => each.experiment_id));
    for (const id of known.keys()) if (!there.has(id)) known.delete(id);
    for (const item of news.items) known.get(item.experiment_id)?.grow(item);
    changed(known);
    return undefined;
  }

  const every = () => ([...known.values()].some((each) => ACTIVE.has(each.status?.state ?? 'queued')) ? SOON : SELDOM);
  /** @type {AbortController | null} */
  let turn = null;

  function wake() {
    turn?.abort();
    turn = new AbortController();
    poll(ask, { every, signal: AbortSignal.any([signal, turn.signal]), failed });
  }

  wake();
  return { wake };
}
