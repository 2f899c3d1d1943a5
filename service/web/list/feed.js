// @ts-check
/**
 * The experiments of the list, kept up to date with small questions: what is new of the open ones, and whether the list
 * is still the same. The whole of it is asked for again only where that says so.
 */

import { get } from '../http.js';

const ENDED = new Set(['completed', 'failed', 'cancelled']);
const PAGE = 50;
const LARGEST_PAGE = 200;
const POINTS = 48;
/** A list that takes long to answer is asked for less often: at most this share of the time. */
const SHARE = 0.1;

/** @typedef {{epochs: number[], values: (number | null)[]}} Curve validation accuracy by epoch */

export class Feed {
  /** @param {URLSearchParams} query filters and `sort`, as `GET /v1/experiments` takes them */
  constructor(query) {
    this.query = query;
    /** In the list's order. @type {any[]} */
    this.items = [];
    this.total = 0;
    /** @type {Map<string, Curve>} */
    this.curves = new Map();
    this.wanted = PAGE;
    this.stale = true;
    this.notBefore = 0;
  }

  /** More of the list from now on. */
  more() {
    this.wanted += this.wanted < LARGEST_PAGE ? PAGE : LARGEST_PAGE;
    this.expire();
  }

  /** Whatever is known of the list may be wrong. */
  expire() {
    this.stale = true;
    this.notBefore = 0;
  }

  /**
   * Find out what is new.
   * @param {AbortSignal} signal
   * @param {string[]} shown ids of the rows that somebody can see: only these need curves
   */
  async tick(signal, shown) {
    if (!this.stale) this.stale = await this.hasChanged(signal);
    if (this.stale && performance.now() >= this.notBefore) await this.refresh(signal);
    await this.grow(signal, shown);
  }

  /** @param {AbortSignal} signal */
  async hasChanged(signal) {
    const { items, total } = await get(this.address(1), { signal });
    return total !== this.total || items[0]?.id !== this.items[0]?.id || (items[0] && items[0].state !== this.items[0].state);
  }

  /** @param {AbortSignal} signal */
  async refresh(signal) {
    const began = performance.now();
    /** @type {any[]} */
    const items = [];
    let cursor = null;
    do {
      const page = await get(this.address(Math.min(LARGEST_PAGE, this.wanted - items.length), cursor), { signal });
      items.push(...page.items);
      this.total = page.total;
      cursor = page.next_cursor;
    } while (cursor && items.length < this.wanted);
    this.items = items;
    this.stale = false;
    this.notBefore = performance.now() + (performance.now() - began) / SHARE;
  }

  /**
   * @param {number} limit
   * @param {string | null} [cursor]
   */
  address(limit, cursor = null) {
    const query = new URLSearchParams(this.query);
    query.set('limit', String(limit));
    if (cursor) query.set('cursor', cursor);
    return `/v1/experiments?${query}`;
  }

  /**
   * @param {AbortSignal} signal
   * @param {string[]} shown
   */
  async grow(signal, shown) {
    const visible = new Set(shown);
    const asked = this.items
      .filter((each) => !ENDED.has(each.state) || (visible.has(each.id) && this.newest(each.id) < each.progress.epoch))
      .slice(0, LARGEST_PAGE);
    const isShort = (/** @type {any} */ { id, progress }) => progress.epoch - this.newest(id) <= POINTS;
    // All runs of one answer are thinned alike: short ones are asked for apart from long ones.
    for (const some of [asked.filter(isShort), asked.filter((each) => !isShort(each))]) if (some.length) await this.ask(some, signal);
  }

  /**
   * @param {any[]} asked
   * @param {AbortSignal} signal
   */
  async ask(asked, signal) {
    const cursors = asked.map(({ id }) => `${id}:${this.newest(id)}`);
    const { items } = await get(`/v1/learning-curves?ids=${cursors.join(',')}&points=${POINTS}`, { signal });
    const grown = new Map(items.map((/** @type {any} */ each) => [each.experiment_id, each]));
    this.items = this.items.map((each) => this.with(each, grown.get(each.id)));
    if (grown.size < asked.length) this.stale = true;
  }

  /** The newest epoch that is known of its curve. @param {string} id */
  newest(id) {
    return this.curves.get(id)?.epochs.at(-1) ?? 0;
  }

  /**
   * @param {any} experiment
   * @param {any} news
   */
  with(experiment, news) {
    if (!news) return experiment;
    const { id } = experiment;
    const before = this.curves.get(id) ?? { epochs: [], values: [] };
    const newest = this.newest(id);
    const fresh = news.epochs.findIndex((/** @type {number} */ epoch) => epoch > newest);
    if (fresh >= 0) this.curves.set(id, { epochs: [...before.epochs, ...news.epochs.slice(fresh)], values: [...before.values, ...news.val_accuracy.slice(fresh)] });
    if (news.state !== experiment.state) this.stale = true;
    const { state, progress, best, diverged } = news;
    return news.progress.epoch === experiment.progress.epoch && state === experiment.state ? experiment : { ...experiment, state, progress, best, diverged };
  }
}
