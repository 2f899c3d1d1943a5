// @ts-check
/** The tabs of a run's page: each is loaded when it is first looked at, and told of the run while it is shown. */

import { during } from '../busy.js';
import { h, replace } from '../dom.js';
import { link } from '../router.js';

/**
 * @typedef {object} TabContext
 * @property {string} id
 * @property {any} experiment as it is now
 * @property {URLSearchParams} params
 * @property {AbortSignal} signal ends with the tab
 * @property {import('../app.js').Context['setParams']} setParams
 * @property {import('../app.js').Context['go']} go
 * @property {import('../app.js').Context['announce']} announce
 *
 * @typedef {{update?: (params: URLSearchParams, experiment: any) => void, close?: () => void} | void} Shown
 *
 * @typedef {object} Tab
 * @property {string} title
 * @property {() => Promise<{show: (root: HTMLElement, context: TabContext) => Shown | Promise<Shown>}>} load
 */

/** In their order; the first is shown where the address names none. @type {Record<string, Tab>} */
const TABS = {
  curves: { title: 'Curves', load: () => import('../tabs/curves.js') },
  findings: { title: 'Findings', load: () => import('../tabs/findings.js') },
  layers: { title: 'Layers', load: () => import('../tabs/layers.js') },
  confusion: { title: 'Confusion', load: () => import('../tabs/confusion.js') },
  mistakes: { title: 'Mistakes', load: () => import('../tabs/mistakes.js') },
  filters: { title: 'Filters', load: () => import('../tabs/filters.js') },
  inside: { title: 'Inside', load: () => import('../tabs/inside.js') },
  checkpoints: { title: 'Checkpoints', load: () => import('../tabs/checkpoints.js') },
  notes: { title: 'Notes', load: () => import('../tabs/notes.js') },
};
const [FIRST] = Object.keys(TABS);

export class Tabs {
  /** @param {string} id @param {import('../app.js').Context} context */
  constructor(id, context) {
    this.id = id;
    this.context = context;
    this.params = context.params;
    /** @type {any} */
    this.run = null;
    /** @type {{name: string, end: AbortController, shown: any} | null} */
    this.current = null;
    this.links = Object.entries(TABS).map(([name, { title }]) =>
      h('a', { role: 'tab', id: `tab-${name}`, 'aria-controls': 'tab-panel', href: link('experiments', id, name === FIRST ? {} : { tab: name }), dataset: { tab: name }, onClick: (/** @type {MouseEvent} */ event) => this.click(event, name) }, title));
    this.panel = h('div', { class: 'tab-panel', role: 'tabpanel', id: 'tab-panel', tabIndex: -1 });
    this.list = h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'What is known of this run', dataset: { control: 'tabs' }, onKeydown: (/** @type {KeyboardEvent} */ event) => this.press(event) }, this.links);
    this.node = h('div', { class: 'experiment__tabs' }, this.list, this.panel);
    context.signal.addEventListener('abort', () => this.leave());
  }

  /** The run as it is now. @param {any} run */
  show(run) {
    this.run = run;
    if (this.current) this.current.shown?.update?.(this.params, run);
    else this.follow();
  }

  /** @param {URLSearchParams} params */
  update(params) {
    this.params = params;
    if (this.run) this.follow();
  }

  follow() {
    const asked = this.params.get('tab') ?? FIRST;
    const name = asked in TABS ? asked : FIRST;
    if (this.current?.name === name) this.current.shown?.update?.(this.params, this.run);
    else during(this.enter(name));
  }

  /** @param {string} name */
  async enter(name) {
    this.leave();
    const end = new AbortController();
    const mine = (this.current = { name, end, shown: /** @type {any} */ (null) });
    for (const each of this.links) {
      const chosen = each.dataset.tab === name;
      each.setAttribute('aria-selected', String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      if (chosen) this.list.scrollLeft = each.offsetLeft - this.list.offsetLeft - (this.list.clientWidth - each.offsetWidth) / 2;
    }
    this.panel.setAttribute('aria-labelledby', `tab-${name}`);
    const root = h('div', { class: `tab tab--${name}` });
    try {
      const { show } = await TABS[name].load();
      if (end.signal.aborted) return;
      replace(this.panel, h('h2', { class: 'visually-hidden' }, TABS[name].title), root);
      const { setParams, go, announce } = this.context;
      mine.shown = await show(root, { id: this.id, experiment: this.run, params: this.params, signal: end.signal, setParams, go, announce });
      if (end.signal.aborted) mine.shown?.close?.();
      else mine.shown?.update?.(this.params, this.run);
    } catch (error) {
      if (!end.signal.aborted) replace(this.panel, h('p', { class: 'panel bad', role: 'alert' }, `This cannot be shown: ${error instanceof Error ? error.message : error}`));
    }
  }

  leave() {
    this.current?.end.abort();
    this.current?.shown?.close?.();
    this.current = null;
  }

  /** A plain click changes the address without a step in the history; another opens a page of its own, as of any link. */
  /** @param {MouseEvent} event @param {string} name */
  click(event, name) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.context.setParams({ tab: name === FIRST ? null : name });
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = this.links.findIndex((each) => each === document.activeElement);
    const next = this.links[(at + by + this.links.length) % this.links.length];
    next.focus();
    next.click();
    event.preventDefault();
  }
}
