// @ts-check
/** Which settings the form has, in which order; the options of what a catalogue names come with it. */

import { h, replace } from '../dom.js';
import { count } from '../format.js';
import { control, prose } from './controls.js';

const WHOLE = (/** @type {number} */ minimum, /** @type {number | undefined} */ maximum) => ({ type: 'integer', minimum, maximum });

/** Settings that no catalogue has, as `GET /openapi.json` has them; a test holds the two together. */
export const PLAIN = {
  name: ['Name', { type: 'string' }, '', 'what it is'],
  tags: ['Tags', { type: 'array', items: { type: 'string' } }, 'Words to find it by, with commas between.', 'none'],
  epochs: ['Epochs', WHOLE(1, 10000), 'How often all training images are gone through.'],
  batch_size: ['Batch size', WHOLE(1, 65536), 'Images a step.'],
  'loss.label_smoothing': ['Label smoothing', { type: 'number', minimum: 0, exclusiveMaximum: 1 }, 'How much of the target goes to the other classes.'],
  'early_stopping.patience': ['Stop early after', { anyOf: [WHOLE(1, 10000), { type: 'null' }] }, 'So many epochs in a row without a better figure; empty: never.', 'never'],
  'early_stopping.monitor': ['by', { enum: ['val_loss', 'val_accuracy'] }, 'The figure that it goes by.'],
  'checkpoints.keep': ['Keep the weights of', { enum: ['best_and_last', 'all', 'last'] }, 'All: for the slider over epochs and for histories of an image.'],
  seed: ['Seed', WHOLE(0, undefined), 'All chance comes from it: the same seed gives the same run.'],
  precision: ['Precision', { enum: ['fp32', 'bf16'] }, 'bf16: faster where the processor has it.'],
  device: ['Device', { enum: ['auto', 'cpu', 'cuda', 'mps'] }, ''],
  priority: ['Priority', { type: 'integer', minimum: -100, maximum: 100 }, 'Higher ones go first.'],
};

/** @type {[string, boolean, string[]][]} title, whether it is open at first, and what is in it: a catalogue's field or a plain setting */
const SECTIONS = [
  ['What is learnt from', true, ['dataset']],
  ['The network', true, ['architecture', 'activation']],
  ['How it learns', true, ['epochs', 'batch_size', 'optimizer', 'schedule', 'loss.label_smoothing']],
  ['When to stop, what to keep', false, ['early_stopping.patience', 'early_stopping.monitor', 'checkpoints.keep']],
  ['Name, seed and machine', false, ['name', 'tags', 'seed', 'precision', 'device', 'priority']],
];

/** @type {Record<string, string>} */
const CATALOGUES = { dataset: 'Data set', architecture: 'Architecture', activation: 'Activation', optimizer: 'Optimizer', schedule: 'Learning rate over time' };

/**
 * @typedef {Record<string, any[]>} Catalogue items by field; `augmentation` too
 * @typedef {{nodes: HTMLElement[], controls: () => import('./controls.js').Control[], show: (spec: any) => void}} Form
 */

/**
 * @param {Catalogue} catalogue
 * @param {(path: string, value: any) => void} onChange undefined: whatever it would be
 * @returns {Form}
 */
export function form(catalogue, onChange) {
  /** @type {Map<string, {node: HTMLElement, show: (spec: any) => void, controls: () => import('./controls.js').Control[]}>} */
  const parts = new Map();
  const nodes = SECTIONS.map(([title, open, fields]) => {
    const section = fields.map((field) => {
      const part = field in CATALOGUES ? named(field, catalogue, onChange) : plain(field, onChange);
      parts.set(field, part);
      return part.node;
    });
    return h('details', { class: 'panel section', open }, h('summary', h('h2', title)), h('div', { class: 'form-grid' }, section));
  });
  return {
    nodes,
    controls: () => [...parts.values()].flatMap((each) => each.controls()),
    show: (spec) => parts.forEach((each) => each.show(spec)),
  };
}

/**
 * @param {string} path
 * @param {(path: string, value: any) => void} onChange
 */
function plain(path, onChange) {
  const [label, schema, hint, optional] = /** @type {[string, any, string, string?]} */ (PLAIN[/** @type {keyof PLAIN} */ (path)]);
  const made = control({ path, label, schema, hint, optional, onChange: (value) => change(value) });
  return { node: made.node, controls: () => [made], show };

  /** Without patience there is no early stopping at all. @param {any} value */
  function change(value) {
    if (path === 'early_stopping.patience' && value === null) onChange('early_stopping', null);
    else onChange(path, value);
  }

  /** @param {any} spec */
  function show(spec) {
    const [field, key] = path.split('.');
    made.show(key ? spec[field]?.[key] : spec[field]);
    if (path === 'early_stopping.monitor') made.node.hidden = !spec.early_stopping;
  }
}

/**
 * A choice from a catalogue, with the options of what is chosen.
 * @param {string} field
 * @param {Catalogue} catalogue
 * @param {(path: string, value: any) => void} onChange
 */
function named(field, catalogue, onChange) {
  const items = catalogue[field];
  const path = field === 'activation' ? field : `${field}.name`;
  const hint = h('p', { class: 'hint' });
  const chosen = control({ path, label: CATALOGUES[field], schema: { enum: items.map((each) => each.name) }, onChange: (value) => onChange(path, value) });
  const options = h('div', { class: 'form-grid form-grid--inner' });
  const node = h('div', { class: 'named' }, chosen.node, hint, options);
  /** @type {import('./controls.js').Control[]} */
  let inner = [];
  let shown = '';
  return { node, controls: () => [chosen, ...inner], show };

  /** @param {any} spec */
  function show(spec) {
    const value = field === 'activation' ? spec.activation : spec[field].name;
    chosen.show(value);
    if (value !== shown) {
      shown = value;
      const item = items.find((each) => each.name === value);
      replace(hint, item ? prose(described(item)) : null);
      inner = item ? optionsOf(item, field, catalogue, onChange) : [];
      replace(options, inner.map((each) => each.node));
    }
    for (const each of inner) each.show(spec[field][each.path.split('.')[1]]);
  }
}

/** @param {any} item */
function described({ description, facts }) {
  if (!facts) return description;
  const { image_size: side, train_images: train, test_images: test, bundled } = facts;
  return `${description} ${side}×${side} pixels, ${count(train)} images to learn from, ${count(test)} to test with. ${bundled ? 'It is here already.' : 'Downloaded once, when it is first used.'}`;
}

/**
 * @param {any} item
 * @param {string} field
 * @param {Catalogue} catalogue
 * @param {(path: string, value: any) => void} onChange
 */
function optionsOf(item, field, catalogue, onChange) {
  return Object.entries(item.options.properties).map(([name, schema]) => {
    const path = `${field}.${name}`;
    if (name === 'augmentation') return several(path, catalogue.augmentation, (value) => onChange(path, value));
    const label = name.replaceAll('_', ' ');
    return control({ path, label: label[0].toUpperCase() + label.slice(1), schema, hint: schema.description, optional: schema.anyOf ? 'as it comes' : undefined, onChange: (value) => onChange(path, value) });
  });
}

/**
 * Any of a catalogue's, each with its options.
 * @param {string} path
 * @param {any[]} items
 * @param {(value: any) => void} onChange
 * @returns {import('./controls.js').Control}
 */
function several(path, items, onChange) {
  const wrong = h('span', { class: 'field__error', role: 'alert' });
  /** @type {Map<string, any>} */
  let chosen = new Map();
  const rows = items.map((item) => {
    const { name } = item;
    const box = h('input', { type: 'checkbox', name: `${path}.${name}` });
    const settings = Object.entries(item.options.properties).map(([key, schema]) =>
      control({ path: `${path}.${name}.${key}`, label: key, schema, onChange: (value) => change(name, { ...chosen.get(name), name, [key]: value }) }),
    );
    box.addEventListener('change', () => change(name, box.checked ? { name } : null));
    const inner = h('div', { class: 'form-grid form-grid--inner' }, settings.map((each) => each.node));
    return { name, box, settings, inner, node: h('div', { class: 'field' }, h('label', { class: 'check' }, box, name), h('span', { class: 'hint' }, prose(item.description)), inner) };
  });
  const node = h('details', { class: 'form-grid__wide' }, h('summary', 'Augmentation: training images moved anew in each epoch'), h('div', { class: 'form-grid form-grid--inner' }, rows.map((each) => each.node)), wrong);
  return { path, node, show, fault: (text) => (wrong.textContent = text) };

  /** @param {string} name @param {any} value */
  function change(name, value) {
    const next = new Map(chosen);
    if (value) next.set(name, value);
    else next.delete(name);
    onChange(next.size ? [...next.values()] : null);
  }

  /** @param {any[] | null} value */
  function show(value) {
    chosen = new Map((value ?? []).map((each) => [each.name, each]));
    if (chosen.size) node.open = true;
    for (const each of rows) {
      const own = chosen.get(each.name);
      each.box.checked = Boolean(own);
      each.inner.hidden = !own;
      if (own) for (const setting of each.settings) setting.show(own[setting.path.split('.').at(-1) ?? '']);
    }
  }
}
