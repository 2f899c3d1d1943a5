// @ts-check
/** The weights that are kept of a run, and the files that run without Ardoise. */

import { commands, request } from '../commands.js';
import { h, replace } from '../dom.js';
import { ago, bytes, date } from '../format.js';
import { Problem, get } from '../http.js';

const FILES = [
  { suffix: 'weights', label: 'Weights', title: 'The safetensors file, byte for byte as it was written' },
  { suffix: 'safetensors', label: 'Safetensors', title: 'The weights with layers, labels and preprocessing in the header' },
  { suffix: 'onnx', label: 'ONNX', title: 'Greys of 0..255 in, logits and probabilities out; run against the checkpoint first' },
  { suffix: 'exported', label: 'torch.export', title: 'A package for torch.export.load; it takes seconds to make the first time' },
];

/**
 * @param {HTMLElement} root
 * @param {import('../experiment/tabs.js').TabContext} context
 */
export function show(root, { id, signal }) {
  const body = h('div');
  const how = h('div');
  let known = '';
  replace(root, body, how);
  commands(how, [
    request('What is kept', `/v1/experiments/${id}/checkpoints`),
    { label: 'The best weights, as a file', curl: `curl -sS ${location.origin}/v1/experiments/${id}/checkpoints/best/onnx -o network.onnx`, python: `import pathlib\nimport httpx\n\nanswer = httpx.get("${location.origin}/v1/experiments/${id}/checkpoints/best/onnx")\npathlib.Path("network.onnx").write_bytes(answer.raise_for_status().content)` },
  ]);

  /** @param {any} run */
  async function look(run) {
    const now = `${run.state}.${run.progress.epoch}`;
    if (now === known) return;
    known = now;
    try {
      const { items } = await get(`/v1/experiments/${id}/checkpoints`, { signal });
      if (!signal.aborted) replace(body, items.length ? table(items, id) : empty(run));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      if (error.passing) known = '';
      else replace(body, h('p', { class: 'panel bad', role: 'alert' }, error.message));
    }
  }

  return { update: (/** @type {URLSearchParams} */ _, /** @type {any} */ run) => look(run) };
}

/** @param {any[]} items @param {string} id */
function table(items, id) {
  return h('div', { class: 'panel scroll' }, h('table', { class: 'table' },
    h('caption', { class: 'visually-hidden' }, 'Checkpoints'),
    h('thead', h('tr', h('th', { scope: 'col' }, 'Checkpoint'), h('th', { scope: 'col', class: 'num' }, 'Epoch'), h('th', { scope: 'col', class: 'num' }, 'Size'), h('th', { scope: 'col' }, 'Written'), h('th', { scope: 'col' }, 'SHA-256'), h('th', { scope: 'col' }, 'Files'))),
    h('tbody', items.map((each) => h('tr',
      h('th', { scope: 'row' }, each.name),
      h('td', { class: 'num' }, each.epoch),
      h('td', { class: 'num' }, bytes(each.bytes)),
      h('td', h('time', { datetime: each.created_at, title: date(each.created_at) }, ago(each.created_at))),
      h('td', { class: 'mono', title: each.sha256 }, `${each.sha256.slice(0, 12)}…`),
      h('td', h('span', { class: 'row row--files' }, FILES.map(({ suffix, label, title }) => h('a', { href: `/v1/experiments/${id}/checkpoints/${each.name}/${suffix}`, download: '', title }, label)))))))));
}

/** @param {any} run */
function empty(run) {
  const active = run.state === 'queued' || run.state === 'running';
  return h('p', { class: 'panel empty muted' }, active ? 'No checkpoint yet: one is written about every two seconds, and at the end.' : 'No checkpoint was kept of this run.');
}
