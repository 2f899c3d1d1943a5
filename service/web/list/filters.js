// @ts-check
/** What the list is narrowed by: each choice is a part of the view's address, as it is of the API's. */

import { h, replace } from '../dom.js';
import { get } from '../http.js';

const TYPING_MILLISECONDS = 250;
const STATES = ['queued', 'running', 'completed', 'failed', 'cancelled'];
const SORTS = {
  '-created_at': 'newest first',
  created_at: 'oldest first',
  '-test_accuracy': 'best on the test images',
  '-best_val_accuracy': 'best on validation',
  parameters: 'fewest parameters',
  '-parameters': 'most parameters',
  name: 'by name',
};
/** @type {[string, string, string][]} parameter, label, where its names are */
const CATALOGUES = [
  ['dataset', 'Data set', '/v1/datasets'],
  ['architecture', 'Architecture', '/v1/architectures'],
  ['activation', 'Activation', '/v1/activations'],
];
/** Shown as chips, as they are chosen elsewhere. */
const CHIPS = ['tag', 'sweep_id', 'owner'];
export const DEFAULT_SORT = '-created_at';
export const FILTERS = ['name', 'state', ...CATALOGUES.map((each) => each[0]), ...CHIPS];

/** The part of a view's params that the API's list takes. @param {URLSearchParams} params */
export function queryOf(params) {
  const query = new URLSearchParams();
  for (const name of FILTERS) if (params.get(name)) query.set(name, params.get(name) ?? '');
  query.set('sort', params.get('sort') || DEFAULT_SORT);
  return query;
}

/**
 * The bar; `update` shows the params.
 * @param {{params: URLSearchParams, setParams: (changes: Record<string, string | null>) => void}} context
 */
export function filters({ params, setParams }) {
  const search = h('input', { type: 'search', id: 'filter', placeholder: 'part of a name', autocomplete: 'off' });
  let timer = 0;
  search.addEventListener('input', () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => setParams({ name: search.value || null }), TYPING_MILLISECONDS);
  });
  const state = choice('State', [['', 'all'], ...STATES.map((each) => /** @type {[string, string]} */ ([each, each]))], (value) => setParams({ state: value || null }));
  const sort = choice('Order', Object.entries(SORTS), (value) => setParams({ sort: value === DEFAULT_SORT ? null : value }));
  const catalogues = CATALOGUES.map(([name, label, path]) => lazy(name, label, path, setParams));
  const chips = h('div', { class: 'row filters__chips' });
  const node = h('div', { class: 'filters row', role: 'search', dataset: { control: 'filters' } }, h('label', { class: 'field' }, 'Filter', search), h('div', { class: 'filters__choices' }, state.label, catalogues.map((each) => each.label), sort.label), chips);

  /** @param {URLSearchParams} now */
  function update(now) {
    if (document.activeElement !== search) search.value = now.get('name') ?? '';
    state.show(now.get('state') ?? '');
    sort.show(now.get('sort') ?? DEFAULT_SORT);
    CATALOGUES.forEach(([name], place) => catalogues[place].show(now.get(name) ?? ''));
    const given = CHIPS.filter((name) => now.get(name));
    replace(
      chips,
      given.map((name) => h('button', { type: 'button', class: 'tag tag--away', 'aria-label': `Any ${name}`, onClick: () => setParams({ [name]: null }) }, `${name.replace('_id', '')} ${now.get(name)} ×`)),
    );
    chips.hidden = !given.length;
  }

  update(params);
  return { node, search, update };
}

/**
 * @param {string} label
 * @param {[string, string][]} options
 * @param {(value: string) => void} onChange
 */
function choice(label, options, onChange) {
  const select = h('select', { onChange: () => onChange(select.value) }, options.map(([value, text]) => h('option', { value }, text)));
  return { label: h('label', { class: 'field' }, label, select), select, show };

  /** @param {string} value what a link may have is shown, even where the list does not know it */
  function show(value) {
    if (![...select.options].some((each) => each.value === value)) select.append(h('option', { value }, value));
    select.value = value;
  }
}

/**
 * A choice whose names are asked for when somebody is about to choose.
 * @param {string} name
 * @param {string} label
 * @param {string} path
 * @param {(changes: Record<string, string | null>) => void} setParams
 */
function lazy(name, label, path, setParams) {
  const made = choice(label, [['', 'all']], (value) => setParams({ [name]: value || null }));
  const { select } = made;
  for (const event of ['focus', 'pointerdown']) select.addEventListener(event, fill, { once: true });
  return made;

  async function fill() {
    const page = await get(path).catch(() => ({ items: [] }));
    const known = new Set([...select.options].map((each) => each.value));
    for (const item of page.items) if (!known.has(item.name)) select.append(h('option', { value: item.name }, item.name));
  }
}
