// @ts-check
/** A drawn digit, kept with a run's notes as an example of what it is. */

import { h, replace, write } from '../dom.js';
import { percent } from '../format.js';
import { Problem, send } from '../http.js';
import { toBase64 } from '../images/pixels.js';
import { name, signed } from '../owner.js';
import { link } from '../router.js';

/**
 * @param {object} options
 * @param {import('./pad.js').Pad} options.pad
 * @param {() => import('./reader.js').Reader[]} options.readers
 * @param {AbortSignal} options.signal
 * @param {(text: string) => void} options.announce
 */
export function keeping({ pad, readers, signal, announce }) {
  const label = h('select', { class: 'keeping__label', required: true, onChange: () => show() });
  const run = h('select', { onChange: () => show() });
  const words = h('input', { type: 'text', maxlength: 400 });
  const owner = h('input', { type: 'text', maxlength: 200, placeholder: 'Nobody', value: name(), autocomplete: 'nickname' });
  const keep = h('button', { class: 'button button--main', disabled: true }, 'Keep it');
  const said = h('p', { role: 'status' });
  let labels = '';

  async function store() {
    const reader = readers().find((each) => each.of.id === run.value);
    if (pad.strokes.empty || !reader || !label.value) {
      label.focus();
      return;
    }
    const now = reader.reading?.predictions[0];
    const read = now ? `Read as ${now.label} (${percent(now.confidence, 1)}) by the weights of epoch ${reader.reading.checkpoint.epoch}.` : 'Not read.';
    const example = { image: await toBase64(await pad.png()), label: Number(label.value) };
    keep.disabled = true;
    try {
      await send('POST', `/v1/experiments/${reader.of.id}/notes`, { text: [words.value.trim(), read].filter(Boolean).join('\n'), example }, { headers: signed(owner.value), signal });
      replace(said, `Kept as a ${label.selectedOptions[0].text} with `, h('a', { href: link('experiments', reader.of.id, { tab: 'notes' }) }, `the notes of ${reader.run?.name}`), '.');
      said.className = 'good';
      announce(said.textContent ?? '');
      words.value = label.value = '';
      pad.change((strokes) => strokes.clear());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      said.className = 'bad';
      write(said, error.message);
    } finally {
      show();
    }
  }

  /** The runs and the classes that there are now, and whether there is anything to keep. */
  function show() {
    const all = [...new Map(readers().map((each) => [each.of.id, each])).values()];
    const names = all.map((each) => each.run?.name ?? each.of.id).join('\n');
    if (run.dataset.names !== names) {
      const before = run.value;
      replace(run, all.map((each) => h('option', { value: each.of.id }, each.run?.name ?? each.of.id)));
      run.dataset.names = names;
      if (all.some((each) => each.of.id === before)) run.value = before;
    }
    const classes = all.find((each) => each.of.id === run.value)?.labels ?? [];
    if (classes.join('\n') !== labels) {
      labels = classes.join('\n');
      replace(label, h('option', { value: '' }, 'which?'), classes.map((each, i) => h('option', { value: i }, each)));
    }
    keep.disabled = pad.strokes.empty || !label.value;
  }

  const node = h('form', { class: 'panel keeping', dataset: { control: 'keeping' }, onSubmit: (/** @type {Event} */ event) => { event.preventDefault(); store(); } },
    h('h2', 'Keep it as an example'),
    h('p', { class: 'muted' }, 'With the run’s notes, under what it really is: to be read again later by this run or another.'),
    h('div', { class: 'row' },
      h('label', { class: 'field' }, 'It is a', label),
      h('label', { class: 'field keeping__run' }, 'Notes of', run),
      h('label', { class: 'field' }, 'Your name', owner),
      h('label', { class: 'field keeping__words' }, 'Words beside it, if you like', words), keep),
    said);
  return {
    node,
    show,
    store,
    /** Say what it is. @param {number} value */
    choose(value) {
      if (value < label.options.length - 1) label.value = String(value);
      show();
    },
  };
}
