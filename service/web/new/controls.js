// @ts-check
/** A control for one setting, as its JSON Schema has it: numbers, lists of numbers, choices, switches, text. */

import { h, write } from '../dom.js';

/**
 * @typedef {object} Control
 * @property {string} path
 * @property {HTMLElement} node
 * @property {(value: any) => void} show what the service says that it is; what is being typed stays
 * @property {(text: string) => void} fault what is wrong with it; empty: nothing
 *
 * @typedef {{path: string, label: string, schema: any, hint?: string, optional?: string, onChange: (value: any) => void}} Setting
 *   `optional`: what an empty field stands for
 */

/** @param {Setting} setting @returns {Control} */
export function control(setting) {
  const { schema } = setting;
  const plain = schema.anyOf?.find((/** @type {any} */ each) => each.type !== 'null') ?? schema;
  const optional = setting.optional ?? (schema.anyOf ? 'not set' : '');
  if (plain.enum) return choice({ ...setting, schema: plain });
  if (plain.type === 'boolean') return switched(setting);
  if (plain.type === 'array') return typed(setting, list(plain), optional);
  return typed(setting, plain.type === 'string' ? TEXT : number(plain), optional);
}

/**
 * @typedef {{read: (text: string) => any, write: (value: any) => string, mode: string}} Notation `read` throws an Error
 *   that says what is allowed
 */

/** @type {Notation} */
const TEXT = { read: (text) => text, write: (value) => String(value ?? ''), mode: 'text' };

/** @param {any} schema @returns {Notation} */
function number(schema) {
  return { read: (text) => numberIn(text, schema), write: (value) => (value === null || value === undefined ? '' : String(value)), mode: schema.type === 'integer' ? 'numeric' : 'decimal' };
}

/** @param {any} schema @returns {Notation} */
function list(schema) {
  const items = schema.items ?? schema.prefixItems?.[0] ?? {};
  const read = (/** @type {string} */ text) => {
    const parts = text.split(items.type === 'string' ? /[,;]/ : /[,;\s]+/).map((each) => each.trim()).filter(Boolean);
    if (parts.length < (schema.minItems ?? 0)) throw new Error(`needs ${schema.minItems} or more, with commas between`);
    return parts.map((each) => (items.type === 'string' ? each : numberIn(each, items)));
  };
  return { read, write: (value) => (value ?? []).join(', '), mode: 'text' };
}

/**
 * @param {string} text
 * @param {any} schema
 */
function numberIn(text, { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }) {
  const value = Number(text.replaceAll('_', ''));
  if (!text.trim() || Number.isNaN(value)) throw new Error('must be a number');
  if (type === 'integer' && !Number.isInteger(value)) throw new Error('must be a whole number');
  const low = minimum ?? exclusiveMinimum;
  const high = maximum ?? exclusiveMaximum;
  const outside = value < (minimum ?? -Infinity) || value > (maximum ?? Infinity) || value <= (exclusiveMinimum ?? -Infinity) || value >= (exclusiveMaximum ?? Infinity);
  if (!outside) return value;
  const [above, below] = [minimum === undefined ? `above ${low}` : `${low} or more`, maximum === undefined ? `below ${high}` : `at most ${high}`];
  throw new Error(`must be ${[low === undefined ? null : above, high === undefined ? null : below].filter(Boolean).join(' and ')}`);
}

/**
 * @param {Setting} setting
 * @param {Notation} notation
 * @param {string} optional
 * @returns {Control}
 */
function typed({ path, label, hint, onChange }, notation, optional) {
  const input = h('input', { type: 'text', name: path, inputmode: notation.mode, placeholder: optional, autocomplete: 'off', spellcheck: 'false' });
  const { node, fault } = framed(path, label, hint, input);
  /** What is wrong with the text itself, of which the service knows nothing. */
  let own = '';
  input.addEventListener('input', () => {
    own = '';
    if (!input.value.trim() && optional) {
      fault('');
      onChange(notation.mode === 'text' ? undefined : null);
      return;
    }
    try {
      const value = notation.read(input.value);
      fault('');
      onChange(value);
    } catch (error) {
      own = /** @type {Error} */ (error).message;
      fault(own);
    }
  });
  return { path, node, fault: (text) => fault(own || text), show };

  /** @param {any} value */
  function show(value) {
    if (document.activeElement === input) return;
    input.value = notation.write(value);
    if (own) fault((own = ''));
  }
}

/** @param {Setting} setting @returns {Control} */
function choice({ path, label, hint, schema, onChange }) {
  const values = schema.enum;
  const select = h('select', { name: path, onChange: () => onChange(values[select.selectedIndex]) }, values.map((/** @type {any} */ each) => h('option', { value: String(each) }, String(each).replaceAll('_', ' '))));
  const { node, fault } = framed(path, label, hint, select);
  return { path, node, fault, show: (value) => (select.value = String(value)) };
}

/** @param {Setting} setting @returns {Control} */
function switched({ path, label, hint, onChange }) {
  const box = h('input', { type: 'checkbox', name: path, onChange: () => onChange(box.checked) });
  const wrong = h('span', { class: 'field__error', role: 'alert' });
  const node = h('div', { class: 'field' }, h('label', { class: 'check' }, box, label), hint ? h('span', { class: 'hint' }, prose(hint)) : null, wrong);
  return { path, node, show: (value) => (box.checked = Boolean(value)), fault: (text) => write(wrong, text) };
}

/**
 * A label, the control, what it means and what is wrong with it, tied together for those who listen.
 * @param {string} path
 * @param {string} label
 * @param {string | undefined} hint
 * @param {any} input
 */
function framed(path, label, hint, input) {
  const id = `setting-${path.replaceAll('.', '-')}`;
  const wrong = h('span', { class: 'field__error', id: `${id}-fault`, role: 'alert' });
  const told = h('span', { class: 'hint', id: `${id}-hint` }, prose(hint ?? ''));
  input.id = id;
  input.setAttribute('aria-describedby', `${id}-hint ${id}-fault`);
  const node = h('div', { class: 'field' }, h('label', { for: id }, label), input, told, wrong);

  /** @param {string} text */
  function fault(text) {
    write(wrong, text);
    if (text) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }

  return { node, fault };
}

/** What stands between backticks as code. @param {string} text */
export function prose(text) {
  return text.split('`').map((part, i) => (i % 2 ? h('code', part) : part));
}
