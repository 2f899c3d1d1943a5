// @ts-check
/** "How to get this": the curl and the Python lines of a view, to be copied. */

import { h, replace, write } from './dom.js';

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
 * Fill the node with a disclosure that holds these lines. One that is open stays open, and a line that is the same stays
 * untouched: what is focused or selected in it still is.
 * @param {HTMLElement} node
 * @param {Command[]} items
 */
export function commands(node, items) {
  const labels = items.map(({ label }) => label).join('\n');
  if (node.dataset.labels !== labels) {
    const open = node.querySelector('details')?.open ?? false;
    const lines = items.map(({ label }) => [h('h3', { class: 'commands__label' }, label), block('curl', label), block('Python', label)]);
    Object.assign(node.dataset, { control: 'commands', labels });
    replace(node, h('details', { class: 'commands', open }, h('summary', 'This view with curl and Python'), lines));
  }
  const texts = items.flatMap(({ curl, python: program }) => [curl, program]);
  node.querySelectorAll('code').forEach((code, i) => write(code, texts[i]));
}

/** A line whose text is written later. @param {string} kind @param {string} label */
function block(kind, label) {
  const code = h('code');
  const copy = h('button', { type: 'button', class: 'button button--quiet', 'aria-label': `Copy the ${kind} line: ${label}` }, 'Copy');
  copy.addEventListener('click', async () => {
    const done = await navigator.clipboard.writeText(code.textContent).then(() => true, () => false);
    copy.textContent = done ? 'Copied' : 'Select and copy';
    setTimeout(() => (copy.textContent = 'Copy'), 1500);
  });
  return h('div', { class: 'commands__line' }, h('span', { class: 'muted' }, kind), h('pre', { tabIndex: 0 }, code), copy);
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
