// @ts-check
/** What runs, what waits and in which order, and who works on it. */

import { commands, request } from '../commands.js';
import { arrange, h, replace, write } from '../dom.js';
import { ago, count, duration } from '../format.js';
import { get, send } from '../http.js';
import { poll } from '../live.js';
import { link } from '../router.js';
import { inShort } from '../spec_words.js';

const EVERY = 1000;
/** Of those that wait, so many are named. */
const SHOWN = 40;

/**
 * @param {HTMLElement} root
 * @param {import('../app.js').Context} context
 */
export function show(root, { signal, announce }) {
  /** Experiments by id, as far as they were needed. @type {Map<string, any>} */
  const known = new Map();
  /** Workers by id. @type {Map<string, any>} */
  let team = new Map();
  const figures = h('div', { class: 'totals' });
  const alone = h('p', { class: 'panel bad', role: 'alert', hidden: true }, 'No worker is alive, so nothing is trained. The command ', h('code', 'ardoise worker'), ' starts one.');
  const held = h('p', { class: 'panel bad', role: 'alert', hidden: true });
  const running = h('ul', { class: 'runlist' });
  const waiting = h('ol', { class: 'runlist' });
  const further = h('p', { class: 'muted' });
  const workers = h('ul', { class: 'runlist' });
  const lines = h('div');
  replace(
    root,
    h('h1', 'Queue and workers'),
    figures,
    alone,
    held,
    h(
      'div',
      { class: 'queue' },
      h('div', { class: 'queue__runs' }, h('section', { class: 'panel' }, h('h2', 'Running'), running), h('section', { class: 'panel' }, h('h2', 'Waiting, in this order'), waiting, further)),
      h('section', { class: 'panel' }, h('h2', 'Workers'), workers),
    ),
    lines,
  );
  commands(lines, [request('What waits and what runs', '/v1/queue'), request('Who works', '/v1/workers')]);

  poll(
    async () => {
      const [queue, staff] = await Promise.all([get('/v1/queue', { signal }), get('/v1/workers', { signal })]);
      const next = queue.waiting.slice(0, SHOWN);
      await learn([...queue.active, ...next]);
      if (queue.active.length) await follow(queue.active);
      draw(queue, next, staff.items);
    },
    { every: EVERY, signal },
  );

  /** @param {string[]} ids */
  async function learn(ids) {
    if (ids.some((id) => !known.has(id))) {
      for (const state of ['running', 'queued']) {
        const page = await get(`/v1/experiments?state=${state}&sort=created_at&limit=${SHOWN}`, { signal });
        for (const each of page.items) known.set(each.id, each);
      }
    }
    const rest = ids.filter((id) => !known.has(id));
    const found = await Promise.allSettled(rest.map((id) => get(`/v1/experiments/${id}`, { signal })));
    for (const each of found) if (each.status === 'fulfilled') known.set(each.value.id, each.value);
  }

  /** @param {string[]} ids */
  async function follow(ids) {
    const cursors = ids.map((id) => `${id}:${known.get(id)?.progress.epoch ?? 0}`);
    const { items } = await get(`/v1/learning-curves?ids=${cursors.join(',')}&points=2`, { signal });
    for (const { experiment_id: id, progress } of items) if (known.has(id)) known.set(id, { ...known.get(id), progress });
  }

  /**
   * @param {any} queue
   * @param {string[]} next
   * @param {any[]} staff
   */
  function draw(queue, next, staff) {
    const alive = staff.filter((each) => each.alive);
    alone.hidden = alive.length > 0;
    held.hidden = !queue.held_up;
    write(held, queue.held_up ? `Nothing that waits is begun: ${queue.held_up}.` : '');
    replace(
      figures,
      figure(queue.running, 'running'),
      figure(queue.queued, 'waiting'),
      queue.evaluations ? figure(queue.evaluations, queue.evaluations === 1 ? 'evaluation waits' : 'evaluations wait') : null,
      figure(alive.length, alive.length === 1 ? 'worker' : 'workers'),
    );
    keep(running, queue.active, item, 'Nothing runs.');
    keep(waiting, next, item, 'Nothing waits.');
    team = new Map(staff.map((each) => [each.id, each]));
    keep(workers, [...team.keys()], worker, 'There is none.');
    write(further, queue.queued > next.length ? `and ${count(queue.queued - next.length)} more` : '');
  }

  /** @param {string} id */
  function item(id) {
    const run = known.get(id);
    const name = run?.name ?? id;
    const bar = h('span', { class: 'bar__fill' });
    const note = h('span', { class: 'row-note' });
    const cancel = h('button', { type: 'button', class: 'button button--quiet', 'aria-label': `Cancel ${name}`, dataset: { control: 'cancel' } }, 'Cancel');
    cancel.addEventListener('click', async () => {
      cancel.disabled = true;
      await send('POST', `/v1/experiments/${id}/cancel`).then(() => announce(`${name} is cancelled`), (problem) => announce(problem.message));
    });
    const node = h(
      'li',
      { class: 'runlist__item', dataset: { id } },
      h('div', { class: 'runlist__text' }, h('a', { class: 'run-name', href: link('experiments', id) }, name), h('span', { class: 'row-note' }, run ? inShort(run.spec).join(' · ') : ''), h('span', { class: 'bar', 'aria-hidden': 'true' }, bar), note),
      cancel,
    );
    return { node, update };

    function update() {
      const { progress, owner } = known.get(id) ?? { progress: { epoch: 0, epochs: 0, fraction: 0, eta_seconds: null } };
      const { epoch, epochs, eta_seconds: eta, samples_per_second: speed } = progress;
      const parts = [owner, epoch ? `epoch ${epoch} of ${epochs}` : `${epochs} epochs`, eta ? `${duration(eta)} left` : null, eta && speed ? `${count(speed)} images a second` : null];
      write(note, parts.filter(Boolean).join(', '));
      bar.parentElement.hidden = !epoch;
      bar.style.setProperty('transform', `scaleX(${progress.fraction})`);
    }
  }

  /** @param {string} id */
  function worker(id) {
    const state = h('span', { class: 'chip' });
    const since = h('span', { class: 'row-note' });
    const runs = h('span', { class: 'row-note' });
    const { facts } = team.get(id);
    const node = h(
      'li',
      { class: 'runlist__item' },
      h('div', { class: 'runlist__text' }, h('span', { class: 'row' }, h('span', { class: 'mono' }, id), state), runs, since, h('span', { class: 'row-note' }, `${facts.device ?? ''}, ${facts.threads ?? '?'} ${facts.threads === 1 ? 'thread' : 'threads'}, torch ${facts.torch ?? '?'}`)),
    );
    /** @type {string | null} */
    let before = null;
    return { node, update };

    function update() {
      const now = team.get(id);
      state.className = `chip chip--${now.alive ? (now.experiment_ids.length ? 'running' : 'completed') : 'failed'}`;
      write(state, now.alive ? (now.experiment_ids.length ? 'trains' : 'idle') : 'gone');
      write(since, `since ${ago(now.started_at)}`);
      const trained = now.experiment_ids.join(',');
      if (trained === before) return;
      before = trained;
      replace(runs, now.experiment_ids.map((/** @type {string} */ run, /** @type {number} */ i) => [i ? ', ' : '', h('a', { href: link('experiments', run) }, known.get(run)?.name ?? run)]));
    }
  }
}

/**
 * @param {number} value
 * @param {string} label
 */
function figure(value, label) {
  return h('p', { class: 'total' }, h('span', { class: 'total__value' }, count(value)), ` ${label}`);
}

/** The items of each list by their id. @type {WeakMap<Element, Map<string, {node: Element, update: () => void}>>} */
const made = new WeakMap();

/**
 * Items by id in this order: what stays is told what is new, and keeps its focus.
 * @param {Element} list
 * @param {string[]} ids
 * @param {(id: string) => {node: Element, update: () => void}} make
 * @param {string} nothing
 */
function keep(list, ids, make, nothing) {
  const before = made.get(list) ?? new Map();
  const now = new Map(ids.map((id) => [id, before.get(id) ?? make(id)]));
  made.set(list, now);
  const nodes = [...now.values()].map((each) => {
    each.update();
    return each.node;
  });
  if (nodes.length) arrange(list, nodes);
  else if (before.size || !list.children.length) replace(list, h('li', { class: 'muted' }, nothing));
}
