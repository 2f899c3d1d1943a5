// @ts-check
/** "How to get this": the curl and the Python lines of a view, to be copied. */

import { h, replace } from './dom.js';

/** @typedef {{label: string, curl: string, python: string}} Command */

/**
 * The lines of one request to this service.
 * @param {string} label what it answers
 * @param {string} path
 * @param {{method?: string, body?: any}} [options] a body is sent as JSON
 * @returns {Command}
 */
export function request(label, path, { method, body } = {}) {
  const verb = method ?? (body === undefined ? 'GET' : 'POST');
  const url = location.origin + path;
  const json = body === undefined ? null : JSON.stringify(body);
  const curl = [
    'curl -sS',
    verb === (json === null ? 'GET' : 'POST') ? null : `-X ${verb}`,
    shell(url),
    json === null ? null : `-H 'Content-Type: application/json' -d ${shell(json)}`,
  ];
  const more = json === null ? '' : `, json=${python(body)}`;
  const read = /\.(csv|svg)(\?|$)/.test(path) ? '.text' : '.json()';
  return {
    label,
    curl: curl.filter(Boolean).join(' '),
    python: `import httpx\n\nhttpx.${verb.toLowerCase()}(${JSON.stringify(url)}${more}).raise_for_status()${read}`,
  };
}

/**
 * Fill the node with a disclosure that holds these lines; one that is open stays open.
 * @param {HTMLElement} node
 * @param {Command[]} items
 */
export function commands(node, items) {
  const open = node.querySelector('details')?.open ?? false;
  const lines = items.flatMap(({ label, curl, python: program }) => [
    h('h3', { class: 'commands__label' }, label),
    block('curl', curl, label),
    block('Python', program, label),
  ]);
  node.dataset.control = 'commands';
  replace(node, h('details', { class: 'commands', open }, h('summary', 'This view with curl and Python'), lines));
}

/**
 * @param {string} kind
 * @param {string} text
 * @param {string} label
 */
function block(kind, text, label) {
  const copy = h('button', { type: 'button', class: 'button button--quiet', 'aria-label': `Copy the ${kind} line: ${label}` }, 'Copy');
  copy.addEventListener('click', async () => {
    const done = await navigator.clipboard.writeText(text).then(() => true, () => false);
    copy.textContent = done ? 'Copied' : 'Select and copy';
    setTimeout(() => (copy.textContent = 'Copy'), 1500);
  });
  return h('div', { class: 'commands__line' }, h('span', { class: 'muted' }, kind), h('pre', { tabIndex: 0 }, h('code', text)), copy);
}

/** As one word of a shell. @param {string} text */
export function shell(text) {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** As a Python literal. @param {any} value @returns {string} */
export function python(value) {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (typeof value === 'object') return `{${Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${python(each)}`).join(', ')}}`;
  return JSON.stringify(value);
}
