// @ts-check
/** A new experiment: a form of all that a spec can say, and the network that it describes, as one types. */

import { commands, request } from '../commands.js';
import { h, replace, write } from '../dom.js';
import { count, NONE } from '../format.js';
import { get, Problem, send } from '../http.js';
import { link } from '../router.js';
import { changesOf, documentOf, PLAIN, placeOf } from '../new/document.js';
import { showLedger } from '../new/ledger.js';
import { form } from '../new/sections.js';

const TYPING_MILLISECONDS = 120;
const MOST_REPEATS = 50;

/**
 * @param {HTMLElement} root
 * @param {import('../app.js').Context} context
 */
export async function show(root, { params, signal, setParams, go, announce }) {
  const names = ['dataset', 'architecture', 'activation', 'optimizer', 'schedule', 'augmentation'];
  const [presets, ...lists] = await Promise.all(['preset', ...names].map((each) => get(`/v1/${each}s`, { signal })));
  const catalogue = Object.fromEntries(names.map((name, i) => [name, lists[i].items]));
  /** @type {any} */
  let base = null;
  let begun = '';
  let looked = '';
  let timer = 0;
  let turn = new AbortController();

  const start = h('select', { name: 'preset' }, h('option', { value: '' }, 'the defaults'), presets.items.map((/** @type {any} */ each) => h('option', { value: each.name }, each.name)));
  const told = h('p', { class: 'hint' });
  const repeats = h('input', { type: 'number', min: 1, max: MOST_REPEATS, value: 1, name: 'repeats', title: 'So many runs that differ in nothing but the seed' });
  const submit = h('button', { type: 'submit', class: 'button button--main button--large' }, 'Start training');
  const fault = h('p', { class: 'bad', role: 'alert' });
  const size = h('span', { class: 'total__value' }, NONE);
  const ledger = h('div', { class: 'ledger-panel' });
  const lines = h('div');
  const fields = form(catalogue, (path, value) => setParams(changesOf(base, params, path, value)));
  const node = h(
    'form',
    { class: 'new', novalidate: true },
    h('div', { class: 'new__fields', dataset: { control: 'settings' } }, fields.nodes),
    h(
      'aside',
      { class: 'new__side', 'aria-label': 'The network' },
      h(
        'div',
        { class: 'panel new__start' },
        h('p', { class: 'total' }, size, ' parameters'),
        h('div', { class: 'row', dataset: { control: 'start' } }, submit, h('label', { class: 'field field--row' }, 'seeds', repeats)),
        fault,
      ),
      h('div', { class: 'panel' }, ledger),
    ),
  );
  replace(
    root,
    h('div', { class: 'row row--apart' }, h('h1', 'New experiment'), h('label', { class: 'field field--row', dataset: { control: 'preset' } }, 'Begin with', start)),
    told, node, lines,
  );
  start.addEventListener('change', () => go(link('new', null, { preset: start.value || null })));
  repeats.addEventListener('input', () => setParams({ repeats: Number(repeats.value) > 1 ? repeats.value : null }));
  node.addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    begin();
  });

  /** @param {URLSearchParams} now */
  async function update(now) {
    params = now;
    if (document.activeElement !== repeats) repeats.value = now.get('repeats') ?? '1';
    const from = `${now.get('from') ?? ''} ${now.get('preset') ?? ''}`;
    clearTimeout(timer);
    if (from === begun) {
      if (String(now) !== looked) timer = window.setTimeout(look, TYPING_MILLISECONDS);
      return;
    }
    begun = from;
    await rebase();
    await look();
  }

  /** What the form begins with: another experiment, a preset, or the defaults. */
  async function rebase() {
    const id = params.get('from');
    const preset = presets.items.find((/** @type {any} */ each) => each.name === params.get('preset'));
    const other = id ? await get(`/v1/experiments/${id}`, { signal }) : null;
    base = other?.spec ?? preset?.spec ?? PLAIN;
    start.value = preset?.name ?? '';
    replace(told, other ? ['A copy of ', h('a', { href: link('experiments', other.id) }, other.name), ', to be changed.'] : (preset?.description ?? ''));
  }

  /** Ask what the document describes, and say it; of several questions the last counts. */
  async function look() {
    turn.abort();
    turn = new AbortController();
    looked = String(params);
    const document = documentOf(base, params);
    commands(lines, [request('Start this experiment', '/v1/experiments', { body: document }), request('Look at its network only', '/v1/specs/preview', { body: document })]);
    try {
      const preview = await send('POST', '/v1/specs/preview', document, { signal: AbortSignal.any([signal, turn.signal]) });
      tell([]);
      fields.show(preview.spec);
      write(size, count(preview.parameters));
      showLedger(ledger, preview);
    } catch (problem) {
      if (problem instanceof Problem) complain(problem);
      else if (!turn.signal.aborted && !signal.aborted) throw problem;
    }
  }

  /** @param {Problem} problem */
  function complain(problem) {
    tell(problem.errors);
    write(fault, problem.errors.length ? '' : problem.message);
  }

  /** Each error at its control; those that have none, at the button. @param {{pointer: string, detail: string}[]} errors */
  function tell(errors) {
    const controls = fields.controls();
    const paths = controls.map((each) => each.path);
    const placed = errors.map((each) => ({ place: placeOf(each.pointer, paths), ...each }));
    for (const each of controls) each.fault(placed.filter(({ place }) => place === each.path).map(({ detail }) => detail).join('; '));
    write(fault, placed.filter(({ place }) => place === null).map(({ pointer, detail }) => `${pointer.slice(2)}: ${detail}`).join('; '));
    submit.disabled = errors.length > 0;
  }

  async function begin() {
    const wrong = /** @type {HTMLElement | null} */ (node.querySelector('[aria-invalid="true"]'));
    if (wrong) return wrong.focus();
    submit.disabled = true;
    const document = documentOf(base, params);
    const seeds = Math.min(MOST_REPEATS, Number(params.get('repeats') ?? 1));
    try {
      if (seeds > 1) {
        const first = document.seed ?? 0;
        const sweep = await send('POST', '/v1/sweeps', { base: document, seeds: Array.from({ length: seeds }, (_, i) => first + i) });
        announce(`${sweep.count} experiments are in the queue`);
        go(link('compare', null, { sweep_id: sweep.id }));
      } else {
        const { id, name } = await send('POST', '/v1/experiments', document);
        announce(`${name} is in the queue`);
        go(link('experiments', id));
      }
    } catch (problem) {
      submit.disabled = false;
      if (problem instanceof Problem) complain(problem);
      else throw problem;
    }
    return undefined;
  }

  await update(params);
  return { update };
}
