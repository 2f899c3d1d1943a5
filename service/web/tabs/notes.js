// @ts-check
/** What people wrote about a run, and the digits that they drew and named: a small test set of one's own. */

import { commands, request } from '../commands.js';
import { h, replace, write } from '../dom.js';
import { EpochSlider } from '../epoch_slider.js';
import { ago, count, date, percent } from '../format.js';
import { Problem, get, send } from '../http.js';
import { picture } from '../images/shown.js';
import { name, signed } from '../owner.js';
import { link } from '../router.js';
import { stylesheet } from '../stylesheet.js';

const PAGE = 200;

/**
 * @param {HTMLElement} root
 * @param {import('../experiment/tabs.js').TabContext} context
 */
export async function show(root, { id, experiment, params, signal, setParams, announce }) {
  const [sets] = await Promise.all([get('/v1/datasets', { signal }), stylesheet('images'), stylesheet('inside')]);
  const labels = sets.items.find((/** @type {any} */ each) => each.name === experiment.spec.dataset.name)?.facts.labels ?? [];
  const path = `/v1/experiments/${id}/notes`;
  const list = h('div', { class: 'notes' });
  const text = h('textarea', { rows: 3, maxlength: 10_000, required: true });
  const owner = h('input', { type: 'text', maxlength: 200, placeholder: 'Nobody', value: name(), autocomplete: 'nickname' });
  const said = h('p', { class: 'bad', role: 'alert' });
  const slider = new EpochSlider({ signal, changed: (epoch) => setParams({ weights: epoch === 'best' ? null : epoch }) });
  const score = h('p', { class: 'told', role: 'status' });
  const again = h('section', { class: 'panel again', hidden: true }, h('div', { class: 'row row--apart' }, score, slider.node));
  const how = h('div');
  replace(root,
    h('form', { class: 'panel writing', dataset: { control: 'notes' }, onSubmit: (/** @type {Event} */ event) => { event.preventDefault(); add(); } },
      h('label', { class: 'field' }, 'A note about this run', text),
      h('div', { class: 'row' }, h('label', { class: 'field' }, 'Your name', owner), h('button', { class: 'button button--main' }, 'Add'), h('a', { class: 'button', href: link('draw', null, { models: id }) }, 'Draw a digit for it')), said),
    again, list, how);
  commands(how, [request('All notes', path), request('A new one', path, { body: { text: 'The two losses part at epoch 7.' } })]);

  /** @type {any[]} */
  let notes = [];
  /** What each example is read as, by note. @type {Map<string, any>} */
  let readings = new Map();
  let weights = params.get('weights') ?? 'best';

  /** @param {() => Promise<any>} work */
  async function attempt(work) {
    try {
      write(said, '');
      await work();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      write(said, [...error.errors.map((each) => each.detail), error.message][0]);
    }
  }

  function add() {
    return attempt(async () => {
      await send('POST', path, { text: text.value }, { headers: signed(owner.value), signal });
      text.value = '';
      announce('The note is kept');
      await load();
    });
  }

  /** @param {any} note */
  function remove(note) {
    return attempt(async () => {
      await send('DELETE', `${path}/${note.id}`, undefined, { signal });
      announce('The note is gone');
      await load();
    });
  }

  async function load() {
    notes = [];
    for (let cursor = ''; ;) {
      const page = await get(`${path}?limit=${PAGE}${cursor && `&cursor=${cursor}`}`, { signal });
      notes.push(...page.items);
      if (!page.next_cursor) break;
      cursor = page.next_cursor;
    }
    draw();
    await read();
  }

  /** All examples, by the weights that are chosen. */
  async function read() {
    const examples = notes.filter((each) => each.example);
    again.hidden = !examples.length || !slider.stored.epochs.length;
    if (again.hidden) return;
    const answer = await send('POST', `/v1/experiments/${id}/predictions?checkpoint=${weights}`, { images: examples.map((each) => ({ base64: each.example.image })) }, { signal });
    if (signal.aborted) return;
    readings = new Map(examples.map((each, i) => [each.id, answer.predictions[i]]));
    const right = examples.filter((each) => readings.get(each.id).digit === each.example.label).length;
    write(score, `${count(right)} of the ${count(examples.length)} ${examples.length === 1 ? 'example is' : 'examples are'} read right after epoch ${answer.checkpoint.epoch}.`);
    draw();
  }

  function draw() {
    replace(list, notes.length ? notes.map((each) => article(each)).reverse() : h('p', { class: 'empty muted' }, 'Nobody has written anything yet.'));
  }

  /** @param {any} note */
  function article(note) {
    const now = readings.get(note.id);
    const right = now && now.digit === note.example?.label;
    return h('article', { class: 'panel note' },
      note.example ? picture(note.example.image, `A drawn ${labels[note.example.label] ?? note.example.label}`, { class: 'note__image' }) : null,
      h('div', { class: 'note__body' },
        note.example ? h('h3', `A ${labels[note.example.label] ?? note.example.label}`, now ? h('span', { class: right ? 'good' : 'bad' }, `, read as ${now.label} (${percent(now.confidence, 0)}) ${right ? '✓' : '✗'}`) : null) : null,
        h('p', { class: 'note__text' }, note.text),
        h('p', { class: 'muted' }, note.author ?? 'Nobody’s name', ' · ', h('time', { datetime: note.created_at, title: date(note.created_at) }, ago(note.created_at)))),
      h('button', { type: 'button', class: 'button button--quiet', dataset: { control: 'notes' }, 'aria-label': 'Delete this note', title: 'Delete', onClick: () => remove(note) }, '×'));
  }

  /** @param {URLSearchParams} next @param {any} run */
  async function update(next, run) {
    const before = weights;
    weights = next.get('weights') ?? 'best';
    if (before !== weights) slider.show(slider.stored, weights);
    if ((await slider.follow(run, () => weights)) || before !== weights) attempt(read);
  }

  await attempt(load);
  return { update };
}
