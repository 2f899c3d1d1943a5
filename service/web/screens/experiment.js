// @ts-check
/** One run: how it stands, what can be done with it, and all that is known of it, tab by tab. */

import { h, replace } from '../dom.js';
import { actions } from '../experiment/actions.js';
import { Header } from '../experiment/header.js';
import { Tabs } from '../experiment/tabs.js';
import { get } from '../http.js';
import { bind } from '../keys.js';
import { poll } from '../live.js';
import { link } from '../router.js';

const SOON = 1000;
const SELDOM = 5000;

/**
 * @param {HTMLElement} root
 * @param {import('../app.js').Context} context
 */
export async function show(root, context) {
  const { signal, go, announce } = context;
  const id = String(context.id);
  /** @type {any} */
  let run = null;
  let ending = false;
  let state = '';

  /** @type {AbortController | null} */
  let turn = null;

  const doing = actions(id, { changed: (answer) => {
    take(answer);
    watch();
  }, cancelling: () => (ending = true), go, announce });
  const header = new Header(id, doing.node, doing.wrong);
  const tabs = new Tabs(id, context);

  /** @param {any} found */
  function take(found) {
    if (JSON.stringify(found) === JSON.stringify(run) && found.state !== 'running') return;
    run = found;
    ending = ending && run.state === 'running';
    document.title = `${run.name} · Ardoise`;
    doing.show(run, { ending });
    header.show(run, { ending });
    tabs.show(run);
    if (state && state !== run.state) announce(`${run.name} is ${run.state}`);
    state = run.state;
  }

  /** Ask again and again, from now on. */
  function watch() {
    turn?.abort();
    turn = new AbortController();
    const both = AbortSignal.any([signal, turn.signal]);
    poll(async () => {
      const found = await get(`/v1/experiments/${id}`, { signal: both });
      if (!both.aborted) take(found);
    }, { every: () => (state === 'running' || state === 'queued' ? SOON : SELDOM), signal: both, failed: (problem) => replace(root, gone(problem)) });
  }

  replace(root, h('p', { class: 'crumbs' }, h('a', { href: link('experiments') }, 'Experiments'), ' /'), header.node, tabs.node);
  watch();
  bind({ e: { label: 'Clone this run and edit it', run: () => go(link('new', null, { from: id })) } }, { signal });
  return { update: (/** @type {URLSearchParams} */ params) => tabs.update(params) };
}

/** @param {any} problem */
function gone(problem) {
  return h('section', { class: 'panel empty' }, h('h1', 'This run is not here'), h('p', problem.message), h('a', { class: 'button', href: link('experiments') }, 'All experiments'));
}
